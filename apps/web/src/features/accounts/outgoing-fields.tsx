import type { RelayOffer } from '@postern/shared/relay.ts'
import { call } from '#data/api.ts'
import { useAnswer } from '#data/use-answer.ts'
import { t } from '#lib/page-text.ts'
import { unnamedDomains } from '#lib/relay-domains.ts'
import { Field } from '#ui/field.tsx'
import { isSameForm, ServerFields, type ServerForm } from './server-fields.tsx'

/** Null: there is none. Throws ApiError. */
export const askRelayOffer = async (signal?: AbortSignal): Promise<RelayOffer | null> =>
  (await call('getRelayOffer', 'GET', '/v1/relay', signal ? { signal } : {})).relay

/** Null while that is not known, too. */
export const useRelayOffer = (): RelayOffer | null => useAnswer('relay offer', askRelayOffer).value

/** What somebody chose; the server stays in the form for the day on which it is the way again. */
export type Sending = { usesRelay: boolean; outgoing: ServerForm | null; password: string }

/**
 * Sending is a choice; `fallback` is what the form of an own server starts with, and is told as a guess where `isGuessed`. An
 * empty password: the same as for reading.
 */
export const OutgoingFields = ({
  value,
  relay,
  addresses,
  fallback,
  isGuessed,
  errors,
  onChange,
}: {
  value: Sending
  relay: RelayOffer | null
  /** Those that are written as. */
  addresses: string[]
  fallback: ServerForm
  isGuessed: boolean
  errors: Record<string, string> | undefined
  onChange: (value: Sending) => void
}) => {
  const { usesRelay, outgoing, password } = value
  const own = outgoing ?? fallback
  return (
    <>
      <WayOut
        value={usesRelay ? 'relay' : outgoing ? 'own' : 'none'}
        ways={relay || usesRelay ? ['own', 'relay', 'none'] : ['own', 'none']}
        isOffered={relay !== null}
        onChange={(way) =>
          onChange({
            ...value,
            usesRelay: way === 'relay',
            outgoing: { own, relay: outgoing, none: null }[way],
          })
        }
      />
      {usesRelay && <RelayMeaning relay={relay} addresses={addresses} />}
      {outgoing && !usesRelay && (
        <>
          {isGuessed && isSameForm(outgoing, fallback) && <p className="notice warn">{t('servers.guessed')}</p>}
          <ServerFields
            kind="smtp"
            value={outgoing}
            errors={errors}
            onChange={(next) => onChange({ ...value, outgoing: next })}
          />
          <Field
            label={t('servers.outgoingPassword')}
            type="password"
            autoComplete="off"
            value={password}
            error={errors?.outgoingPassword}
            onChange={(event) => onChange({ ...value, password: event.target.value })}
            hint={t('servers.outgoingPasswordHint')}
          />
        </>
      )}
    </>
  )
}

type Way = 'own' | 'relay' | 'none'

const WayOut = ({
  value,
  ways,
  isOffered,
  onChange,
}: {
  value: Way
  ways: Way[]
  isOffered: boolean
  onChange: (way: Way) => void
}) => (
  <fieldset className="choice-group">
    <legend>{t('way.legend')}</legend>
    {ways.map((way) => (
      <label key={way}>
        <input type="radio" name="way" checked={value === way} onChange={() => onChange(way)} />
        {t(`way.${way}`)}
      </label>
    ))}
    {value === 'none' && <p className="notice">{t(isOffered ? 'way.proposed' : 'way.nothing')}</p>}
  </fieldset>
)

/** In one sentence, and for which addresses it bodes no good. */
const RelayMeaning = ({ relay, addresses }: { relay: RelayOffer | null; addresses: string[] }) => {
  if (!relay) return <p className="notice warn">{t('way.gone')}</p>
  const unnamed = unnamedDomains(addresses, relay.domains)
  const domains = unnamed.join(', ')
  return (
    <>
      <p className="muted">{t('way.meaning')}</p>
      {unnamed.length > 0 && (
        <p className="notice warn">
          {relay.carriesOthers
            ? t('way.unaligned', { domains })
            : t('way.notCarried', { domains, named: relay.domains.join(', ') })}
        </p>
      )}
    </>
  )
}
