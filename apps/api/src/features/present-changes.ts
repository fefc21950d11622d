import type { Change } from '@postern/shared/changes.ts'
import type { ChangeFact } from '#events/change-facts.ts'
import { presentCommand } from '#outbox/outbox.ts'
import { type ChangeRows, readChangeRows } from '#store/read-change-rows.ts'
import type { Ask } from '#store/reader.ts'
import { presentAccount } from './present-account.ts'
import { presentDraft } from './present-draft.ts'
import { presentMailboxes, presentPlacements, presentThreadRow } from './present-mail.ts'
import { presentSubmission } from './present-submission.ts'

/** Facts of one stream as clients get them: each row once, as it is now. */
export const presentChanges = async (
  ask: Ask,
  stream: { accountId: bigint | null; userId: bigint | null },
  facts: ChangeFact[],
): Promise<Change[]> => {
  if (facts.length === 0) return []
  const rows = await readChangeRows(ask, stream, facts)
  return [
    ...removals(facts),
    ...accountChanges(rows),
    ...mailboxChanges(rows, facts),
    ...threadChanges(rows),
    ...messageChanges(rows),
    ...others(facts, rows),
    ...draftChanges(rows, facts),
    ...identityChanges(facts),
    ...settings(rows, facts),
    ...rows.relay.map(({ isRefused }): Change => ({ kind: 'relay', isRefused })),
  ]
}

const removals = (facts: ChangeFact[]): Change[] =>
  facts.flatMap((fact) =>
    fact.kind === 'accountRemoved' ? [{ kind: 'accountRemoved', accountId: fact.accountId }] : [],
  )
const accountChanges = (rows: ChangeRows): Change[] =>
  rows.accounts.map((row) => ({ kind: 'account', account: presentAccount(row) }))

const mailboxChanges = (rows: ChangeRows, facts: ChangeFact[]): Change[] => {
  const removed = facts.flatMap((fact) => (fact.kind === 'mailboxes' ? fact.removed : []))
  if (rows.mailboxes.length + removed.length === 0) return []
  return [{ kind: 'mailboxes', upserted: presentMailboxes(rows.mailboxes, rows.mailboxesWithParents), removed }]
}

const threadChanges = (rows: ChangeRows): Change[] => {
  const there = new Map(rows.threadRows.map((row) => [`${row.mailbox_id}:${row.thread_id}`, row]))
  const byMailbox = new Map<bigint, bigint[]>()
  for (const [mailboxId, threadId] of rows.pairs)
    byMailbox.set(mailboxId, [...(byMailbox.get(mailboxId) ?? []), threadId])
  return [...byMailbox].map(([mailboxId, threadIds]) => {
    const upserted = threadIds.flatMap((threadId) => there.get(`${mailboxId}:${threadId}`) ?? [])
    const removed = threadIds.filter((threadId) => !there.has(`${mailboxId}:${threadId}`))
    return {
      kind: 'threads',
      mailboxId: mailboxId.toString(),
      upserted: upserted.map(presentThreadRow),
      removed: removed.map(String),
    }
  })
}

const messageChanges = (rows: ChangeRows): Change[] => {
  if (rows.threadMessages.length === 0) return []
  const byMessage = new Map<bigint, typeof rows.placements>()
  for (const row of rows.placements) byMessage.set(row.message_id, [...(byMessage.get(row.message_id) ?? []), row])
  return [
    {
      kind: 'messages',
      messages: rows.threadMessages.map(({ id, thread_id }) => ({
        id: id.toString(),
        threadId: thread_id.toString(),
        placements: presentPlacements(byMessage.get(id) ?? []),
      })),
    },
  ]
}

const others = (facts: ChangeFact[], rows: ChangeRows): Change[] => {
  const grown = new Set(facts.flatMap((fact) => (fact.kind === 'mailboxGrew' ? [fact.mailboxId] : [])))
  const bodies = [...new Set(facts.flatMap((fact) => (fact.kind === 'bodies' ? fact.messageIds : [])))]
  return [
    ...[...grown].map((mailboxId): Change => ({ kind: 'mailboxGrew', mailboxId })),
    ...(bodies.length > 0 ? [{ kind: 'bodies', messageIds: bodies } as const] : []),
    ...facts.flatMap((fact): Change[] =>
      fact.kind === 'arrived' || fact.kind === 'transfersDismissed' || fact.kind === 'notes' ? [fact] : [],
    ),
    ...rows.commands.map((row): Change => ({ kind: 'command', command: presentCommand(row) })),
    ...rows.submissions.map((row): Change => ({ kind: 'submission', submission: presentSubmission(row) })),
  ]
}

const draftChanges = ({ drafts }: ChangeRows, facts: ChangeFact[]): Change[] => {
  const ids = new Set(facts.flatMap((fact) => (fact.kind === 'draft' ? [fact.draftId] : [])))
  return [...ids].map((draftId): Change => {
    const open = drafts.find(({ row }) => row.id === draftId)
    return open ? { kind: 'draft', draft: presentDraft(open) } : { kind: 'draftRemoved', draftId }
  })
}

const identityChanges = (facts: ChangeFact[]): Change[] => {
  const ids = new Set(facts.flatMap((fact) => (fact.kind === 'identities' ? [fact.accountId] : [])))
  return [...ids].map((accountId) => ({ kind: 'identities', accountId }))
}

const settings = (rows: ChangeRows, facts: ChangeFact[]): Change[] =>
  facts.some(({ kind }) => kind === 'settings')
    ? [{ kind: 'settings', settings: Object.fromEntries(rows.settings.map(({ key, value }) => [key, value])) }]
    : []
