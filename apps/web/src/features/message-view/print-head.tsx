import type { Message, MessagePart } from '@postern/shared/messages.ts'
import type { EmailAddress } from '@postern/shared/wire.ts'
import { useEffect, useState } from 'react'
import { flushSync } from 'react-dom'
import { fileSize, printDate } from '#lib/format.ts'
import { t } from '#lib/text.ts'
import { isFile } from './attachments.tsx'

/** Stands on paper instead of the folded head: nothing can be opened there. */
export const PrintHead = ({ message, parts }: { message: Message; parts: MessagePart[] }) => {
  const isPaper = useIsPaper()
  if (!isPaper) return null
  const files = parts.filter(isFile).map(({ filename, contentType, sizeBytes }) => {
    return `${filename ?? contentType} (${fileSize(sizeBytes)})`
  })
  const lines = [
    [t('print.from'), people(message.from)],
    [t('print.to'), people(message.to)],
    [t('print.cc'), people(message.cc)],
    [t('print.bcc'), people(message.bcc)],
    [t('print.date'), printDate(message.date ?? message.receivedAt)],
    [t('print.subject'), message.subject || t('view.noSubject')],
    [t('view.attachments'), files.join(', ')],
  ]
  return (
    <dl className="print-head">
      {lines
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd dir="auto">{value}</dd>
          </div>
        ))}
    </dl>
  )
}

/** What is drawn for paper is taken as soon as everybody has heard of it: a later frame would miss it. */
const useIsPaper = (): boolean => {
  const [isPaper, setPaper] = useState(false)
  useEffect(() => {
    const media = matchMedia('print')
    const onChange = () => flushSync(() => setPaper(media.matches))
    const onBefore = () => flushSync(() => setPaper(true))
    media.addEventListener('change', onChange)
    addEventListener('beforeprint', onBefore)
    addEventListener('afterprint', onChange)
    return () => {
      media.removeEventListener('change', onChange)
      removeEventListener('beforeprint', onBefore)
      removeEventListener('afterprint', onChange)
    }
  }, [])
  return isPaper
}

const people = (list: EmailAddress[]): string =>
  list.map(({ name, address }) => (name ? `${name} <${address}>` : address)).join(', ')
