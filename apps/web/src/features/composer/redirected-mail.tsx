import type { ComponentType } from 'react'
import { useApp } from '#data/app-state.ts'
import { messageIn } from '#data/edit-quote.ts'
import { writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { fileSize, fullDate } from '#lib/format.ts'
import { HeadLines } from '#ui/head-lines.tsx'

/** What goes on as it is: who wrote it, when, about what, and the files in it. */
export const RedirectedMail = ({
  messageId,
  subject,
  SealedMail,
}: {
  messageId: string
  /** As the draft has it: its conversation may not be here. */
  subject: string
  SealedMail: ComponentType<{ messageId: string }>
}) => {
  const message = useApp(({ threads }) => messageIn(threads, messageId))
  const body = useApp(({ bodies }) => bodies[messageId])
  const files = body && !('failed' in body) ? body.parts.filter(({ isInline, filename }) => !isInline || filename) : []
  const lines: [string, string | undefined][] = [
    [t('field.from'), message?.from.map(writeRecipient).join(', ')],
    [t('field.date'), message && fullDate(message.date ?? message.receivedAt)],
    [t('field.subject'), message?.subject ?? subject],
    [
      t('field.files'),
      files
        .map(({ filename, contentType, sizeBytes }) => `${filename ?? contentType} (${fileSize(sizeBytes)})`)
        .join(', '),
    ],
  ]
  return (
    <section className="redirected" aria-label={t('quote.label')}>
      <p className="muted">{t('quote.redirected')}</p>
      <HeadLines lines={lines} />
      <SealedMail messageId={messageId} />
    </section>
  )
}
