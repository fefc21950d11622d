import type { Flags } from '#mail/flags.ts'
import type { Unit } from './commit.ts'
import type { Tx } from './open-store.ts'

/** One target ready to be carried out: where the server has the message now, and what to do to it. */
export type WorkItem = {
  placementId: bigint
  messageId: bigint
  /** mail/threading.ts: finds the message again where its uid means nothing. */
  identityKey: string
  mailboxId: bigint
  path: string
  /** Null: the mailbox was never selected yet, so the uid is only a rumour. */
  uidValidity: bigint | null
  uid: number
  /** What the server had when it was last looked at. */
  flags: Flags
  modseq: bigint
  addFlags: number
  removeFlags: number
  addKeywords: string[]
  removeKeywords: string[]
  toMailboxId: bigint | null
  toPath: string | null
  isExpunge: boolean
}

export type OpenCommand = {
  id: string
  kind: string
  targets: number
  /** Runs that began it since a chunk of it was last settled; above zero: the outcome of the last one is uncertain. */
  attempts: number
  undoneBy: string | null
  /** Given so long ago that its messages may have changed on purpose since, or out of a restored backup. */
  isLate: boolean
}

type RawItem = {
  placement_id: bigint
  message_id: bigint
  identity_key: string
  mailbox_id: bigint
  path: string
  uid_validity: bigint | null
  uid: bigint
  flags: number
  keywords: string[]
  modseq: bigint
  add_flags: number
  remove_flags: number
  add_keywords: string[]
  remove_keywords: string[]
  to_mailbox_id: bigint | null
  to_path: string | null
  is_expunge: boolean
}

/** Commands of at most this many messages go before longer ones: nobody's click waits behind 50,000 messages. */
const smallCommand = 50
const lookAhead = 100
export const lateAfterMs = 10 * 60_000

/** Commands about mailboxes instead of messages: tree-changes.ts. */
export const treeKinds = ['createMailbox', 'placeMailbox', 'trashMailbox', 'eraseMailbox']

/** Open commands about messages in the order to try them: small ones first, then by age. Postponed ones are left out. */
export const listOpenCommands = (tx: Tx, accountId: bigint): Promise<OpenCommand[]> =>
  tx.$queryRaw<OpenCommand[]>`
    SELECT id::text AS id, kind, targets, attempts, undone_by::text AS "undoneBy", created_at < now() - ${lateAfterMs} * interval '1 millisecond' AS "isLate" FROM command
    WHERE account_id = ${accountId} AND state IN ('pending', 'running') AND (not_before IS NULL OR not_before <= now()) AND kind <> ALL (${treeKinds}::text[])
    ORDER BY (targets > ${smallCommand}), ordinal LIMIT ${lookAhead}`

/**
 * Targets that can be carried out now. One behind an older command for the same message waits: per message order is kept.
 * The scalar subqueries are meant: as joins they would be worked out for all 50,000 targets of a bulk before the limit.
 */
export const nextItems = async (tx: Tx, commandId: string, limit: number): Promise<WorkItem[]> => {
  const rows = await tx.$queryRaw<RawItem[]>`
    WITH t AS MATERIALIZED (
      SELECT * FROM command_target t WHERE t.command_id = ${commandId}::uuid AND t.state = 'pending'
        AND (SELECT p.uid FROM placement p WHERE p.id = t.placement_id) IS NOT NULL
        AND (SELECT min(o.ordinal) FROM command_target o WHERE o.placement_id = t.placement_id AND o.state = 'pending') = t.ordinal
      ORDER BY t.placement_id LIMIT ${limit}::int)
    SELECT t.placement_id, t.message_id, m.identity_key::text AS identity_key, p.mailbox_id, b.path, b.uid_validity, p.uid, p.flags::int AS flags, p.keywords, p.modseq, t.add_flags::int AS add_flags,
      t.remove_flags::int AS remove_flags, t.add_keywords, t.remove_keywords, t.to_mailbox_id, d.path AS to_path, t.is_expunge
    FROM t JOIN placement p ON p.id = t.placement_id JOIN mailbox b ON b.id = p.mailbox_id JOIN message m ON m.id = p.message_id
    LEFT JOIN mailbox d ON d.id = t.to_mailbox_id ORDER BY t.placement_id`
  return rows.map((row) => ({
    placementId: row.placement_id,
    messageId: row.message_id,
    identityKey: row.identity_key,
    mailboxId: row.mailbox_id,
    path: row.path,
    uidValidity: row.uid_validity,
    uid: Number(row.uid),
    flags: { bits: row.flags, keywords: row.keywords },
    modseq: row.modseq,
    addFlags: row.add_flags,
    removeFlags: row.remove_flags,
    addKeywords: row.add_keywords,
    removeKeywords: row.remove_keywords,
    toMailboxId: row.to_mailbox_id,
    toPath: row.to_path,
    isExpunge: row.is_expunge,
  }))
}

/** Whether anything of a command still waits for a message that exists. */
export const hasLivingTargets = async (tx: Tx, commandId: string): Promise<boolean> => {
  const rows = await tx.$queryRaw<unknown[]>`
    SELECT 1 FROM command_target t JOIN placement p ON p.id = t.placement_id WHERE t.command_id = ${commandId}::uuid AND t.state = 'pending' LIMIT 1`
  return rows.length > 0
}

/**
 * Says durably that something may now reach the server: from here on an undo needs the server too, and the next run after
 * a crash knows that the outcome of this one is uncertain. Null when the command is over by now.
 */
export const beginCommand = async (unit: Unit, commandId: string): Promise<{ attempts: number } | null> => {
  const rows = await unit.tx.$queryRaw<{ attempts: number }[]>`
    UPDATE command SET state = 'running', attempts = attempts + 1 WHERE id = ${commandId}::uuid AND state IN ('pending', 'running') RETURNING attempts`
  return rows[0] ?? null
}

/** Not before this many milliseconds from now, by the database's clock. */
export const postponeCommand = async (unit: Unit, commandId: string, delayMs: number): Promise<void> => {
  await unit.tx
    .$executeRaw`UPDATE command SET not_before = now() + ${delayMs} * interval '1 millisecond' WHERE id = ${commandId}::uuid`
}

/** Copies of these messages in a mailbox that were stored after the placement itself: maybe our own, seen early. */
export const laterCopies = async (
  tx: Tx,
  mailboxId: bigint,
  items: WorkItem[],
): Promise<{ identityKey: string; uid: number }[]> => {
  const rows = await tx.$queryRaw<{ identity_key: string; uid: bigint }[]>`
    SELECT DISTINCT m.identity_key::text AS identity_key, p.uid FROM unnest(${items.map((item) => item.placementId)}::bigint[], ${items.map((item) => item.messageId)}::bigint[]) AS i (placement_id, message_id)
    JOIN placement p ON p.message_id = i.message_id AND p.id > i.placement_id AND p.mailbox_id = ${mailboxId} AND p.uid IS NOT NULL
    JOIN message m ON m.id = p.message_id ORDER BY p.uid`
  return rows.map((row) => ({ identityKey: row.identity_key, uid: Number(row.uid) }))
}

/** What is known of the mailboxes of an account, to tell a renamed one from a missing one. */
export const readMailboxMarks = (
  tx: Tx,
  accountId: bigint,
): Promise<{ id: bigint; path: string; uidValidity: bigint | null; uidNext: bigint | null }[]> =>
  tx.mailbox.findMany({ where: { accountId }, select: { id: true, path: true, uidValidity: true, uidNext: true } })

/** The server's word about one message that stayed where it is. */
export type Truth = { placementId: bigint; flags: Flags; modseq: bigint }
