import { Readable } from 'node:stream'
import libmime from 'libmime'
import MimeNode from 'nodemailer/lib/mime-node/index.js'
import { AppError } from '#platform/errors.ts'
import { toFlowed } from './flowed-text.ts'
import { readAddress, wireAddress } from './mail-address.ts'

export type Correspondent = { name: string; address: string }

export type OutgoingPart = {
  filename: string
  contentType: string
  /** Without its brackets: the HTML shows it. Null: an attachment. */
  contentId: string | null
  octets: () => AsyncIterable<Uint8Array>
  /** How its octets travel; base64 unless they may not (mail/attached-mail.ts). */
  encoding?: '7bit' | '8bit'
}

/** A mail as a person wrote it. */
export type OutgoingMessage = {
  from: Correspondent
  replyTo: Correspondent[]
  to: Correspondent[]
  cc: Correspondent[]
  subject: string
  date: Date
  /** East of Greenwich, minutes. */
  zoneMinutes: number
  /** These three with their brackets. */
  messageId: string
  inReplyTo: string | null
  references: string[]
  text: string
  /** Null: plain text only. */
  html: string | null
  inline: OutgoingPart[]
  attachments: OutgoingPart[]
  /** Who wants to hear that it was read. RFC 8098. */
  receiptTo: Correspondent | null
}

/**
 * The octets of a mail: headers, then one text or two as alternatives, pictures beside the HTML that shows them, attachments
 * last. Values and streams are all that is read. What would end a header line, or be another address than it looks, is refused
 * before the first octet. Throws request.invalid.
 */
export const composeMessage = (message: OutgoingMessage): AsyncIterable<Buffer> => {
  const root = withAttachments(message, bodyOf(message))
  root.setHeader(headersOf(message))
  return root.createReadStream()
}

/** How a mail names who got it besides: for the copy that its sender keeps, never for the wire. */
export const bccHeader = (bcc: Correspondent[]): Buffer => headerLines([{ key: 'Bcc', people: bcc }])

/** Header lines by themselves, folded, each with its end; those of nobody are left out. Throws request.invalid. */
export const headerLines = (
  fields: ({ key: string; people: Correspondent[] } | { key: string; value: string })[],
): Buffer => {
  const lines = fields.flatMap((field) => {
    if ('people' in field && field.people.length === 0) return []
    const { key } = field
    const node = newNode('text/plain', { keepBcc: true })
    // Named as the fields that the composer knows are, so that it writes people as people.
    const known = key.replace(/^Resent-(?!Message-ID|Date)/, '')
    node.setHeader(
      known,
      'people' in field ? field.people.map((one) => toNode(one, known.toLowerCase())) : oneLine(field.value, key),
    )
    const found = new RegExp(`^${known}(: .*(?:\\r\\n[ \\t].*)*\\r\\n)`, 'm').exec(`${node.buildHeaders()}\r\n`)
    return found ? [`${key}${found[1]}`] : []
  })
  return Buffer.from(lines.join(''))
}

type NodeOptions = ConstructorParameters<typeof MimeNode>[1] & { disableUrlAccess: boolean }

/** Its content is what we give it: never a file or an address. */
export const newNode = (contentType: string, options: ConstructorParameters<typeof MimeNode>[1] = {}): MimeNode => {
  const closed: NodeOptions = { ...options, disableFileAccess: true, disableUrlAccess: true, newline: 'win' }
  return new MimeNode(contentType, closed)
}

const bodyOf = ({ text, html, inline }: OutgoingMessage): MimeNode => {
  const plain = newNode('text/plain; charset=utf-8; format=flowed')
  plain.setContent(toFlowed(text))
  if (html === null) return plain
  const rich = newNode('text/html; charset=utf-8')
  rich.setContent(html)
  const shown =
    inline.length === 0 ? rich : joined('multipart/related; type="text/html"', [rich, ...inline.map(toPart)])
  return joined('multipart/alternative', [plain, shown])
}

const withAttachments = ({ attachments }: OutgoingMessage, body: MimeNode): MimeNode =>
  attachments.length === 0 ? body : joined('multipart/mixed', [body, ...attachments.map(toPart)])

const joined = (contentType: string, children: MimeNode[]): MimeNode => {
  const node = newNode(contentType)
  for (const child of children) node.appendChild(child)
  return node
}

