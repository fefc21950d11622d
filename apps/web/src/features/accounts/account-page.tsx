import type { Account } from '@postern/shared/accounts.ts'
import { useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { app, loadAccounts, useApp } from '#data/app-state.ts'
import { showToast } from '#data/toasts.ts'
import { useTitle } from '#data/use-title.ts'
import { fileSize, fullDate } from '#lib/format.ts'
import { navigate, onLinkClick } from '#lib/route.ts'
import { type TextKey, t } from '#lib/text.ts'
import { Dialog } from '#ui/dialog.tsx'
import { EditAccount } from './edit-account.tsx'
import { LookCard } from './look-card.tsx'
import { MailboxTable } from './mailbox-table.tsx'

/** Everything about one account: how it is, its servers and password, its mailboxes, and how to part from it. */
export const AccountPage = ({ accountId }: { accountId: string }) => {
  const account = useApp((state) => state.accounts.find(({ id }) => id === accountId))
  useTitle(account?.address ?? t('account.page'))
  if (!account)
    return (
      <main className="page">
        <p>There is no such account.</p>
        <a href="/" onClick={(event) => onLinkClick(event, '/')}>
          {t('back')}
        </a>
      </main>
    )
  return (
    <main className="page">
      <div className="page-head">
        <h1 style={{ flex: 1 }}>
          <bdi>{account.address}</bdi>
        </h1>
        <a className="button" href="/" onClick={(event) => onLinkClick(event, '/')}>
          {t('back')}
        </a>
      </div>
      <HealthCard account={account} />
      <EditAccount key={account.id} account={account} />
      <LookCard account={account} />
      <MailboxTable account={account} />
      <RemoveCard account={account} />
    </main>
  )
}

const HealthCard = ({ account }: { account: Account }) => {
  const [events, setEvents] = useState<{ id: string; at: string; text: string }[]>([])
  useEffect(() => {
    // A new state is a new line of the timeline.
    if (account.state)
      void call('listSyncEvents', 'GET', `/v1/accounts/${account.id}/events`).then(
        (answer) => setEvents(answer.events),
        () => undefined,
      )
  }, [account.id, account.state])
  const post = async (what: 'sync' | 'resync') => {
    await call(what === 'sync' ? 'syncAccount' : 'resyncAccount', 'POST', `/v1/accounts/${account.id}/${what}`)
    showToast({ kind: 'done', text: what === 'sync' ? 'Syncing' : 'Comparing everything with the server' })
  }
  const pause = async () => {
    const changed = await call('patchAccount', 'PATCH', `/v1/accounts/${account.id}`, {
      body: { isPaused: account.state !== 'paused' },
    })
    app.set((state) => ({ accounts: state.accounts.map((other) => (other.id === account.id ? changed : other)) }))
  }
  return (
    <section className="card" aria-label="Health">
      <h2>{t(`state.${account.state}` as TextKey)}</h2>
      {account.problem && (
        <div className="notice bad">
          <strong>{account.problem.message}</strong> {account.problem.hint}
          {account.problem.serverText && (
            <details>
              <summary>What the server said</summary>
              <code>{account.problem.serverText}</code>
            </details>
          )}
        </div>
      )}
      <p className="muted">
        {account.retryAt && `Next try ${fullDate(account.retryAt)}. `}
        {account.lastSyncedAt && `In step since ${fullDate(account.lastSyncedAt)}. `}
        Stored here: {fileSize(account.storedBytes)}.
        {account.isPrivateHost && ' The server is inside your own network.'}
      </p>
      <div className="row">
        <button type="button" className="button" onClick={() => void post('sync')}>
          Sync now
        </button>
        <button type="button" className="button" onClick={() => void post('resync')}>
          Resync from scratch
        </button>
        <button type="button" className="button" onClick={() => void pause()}>
          {account.state === 'paused' ? 'Resume' : 'Pause'}
        </button>
      </div>
      <details style={{ marginBlockStart: 12 }}>
        <summary>What happened</summary>
        <table className="plain">
          <tbody>
            {events.slice(0, 50).map((event) => (
              <tr key={event.id}>
                <td className="muted">{fullDate(event.at)}</td>
                <td>{event.text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </details>
    </section>
  )
}

const RemoveCard = ({ account }: { account: Account }) => {
  const [isAsking, setAsking] = useState(false)
  const remove = async (mode: 'disconnect' | 'erase') => {
    await call('removeAccount', 'DELETE', `/v1/accounts/${account.id}`, { query: { mode } })
    await loadAccounts()
    navigate('/', { replace: true })
  }
  return (
    <section className="card" aria-label="Remove">
      <h2>Remove this account</h2>
      <p>Nothing is deleted at the mail server either way.</p>
      <button type="button" className="button danger" onClick={() => setAsking(true)}>
        Remove …
      </button>
      {isAsking && (
        <Dialog title={`Remove ${account.address}?`} onClose={() => setAsking(false)}>
          <p>
            <strong>Disconnect</strong> forgets the password and stops. What was read stays stored, out of sight; adding
            the mailbox again finds everything in place.
          </p>
          <p>
            <strong>Erase</strong> also removes every message stored here, for good.
          </p>
          <div className="row end">
            <button type="button" className="button" onClick={() => setAsking(false)}>
              {t('cancel')}
            </button>
            <button type="button" className="button" onClick={() => void remove('disconnect')}>
              Disconnect
            </button>
            <button type="button" className="button danger" onClick={() => void remove('erase')}>
              Erase
            </button>
          </div>
        </Dialog>
      )}
    </section>
  )
}
