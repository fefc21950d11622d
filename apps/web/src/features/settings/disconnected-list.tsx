import { call } from '#data/api.ts'
import { useAnswer } from '#data/use-answer.ts'
import { fileSize, fullDate, kindName } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { onLinkClick } from '#lib/route.ts'

/** Accounts that are disconnected, with what is kept of them; their pages connect them again or erase them. */
export const DisconnectedList = () => {
  const { value } = useAnswer('disconnected', (signal) =>
    call('listDisconnected', 'GET', '/v1/disconnected-accounts', { signal }),
  )
  if (!value || value.accounts.length === 0) return null
  return (
    <section className="card" aria-label={t('settings.disconnected')}>
      <h2>{t('settings.disconnected')}</h2>
      <p>{t('disconnected.text')}</p>
      <ul className="plain-list">
        {value.accounts.map(({ id, name, address, kind, mails, bytes, disconnectedAt }) => (
          <li key={id} className="row account-line">
            <span className="grow">
              <bdi>{name || address}</bdi>{' '}
              <span className="muted">
                {kindName(kind)} ·{' '}
                {t('disconnected.holds', {
                  n: mails.toLocaleString(),
                  size: fileSize(bytes),
                  date: fullDate(disconnectedAt),
                })}
              </span>
            </span>
            <a
              className="button"
              href={`/accounts/${id}`}
              aria-label={t('disconnected.openOf', { name: name || address })}
              onClick={(event) => onLinkClick(event, `/accounts/${id}`)}
            >
              {t('disconnected.open')}
            </a>
          </li>
        ))}
      </ul>
    </section>
  )
}
