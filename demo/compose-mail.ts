import { randomBytes } from 'node:crypto'
import iconv from 'iconv-lite'

/** Just enough MIME to make sample mails; what people send is composed elsewhere. */
export type MailPart =
  | { kind: 'text'; text: string; charset?: string }
  | { kind: 'html'; html: string }
  | { kind: 'file'; name: string; type: string; bytes: Buffer }

export type MailToCompose = {
  from: { name: string; address: string }
  to: { name: string; address: string }[]
  subject: string
  date: Date
  messageId: string
  references: string[]
  parts: MailPart[]
  headers: Record<string, string>
}

const base64Lines = (bytes: Buffer): string => (bytes.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n')

/** RFC 2047: words of at most 75 characters, split between characters. */
const encodedWord = (text: string): string => {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  const words: string[] = []
  let bytes = ''
  for (const character of text) {
    if (Buffer.byteLength(bytes + character) > 42) {
      words.push(bytes)
      bytes = ''
    }
    bytes += character
  }
  words.push(bytes)
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ')
}

const mailbox = ({ name, address }: { name: string; address: string }): string => {
  if (name === '') return address
  return /^[\x20-\x7e]*$/.test(name) ? `"${name}" <${address}>` : `${encodedWord(name)} <${address}>`
}

const partLines = (part: MailPart): string => {
  if (part.kind === 'file') {
    const name = /^[\x20-\x7e]*$/.test(part.name)
      ? `filename="${part.name}"`
      : `filename*=utf-8''${encodeURIComponent(part.name)}`
    return `Content-Type: ${part.type}\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; ${name}\r\n\r\n${base64Lines(part.bytes)}\r\n`
  }
  const charset = part.kind === 'text' ? (part.charset ?? 'utf-8') : 'utf-8'
  const text = part.kind === 'text' ? part.text : part.html
  // iconv-lite has no ISO-2022-JP encoder: such mails go out as Shift_JIS, the other old Japanese charset.
  const known = iconv.encodingExists(charset) ? charset : 'shift_jis'
  const bytes = iconv.encode(text.replace(/\r?\n/g, '\r\n'), known)
  return `Content-Type: text/${part.kind === 'html' ? 'html' : 'plain'}; charset=${known}\r\nContent-Transfer-Encoding: base64\r\n\r\n${base64Lines(bytes)}\r\n`
}

const multipart = (kind: string, parts: string[]): string => {
  if (parts.length === 1) return parts[0] ?? ''
  const boundary = `=_${randomBytes(12).toString('hex')}`
  return `Content-Type: multipart/${kind}; boundary="${boundary}"\r\n\r\n${parts.map((part) => `--${boundary}\r\n${part}`).join('')}--${boundary}--\r\n`
}

export const composeMail = (mail: MailToCompose): Buffer => {
  const readable = multipart('alternative', mail.parts.filter((part) => part.kind !== 'file').map(partLines))
  const body = multipart('mixed', [readable, ...mail.parts.filter((part) => part.kind === 'file').map(partLines)])
  const ids = (list: string[]) => list.map((id) => `<${id}>`).join('\r\n ')
  const headers = [
    `From: ${mailbox(mail.from)}`,
    `To: ${mail.to.map(mailbox).join(', ')}`,
    `Subject: ${encodedWord(mail.subject)}`,
    `Date: ${mail.date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${mail.messageId}>`,
    ...(mail.references.length > 0
      ? [`In-Reply-To: ${ids(mail.references.slice(-1))}`, `References: ${ids(mail.references)}`]
      : []),
    ...Object.entries(mail.headers).map(([name, value]) => `${name}: ${value}`),
    'MIME-Version: 1.0',
  ]
  return Buffer.from(`${headers.join('\r\n')}\r\n${body}`, 'latin1')
}
