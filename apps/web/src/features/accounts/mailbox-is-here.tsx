import type { AccountKind, ServerSettings } from '@postern/shared/accounts.ts'
import type { ApiError } from '#data/api.ts'
import { app, useApp } from '#data/app-state.ts'
import { t } from '#lib/page-text.ts'
import { onLinkClick } from '#lib/route.ts'
import { switchHash } from './switch-account.tsx'

/**
 * The mailbox is here already, or is held by a disconnected account: the account that shows it, what can be done with it, or
 * both beside each other.
 */
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
  const shown = useApp((state) => state.accounts.find(({ id }) => id === accountId))
  if (accountId === undefined) return null
  const way = !shown ? 'connect' : shown.kind === kind ? 'open' : kind === 'imap' ? 'switch' : 'open'
  const href = `/accounts/${accountId}${way === 'switch' ? `#${switchHash}` : ''}`
  const means = !shown ? 'exists.besideEmpty' : shown.kind === kind ? 'exists.besideMaildrop' : 'exists.besideMeans'
  return (
    <>
      <div className="row">
        <a
          className="button primary"
          href={href}
          onClick={(event) => {
            if (way !== 'open') app.set({ typedLogin: { accountId, kind, ...typed } })
            onLinkClick(event, href)
          }}
        >
          {t(`exists.${way}`)}
        </a>
        <button type="button" className="button" onClick={onBeside} aria-describedby="beside-means">
          {t('exists.beside')}
        </button>
      </div>
      <p className="muted" id="beside-means" style={{ marginBlockStart: 8 }}>
        {t(means)}
      </p>
    </>
  )
}
