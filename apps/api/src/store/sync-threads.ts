import type { RawTx } from './bare-tx.ts'

/**
 * Conversations by References: every message id somebody mentions points to a thread (message_ref), so that children may
 * come before their parents. When a message ties two known threads together, the smaller id wins.
 */
export type ThreadPlan = {
  /** Where each message belongs: a thread that exists, or the n-th of those to be made. */
  placeOf: Map<string, ThreadPlace>
  /** How many threads are to be made. */
  made: number
  /** Message ids nobody had mentioned before, and where they lead from now on. */
  newRefs: Map<string, ThreadPlace>
  /** Loser to winner. */
  merged: Map<bigint, bigint>
}
export type ThreadPlace = { kind: 'known'; threadId: bigint } | { kind: 'new'; n: number }
type Member = { identityKey: string; refHashes: string[] }

/** Pure: decides threads for new messages from what the account's references already lead to. */
export const planThreads = (members: Member[], threadByRef: Map<string, bigint>): ThreadPlan => {
  const groups = groupByReference(members)
  const known = groups.map((group) =>
    [...new Set(group.flatMap((member) => member.refHashes.flatMap((hash) => threadByRef.get(hash) ?? [])))].sort(
      (a, b) => (a < b ? -1 : 1),
    ),
  )
  const merged = mergeChains(known)
  const plan: ThreadPlan = { placeOf: new Map(), made: 0, newRefs: new Map(), merged }
  groups.forEach((group, index) => {
    const first = known[index]?.[0]
    const place: ThreadPlace =
      first === undefined ? { kind: 'new', n: plan.made++ } : { kind: 'known', threadId: merged.get(first) ?? first }
    for (const member of group) {
      plan.placeOf.set(member.identityKey, place)
      for (const hash of member.refHashes) if (!threadByRef.has(hash)) plan.newRefs.set(hash, place)
    }
  })
  return plan
}

/** Members that share a reference, directly or through others of the batch. */
const groupByReference = (members: Member[]): Member[][] => {
  const parent = members.map((_, index) => index)
  const find = (index: number): number => {
    let root = index
    while (parent[root] !== root) root = parent[root] as number // every index has a parent
    while (parent[index] !== root) {
      const next = parent[index] as number // as above
      parent[index] = root
      index = next
    }
    return root
  }
  const owner = new Map<string, number>()
  members.forEach((member, index) => {
    for (const hash of member.refHashes) {
      const other = owner.get(hash)
      if (other === undefined) owner.set(hash, index)
      else parent[find(index)] = find(other)
    }
  })
  const groups = new Map<number, Member[]>()
  members.forEach((member, index) => {
    const root = find(index)
    const group = groups.get(root)
    if (group) group.push(member)
    else groups.set(root, [member])
  })
  return [...groups.values()]
}

/** Loser -> winner over all groups of the batch; chains are followed to their end. */
const mergeChains = (known: bigint[][]): Map<bigint, bigint> => {
  const winner = new Map<bigint, bigint>()
  const end = (id: bigint): bigint => {
    let last = id
    for (let next = winner.get(last); next !== undefined; next = winner.get(last)) last = next
    return last
  }
  for (const ids of known) {
    const ends = [...new Set(ids.map(end))].sort((a, b) => (a < b ? -1 : 1))
    const [first, ...others] = ends
    if (first !== undefined) for (const other of others) winner.set(other, first)
  }
  return new Map([...winner.keys()].map((id) => [id, end(id)]))
}

export const applyMerges = async (tx: RawTx, accountId: bigint, merged: Map<bigint, bigint>): Promise<void> => {
  if (merged.size === 0) return
  const losers = [...merged.keys()]
  const winners = [...merged.values()]
  await tx.$executeRaw`UPDATE message m SET thread_id = t.winner FROM unnest(${losers}::bigint[], ${winners}::bigint[]) AS t (loser, winner) WHERE m.thread_id = t.loser`
  await tx.$executeRaw`UPDATE placement p SET thread_id = t.winner FROM unnest(${losers}::bigint[], ${winners}::bigint[]) AS t (loser, winner) WHERE p.thread_id = t.loser`
  await tx.$executeRaw`UPDATE message_ref r SET thread_id = t.winner FROM unnest(${losers}::bigint[], ${winners}::bigint[]) AS t (loser, winner) WHERE r.account_id = ${accountId} AND r.thread_id = t.loser`
  await tx.$executeRaw`UPDATE thread d SET merged_into = t.winner FROM unnest(${losers}::bigint[], ${winners}::bigint[]) AS t (loser, winner) WHERE d.id = t.loser`
}
