import { type ChangeFact, changeFact } from '#events/change-facts.ts'
import type { StreamOwner } from './commit.ts'
import { Prisma } from './generated/client.ts'
import type { Tx } from './open-store.ts'
import type { Ask, Statement } from './reader.ts'

export type ChangePage = {
  /** Where the stream stands after these facts. */
  seq: bigint
  facts: ChangeFact[]
  hasMore: boolean
  /** The log no longer reaches back to `since`, or `since` is from another life: load everything again. */
  isReset: boolean
}

/** The stream's present end; null when there is no such stream. */
export const findStreamEnd = async (tx: Tx, owner: StreamOwner): Promise<{ streamId: bigint; seq: bigint } | null> => {
  const where = 'accountId' in owner ? { accountId: owner.accountId } : { userId: owner.userId }
  const stream = await tx.stream.findUnique({ where })
  return stream && { streamId: stream.id, seq: stream.seq }
}

/** Where a person's stream and those of their accounts stand, by their names on the wire. */
export const streamEnds = (userId: bigint): Statement<{ name: string; seq: bigint }> => ({
  name: 'stream.ends',
  sql: Prisma.sql`
    SELECT 'user:' || user_id AS name, seq FROM stream WHERE user_id = ${userId}
    UNION ALL SELECT 'account:' || a.id, s.seq FROM account a JOIN stream s ON s.account_id = a.id
    WHERE a.user_id = ${userId} AND a.disconnected_at IS NULL`,
})

/** Facts after `since`, in order, at most `limit`. Sequence numbers have no gaps, so a missing first one means a reset. */
export const readChanges = async (ask: Ask, streamId: bigint, since: bigint, limit: number): Promise<ChangePage> => {
  const [found] = await ask([changesAfter(streamId, since, limit + 1)])
  const end = found[0]?.end ?? 0n
  const rows = found.filter((row) => row.seq !== null)
  const first = rows[0]
  const isReset = since > end || (first ? first.seq !== since + 1n : since < end)
  if (isReset) return { seq: end, facts: [], hasMore: false, isReset: true }
  const page = rows.slice(0, limit)
  return {
    seq: page.at(-1)?.seq ?? since,
    facts: page.map((row) => changeFact.parse(row.data)),
    hasMore: rows.length > limit,
    isReset: false,
  }
}

type LogRow = { end: bigint } & ({ seq: bigint; data: unknown } | { seq: null })

/** Also where the stream ends, which one row says when there is nothing after `since`. */
const changesAfter = (streamId: bigint, since: bigint, limit: number): Statement<LogRow> => ({
  name: 'changes',
  sql: Prisma.sql`
    SELECT s.seq AS "end", c.seq, c.data FROM stream s
    LEFT JOIN LATERAL (SELECT seq, data FROM change WHERE stream_id = s.id AND seq > ${since} ORDER BY seq LIMIT ${limit}::int) c ON true
    WHERE s.id = ${streamId} ORDER BY c.seq`,
})
