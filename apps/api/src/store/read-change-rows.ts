import type { ChangeFact } from '#events/change-facts.ts'
import type { AccountRow } from './accounts.ts'
import type { CommandRow } from './commands.ts'
import { type AttachmentRow, type DraftRow, type WholeDraft, wholeDrafts } from './drafts.ts'
import { Prisma } from './generated/client.ts'
import { type ThreadListRow, threadRowsOf } from './list-threads.ts'
import { modelColumns } from './model-columns.ts'
import { type PlacementRow, placementsOf } from './read-messages.ts'
import { type SubmissionRow, submissionsOf } from './read-submissions.ts'
import type { Ask, Statement } from './reader.ts'
import { relayStateFor } from './relay.ts'
import { type SettingRow, settingsOf } from './sessions.ts'
import type { MailboxRow } from './sync-mailboxes.ts'

/** An account without what only its worker needs. */
export type ShownAccount = Omit<AccountRow, (typeof secrets)[number]>

/** Everything a batch of facts is about, as it is now: one query per kind, however many facts. */
export type ChangeRows = {
  /** The pairs asked for, and the rows of those that still exist. */
  pairs: [bigint, bigint][]
  threadRows: ThreadListRow[]
  /** All messages of the changed conversations; those without a placement are gone everywhere. */
  threadMessages: { id: bigint; thread_id: bigint }[]
  placements: PlacementRow[]
  mailboxes: MailboxRow[]
  /** The same, and those they lie in. */
  mailboxesWithParents: MailboxRow[]
  accounts: ShownAccount[]
  commands: CommandRow[]
  submissions: SubmissionRow[]
  settings: SettingRow[]
  /** One row when it is told of. */
  relay: { isRefused: boolean }[]
  /** Those that are open. */
  drafts: WholeDraft[]
}

export const readChangeRows = async (
  ask: Ask,
  { accountId, userId }: { accountId: bigint | null; userId: bigint | null },
  facts: ChangeFact[],
): Promise<ChangeRows> => {
  const pairKeys = new Set(
    facts.flatMap((fact) => (fact.kind === 'threads' ? fact.pairs.map((pair) => pair.join(':')) : [])),
  )
  const pairs = [...pairKeys].map((key): [bigint, bigint] => {
    const [mailboxId = '0', threadId = '0'] = key.split(':')
    return [BigInt(mailboxId), BigInt(threadId)]
  })
  const threadIds = [...new Set(pairs.map(([, threadId]) => threadId))]
  const named = facts.flatMap((fact) => (fact.kind === 'mailboxes' ? fact.mailboxIds : []))
  const mailboxIds = [...new Set(named)].map(BigInt)
  const accountIds = [...new Set(facts.flatMap((fact) => (fact.kind === 'account' ? [fact.accountId] : [])))]
  const commandIds = [...new Set(facts.flatMap((fact) => (fact.kind === 'command' ? [fact.commandId] : [])))]
  const submissionIds = [...new Set(facts.flatMap((fact) => (fact.kind === 'submission' ? [fact.submissionId] : [])))]
  const areSettingsNew = userId !== null && facts.some(({ kind }) => kind === 'settings')
  const isRelayNew = userId !== null && facts.some(({ kind }) => kind === 'relay')
  const draftIds = [...new Set(facts.flatMap((fact) => (fact.kind === 'draft' ? [fact.draftId] : [])))]
  const [
    threadRows,
    threadMessages,
    placements,
    mailboxesWithParents,
    accounts,
    commands,
    submissions,
    settings,
    relay,
    drafts,
    attachments,
  ] = await ask([
    pairs.length > 0 ? threadRowsOf(pairs) : null,
    pairs.length > 0 ? messagesOf(threadIds) : null,
    pairs.length > 0 ? placementsOf(threadIds) : null,
    mailboxIds.length > 0 && accountId !== null ? mailboxesOf(accountId, mailboxIds) : null,
    accountIds.length > 0 ? accountsOf(accountIds.map(BigInt)) : null,
    commandIds.length > 0 ? commandsOf(commandIds) : null,
    submissionIds.length > 0 ? submissionsOf(submissionIds) : null,
    areSettingsNew ? settingsOf(userId) : null,
    isRelayNew ? relayStateFor(userId) : null,
    draftIds.length > 0 ? draftsOf(draftIds) : null,
    draftIds.length > 0 ? attachmentsOf(draftIds) : null,
  ])
  const changed = new Set(mailboxIds)
  const mailboxes = mailboxesWithParents.filter(({ id }) => changed.has(id))
  return {
    pairs,
    threadRows,
    threadMessages,
    placements,
    mailboxes,
    mailboxesWithParents,
    accounts,
    commands,
    submissions,
    settings,
    relay,
    drafts: wholeDrafts(drafts, attachments),
  }
}

const messagesOf = (threadIds: bigint[]): Statement<{ id: bigint; thread_id: bigint }> => ({
  name: 'changed.messages',
  sql: Prisma.sql`SELECT id, thread_id FROM message WHERE thread_id = ANY (${threadIds}::bigint[]) LIMIT 2000`,
})

const mailboxColumns = modelColumns(Object.keys(Prisma.MailboxScalarFieldEnum))

/** With their parents, whose path is theirs up to the last delimiter: of ten thousand mailboxes few have changed. */
const mailboxesOf = (accountId: bigint, ids: bigint[]): Statement<MailboxRow> => ({
  name: 'changed.mailboxes',
  sql: Prisma.sql`
    SELECT ${mailboxColumns} FROM mailbox WHERE account_id = ${accountId} AND (id = ANY (${ids}::bigint[]) OR path = ANY (ARRAY(
      SELECT left(c.path, -position(c.delimiter IN reverse(c.path))) FROM mailbox c
      WHERE c.account_id = ${accountId} AND c.id = ANY (${ids}::bigint[]) AND c.delimiter <> '')))
    ORDER BY id`,
})

const secrets = ['dataKey', 'credential', 'outgoingCredential'] as const
const accountColumns = modelColumns(
  Object.keys(Prisma.AccountScalarFieldEnum).filter((field) => !secrets.some((secret) => secret === field)),
)

const accountsOf = (ids: bigint[]): Statement<ShownAccount> => ({
  name: 'changed.accounts',
  sql: Prisma.sql`SELECT ${accountColumns} FROM account WHERE id = ANY (${ids}::bigint[]) AND disconnected_at IS NULL`,
})

const commandColumns = modelColumns(Object.keys(Prisma.CommandScalarFieldEnum))

const commandsOf = (ids: string[]): Statement<CommandRow> => ({
  name: 'changed.commands',
  sql: Prisma.sql`SELECT ${commandColumns} FROM command WHERE id = ANY (${ids}::uuid[])`,
})

const draftColumns = modelColumns(Object.keys(Prisma.DraftScalarFieldEnum))
const attachmentColumns = modelColumns(Object.keys(Prisma.DraftAttachmentScalarFieldEnum))

const draftsOf = (ids: string[]): Statement<DraftRow> => ({
  name: 'changed.drafts',
  sql: Prisma.sql`SELECT ${draftColumns} FROM draft WHERE id = ANY (${ids}::uuid[]) AND discarded_at IS NULL AND submission_id IS NULL`,
})

const attachmentsOf = (ids: string[]): Statement<AttachmentRow> => ({
  name: 'changed.attachments',
  sql: Prisma.sql`SELECT ${attachmentColumns} FROM draft_attachment WHERE draft_id = ANY (${ids}::uuid[])`,
})
