import type { Account } from '@postern/shared/accounts.ts'
import type { Identity } from '@postern/shared/identities.ts'
import { useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { refreshIdentities, useIdentities } from '#data/identities.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/composer-text.ts'
import { Confirm } from '#ui/confirm.tsx'
import { Problem } from '#ui/problem.tsx'
import { IdentityDialog } from './identity-dialog.tsx'

/** Who one writes as from this account. */
export const IdentitiesCard = ({ account: { id } }: { account: Pick<Account, 'id'> }) => {
  const identities = useIdentities().filter(({ accountId }) => accountId === id)
  const [edited, setEdited] = useState<Identity | 'new' | null>(null)
  const [removed, setRemoved] = useState<Identity | null>(null)
  const { problem, attempt } = useAttempt()
  useEffect(() => {
    void refreshIdentities()
  }, [])
  const change = (work: () => Promise<unknown>) =>
    void attempt(async () => {
      await work()
      await refreshIdentities()
    })
  return (
    <section className="card" aria-label={t('identities')}>
      <h2>{t('identities')}</h2>
      <p>{t('identities.text')}</p>
      <ul className="identities">
        {identities.map((one) => (
          <li key={one.id} className="row">
            <span className="grow">
              {one.name && (
                <>
                  <bdi>{one.name}</bdi>{' '}
                </>
              )}
              <bdi className={one.name ? 'muted' : ''}>{one.address}</bdi>
              {one.isDefault && <span className="badge"> {t('identities.default')}</span>}
            </span>
            {!one.isDefault && (
              <button
                type="button"
                className="button"
                aria-label={`${t('identities.makeDefault')}: ${one.address}`}
                onClick={() =>
                  change(() =>
                    call('patchIdentity', 'PATCH', `/v1/identities/${one.id}`, { body: { isDefault: true } }),
                  )
                }
              >
                {t('identities.makeDefault')}
              </button>
            )}
            <button
              type="button"
              className="button"
              aria-label={`${t('identities.edit')}: ${one.address}`}
              onClick={() => setEdited(one)}
            >
              {t('identities.edit')}
            </button>
            {identities.length > 1 && (
              <button
                type="button"
                className="button danger"
                aria-label={`${t('identities.remove')}: ${one.address}`}
                onClick={() => setRemoved(one)}
              >
                {t('identities.remove')}
              </button>
            )}
          </li>
        ))}
      </ul>
      <Problem problem={problem} />
      <button type="button" className="button" onClick={() => setEdited('new')}>
        {t('identities.add')}
      </button>
      {edited && (
        <IdentityDialog accountId={id} identity={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />
      )}
      {removed && (
        <Confirm
          title={t('identities.removeTitle', { address: removed.address })}
          text={t('identities.removeText')}
          action={t('identities.remove')}
          cancel={t('cancel')}
          onConfirm={() => change(() => call('removeIdentity', 'DELETE', `/v1/identities/${removed.id}`))}
          onClose={() => setRemoved(null)}
        />
      )}
    </section>
  )
}
