import type { ImapSession } from '#protocol/imap/open-session.ts'
import { type AccountFacts, addSyncEvent } from '#store/account-state.ts'
import { commit } from '#store/commit.ts'
import type { Lease } from '#store/lease.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'
import { type MailboxSyncOptions, syncMailbox } from '#sync/run-mailbox-sync.ts'
import type { SyncContext } from '#sync/sync-context.ts'
import type { AccountSessions } from './account-sessions.ts'
import type { EngineDeps } from './engine-deps.ts'

/** What all sessions of one account share while its worker lives. */
export type AccountShare = {
  deps: EngineDeps
  lease: Lease
  /** Aborts when the worker stops. */
  signal: AbortSignal
  sessions: AccountSessions
  /** The sync of each mailbox that runs or ran last: two sessions never store the same messages at once. */
  turns: Map<bigint, Promise<unknown>>
  /** The change counter once hid something: it is not believed any more. */
  isDistrusted: boolean
  /** The account changes from POP3 to IMAP, and not all of its mail was met at the server yet. */
  isSwitching: boolean
  /** What the last look leaves to be written, together with the state it leads to. */
  facts: AccountFacts | null
}

export const scopeOf = ({ lease }: AccountShare) => ({ kind: 'engine' as const, ...lease })

export const syncContextOf = (
  share: AccountShare,
  session: ImapSession,
  yieldToCommands: () => Promise<void> = async () => undefined,
): SyncContext => {
  const { deps, lease, signal } = share
  const { store, clock, logger, readers } = deps
  return {
    store,
    session,
    reader: readers.bulk,
    accountId: lease.accountId,
    scope: scopeOf(share),
    clock,
    logger,
    signal,
    yieldToCommands,
    isSwitching: () => share.isSwitching,
  }
}

/** Whether a session's change counter tells every change of flags. RFC 7162. */
export const trustsModseq = (share: AccountShare, session: ImapSession): boolean =>
  session.capabilities.condstore && !share.isDistrusted

/** Syncs a mailbox when it is its turn, and draws the consequence when a compare shows that the server hid something. */
export const syncInTurn = async (
  share: AccountShare,
  context: SyncContext,
  mailbox: MailboxRow,
  options: Omit<MailboxSyncOptions, 'trustsModseq'>,
): Promise<void> => {
  const before = share.turns.get(mailbox.id) ?? Promise.resolve()
  const turn = before
    .catch(() => undefined)
    .then(() => syncMailbox(context, mailbox, { ...options, trustsModseq: trustsModseq(share, context.session) }))
  share.turns.set(mailbox.id, turn)
  try {
    const { isModseqDishonest } = await turn
    if (isModseqDishonest && !share.isDistrusted) await distrust(share)
  } finally {
    if (share.turns.get(mailbox.id) === turn) share.turns.delete(mailbox.id)
  }
}

/** From now on flags of this account are compared in turns. */
const distrust = async (share: AccountShare): Promise<void> => {
  const { accountId } = share.lease
  share.isDistrusted = true
  await commit(share.deps.store, scopeOf(share), async (unit) => {
    await unit.tx
      .$executeRaw`UPDATE account SET capabilities = capabilities || '{"condstoreDistrust": true}' WHERE id = ${accountId}`
    await addSyncEvent(unit, accountId, {
      kind: 'distrust',
      code: null,
      text: 'The server hid a change; from now on its mailboxes are compared instead of asking what changed.',
    })
  })
}
