import type { Tx } from './open-store.ts'

/** One target ready to be carried out: where the server has the message now, and what to do to it. */
export type WorkItem = {
  commandId: string
  placementId: bigint
  messageId: bigint
  mailboxId: bigint
  path: string
  uidValidity: bigint | null
  uid: number
  addFlags: number
  removeFlags: number
  addKeywords: string[]
  removeKeywords: string[]
  toMailboxId: bigint | null
  toPath: string | null
  isExpunge: boolean
}

type RawItem = {
  placement_id: bigint
  message_id: bigint
  mailbox_id: bigint
  path: string
  uid_validity: bigint | null
  uid: bigint
  add_flags: number
  remove_flags: number
  add_keywords: string[]
  remove_keywords: string[]
  to_mailbox_id: bigint | null
  to_path: string | null
  is_expunge: boolean
}

const smallCommand = 50

/**
 * The next command to go on with. Oldest first, but a small one may overtake a bulk whose placements it does not share:
 * nobody's click waits behind 50,000 messages.
 */
export const nextCommand = async (tx: Tx, accountId: bigint): Promise<{ id: string } | null> => {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT c.id::text AS id FROM command c
    WHERE c.account_id = ${accountId} AND c.state IN ('pending', 'running') AND (c.not_before IS NULL OR c.not_before <= now())
      AND EXISTS (SELECT 1 FROM command_target t JOIN placement p ON p.id = t.placement_id AND p.uid IS NOT NULL WHERE t.command_id = c.id AND t.state = 'pending')
      AND NOT EXISTS (SELECT 1 FROM command_target t JOIN command_target o ON o.placement_id = t.placement_id AND o.ordinal < t.ordinal AND o.state = 'pending'
        WHERE t.command_id = c.id AND t.state = 'pending')
    ORDER BY (c.targets > ${smallCommand}), c.ordinal LIMIT 1`
  return rows[0] ?? null
}

/** Commands whose targets are all settled (also those emptied by a sync). */
export const finishableCommands = async (tx: Tx, accountId: bigint): Promise<string[]> => {
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT c.id::text AS id FROM command c WHERE c.account_id = ${accountId} AND c.state IN ('pending', 'running')
      AND NOT EXISTS (SELECT 1 FROM command_target t WHERE t.command_id = c.id AND t.state = 'pending')`
  return rows.map((row) => row.id)
}

export const nextItems = async (tx: Tx, commandId: string, limit: number): Promise<WorkItem[]> => {
  const rows = await tx.$queryRaw<RawItem[]>`
    SELECT t.placement_id, t.message_id, p.mailbox_id, b.path, b.uid_validity, p.uid, t.add_flags::int AS add_flags, t.remove_flags::int AS remove_flags,
      t.add_keywords, t.remove_keywords, t.to_mailbox_id, d.path AS to_path, t.is_expunge
    FROM command_target t JOIN placement p ON p.id = t.placement_id AND p.uid IS NOT NULL JOIN mailbox b ON b.id = p.mailbox_id
    LEFT JOIN mailbox d ON d.id = t.to_mailbox_id
    WHERE t.command_id = ${commandId}::uuid AND t.state = 'pending' ORDER BY p.mailbox_id, p.uid LIMIT ${limit}::int`
  return rows.map((row) => ({
    commandId,
    placementId: row.placement_id,
    messageId: row.message_id,
    mailboxId: row.mailbox_id,
    path: row.path,
    uidValidity: row.uid_validity,
    uid: Number(row.uid),
    addFlags: row.add_flags,
    removeFlags: row.remove_flags,
    addKeywords: row.add_keywords,
    removeKeywords: row.remove_keywords,
    toMailboxId: row.to_mailbox_id,
    toPath: row.to_path,
    isExpunge: row.is_expunge,
  }))
}
