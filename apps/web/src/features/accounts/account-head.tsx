import type { Account } from '@postern/shared/accounts.ts'
import { useState } from 'react'
import { kindName } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { goBackOr, onPlainClick } from '#lib/route.ts'
import { ConfirmDiscard } from '#ui/confirm-discard.tsx'

/** Whose page it is, and the way back to where one came from. */
export const AccountHead = ({
  account,
  isChanged = false,
}: {
  account: Pick<Account, 'name' | 'address' | 'kind'>
  /** Something on the page is not saved. */
  isChanged?: boolean
}) => {
  const [isAsking, setAsking] = useState(false)
  const leave = () => goBackOr('/')
  return (
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
      <a
        className="button"
        href="/"
        onClick={(event) => onPlainClick(event, isChanged ? () => setAsking(true) : leave)}
      >
        {t('back')}
      </a>
      {isAsking && <ConfirmDiscard onDiscard={leave} onStay={() => setAsking(false)} />}
    </div>
  )
}
