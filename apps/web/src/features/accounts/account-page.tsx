import type { Account, SyncEvent } from '@postern/shared/accounts.ts'
import { useState } from 'react'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { patchAccount } from '#data/patch-account.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { useTitle } from '#data/use-title.ts'
import { fileSize, fullDate } from '#lib/format.ts'
import { type TextKey, t } from '#lib/page-text.ts'
import { ListState } from '#ui/list-state.tsx'
import { ServerSaid } from '#ui/server-said.tsx'
import { AccountHead } from './account-head.tsx'
import { CheckNow } from './check-now.tsx'
import { DisconnectedPage } from './disconnected-page.tsx'
import { EditAccount, isCertificateProblem } from './edit-account.tsx'
import { IdentitiesCard } from './identities-card.tsx'
import { LookCard } from './look-card.tsx'
import { MailboxTable } from './mailbox-table.tsx'
import { MaildropFacts } from './maildrop-facts.tsx'
import { RemoveCard } from './remove-card.tsx'
import { RetrievalCard } from './retrieval-card.tsx'
import { SwitchCard } from './switch-account.tsx'
import { TransferCard } from './transfer-card.tsx'

/** Everything about one account: how it is, its servers and password, its mailboxes, and how to part from it. */
export const AccountPage = ({ accountId }: { accountId: string }) => {
  const account = useApp((state) => state.accounts.find(({ id }) => id === accountId))
  const [isChanged, setChanged] = useState(false)
  useTitle(account?.name || account?.address || t('account.page'))
  if (!account) return <DisconnectedPage key={accountId} accountId={accountId} />
  return (
    <main className="page">
      <AccountHead account={account} isChanged={isChanged} />
      <HealthCard account={account} />
      {account.retrieval && (
        <RetrievalCard
          key={`retrieval ${account.id}`}
          accountId={account.id}
          retrieval={account.retrieval}
          onChanged={setChanged}
        />
      )}
      <EditAccount key={`edit ${account.id} ${account.kind}`} account={account} />
      <IdentitiesCard account={account} />
      <LookCard account={account} />
      {account.kind === 'imap' && <MailboxTable account={account} />}
      <SwitchCard account={account} />
      <TransferCard account={account} />
      <RemoveCard account={account} />
    </main>
  )
}

const HealthCard = ({ account }: { account: Account }) => {
  const post = async (what: 'sync' | 'resync') => {
    await call(what === 'sync' ? 'syncAccount' : 'resyncAccount', 'POST', `/v1/accounts/${account.id}/${what}`)
    showToast({ kind: 'done', text: t(what === 'resync' ? 'health.comparing' : 'health.syncing') })
  }
  return (
    <section className="card" aria-label={t('health')}>
      <h2>{t(`state.${account.state}` as TextKey)}</h2>
      {account.problem && (
        <div className="notice bad">
          <strong>{account.problem.message}</strong> {account.problem.hint}
          {isCertificateProblem(account) && (
            <>
              <p style={{ margin: '8px 0' }}>{t('health.certificate')}</p>
              <button type="button" className="button" onClick={toPassword}>
                {t('health.lookAt')}
              </button>
            </>
          )}
          <ServerSaid text={account.problem.serverText} />
        </div>
      )}
      <MaildropFacts account={account} />
      <p className="muted">
        {account.retryAt && `${t('health.nextTry', { date: fullDate(account.retryAt) })} `}
        {account.kind === 'imap' &&
          account.lastSyncedAt &&
          `${t('health.inStep', { date: fullDate(account.lastSyncedAt) })} `}
        {t('health.stored', { size: fileSize(account.storedBytes) })}
        {account.isPrivateHost && ` ${t('health.private')}`}
      </p>
      <div className="row">
        {account.kind === 'imap' ? (
          <>
            <button type="button" className="button" onClick={() => void post('sync')}>
              {t('account.sync')}
            </button>
            <button type="button" className="button" onClick={() => void post('resync')}>
              {t('health.resync')}
            </button>
          </>
        ) : (
          <CheckNow key={account.id} account={account} />
        )}
        <button
          type="button"
          className="button"
          onClick={() => void patchAccount(account.id, { isPaused: account.state !== 'paused' })}
        >
          {account.state === 'paused' ? t('health.resume') : t('health.pause')}
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

/** The newest lines of what happened, while they are in sight: every change of the account may be a new line. */
const Timeline = ({ account }: { account: Account }) => {
  const [isOpen, setOpen] = useState(false)
  const key = isOpen ? JSON.stringify({ ...account, progress: null }) : null
  const { value, status, reload } = useAnswer(key, (signal) =>
    call('listSyncEvents', 'GET', `/v1/accounts/${account.id}/events`, { signal }),
  )
  const events = value?.events.slice(0, 50) ?? []
  return (
    <details style={{ marginBlockStart: 12 }} onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t('timeline')}</summary>
      <ListState
        status={status}
        isEmpty={events.length === 0}
        empty={t('timeline.none')}
        failed={t('timeline.failed')}
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
