import type { DraftContent, DraftRecipient } from '@postern/shared/drafts.ts'
import { useId, useState } from 'react'
import { isAddressed, type OpenDraft, patchDraft } from '#data/draft-state.ts'
import { identityOf, useIdentities } from '#data/identities.ts'
import { domainOf, writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { exchangeSignature } from '#lib/signature.ts'
import type { FieldErrors } from './composer.tsx'
import { RecipientsField } from './recipients-field.tsx'

const fields = ['to', 'cc', 'bcc'] as const
type FieldName = (typeof fields)[number]
const keys: Record<FieldName, string> = { to: 't', cc: 'c', bcc: 'b' }

/** From whom and to whom, and what it is about. */
export const ComposerFields = ({
  draft: { key, content, revision, takesFocus },
  errors,
  onChange,
}: {
  draft: OpenDraft
  errors: FieldErrors
  onChange: (change: Partial<DraftContent>) => void
}) => {
  const [opened, setOpened] = useState<FieldName[]>([])
  const isShown = (field: FieldName) =>
    field === 'to' || content[field].length > 0 || opened.includes(field) || errors[field] !== undefined
  const hidden = fields.filter((field) => !isShown(field))
  const taken = fields.flatMap((field) => content[field].map(({ address }) => address))
  const subjectId = useId()
  const give = (field: FieldName) => (recipient: DraftRecipient) =>
    onChange({ [field]: [...content[field], recipient] })
  return (
    <div className="composer-fields">
      <From
        content={content}
        onChange={(change) => {
          onChange(change)
          if (change.html !== content.html || change.text !== content.text) patchDraft(key, { revision: revision + 1 })
        }}
      />
      {fields.filter(isShown).map((field) => (
        <RecipientsField
          key={field}
          label={t(`field.${field}`)}
          list={content[field]}
          taken={taken}
          error={errors[field]}
          isFocusedAtFirst={(takesFocus && field === 'to' && !isAddressed(content)) || opened.at(-1) === field}
          moves={fields
            .filter((other) => other !== field)
            .map((other) => ({ label: t(`field.${other}`), key: keys[other], take: give(other) }))}
          onChange={(list) => onChange({ [field]: list })}
        >
          {field === 'to' &&
            hidden.map((other) => (
              <button key={other} type="button" className="link-button" onClick={() => setOpened([...opened, other])}>
                {t(`field.${other}`)}
              </button>
            ))}
        </RecipientsField>
      ))}
      {content.about?.kind !== 'redirect' && (
        <div className="subject-field">
          <label htmlFor={subjectId}>{t('field.subject')}</label>
          <input
            id={subjectId}
            dir="auto"
            lang={navigator.language}
            maxLength={1000}
            value={content.subject}
            onChange={({ target }) => onChange({ subject: target.value })}
          />
        </div>
      )}
    </div>
  )
}

/** Only where there is a choice. */
const From = ({ content, onChange }: { content: DraftContent; onChange: (change: Partial<DraftContent>) => void }) => {
  const identities = useIdentities()
  const id = useId()
  const choices = identities.filter(({ canSend, id: own }) => canSend || own === content.identityId)
  // Removed meanwhile: somebody else has to be chosen before it can go.
  const isGone = identities.length > 0 && !choices.some(({ id: own }) => own === content.identityId)
  const chosen = choices.find(({ id: own }) => own === content.identityId)
  const note = chosen && !chosen.isNamed && <Unnamed address={chosen.address} />
  if (choices.length < 2 && !isGone) return note
  const field = (
    <div className="subject-field">
      <label htmlFor={id}>{t('field.from')}</label>
      <select
        id={id}
        value={content.identityId}
        onChange={({ target }) => {
          const next = identityOf(target.value)
          if (next)
            onChange({ ...exchangeSignature(content, identityOf(content.identityId), next), identityId: next.id })
        }}
      >
        {isGone && (
          <option value={content.identityId} disabled>
            {t('field.fromGone')}
          </option>
        )}
        {choices.map((one) => (
          <option key={one.id} value={one.id}>
            {writeRecipient(one)}
          </option>
        ))}
      </select>
    </div>
  )
  return (
    <>
      {field}
      {note}
    </>
  )
}

/** The owner's relay carries it all the same. */
const Unnamed = ({ address }: { address: string }) => (
  <p className="field-hint" role="status" style={{ margin: '4px 0' }}>
    {t('field.fromUnnamed', { domain: domainOf(address) })}
  </p>
)
