import { randomUUID } from 'node:crypto'
import type { CommandBody } from '@postern/shared/commands.ts'
import { ANSWERED, DELETED, FLAGGED, type PendingEffect, SEEN } from '#mail/flags.ts'
import { logCommand } from './commands.ts'
import type { RawUnit } from './commit.ts'
import type { MailboxPlace } from './envelope-row.ts'

/** What is to be done at the server to one mail so that it has it as it is here. */
export type Difference = { placementId: bigint; messageId: bigint; effect: PendingEffect }

/** In this order for every mail: what a move takes along is marked before. */
const rank = ({ effect }: Difference): number =>
  effect.toMailboxId !== null ? 2 : effect.addKeywords.length > 0 ? 1 : 0

/** Gives ordinary commands, one for all mails of this mailbox to which the same is to be done, in the owner's name. */
export const orderDifferences = async (
  unit: RawUnit,
  { accountId, mailboxId }: MailboxPlace,
  differences: Difference[],
): Promise<void> => {
  if (differences.length === 0) return
  const alike = Map.groupBy(
    differences.toSorted((a, b) => rank(a) - rank(b)),
    ({ effect }) => JSON.stringify({ ...effect, toMailboxId: effect.toMailboxId?.toString() }),
  )
  for (const group of alike.values()) await order(unit, { accountId, mailboxId }, group)
  unit.wakeEngine(accountId)
}

const order = async (unit: RawUnit, { accountId, mailboxId }: MailboxPlace, group: Difference[]): Promise<void> => {
  const [like] = group
  if (!like) return
  const { effect } = like
  const messageIds = [...new Set(group.map(({ messageId }) => messageId.toString()))]
  const body = toBody(effect, { kind: 'messages', mailboxId: mailboxId.toString(), messageIds })
  const id = randomUUID()
  await unit.tx.$executeRaw`
    WITH c AS (
      INSERT INTO command (id, account_id, user_id, kind, body, targets)
      SELECT ${id}::uuid, id, user_id, ${body.kind}, ${JSON.stringify(body)}::jsonb, ${group.length} FROM account WHERE id = ${accountId} RETURNING id, ordinal)
    INSERT INTO command_target (command_id, placement_id, ordinal, message_id, add_flags, remove_flags, add_keywords, remove_keywords, to_mailbox_id,
      is_expunge, before_flags, before_keywords, before_mailbox_id)
    SELECT c.id, p.id, c.ordinal, p.message_id, ${effect.addFlags}::smallint, ${effect.removeFlags}::smallint, ${effect.addKeywords}::text[], '{}',
      ${effect.toMailboxId}::bigint, false, p.flags, p.keywords, p.mailbox_id
    FROM c CROSS JOIN placement p WHERE p.id = ANY (${group.map(({ placementId }) => placementId)}::bigint[])`
  logCommand(unit, accountId, id)
}

const settable = { seen: SEEN, answered: ANSWERED, flagged: FLAGGED, deleted: DELETED } as const
const names = Object.keys(settable) as (keyof typeof settable)[] // its keys

const toBody = (effect: PendingEffect, target: CommandBody['target']): CommandBody =>
  effect.toMailboxId !== null
    ? { kind: 'moveMessages', target, toMailboxId: effect.toMailboxId.toString() }
    : {
        kind: 'setFlags',
        target,
        add: names.filter((name) => effect.addFlags & settable[name]),
        remove: names.filter((name) => effect.removeFlags & settable[name]),
        addKeywords: effect.addKeywords.slice(0, 16),
        removeKeywords: [],
      }
