import { randomUUID } from 'node:crypto'
import { type ErrorCode, errorCodes } from '@postern/shared/error-codes.ts'
import { id } from '@postern/shared/wire.ts'
import { z } from 'zod'
import { lateAfterMs, treeKinds } from './command-work.ts'
import type { Unit } from './commit.ts'
import type { Tx } from './open-store.ts'
import { settleEmpty } from './sync-mailboxes.ts'

/**
 * What a person wants of the mailboxes at an IMAP server: commands without messages, carried out one after the other and
 * before anything else of the account looks at its tree (outbox/execute-tree.ts). They are never postponed, so that a change
 * that was cut off is settled before a listing could take its half for somebody else's.
 */
const place = { name: z.string(), parentId: id.nullable() }
export const treeChange = z.discriminatedUnion('kind', [
  /** `asId`: one that was removed comes back under its id. */
  z.object({ kind: z.literal('createMailbox'), ...place, asId: id.optional() }),
  /** Without `parentId` it stays where it is. */
  z.object({ kind: z.literal('placeMailbox'), mailboxId: id, name: z.string(), parentId: id.nullable().optional() }),
  /** Into Trash, with all it holds. `name` and `parentId` are where it was; `isGone`: it was empty, and no Trash took it. */
  z.object({ kind: z.literal('trashMailbox'), mailboxId: id, ...place, isGone: z.boolean().default(false) }),
  /** For good. */
  z.object({ kind: z.literal('eraseMailbox'), mailboxId: id }),
])
export type TreeChange = z.infer<typeof treeChange>

/** What is told to whoever wanted it. */
const refusal = z.object({
  message: z.string(),
  hint: z.string().optional(),
  fields: z.record(z.string(), z.string()).optional(),
})
export type Refusal = z.infer<typeof refusal> & { code: ErrorCode; serverText: string | null }
const result = z.object({ mailboxId: id.optional(), refusal: refusal.optional() })

export const orderTreeChange = async (
  { tx, wakeEngine }: Unit,
  { accountId, userId, change }: { accountId: bigint; userId: bigint; change: TreeChange },
): Promise<string> => {
  const commandId = randomUUID()
  await tx.command.create({ data: { id: commandId, accountId, userId, kind: change.kind, body: change } })
  wakeEngine(accountId)
  return commandId
}

export type OpenTreeChange = {
  id: string
  change: TreeChange
  /** Above zero: an earlier run was cut off in it. */
  attempts: number
  isLate: boolean
}

export const nextTreeChange = async (tx: Tx, accountId: bigint): Promise<OpenTreeChange | null> => {
  const [row] = await tx.$queryRaw<{ id: string; body: unknown; attempts: number; is_late: boolean }[]>`
    SELECT id::text AS id, body, attempts, created_at < now() - ${lateAfterMs} * interval '1 millisecond' AS is_late FROM command
    WHERE account_id = ${accountId} AND state IN ('pending', 'running') AND kind = ANY (${treeKinds}::text[]) ORDER BY ordinal LIMIT 1`
  return row ? { id: row.id, change: treeChange.parse(row.body), attempts: row.attempts, isLate: row.is_late } : null
}

/** Its end; `isGone`: see trashMailbox. */
export const settleTreeChange = async (
  { tx }: Unit,
  { id: commandId, mailboxId, isGone = false }: { id: string; mailboxId: bigint; isGone?: boolean },
): Promise<void> => {
  const told = JSON.stringify({ mailboxId: mailboxId.toString(), isGone })
  await tx.$executeRaw`
    UPDATE command SET state = 'done', finished_at = now(), body = body || ${told}::jsonb WHERE id = ${commandId}::uuid`
}

export const refuseTreeChange = async ({ tx }: Unit, commandId: string, why: Refusal): Promise<void> => {
  const { code, serverText, ...told } = why
  await tx.$executeRaw`
    UPDATE command SET state = 'failed', finished_at = now(), error_code = ${code}, server_text = ${serverText},
      body = body || jsonb_build_object('refusal', ${JSON.stringify(told)}::jsonb) WHERE id = ${commandId}::uuid`
}

/** Null as long as it is open. */
export const readTreeResult = async (
  tx: Tx,
  commandId: string,
): Promise<{ mailboxId: bigint | null; refusal: Refusal | null } | null> => {
  const row = await tx.command.findUniqueOrThrow({ where: { id: commandId } })
  if (row.finishedAt === null) return null
  const told = result.parse(row.body)
  const code = errorCodes.find((known) => known === row.errorCode)
  return {
    mailboxId: told.mailboxId === undefined ? null : BigInt(told.mailboxId),
    refusal: code && told.refusal ? { ...told.refusal, code, serverText: row.serverText } : null,
  }
}

/** Takes back what nobody has begun. False when it was begun: then it may still happen. */
export const withdrawTreeChange = async ({ tx }: Unit, commandId: string): Promise<boolean> =>
  (await tx.$executeRaw`
    UPDATE command SET state = 'undone', finished_at = now() WHERE id = ${commandId}::uuid AND state = 'pending'`) > 0

/** How a mailbox of this person was removed last; null when it never was, or for good. */
export const findTrashed = async (
  tx: Tx,
  userId: bigint,
  mailboxId: bigint,
): Promise<{ accountId: bigint; change: Extract<TreeChange, { kind: 'trashMailbox' }> } | null> => {
  const [row] = await tx.$queryRaw<{ account_id: bigint; body: unknown }[]>`
    SELECT c.account_id, c.body FROM command c JOIN account a ON a.id = c.account_id AND a.disconnected_at IS NULL
    WHERE c.user_id = ${userId} AND c.state = 'done' AND c.kind IN ('trashMailbox', 'eraseMailbox') AND c.body ->> 'mailboxId' = ${mailboxId.toString()}
    ORDER BY c.ordinal DESC LIMIT 1`
  const change = row && treeChange.parse(row.body)
  return change?.kind === 'trashMailbox' ? { accountId: row?.account_id ?? 0n, change } : null
}

export type MadeMailbox = {
  accountId: bigint
  path: string
  name: string
  delimiter: string | null
  namespace: string
  asId: bigint | null
  /** What the server says of it; null when it does not. */
  empty: { uidValidity: bigint; uidNext: bigint; highestModseq: bigint | null } | null
}

/** The row of a mailbox that was just made at the server; complete from the start when that says it is empty. */
export const insertMade = async (unit: Unit, made: MadeMailbox): Promise<bigint> => {
  const { asId, empty, ...data } = made
  const { accountId, path } = data
  const known = await unit.tx.mailbox.findUnique({ where: { accountId_path: { accountId, path } } })
  const isFree = asId !== null && (await unit.tx.mailbox.findUnique({ where: { id: asId } })) === null
  const row = known ?? (await unit.tx.mailbox.create({ data: { ...data, ...(isFree ? { id: asId } : {}) } }))
  if (empty) await settleEmpty(unit, [{ id: row.id, ...empty }])
  unit.log({ accountId }, { kind: 'mailboxes', mailboxIds: [row.id.toString()], removed: [] })
  return row.id
}
