import { readBounce } from './read-bounce.ts'
import {
  addressOf,
  deliveryActions,
  type MailReport,
  maxSaid,
  messageIdIn,
  type ReportAction,
  type ReportedRecipient,
  receiptActions,
  statusIn,
  withoutType,
} from './report-facts.ts'
import type { MailLeaf } from './source-leaves.ts'
import { displayLine } from './storable-text.ts'
import { parseMessageIds } from './threading.ts'

const maxRecipients = 100
const maxStatusText = 256 * 1024

const statusTypes = ['message/delivery-status', 'message/global-delivery-status']
const receiptTypes = ['message/disposition-notification', 'message/global-disposition-notification']
const returnedTypes = [
  'text/rfc822-headers',
  'message/rfc822-headers',
  'message/global-headers',
  'message/rfc822',
  'message/global',
]

/** Whether a part of this type says what became of a mail, or which mail that is. */
export const isReportType = (type: string): boolean =>
  statusTypes.includes(type) || receiptTypes.includes(type) || returnedTypes.includes(type)
export const tellsOfMail = (type: string): boolean => statusTypes.includes(type) || receiptTypes.includes(type)

/** Whether a mail from here may be a bounce in words alone. */
export const isFromMailSystem = (address: string): boolean =>
  /^(?:<>|(?:mailer[-_.]?daemon|mail[-_.]?daemon|mdaemon|postmaster|mail-?system|maildelivery)(?:@.*)?)$/i.test(
    address.trim(),
  )

/** Null for a mail that is no report. `from` is the address of its sender. Pure, and bounded whatever is in the parts. */
export const readReport = (leaves: MailLeaf[], from: string): MailReport | null => {
  const receipt = leaves.find(({ type }) => receiptTypes.includes(type))
  const status = leaves.find(({ type }) => statusTypes.includes(type))
  const returned = leaves.find(({ type }) => returnedTypes.includes(type))
  const returnedId = returned ? messageIdIn(returned.text) : null
  if (status) {
    const report = readDelivery(status.text)
    if (report) return { ...report, aboutId: returnedId }
  }
  if (receipt) return readReceipt(receipt.text, returnedId)
  if (!isFromMailSystem(from)) return null
  const said = leaves.find(({ type }) => type === 'text/plain')
  const bounce = said ? readBounce(said.text) : null
  return bounce && { ...bounce, aboutId: bounce.aboutId ?? returnedId }
}

type Fields = Map<string, string>

/** Groups of fields, as blank lines part them; a recipient that follows another without one is a group of its own. */
const readGroups = (text: string): Fields[] => {
  const groups: Fields[] = [new Map()]
  const unfolded = text
    .slice(0, maxStatusText)
    .replace(/\r\n?/g, '\n')
    .replace(/\n[ \t]+(?=\S)/g, ' ')
  for (const line of unfolded.split('\n')) {
    const [, name, value] = /^([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:(.*)$/.exec(line) ?? []
    let group = groups.at(-1) as Fields // never empty
    if (name === undefined || value === undefined) {
      if (line.trim() === '' && group.size > 0) groups.push(new Map())
      continue
    }
    const key = name.toLowerCase()
    if (key === 'final-recipient' && group.has(key)) {
      group = new Map()
      groups.push(group)
    }
    if (!group.has(key)) group.set(key, value.trim())
    if (groups.length > maxRecipients + 1) break
  }
  return groups
}

const readDelivery = (text: string): Omit<MailReport, 'aboutId'> | null => {
  const groups = readGroups(text)
  const envelopeId = groups.find((group) => group.has('original-envelope-id'))?.get('original-envelope-id')
  const recipients = groups.flatMap(toRecipient).slice(0, maxRecipients)
  if (recipients.length === 0) return null
  return { kind: 'delivery', envelopeId: envelopeId ? displayLine(fromXtext(envelopeId), 100) : null, recipients }
}

const toRecipient = (group: Fields): ReportedRecipient[] => {
  const original = addressOf(group.get('original-recipient'))
  const address = addressOf(group.get('final-recipient')) ?? addressOf(group.get('x-actual-recipient')) ?? original
  const text = displayLine(withoutType(group.get('diagnostic-code') ?? ''), maxSaid) || null
  const status = statusIn(group.get('status') ?? '') ?? statusIn(text ?? '')
  const said = group
    .get('action')
    ?.toLowerCase()
    .split(/[\s(;]/)[0]
  const action = deliveryActions.find((known) => known === said) ?? actionOf(status, text)
  return address === null || action === null ? [] : [{ action, address, originalAddress: original, status, text }]
}

/** Where a server leaves out the word for it. RFC 3463 2, RFC 5321 4.2.1. */
const actionOf = (status: string | null, text: string | null): ReportAction | null => {
  const first = status?.[0] ?? /\b([245])\d\d\b/.exec(text ?? '')?.[1]
  if (first === '5') return 'failed'
  if (first === '4') return 'delayed'
  return first === '2' ? 'delivered' : null
}

const readReceipt = (text: string, returnedId: string | null): MailReport | null => {
  const fields: Fields = new Map(readGroups(text).flatMap((group) => [...group]))
  const address = addressOf(fields.get('final-recipient')) ?? addressOf(fields.get('original-recipient'))
  const disposition = fields.get('disposition')?.toLowerCase() ?? ''
  // manual-action/MDN-sent-manually; displayed
  const said = /;\s*([a-z-]+)/.exec(disposition)?.[1]
  const action = receiptActions.find((known) => known === said)
  if (address === null || !action) return null
  return {
    kind: 'receipt',
    aboutId: parseMessageIds(fields.get('original-message-id'))[0] ?? returnedId,
    envelopeId: null,
    recipients: [
      { action, address, originalAddress: addressOf(fields.get('original-recipient')), status: null, text: null },
    ],
  }
}

/** RFC 3461 4. */
const fromXtext = (text: string): string =>
  text.replace(/\+([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
