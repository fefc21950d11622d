import type { UidRange } from '#mail/uid-set.ts'
import type { Tx } from './open-store.ts'

/**
 * Stored uids of a mailbox that the server no longer has. The server's are given as ranges, so that fifty thousand of them
 * are a few bytes and the database does the comparing.
 */
export const findGoneUids = async (tx: Tx, mailboxId: bigint, there: UidRange[]): Promise<bigint[]> => {
  const rows = await tx.$queryRaw<{ uid: bigint }[]>`
    SELECT uid FROM placement WHERE mailbox_id = ${mailboxId} AND uid IS NOT NULL AND NOT uid <@ ${multirange(there)}::int8multirange`
  return rows.map(({ uid }) => uid)
}

/** How many of these uids are stored, and which of a mailbox are: asked only when the numbers differ. */
export const countStoredUids = async (tx: Tx, mailboxId: bigint, there: UidRange[]): Promise<number> => {
  const rows = await tx.$queryRaw<{ n: number }[]>`
    SELECT count(*)::int AS n FROM placement WHERE mailbox_id = ${mailboxId} AND uid <@ ${multirange(there)}::int8multirange`
  return rows[0]?.n ?? 0
}

export const readStoredUids = async (tx: Tx, mailboxId: bigint): Promise<Set<number>> => {
  const rows = await tx.$queryRaw<{ uids: number[] | null }[]>`
    SELECT array_agg(uid::float8) AS uids FROM placement WHERE mailbox_id = ${mailboxId} AND uid IS NOT NULL`
  return new Set(rows[0]?.uids ?? [])
}

/** As counted by storing and removing; a look at it is far cheaper than at the rows. */
export const readStoredCount = async (tx: Tx, mailboxId: bigint): Promise<number | null> =>
  (await tx.mailbox.findUnique({ where: { id: mailboxId }, select: { envelopesStored: true } }))?.envelopesStored ??
  null

const multirange = (ranges: UidRange[]): string => `{${ranges.map(([first, last]) => `[${first},${last}]`).join(',')}}`
