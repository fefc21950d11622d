import type { Account } from '@postern/shared/accounts.ts'
import { ArrowDown, ArrowUp } from 'lucide-react'
import { flushSync } from 'react-dom'
import { useApp } from '#data/app-state.ts'
import { orderAccounts } from '#data/order-accounts.ts'
import { showToast } from '#data/toasts.ts'
import { kindName } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { onLinkClick } from '#lib/route.ts'
import { DisconnectedList } from './disconnected-list.tsx'

/** The accounts in the order of the tree. */
export const AccountsSection = () => {
  const accounts = useApp((state) => state.accounts)
  const move = async (from: number, to: number) => {
    const next = accounts.map(({ id }) => id)
    next.splice(to, 0, ...next.splice(from, 1))
    // The line has another place in the page: browsers forget what had the focus in it.
    const button = document.activeElement
    const stored = flushSync(() => orderAccounts(next))
    if (button instanceof HTMLElement) button.focus()
    try {
      await stored
    } catch (error) {
      showToast({ kind: 'problem', text: error instanceof Error ? error.message : '' })
    }
  }
  return (
    <>
      <section className="card" aria-label={t('settings.accounts')}>
        <h2>{t('settings.accounts')}</h2>
        <ol className="plain-list">
          {accounts.map((account, index) => (
            <AccountLine
              key={account.id}
              account={account}
              onUp={index > 0 ? () => void move(index, index - 1) : null}
              onDown={index < accounts.length - 1 ? () => void move(index, index + 1) : null}
            />
          ))}
        </ol>
        <a className="button" href="/accounts/new" onClick={(event) => onLinkClick(event, '/accounts/new')}>
          {t('account.add')}
        </a>
      </section>
      <DisconnectedList />
    </>
  )
}

const AccountLine = ({
  account,
  onUp,
  onDown,
}: {
  account: Account
  onUp: (() => void) | null
  onDown: (() => void) | null
}) => {
  const name = account.name || account.address
  const to = `/accounts/${account.id}`
  return (
    <li className="row account-line">
      {account.color && <span className="account-color" style={{ background: account.color }} />}
      <a className="grow" href={to} onClick={(event) => onLinkClick(event, to)}>
        <bdi>{name}</bdi>
      </a>
      <span className="muted">
        {account.name && <bdi>{account.address} </bdi>}
        {kindName(account.kind)}
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label={t('accounts.upOf', { name })}
        title={t('accounts.up')}
        aria-disabled={!onUp}
        onClick={() => onUp?.()}
      >
        <ArrowUp size={16} aria-hidden />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={t('accounts.downOf', { name })}
        title={t('accounts.down')}
        aria-disabled={!onDown}
        onClick={() => onDown?.()}
      >
        <ArrowDown size={16} aria-hidden />
      </button>
    </li>
  )
}
