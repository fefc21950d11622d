import type { Account, SyncEvent } from '@postern/shared/accounts.ts'
import { useState } from 'react'
import { call } from '#data/api.ts'
import { app, loadAccounts, useApp } from '#data/app-state.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { useTitle } from '#data/use-title.ts'
import { fileSize, fullDate } from '#lib/format.ts'
import { navigate, onLinkClick } from '#lib/route.ts'
import { type TextKey, t } from '#lib/text.ts'
import { Dialog } from '#ui/dialog.tsx'
import { ListState } from '#ui/list-state.tsx'
import { EditAccount, isCertificateProblem } from './edit-account.tsx'
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
          {isCertificateProblem(account) && (
            <>
              <p style={{ margin: '8px 0' }}>
                Nothing was sent to it, not even the password. To look at the new certificate, enter the password below
                and test: it is shown before anything is sent, and you can trust it.
              </p>
              <button type="button" className="button" onClick={toPassword}>
                Look at the certificate
              </button>
            </>
          )}
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
      <Timeline account={account} />
    </section>
  )
}

/** A step from one state to the next is told as what it came to. */
const eventText = ({ kind, code, text }: SyncEvent): string => {
  const state = accountStates.find((known) => known === kind)
  return code === null && state ? t(`state.${state}`) : text
}
const accountStates = ['new', 'connecting', 'syncing', 'watching', 'waiting', 'needs_person', 'paused'] as const

const toPassword = (): void => document.querySelector<HTMLInputElement>('[data-account-password]')?.focus()

/** The newest lines of what happened; a new state is a new line. */
const Timeline = ({ account }: { account: Account }) => {
  const { value, status, reload } = useAnswer(`${account.id} ${account.state}`, (signal) =>
    call('listSyncEvents', 'GET', `/v1/accounts/${account.id}/events`, { signal }),
  )
  const events = value?.events.slice(0, 50) ?? []
  return (
    <details style={{ marginBlockStart: 12 }}>
      <summary>What happened</summary>
      <ListState
        status={status}
        isEmpty={events.length === 0}
        empty="Nothing yet."
        failed="What happened could not be loaded."
        lines={3}
        onRetry={reload}
      />
      <table className="plain">
        <tbody>
          {events.map((event) => (
            <tr key={event.id}>
              <td className="muted">{fullDate(event.at)}</td>
              <td>{eventText(event)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
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
