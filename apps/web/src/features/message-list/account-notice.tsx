import { useApp } from '#data/app-state.ts'
import { onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'

/** To the owner, above every list: nobody's mail goes by the relay. */
export const RelayNotice = () => {
  const isRefused = useApp(({ session }) => session?.isRelayRefused === true)
  if (!isRefused) return null
  const to = '/settings/relay'
  return (
    <p className="notice bad" role="status">
      {t('list.relayRefused')}{' '}
      <a href={to} onClick={(event) => onLinkClick(event, to)}>
        {t('list.fix')}
      </a>
    </p>
  )
}

/** Above the list of an account that cannot go on by itself: what is shown may be old, and why. */
export const AccountNotice = ({ accountId }: { accountId: string }) => {
  const account = useApp(({ accounts }) => accounts.find(({ id }) => id === accountId))
  if (account?.state !== 'needs_person') return null
  const to = `/accounts/${accountId}`
  return (
    <p className="notice bad" role="status">
      {t('list.needsYou')} {account.problem?.message}{' '}
      <a href={to} onClick={(event) => onLinkClick(event, to)}>
        {t('list.fix')}
      </a>
    </p>
  )
}
