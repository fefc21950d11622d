import { useApp } from '#data/app-state.ts'
import { onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'

/** Above a list: what its person should know of the account before reading, and of the relay. */
export const ListNotices = ({ accountId }: { accountId: string }) => (
  <div className="list-notices">
    <AccountNotice accountId={accountId} />
    <RelayNotice />
  </div>
)

/** To the owner, above every list: nobody's mail goes by the relay. */
const RelayNotice = () => {
  const isRefused = useApp(({ session }) => session?.isRelayRefused === true)
  return isRefused && <Notice kind="bad" text={t('list.relayRefused')} link={t('list.fix')} to="/settings/relay" />
}

/** What is shown may be old, and why: an account that cannot go on by itself, or one out of a restored backup. */
const AccountNotice = ({ accountId }: { accountId: string }) => {
  const account = useApp(({ accounts }) => accounts.find(({ id }) => id === accountId))
  const to = `/accounts/${accountId}`
  if (account?.state === 'needs_person')
    return (
      <Notice
        kind="bad"
        text={`${t('list.needsYou')} ${account.problem?.message ?? ''}`}
        link={t('list.fix')}
        to={to}
      />
    )
  return account?.retrieval?.isOnHold && <Notice kind="warn" text={t('list.onHold')} link={t('list.goOn')} to={to} />
}

const Notice = ({ kind, text, link, to }: { kind: 'bad' | 'warn'; text: string; link: string; to: string }) => (
  <p className={`notice ${kind}`} role="status">
    {text}{' '}
    <a href={to} onClick={(event) => onLinkClick(event, to)}>
      {link}
    </a>
  </p>
)
