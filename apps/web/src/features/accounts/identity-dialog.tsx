import type { Identity } from '@postern/shared/identities.ts'
import { type FormEvent, useState } from 'react'
import { call } from '#data/api.ts'
import { refreshIdentities } from '#data/identities.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { isAddress, parseRecipients, writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { Field, focusInvalid } from '#ui/field.tsx'
import { FormFoot } from '#ui/form-foot.tsx'
import { KeptTextEditor } from '#ui/kept-text-editor.tsx'
import { Problem } from '#ui/problem.tsx'
import { TextDialog } from '#ui/text-dialog.tsx'

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
  const before = {
    name: identity?.name ?? '',
    address: identity?.address ?? '',
    replyTo: identity?.replyTo ? writeRecipient(identity.replyTo) : '',
    signature: identity?.signature ?? '',
  }
  const [name, setName] = useState(before.name)
  const [address, setAddress] = useState(before.address)
  const [replyTo, setReplyTo] = useState(before.replyTo)
  const [signature, setSignature] = useState(before.signature)
  const [hasTried, setTried] = useState(false)
  const { isBusy, problem, attempt } = useAttempt()
  const answered = parseRecipients(replyTo)
  const isReplyRight = replyTo.trim() === '' || (answered.length === 1 && isAddress(answered[0]?.address ?? ''))
  const isChanged =
    name !== before.name || address !== before.address || replyTo !== before.replyTo || signature !== before.signature
  const isAddressRight = isAddress(address.trim())
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (!isReplyRight || !isAddressRight) return focusInvalid(event.currentTarget, () => setTried(true))
    setTried(true)
    const body = { name: name.trim(), address: address.trim(), replyTo: answered[0] ?? null, signature }
    return void attempt(async () => {
      if (identity) await call('patchIdentity', 'PATCH', `/v1/identities/${identity.id}`, { body })
      else await call('createIdentity', 'POST', `/v1/accounts/${accountId}/identities`, { body })
      await refreshIdentities()
      onClose()
    })
  }
  return (
    <TextDialog
      title={t(identity ? 'identities.editTitle' : 'identities.addTitle')}
      isChanged={isChanged}
      onClose={onClose}
    >
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
          <KeptTextEditor
            html={identity?.signature ?? ''}
            label={t('identities.signature')}
            placeholder={t('identities.signatureHint')}
            onChange={setSignature}
          />
        </fieldset>
        <Problem problem={problem} />
        <FormFoot isBusy={isBusy} onCancel={onClose} />
      </form>
    </TextDialog>
  )
}
