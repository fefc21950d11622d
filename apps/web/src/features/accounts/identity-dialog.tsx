import type { Identity } from '@postern/shared/identities.ts'
import { type FormEvent, lazy, Suspense, useState } from 'react'
import { call } from '#data/api.ts'
import { refreshIdentities } from '#data/identities.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { isAddress, parseRecipients, writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { readPicture } from '#lib/read-picture.ts'
import { Dialog } from '#ui/dialog.tsx'
import { Field, focusInvalid } from '#ui/field.tsx'
import { Problem } from '#ui/problem.tsx'

const RichEditor = lazy(() => import('#ui/rich-editor.tsx').then((module) => ({ default: module.RichEditor })))

/** A name, an address and a signature, new or changed. */
export const IdentityDialog = ({
  accountId,
  identity,
  onClose,
}: {
  accountId: string
  /** Null: a new one. */
  identity: Identity | null
  onClose: () => void
}) => {
  const [name, setName] = useState(identity?.name ?? '')
  const [address, setAddress] = useState(identity?.address ?? '')
  const [replyTo, setReplyTo] = useState(identity?.replyTo ? writeRecipient(identity.replyTo) : '')
  const [signature, setSignature] = useState(identity?.signature ?? '')
  const [hasTried, setTried] = useState(false)
  const [refused, setRefused] = useState('')
  const { isBusy, problem, attempt } = useAttempt()
  const answered = parseRecipients(replyTo)
  const isReplyRight = replyTo.trim() === '' || (answered.length === 1 && isAddress(answered[0]?.address ?? ''))
  const isAddressRight = isAddress(address.trim())
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    setTried(true)
    const form = event.currentTarget
    if (!isReplyRight || !isAddressRight) return requestAnimationFrame(() => focusInvalid(form))
    const body = { name: name.trim(), address: address.trim(), replyTo: answered[0] ?? null, signature }
    return void attempt(async () => {
      if (identity) await call('patchIdentity', 'PATCH', `/v1/identities/${identity.id}`, { body })
      else await call('createIdentity', 'POST', `/v1/accounts/${accountId}/identities`, { body })
      await refreshIdentities()
      onClose()
    })
  }
  return (
    <Dialog title={t(identity ? 'identities.editTitle' : 'identities.addTitle')} onClose={onClose} size="wide">
      <form onSubmit={save} noValidate>
        <div className="grid-even">
          <Field
            label={t('identities.name')}
            value={name}
            maxLength={200}
            onChange={({ target }) => setName(target.value)}
          />
          <Field
            label={t('identities.address')}
            type="email"
            value={address}
            error={hasTried && !isAddressRight ? t('identities.incomplete') : undefined}
            onChange={({ target }) => setAddress(target.value)}
          />
        </div>
        <Field
          label={t('identities.replyTo')}
          value={replyTo}
          hint={t('identities.replyToHint')}
          error={hasTried && !isReplyRight ? t('identities.incomplete') : undefined}
          onChange={({ target }) => setReplyTo(target.value)}
        />
        <fieldset className="signature-field">
          <legend>{t('identities.signature')}</legend>
          <Suspense fallback={null}>
            <RichEditor
              html={identity?.signature ?? ''}
              revision={0}
              label={t('identities.signature')}
              placeholder={t('identities.signatureHint')}
              pictures={{
                addressOf: (source) => source,
                onFiles: (files, insert) => {
                  setRefused('')
                  for (const file of files)
                    readPicture(file).then(
                      (source) => insert(source, file.name),
                      () => setRefused(t('identities.pictureTooLarge', { name: file.name })),
                    )
                },
              }}
              onChange={setSignature}
            />
          </Suspense>
          {refused && (
            <p className="field-error" role="alert">
              {refused}
            </p>
          )}
        </fieldset>
        <Problem problem={problem} />
        <div className="row end">
          <button type="button" className="button" onClick={onClose}>
            {t('cancel')}
          </button>
          <button type="submit" className="button primary" disabled={isBusy}>
            {t('save')}
          </button>
        </div>
      </form>
    </Dialog>
  )
}
