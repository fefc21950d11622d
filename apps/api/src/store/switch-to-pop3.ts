import { account as accountSchema, serverSettings } from '@postern/shared/accounts.ts'
import { retrieval } from '@postern/shared/retrieval.ts'
import { z } from 'zod'
import { AppError } from '#platform/errors.ts'
import { addSyncEvent } from './account-state.ts'
import { countHome } from './bring-home.ts'
import { lockCommands } from './commands.ts'
import type { Unit } from './commit.ts'
import { revokeLease } from './lease.ts'
import { lifeHere } from './mailboxes-here.ts'
import type { Tx } from './open-store.ts'
import { planMailboxesHere } from './plan-mailboxes-here.ts'
import { startAtServer } from './start-at-server.ts'
import { readMailboxes, storeTree } from './sync-mailboxes.ts'

const target = z.object({ incoming: serverSettings, isPrivateHost: z.boolean() })
const begun = accountSchema.shape.switching

/** What still keeps an account from changing to POP3; null when nothing does. */
export type SwitchWait = { kind: 'commands' } | { kind: 'mails' } | { kind: 'mailbox'; path: string }

export const findSwitchWait = async (tx: Tx, accountId: bigint): Promise<SwitchWait | null> => {
  const home = await countHome(tx, accountId)
  if (home.unread !== null) return { kind: 'mailbox', path: home.unread }
  if (home.away + home.nameless + home.misread > 0) return { kind: 'mails' }
  const waiting = await tx.command.count({ where: { accountId, state: { in: ['pending', 'running'] } } })
  const sending = await tx.transferItem.count({ where: { accountId, state: 'sending' } })
  return waiting + sending > 0 ? { kind: 'commands' } : null
}

/**
 * An IMAP account whose mail is all here, or in its inbox, becomes a POP3 account, in one transaction. Its mailboxes are kept
 * here from now on, under their ids; its mails keep everything. Those of the inbox are met in the maildrop by the next looks
 * (sync/meet-mails.ts). Throws account.not_ready when something keeps it from that again; request.conflict when it was cancelled.
 */
export const switchToPop3 = async (unit: Unit, accountId: bigint): Promise<void> => {
  const { tx } = unit
  // Who writes mail takes the lease first, then waits for other locks; so do we.
  await revokeLease(tx, accountId)
  await lockCommands(tx, accountId)
  const account = await tx.account.findUniqueOrThrow({ where: { id: accountId } })
  if (account.kind !== 'imap' || account.switchTo === null || account.switchCredential === null)
    throw new AppError('request.conflict', 'The change to POP3 was cancelled.')
  if ((await findSwitchWait(tx, accountId)) !== null)
    throw new AppError('account.not_ready', 'Something came in between.', { hint: 'It goes on by itself.' })
  const { incoming, isPrivateHost } = target.parse(account.switchTo)
  await keepMailboxesHere(unit, accountId)
  const awaited = await awaitInbox(tx, accountId)
  await distrustLedger(tx, accountId)
  await startAtServer(tx, account, {
    kind: 'pop3',
    incoming,
    credential: account.switchCredential,
    isPrivateHost,
    awaited,
    brought: begun.parse(account.switching)?.brought ?? 0,
  })
  const wishes = retrieval.parse({ ...Object(account.retrieval), policy: { kind: 'keep' }, isOnHold: false })
  await tx.account.update({ where: { id: accountId }, data: { retrieval: wishes } })
  await tx.switchMail.deleteMany({ where: { accountId } })
  await addSyncEvent(unit, accountId, {
    kind: 'switch',
    code: null,
    text: 'This is a POP3 account now; the mails of the inbox are found again in the maildrop.',
  })
  unit.log({ accountId }, { kind: 'account', accountId: accountId.toString() })
}

