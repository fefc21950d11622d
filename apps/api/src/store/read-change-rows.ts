import type { ChangeFact } from '#events/change-facts.ts'
import type { AccountRow } from './accounts.ts'
import type { CommandRow } from './commands.ts'
import { readThreadRows, type ThreadListRow } from './list-threads.ts'
import type { Tx } from './open-store.ts'
import { type PlacementRow, readPlacements } from './read-messages.ts'
import { type MailboxRow, readMailboxes } from './sync-mailboxes.ts'

/** Everything a batch of facts is about, as it is now: one query per kind, however many facts. */
export type ChangeRows = {
  /** The pairs asked for, and the rows of those that still exist. */
  pairs: [bigint, bigint][]
  threadRows: ThreadListRow[]
  /** All messages of the changed conversations; those without a placement are gone everywhere. */
  threadMessages: { id: bigint; thread_id: bigint }[]
  placements: PlacementRow[]
  mailboxes: MailboxRow[]
  allMailboxes: MailboxRow[]
  accounts: AccountRow[]
  commands: CommandRow[]
}

export const readChangeRows = async (tx: Tx, accountId: bigint | null, facts: ChangeFact[]): Promise<ChangeRows> => {
  const pairKeys = new Set(
    facts.flatMap((fact) => (fact.kind === 'threads' ? fact.pairs.map((pair) => pair.join(':')) : [])),
  )
  const pairs = [...pairKeys].map((key): [bigint, bigint] => {
    const [mailboxId = '0', threadId = '0'] = key.split(':')
    return [BigInt(mailboxId), BigInt(threadId)]
  })
  const threadIds = [...new Set(pairs.map(([, threadId]) => threadId))]
  const mailboxIds = new Set(facts.flatMap((fact) => (fact.kind === 'mailboxes' ? fact.mailboxIds : [])))
  const accountIds = [...new Set(facts.flatMap((fact) => (fact.kind === 'account' ? [fact.accountId] : [])))].map(
    BigInt,
  )
  const commandIds = [...new Set(facts.flatMap((fact) => (fact.kind === 'command' ? [fact.commandId] : [])))]
  const allMailboxes = mailboxIds.size > 0 && accountId !== null ? await readMailboxes(tx, accountId) : []
  return {
    pairs,
    threadRows: pairs.length > 0 ? await readThreadRows(tx, pairs) : [],
    threadMessages:
      threadIds.length > 0
        ? await tx.$queryRaw`SELECT id, thread_id FROM message WHERE thread_id = ANY (${threadIds}::bigint[]) LIMIT 2000`
        : [],
    placements: threadIds.length > 0 ? await readPlacements(tx, threadIds) : [],
    mailboxes: allMailboxes.filter(({ id }) => mailboxIds.has(id.toString())),
    allMailboxes,
    accounts:
      accountIds.length > 0
        ? await tx.account.findMany({ where: { id: { in: accountIds }, disconnectedAt: null } })
        : [],
    commands: commandIds.length > 0 ? await tx.command.findMany({ where: { id: { in: commandIds } } }) : [],
  }
}
