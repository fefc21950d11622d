import type { CommandBody, CommandTarget } from '@postern/shared/commands.ts'
import type { Unit } from './commit.ts'
import type { Command, Mailbox } from './generated/client.ts'
import type { Tx } from './open-store.ts'

export type CommandRow = Command
/** What one command does to every placement it is about. */
export type Effect = {
  addFlags: number
  removeFlags: number
  addKeywords: string[]
  removeKeywords: string[]
  toMailboxId: bigint | null
  isExpunge: boolean
}

/** A mailbox of this person; null when it is somebody else's or not there. */
export const findOwnMailbox = async (tx: Tx, userId: bigint, mailboxId: bigint): Promise<Mailbox | null> => {
  const rows = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT b.id FROM mailbox b JOIN account a ON a.id = b.account_id WHERE b.id = ${mailboxId} AND a.user_id = ${userId} AND a.disconnected_at IS NULL`
  return rows[0] ? tx.mailbox.findUnique({ where: { id: mailboxId } }) : null
}

export const findOwnCommand = (tx: Tx, userId: bigint, id: string): Promise<CommandRow | null> =>
  tx.command.findFirst({ where: { id, userId } })

export type NewCommand = { id: string; accountId: bigint; userId: bigint; body: CommandBody; undoes: string | null }

export const insertCommand = (tx: Tx, { id, accountId, userId, body, undoes }: NewCommand): Promise<CommandRow> =>
  tx.command.create({
    data: { id, accountId, userId, kind: body.kind, body: structuredClone(body), ...(undoes ? { undoes } : {}) },
  })

/**
 * Writes the targets of a command: every placement now shown in the mailbox that the effect would change, with what was
 * there before. Answers how many there are.
 */
export const insertTargets = async (
  tx: Tx,
  command: CommandRow,
  target: CommandTarget,
  effect: Effect,
): Promise<number> => {
  const threadIds = target.kind === 'threads' ? target.threadIds.map(BigInt) : null
  const messageIds = target.kind === 'messages' ? target.messageIds.map(BigInt) : null
  const exceptIds = target.kind === 'mailbox' ? target.exceptThreadIds.map(BigInt) : []
  const isMove = effect.toMailboxId !== null || effect.isExpunge
  const count = await tx.$executeRaw`
    INSERT INTO command_target (command_id, placement_id, ordinal, message_id, add_flags, remove_flags, add_keywords, remove_keywords, to_mailbox_id,
      is_expunge, before_flags, before_keywords, before_mailbox_id)
    SELECT ${command.id}::uuid, p.id, ${command.ordinal}, p.message_id, ${effect.addFlags}::smallint, ${effect.removeFlags}::smallint, ${effect.addKeywords}, ${effect.removeKeywords},
      ${effect.toMailboxId}::bigint, ${effect.isExpunge}, p.shown_flags, p.shown_keywords, p.shown_mailbox_id
    FROM placement p
    WHERE p.shown_mailbox_id = ${BigInt(target.mailboxId)} AND p.account_id = ${command.accountId}
      AND (${threadIds}::bigint[] IS NULL OR p.thread_id = ANY (${threadIds}::bigint[]))
      AND (${messageIds}::bigint[] IS NULL OR p.message_id = ANY (${messageIds}::bigint[]))
      AND p.thread_id <> ALL (${exceptIds}::bigint[])
      AND (${isMove} OR (p.shown_flags & ${effect.addFlags}::int) <> ${effect.addFlags}::int OR (p.shown_flags & ${effect.removeFlags}::int) <> 0
        OR NOT p.shown_keywords @> ${effect.addKeywords} OR p.shown_keywords && ${effect.removeKeywords})
    ORDER BY p.id FOR UPDATE`
  await tx.command.update({ where: { id: command.id }, data: { targets: count } })
  return count
}

/** The inverse of every target that really changed something and was not refused. */
export const insertInverseTargets = async (tx: Tx, command: CommandRow, undoneId: string): Promise<number> => {
  const count = await tx.$executeRaw`
    INSERT INTO command_target (command_id, placement_id, ordinal, message_id, add_flags, remove_flags, add_keywords, remove_keywords, to_mailbox_id,
      is_expunge, before_flags, before_keywords, before_mailbox_id)
    SELECT ${command.id}::uuid, p.id, ${command.ordinal}, t.message_id, (t.remove_flags & t.before_flags)::smallint, (t.add_flags & ~t.before_flags)::smallint,
      ARRAY(SELECT k FROM unnest(t.remove_keywords) k WHERE k = ANY (t.before_keywords)), ARRAY(SELECT k FROM unnest(t.add_keywords) k WHERE k <> ALL (t.before_keywords)),
      CASE WHEN t.to_mailbox_id IS NULL THEN NULL ELSE t.before_mailbox_id END, false, p.shown_flags, p.shown_keywords, p.shown_mailbox_id
    FROM command_target t JOIN placement p ON p.id = t.placement_id
    WHERE t.command_id = ${undoneId}::uuid AND t.state <> 'failed' AND NOT t.is_expunge
    ORDER BY p.id FOR UPDATE OF p`
  await tx.command.update({ where: { id: command.id }, data: { targets: count } })
  return count
}

/**
 * The local effect of a fresh command, set-based on what is shown: it comes last in order, so applying it to the shown
 * values is the whole fold (mail/flags.ts; a test holds the two together). Answers the conversations concerned.
 */
export const applyLocally = async (tx: Tx, commandId: string): Promise<bigint[]> => {
  const rows = await tx.$queryRaw<{ thread_id: bigint }[]>`
    WITH changed AS (
      UPDATE placement p SET
        shown_flags = (p.shown_flags | t.add_flags) & ~t.remove_flags,
        shown_keywords = CASE WHEN cardinality(t.add_keywords) + cardinality(t.remove_keywords) = 0 THEN p.shown_keywords ELSE ARRAY(
          SELECT k FROM (SELECT unnest(p.shown_keywords) AS k UNION SELECT unnest(t.add_keywords)) u
          WHERE lower(k) <> ALL (SELECT lower(r) FROM unnest(t.remove_keywords) r) ORDER BY k COLLATE "C") END,
        shown_mailbox_id = CASE WHEN t.is_expunge OR ((p.shown_flags | t.add_flags) & ~t.remove_flags) & 8 <> 0 THEN NULL
          WHEN t.to_mailbox_id IS NOT NULL THEN t.to_mailbox_id ELSE coalesce(p.shown_mailbox_id, p.mailbox_id) END
      FROM command_target t WHERE t.command_id = ${commandId}::uuid AND p.id = t.placement_id
      RETURNING p.thread_id)
    SELECT DISTINCT thread_id FROM changed`
  return rows.map((row) => row.thread_id)
}

/** Placements of a command that nothing was sent for yet; empties it. */
export const cancelTargets = async (tx: Tx, commandId: string): Promise<bigint[]> => {
  const rows = await tx.$queryRaw<{ placement_id: bigint }[]>`
    UPDATE command_target SET state = 'failed' WHERE command_id = ${commandId}::uuid AND state = 'pending' RETURNING placement_id`
  return rows.map((row) => row.placement_id)
}

/** Whether anything of it may have reached the server. */
export const isUntouched = async (tx: Tx, commandId: string): Promise<boolean> => {
  const rows = await tx.$queryRaw<
    { state: string }[]
  >`SELECT state FROM command WHERE id = ${commandId}::uuid FOR UPDATE`
  return rows[0]?.state === 'pending'
}

export const logCommand = (unit: Unit, accountId: bigint, commandId: string): void =>
  unit.log({ accountId }, { kind: 'command', commandId })