/** The tree as it is, and uids that go on from the server's; what was a view of everything shows nothing twice. */
const keepMailboxesHere = async (unit: Unit, accountId: bigint): Promise<void> => {
  const { tx } = unit
  const { kept, made, leftOut, views } = planMailboxesHere(await readMailboxes(tx, accountId))
  await storeTree(unit, accountId, { created: made, renamed: kept, updated: [], removed: leftOut })
  for (const view of views) {
    const twice = await tx.$queryRaw<{ thread_id: bigint }[]>`
      DELETE FROM placement p WHERE p.mailbox_id = ${view} AND EXISTS (SELECT 1 FROM placement o WHERE o.message_id = p.message_id
        AND o.mailbox_id <> ${view} AND o.shown_mailbox_id IS NOT NULL) RETURNING thread_id`
    unit.touchThreadsInBulk(
      accountId,
      twice.map((row) => row.thread_id),
    )
    await tx.$executeRaw`UPDATE mailbox SET chosen_role = NULL WHERE id = ${view}`
  }
  await tx.$executeRaw`
    UPDATE mailbox b SET uid_validity = ${lifeHere.uidValidity}, fill_uid = ${lifeHere.fillUid}, highest_modseq = NULL, server_id = NULL, server_messages = 0,
      uid_next = greatest(coalesce(b.uid_next, 1), c.last_uid + 1), envelopes_stored = c.mails, permanent_flags = '{}', can_create_keywords = true,
      is_read_only = false, rights = NULL, is_synced = true, checked_at = NULL, compared_at = NULL
    FROM (SELECT m.id, coalesce(max(p.uid), 0) AS last_uid, count(p.id)::int AS mails FROM mailbox m LEFT JOIN placement p ON p.mailbox_id = m.id
      WHERE m.account_id = ${accountId} GROUP BY m.id) c
    WHERE b.id = c.id`
  // On their way from one mailbox to another, or kept since a change to IMAP.
  await tx.$executeRaw`
    WITH bare AS (
      SELECT id, mailbox_id, row_number() OVER (PARTITION BY mailbox_id ORDER BY id) AS n FROM placement WHERE account_id = ${accountId} AND uid IS NULL),
    numbered AS (
      UPDATE placement p SET uid = b.uid_next + bare.n - 1 FROM bare JOIN mailbox b ON b.id = bare.mailbox_id WHERE p.id = bare.id RETURNING p.mailbox_id, p.uid)
    UPDATE mailbox b SET uid_next = t.next FROM (SELECT mailbox_id, max(uid) + 1 AS next FROM numbered GROUP BY mailbox_id) t WHERE b.id = t.mailbox_id`
  await tx.$executeRaw`UPDATE placement SET modseq = 0 WHERE account_id = ${accountId} AND modseq <> 0`
  const emptied = await tx.$queryRaw<{ id: bigint }[]>`
    SELECT b.id FROM mailbox b WHERE b.id = ANY (${views}::bigint[]) AND b.role IS NULL AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.mailbox_id = b.id)
      AND NOT EXISTS (SELECT 1 FROM mailbox c WHERE c.account_id = b.account_id AND starts_with(c.path, b.path || '/'))`
  await storeTree(unit, accountId, { created: [], renamed: [], updated: [], removed: emptied.map(({ id }) => id) })
}

/** How often each mail is expected in the maildrop, or may be shown there; answers how many are expected in all. */
const awaitInbox = async (tx: Tx, accountId: bigint): Promise<number> => {
  await tx.$executeRaw`
    DELETE FROM switch_header h WHERE h.account_id = ${accountId} AND NOT EXISTS (SELECT 1 FROM placement p WHERE p.message_id = h.message_id)`
  await tx.$executeRaw`
    UPDATE switch_header h SET is_elsewhere = c.in_inbox = 0, copies = CASE WHEN c.in_inbox = 0 THEN c.in_all ELSE c.in_inbox END
    FROM (SELECT p.message_id, count(*)::int AS in_all, (count(*) FILTER (WHERE b.role = 'inbox'))::int AS in_inbox
      FROM placement p JOIN mailbox b ON b.id = p.mailbox_id WHERE p.account_id = ${accountId} GROUP BY p.message_id) c
    WHERE h.account_id = ${accountId} AND h.message_id = c.message_id`
  const [row] = await tx.$queryRaw<{ n: number }[]>`
    SELECT coalesce(sum(copies), 0)::int AS n FROM switch_header WHERE account_id = ${accountId} AND NOT is_elsewhere`
  return row?.n ?? 0
}

/**
 * What is remembered of the maildrop is from before the account was IMAP: each mail is compared before it is believed to be the
 * same (missing since then), and nothing of it is still to be removed.
 */
const distrustLedger = async (tx: Tx, accountId: bigint): Promise<void> => {
  await tx.popLedger.deleteMany({ where: { accountId, state: 'listed' } })
  await tx.$executeRaw`
    UPDATE pop_ledger SET state = 'fetched', wants_whole = false, missing_since = coalesce(missing_since, now())
    WHERE account_id = ${accountId} AND state <> 'gone'`
}
