import { isDeepStrictEqual } from 'node:util'
import { type Amount, maildrop, maxMessageBytes, retrieval } from '@postern/shared/retrieval.ts'
import { AppError } from '#platform/errors.ts'
import type { RawUnit } from './commit.ts'
import { amountOf, countParts } from './count-parts.ts'

/**
 * Mails of which only the header is here, and their rest: what a person asks for is written into the ledger for the next look,
 * and counted in account.maildrop at once, so that every screen follows.
 */

/** Of so many mails one change tells: who has one of them open asks for it anew. */
const toldAtOnce = 100

/** The person wants the rest of a mail of which only the header is here. Throws message.gone, message.too_large. */
export const wantRest = async (unit: RawUnit, accountId: bigint, messageId: bigint): Promise<void> => {
  await holdAccount(unit, accountId)
  const listed = await unit.tx.$queryRaw<{ is_takable: boolean }[]>`
    UPDATE pop_ledger SET wants_whole = NOT is_too_large AND size_bytes <= ${maxMessageBytes}
    WHERE account_id = ${accountId} AND message_id = ${messageId} AND state = 'fetched' AND NOT is_whole AND missing_since IS NULL
    RETURNING wants_whole AS is_takable`
  if (listed.length === 0) throw new AppError('message.gone', 'The rest of this mail is no longer at the provider.')
  if (!listed.some(({ is_takable }) => is_takable))
    throw new AppError(
      'message.too_large',
      `This mail is larger than ${maxMessageBytes / 1024 / 1024} MB, too large to be kept here.`,
      { hint: 'It stays at the provider: open it on the provider’s own pages, or in a mail program.' },
    )
  tellOfParts(unit, accountId, [messageId])
  await recountParts(unit, accountId, 'asked')
}

/**
 * The person wants the rest of all that fit into the limit as it is now, or of those above it too. Answers of how many, and what
 * they are as a whole.
 */
export const wantRests = async (unit: RawUnit, accountId: bigint, { isBeyondLimit = false } = {}): Promise<Amount> => {
  const { wishes } = await holdAccount(unit, accountId)
  const mostBytes = isBeyondLimit ? maxMessageBytes : (wishes.maxBytes ?? maxMessageBytes)
  const rows = await unit.tx.$queryRaw<{ message_id: bigint; size: number }[]>`
    UPDATE pop_ledger l SET wants_whole = true FROM message m
    WHERE m.id = l.message_id AND m.is_header_only AND l.account_id = ${accountId} AND l.state = 'fetched' AND NOT l.is_whole
      AND NOT l.wants_whole AND l.fetched_at IS NOT NULL AND l.missing_since IS NULL
      AND NOT l.is_too_large AND l.size_bytes <= ${mostBytes}
    RETURNING l.message_id, l.size_bytes::float8 AS size`
  if (rows.length > 0) {
    tellOfParts(
      unit,
      accountId,
      rows.map((row) => row.message_id),
    )
    await recountParts(unit, accountId, 'asked')
  }
  return amountOf(rows.map(({ size }) => ({ sizeBytes: size })))
}

/** Whether their rest is on its way, or here, is another answer now. */
export const tellOfParts = (unit: RawUnit, accountId: bigint, messageIds: bigint[]): void => {
  for (let at = 0; at < messageIds.length; at += toldAtOnce)
    unit.log({ accountId }, { kind: 'bodies', messageIds: messageIds.slice(at, at + toldAtOnce).map(String) })
}

/**
 * Counts them anew after something else than a look changed them: the person asked for rests, some of these came, or neither.
 * Before the first look there is nothing to count.
 */
export const recountParts = async (unit: RawUnit, accountId: bigint, what: 'asked' | 'came' | null): Promise<void> => {
  const { facts, wishes } = await holdAccount(unit, accountId)
  // Only a look finds the first of them.
  if (!facts || (what === null && facts.headersOnly === 0)) return
  const rows = await unit.tx.$queryRaw<{ size: number; wants_whole: boolean; is_too_large: boolean }[]>`
    SELECT l.size_bytes::float8 AS size, l.wants_whole, l.is_too_large FROM pop_ledger l LEFT JOIN message m ON m.id = l.message_id
    WHERE l.account_id = ${accountId} AND l.state = 'fetched' AND NOT l.is_whole AND l.fetched_at IS NOT NULL AND l.missing_since IS NULL
      AND coalesce(m.is_header_only, true)`
  const counts = countParts(
    rows.map((row) => ({ sizeBytes: row.size, wantsWhole: row.wants_whole, isTooLarge: row.is_too_large })),
    wishes.maxBytes,
  )
  const isFirst = what === 'asked' && facts.coming.mails === 0
  const came = isFirst ? amountOf([]) : what === 'came' ? sumOf(facts.came, facts.coming, counts.coming) : facts.came
  const told = { ...facts, ...counts, came }
  if (isDeepStrictEqual(told, facts)) return
  await unit.tx
    .$executeRaw`UPDATE account SET maildrop = maildrop || ${JSON.stringify({ ...counts, came })}::jsonb WHERE id = ${accountId}`
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}

/** What was on its way and is no longer has come. */
const sumOf = (came: Amount, before: Amount, now: Amount): Amount => ({
  mails: came.mails + Math.max(0, before.mails - now.mails),
  bytes: came.bytes + Math.max(0, before.bytes - now.bytes),
})

/** What the person was last told of the maildrop, and wants of it, as the account's row has them. */
export const toHeld = (row: { maildrop: unknown; retrieval: unknown } | undefined) => ({
  facts: maildrop.safeParse(row?.maildrop).data ?? null,
  wishes: retrieval.parse(row?.retrieval ?? {}),
})
export type Held = ReturnType<typeof toHeld>

/** Whoever changes these takes the account's row before any of its ledger, so that two of them count one after the other. */
export const holdAccount = async ({ tx }: RawUnit, accountId: bigint): Promise<Held> => {
  const [row] = await tx.$queryRaw<{ maildrop: unknown; retrieval: unknown }[]>`
    SELECT maildrop, retrieval FROM account WHERE id = ${accountId} FOR NO KEY UPDATE`
  return toHeld(row)
}
