import { identityKey } from '#mail/threading.ts'
import { fetchEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { type SelectedMailbox, selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { toSessionError } from '#protocol/session-error.ts'
import { laterCopies, readMailboxMarks, type WorkItem } from '#store/command-work.ts'
import type { Store } from '#store/open-store.ts'

/** Without a cursor of ours in a mailbox, only so many of its newest messages are looked at. */
const lookBack = 2000n

export type Located = { found: Map<bigint, number>; uidValidity: bigint | null }
type Place = { store: Store; session: ImapSession; accountId: bigint; like: WorkItem }

/**
 * Where items of a move are in the mailbox they are moved to: among what came there after our last sync of it. A target
 * that does not exist holds nothing. Leaves the target selected.
 */
export const locateInTarget = async (
  { store, session, accountId, like }: Place,
  items: WorkItem[],
): Promise<Located> => {
  const { toMailboxId, toPath } = like
  const nothing = { found: new Map<bigint, number>(), uidValidity: null }
  if (toMailboxId === null || toPath === null) return nothing
  const selected = await selectIfThere(session, toPath)
  if (!selected) return nothing
  const [mark, stored] = await store.readSystem(async (tx) => [
    (await readMailboxMarks(tx, accountId)).find(({ id }) => id === toMailboxId),
    await laterCopies(tx, toMailboxId, items),
  ])
  const isKnownLife = mark?.uidValidity === selected.uidValidity
  const uids = new UidsByIdentity()
  if (isKnownLife) for (const copy of stored) uids.add(copy.identityKey, copy.uid)
  const newest = selected.uidNext > lookBack ? selected.uidNext - lookBack : 1n
  const from = isKnownLife && mark.uidNext ? mark.uidNext : newest
  // `from:*` always names the last message too (RFC 9051 sequence-set).
  for await (const fetched of fetchEnvelopes(session, `${from}:*`))
    if (BigInt(fetched.uid) >= from) uids.add(identityKey(fetched), fetched.uid)
  return { found: uids.assign(items), uidValidity: selected.uidValidity }
}

/** Uids of everything in the selected mailbox by identity, for one that has begun a new life. */
export const mapSelected = async (session: ImapSession): Promise<UidsByIdentity> => {
  const uids = new UidsByIdentity()
  for await (const fetched of fetchEnvelopes(session, '1:*')) uids.add(identityKey(fetched), fetched.uid)
  return uids
}

/** Hands out each uid once, the newest first, and to the same placement always the same. */
export class UidsByIdentity {
  readonly #uids = new Map<string, number[]>()
  readonly #given = new Map<bigint, number>()

  add(key: string, uid: number): void {
    const list = this.#uids.get(key)
    if (!list) this.#uids.set(key, [uid])
    else if (!list.includes(uid)) list.push(uid)
  }

  assign(items: Pick<WorkItem, 'placementId' | 'identityKey'>[]): Map<bigint, number> {
    for (const { placementId, identityKey: key } of items) {
      if (this.#given.has(placementId)) continue
      const uid = this.#uids.get(key)?.pop()
      if (uid !== undefined) this.#given.set(placementId, uid)
    }
    return new Map(
      items.flatMap(({ placementId }) => {
        const uid = this.#given.get(placementId)
        return uid === undefined ? [] : [[placementId, uid] as const]
      }),
    )
  }
}

const selectIfThere = async (session: ImapSession, path: string): Promise<SelectedMailbox | null> => {
  try {
    return await selectMailbox(session, path)
  } catch (error) {
    if (toSessionError(error).code === 'mailbox.missing') return null
    throw error
  }
}
