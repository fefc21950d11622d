import type { Tx } from './open-store.ts'

/**
 * Conversations by References: every message id somebody mentions points to a thread (message_ref), so that children may
 * come before their parents. When a message ties two known threads together, the smaller id wins.
 */
export type ThreadPlan = {
  threadOf: (identityKey: string) => bigint
  /** Threads whose lists must follow because of a merge. */
  touched: bigint[]
}
type Member = { identityKey: string; refHashes: string[] }

export const joinThreads = async (tx: Tx, accountId: bigint, members: Member[]): Promise<ThreadPlan> => {
  const groups = groupByReference(members)
  const hashes = [...new Set(members.flatMap((member) => member.refHashes))]
  const refs = await tx.$queryRaw<{ ref_hash: string; thread_id: bigint }[]>`
    SELECT ref_hash::text AS ref_hash, thread_id FROM message_ref WHERE account_id = ${accountId} AND ref_hash = ANY (${hashes}::uuid[])`
  const threadByHash = new Map(refs.map((ref) => [ref.ref_hash, ref.thread_id]))
  const known = groups.map((group) =>
    [...new Set(group.flatMap((member) => member.refHashes.flatMap((hash) => threadByHash.get(hash) ?? [])))].sort(
      (a, b) => (a < b ? -1 : 1),
    ),
  )
  const merged = mergeChains(known)
  const newIds = await makeThreads(tx, accountId, known.filter((ids) => ids.length === 0).length)
  const threadOf = new Map<string, bigint>()
  const newHashes = new Map<string, bigint>()
  groups.forEach((group, index) => {
    const first = known[index]?.[0]
    const threadId = first === undefined ? newIds.pop() : (merged.get(first) ?? first)
    if (threadId === undefined) throw new Error('fewer threads were made than asked for')
    for (const member of group) {
      threadOf.set(member.identityKey, threadId)
      for (const hash of member.refHashes) if (!threadByHash.has(hash)) newHashes.set(hash, threadId)
    }
  })
  await applyMerges(tx, accountId, merged)
  await tx.$executeRaw`
    INSERT INTO message_ref (account_id, ref_hash, thread_id)
    SELECT ${accountId}, * FROM unnest(${[...newHashes.keys()]}::uuid[], ${[...newHashes.values()]}::bigint[]) ON CONFLICT DO NOTHING`
  return {
    threadOf: (identityKey) => {
      const threadId = threadOf.get(identityKey)
      if (threadId === undefined) throw new Error('a message of this batch has no thread')
      return threadId
    },
    touched: [...merged.keys(), ...merged.values()],
  }
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

const makeThreads = async (tx: Tx, accountId: bigint, count: number): Promise<bigint[]> => {
  if (count === 0) return []
  const rows = await tx.$queryRaw<
    { id: bigint }[]
  >`INSERT INTO thread (account_id) SELECT ${accountId} FROM generate_series(1, ${count}::int) RETURNING id`
  return rows.map((row) => row.id)
}

const applyMerges = async (tx: Tx, accountId: bigint, merged: Map<bigint, bigint>): Promise<void> => {
  if (merged.size === 0) return
  const losers = [...merged.keys()]
  const winners = [...merged.values()]
  await tx.$executeRaw`UPDATE message m SET thread_id = t.winner FROM unnest(${losers}::bigint[], ${winners}::bigint[]) AS t (loser, winner) WHERE m.thread_id = t.loser`
  await tx.$executeRaw`UPDATE placement p SET thread_id = t.winner FROM unnest(${losers}::bigint[], ${winners}::bigint[]) AS t (loser, winner) WHERE p.thread_id = t.loser`
  await tx.$executeRaw`UPDATE message_ref r SET thread_id = t.winner FROM unnest(${losers}::bigint[], ${winners}::bigint[]) AS t (loser, winner) WHERE r.account_id = ${accountId} AND r.thread_id = t.loser`
  await tx.$executeRaw`DELETE FROM thread WHERE id = ANY (${losers}::bigint[])`
}
