import type { AccountKind } from '@postern/shared/accounts.ts'
import type { ApiError } from '#data/api.ts'
import { t } from '#lib/page-text.ts'
import { onLinkClick } from '#lib/route.ts'
import { switchHash } from './switch-account.tsx'

/** The mailbox is here by the other protocol: the account that shows it, what can be done with it, or both beside each other. */
export const MailboxIsHere = ({
  problem,
  kind,
  onBeside,
}: {
  problem: ApiError | null
  /** Of the account that was to be added. */
  kind: AccountKind
  onBeside: () => void
}) => {
  const accountId = problem?.code === 'account.exists' ? problem.detail.accountId : undefined
  if (accountId === undefined) return null
  const href = `/accounts/${accountId}${kind === 'imap' ? `#${switchHash}` : ''}`
  return (
    <div className="row" style={{ marginBlockEnd: 12 }}>
      <a className="button primary" href={href} onClick={(event) => onLinkClick(event, href)}>
        {t(kind === 'imap' ? 'exists.switch' : 'exists.open')}
      </a>
      <button type="button" className="button" onClick={onBeside}>
        {t('exists.beside')}
      </button>
    </div>
  )
}
