import type { Account } from '@postern/shared/accounts.ts'
import { kindName } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { onLinkClick } from '#lib/route.ts'

/** Whose page it is, and the way back to the mail. */
export const AccountHead = ({ account }: { account: Pick<Account, 'name' | 'address' | 'kind'> }) => (
  <div className="page-head">
    <div style={{ flex: 1 }}>
      <h1>
        <bdi>{account.name || account.address}</bdi>
      </h1>
      <span className="muted">
        {account.name && <bdi>{account.address} </bdi>}
        {kindName(account.kind)}
      </span>
    </div>
    <a className="button" href="/" onClick={(event) => onLinkClick(event, '/')}>
      {t('back')}
    </a>
  </div>
)
