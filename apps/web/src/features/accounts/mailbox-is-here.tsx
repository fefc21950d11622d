import type { AccountKind, ServerSettings } from '@postern/shared/accounts.ts'
import type { ApiError } from '#data/api.ts'
import { app } from '#data/app-state.ts'
import { t } from '#lib/page-text.ts'
import { onLinkClick } from '#lib/route.ts'
import { switchHash } from './switch-account.tsx'

/** The mailbox is here by the other protocol: the account that shows it, what can be done with it, or both beside each other. */
export const MailboxIsHere = ({
  problem,
  kind,
  typed,
  onBeside,
}: {
  problem: ApiError | null
  /** Of the account that was to be added. */
  kind: AccountKind
  /** Works, and is not asked for again. */
  typed: { incoming: ServerSettings; password: string }
  onBeside: () => void
}) => {
  const accountId = problem?.code === 'account.exists' ? problem.detail.accountId : undefined
  if (accountId === undefined) return null
  const href = `/accounts/${accountId}${kind === 'imap' ? `#${switchHash}` : ''}`
  return (
    <>
      <div className="row">
        <a
          className="button primary"
          href={href}
          onClick={(event) => {
            if (kind === 'imap') app.set({ typedLogin: { accountId, ...typed } })
            onLinkClick(event, href)
          }}
        >
          {t(kind === 'imap' ? 'exists.switch' : 'exists.open')}
        </a>
        <button type="button" className="button" onClick={onBeside} aria-describedby="beside-means">
          {t('exists.beside')}
        </button>
      </div>
      <p className="muted" id="beside-means" style={{ marginBlockStart: 8 }}>
        {t('exists.besideMeans')}
      </p>
    </>
  )
}
