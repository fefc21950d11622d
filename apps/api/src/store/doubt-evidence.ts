import { messageIdHash } from '#mail/threading.ts'
import type { RawTx } from './bare-tx.ts'
import { textArray } from './binary-array.ts'
import type { RawUnit } from './commit.ts'
import type { Tx } from './open-store.ts'
import { isInSent } from './sent-copies.ts'
import { decideHeld, holdSubmission } from './steer-submissions.ts'
import { finishSubmission, tellSubmission } from './submissions.ts'

/**
 * What came into these conversations may speak for the arrival of a mail in doubt (read-submissions.ts): whoever looks at that mail
 * is told. A copy in Sent that nobody put there from here ends the doubt: only a server that has the mail makes one.
 */
export const noteArrivals = async (unit: RawUnit, accountId: bigint, threadIds: bigint[]): Promise<void> => {
  const { tx } = unit
  const doubts = new Map((await inDoubt(tx, accountId)).map((doubt) => [messageIdHash(doubt.header), doubt]))
  if (doubts.size === 0) return
  const concerned = await tx.$queryRaw<{ hash: string }[]>`
    SELECT ref_hash::text AS hash FROM message_ref
    WHERE account_id = ${accountId} AND ref_hash = ANY (${textArray([...doubts.keys()])}::text[]::uuid[]) AND thread_id = ANY (${threadIds}::bigint[])`
  for (const { hash } of concerned) {
    const doubt = doubts.get(hash)
    if (doubt && !(await isProven(unit, accountId, doubt))) tellSubmission(unit, accountId, doubt.id)
  }
}

/** Where the copy came before the doubt did. */
export const endProvenDoubts = async (unit: RawUnit, accountId: bigint): Promise<void> => {
  for (const doubt of await inDoubt(unit.tx, accountId)) await isProven(unit, accountId, doubt)
}

/** Worth asking before a transaction for endProvenDoubts: hardly ever is anything in doubt. */
export const hasEvidence = async (tx: Tx, accountId: bigint): Promise<boolean> => {
  for (const { header, isProvable } of await inDoubt(tx, accountId))
    if (isProvable && (await isInSent(tx, accountId, messageIdHash(header)))) return true
  return false
}

/** Ends the doubt then. */
const isProven = async (
  unit: RawUnit,
  accountId: bigint,
  { id, userId, header, isProvable }: Doubt,
): Promise<boolean> => {
  if (!isProvable) return false
  const held = await holdSubmission(unit.tx, userId, id)
  if (held?.states.length !== 1 || held.states[0] !== 'in_doubt') return false
  if (!(await isInSent(unit.tx, accountId, messageIdHash(header)))) return false
  await decideHeld(unit, held, 'foundInSent')
  await finishSubmission(unit, id)
  return true
}

/** A bounce that is no report names the mail in its text. */
export const noteTexts = async (unit: RawUnit, accountId: bigint, messageIds: string[]): Promise<void> => {
  const { tx } = unit
  const doubts = await inDoubt(tx, accountId)
  if (doubts.length === 0) return
  const named = await tx.$queryRaw<{ id: string }[]>`
    SELECT t.id FROM unnest(${textArray(doubts.map(({ id }) => id))}::text[], ${textArray(doubts.map(({ header }) => header.replace(/^<|>$/g, '')))}::text[]) AS t (id, name)
    WHERE EXISTS (SELECT 1 FROM body b WHERE b.account_id = ${accountId} AND b.message_id = ANY (${textArray(messageIds)}::text[]::bigint[]) AND position(t.name IN b.text) > 0)`
  for (const { id } of named) tellSubmission(unit, accountId, id)
}

type Doubt = { id: string; userId: bigint; header: string; isProvable: boolean }

/**
 * All batches of a mail, and all its tries, have one Message-ID. Where there are several batches, or several tries for several
 * people, the copy may be that of another one, and says nothing of those whom that one had not reached.
 */
const inDoubt = (tx: RawTx, accountId: bigint): Promise<Doubt[]> =>
  tx.$queryRaw<Doubt[]>`
    SELECT DISTINCT s.id::text, s.user_id AS "userId", s.message_id_header AS header,
      NOT EXISTS (SELECT 1 FROM submission_batch o WHERE o.submission_id = s.id AND o.n <> b.n)
        AND (b.attempts <= 1 OR (SELECT count(*) FROM submission_recipient r WHERE r.submission_id = s.id) <= 1) AS "isProvable" FROM submission_batch b JOIN submission s ON s.id = b.submission_id
    WHERE b.account_id = ${accountId} AND b.state = 'in_doubt'`