const toPart = ({ filename, contentType, contentId, octets, encoding }: OutgoingPart): MimeNode => {
  // One of many parts would have to be taken apart: as a file it stays as it is.
  const type = /^(?!multipart\/)[\w.+-]+\/[\w.+-]+$/i.test(contentType) ? contentType : 'application/octet-stream'
  const node = newNode(type, { filename: inOrder(oneLine(filename, 'attachments'), 'attachments') })
  if (contentId !== null) {
    if (!isContentId(contentId)) throw refusal('attachments', 'holds a wrong name of a picture')
    node.setHeader('Content-Id', `<${contentId}>`)
    node.setHeader('Content-Disposition', 'inline')
  }
  node.setContent(Readable.from(octets(), { objectMode: false }))
  // Its octets come back as they are, whatever they are.
  node.setHeader('Content-Transfer-Encoding', encoding ?? 'base64')
  return node
}

/** What can stand in a header as it is. Other programs name pictures in many ways. */
export const isContentId = (id: string): boolean => /^[\x21-\x3b\x3d\x3f-\x7e]{1,250}$/.test(id)

/** Throws request.invalid. */
export const headersOf = (message: Omit<OutgoingMessage, 'text' | 'html' | 'inline' | 'attachments'>) => {
  const { from, replyTo, to, cc, subject, date, zoneMinutes, messageId, inReplyTo, references, receiptTo } = message
  const people = (key: string, list: Correspondent[]) =>
    list.length > 0 ? [{ key, value: list.map((one) => toNode(one, key.toLowerCase())) }] : []
  const ids = (key: string, list: string[]) =>
    list.length > 0 ? [{ key, value: list.map(messageIdOf).join(' ') }] : []
  return [
    { key: 'Date', value: dateHeader(date, zoneMinutes) },
    ...people('From', [from]),
    ...people('Reply-To', replyTo),
    ...people('To', to),
    ...people('Cc', cc),
    { key: 'Subject', value: subjectHeader(subject) },
    ...ids('Message-ID', [messageId]),
    ...ids('In-Reply-To', inReplyTo === null ? [] : [inReplyTo]),
    ...ids('References', references),
    ...(receiptTo
      ? [{ key: 'Disposition-Notification-To', value: wireAddress(requireAddress(receiptTo.address, 'from')) }]
      : []),
  ]
}

const toNode = ({ name, address }: Correspondent, field: string): { name: string; address: string } => ({
  name: inOrder(oneLine(name, field), field),
  address: wireAddress(requireAddress(address, field)),
})

/** Throws request.invalid for what is no single address. */
export const requireAddress = (address: string, field: string) => {
  const read = readAddress(address)
  if (!read) throw refusal(field, `has an address that is none: ${address.slice(0, 100)}`)
  return read
}

/** As it can stand in a header. */
export const isMessageId = (id: string): boolean => /^<[\x21-\x3b\x3d\x3f-\x7e]{1,900}>$/.test(id)

/** One that was written by another program is given on as it came, as long as it is one. */
const messageIdOf = (id: string): string => {
  if (!isMessageId(id)) throw refusal('references', 'holds what is no Message-ID')
  return id
}

/** Whatever ends a line would begin a header of its own. */
const oneLine = (text: string, field: string): string => {
  if (/[\x00-\x1f\x7f\u2028\u2029]/.test(text)) throw refusal(field, 'holds a line break or another control character')
  return text.toWellFormed()
}

/** A name that is shown in another order than it is written passes for another one. */
const inOrder = (text: string, field: string): string => {
  if (/[\u202a-\u202e]/.test(text)) throw refusal(field, 'holds a character that turns text around')
  // What looks encoded would be decoded by whoever reads it: into whatever it says.
  return text.replaceAll('=?', '= ?')
}

/** As it was written, also where that looks encoded. RFC 2047. */
const subjectHeader = (subject: string) => {
  const text = oneLine(subject, 'subject')
  return text.includes('=?') ? { prepared: true, foldLines: true, value: libmime.encodeWord(text, 'B', 52) } : text
}

const refusal = (field: string, why: string): AppError =>
  new AppError('request.invalid', `This mail cannot be sent as it is: “${field}” ${why}.`, {
    hint: 'Mend that, and send it again.',
    fields: { [field]: why },
  })

const days = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (n: number): string => String(n).padStart(2, '0')

/** RFC 5322 3.3, by the clock of whoever wrote it. */
export const dateHeader = (date: Date, zoneMinutes: number): string => {
  const there = new Date(date.getTime() + zoneMinutes * 60_000)
  const [hours, minutes] = [Math.floor(Math.abs(zoneMinutes) / 60), Math.abs(zoneMinutes) % 60]
  const zone = `${zoneMinutes < 0 ? '-' : '+'}${two(hours)}${two(minutes)}`
  const day = `${days[there.getUTCDay()]}, ${there.getUTCDate()} ${months[there.getUTCMonth()]} ${there.getUTCFullYear()}`
  return `${day} ${two(there.getUTCHours())}:${two(there.getUTCMinutes())}:${two(there.getUTCSeconds())} ${zone}`
}
