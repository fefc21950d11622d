import { displayLine } from './storable-text.ts'
import { parseMessageIds } from './threading.ts'

export const deliveryActions = ['failed', 'delayed', 'delivered', 'relayed', 'expanded'] as const
export const receiptActions = ['displayed', 'deleted'] as const
export type ReportAction = (typeof deliveryActions)[number] | (typeof receiptActions)[number]

export type ReportedRecipient = {
  action: ReportAction
  /** As whoever reports knows it. */
  address: string
  /** As it was written to; null when that is not said. */
  originalAddress: string | null
  /** RFC 3463. */
  status: string | null
  /** What the server said. */
  text: string | null
}

/** What became of a mail: delivery (RFC 3464), or that it was read (RFC 8098). Everything in it is a stranger's claim. */
export type MailReport = {
  kind: 'delivery' | 'receipt'
  /** The Message-ID of the mail it is about, without brackets; null when it is not named. */
  aboutId: string | null
  /** What the sender called its sending (RFC 3461 ENVID); null likewise. */
  envelopeId: string | null
  recipients: ReportedRecipient[]
}

/** So much of what a server says is kept. */
export const maxSaid = 500

const maxHeaderText = 256 * 1024

/** The one in a header, or in a mail that begins with one. */
export const messageIdIn = (text: string): string | null => {
  const head = text.trimStart().slice(0, maxHeaderText)
  const end = /\r?\n\r?\n/.exec(head)
  const field = /^message-id[ \t]*:([^\n]*(?:\n[ \t][^\n]*)?)/im.exec(end ? head.slice(0, end.index) : head)
  return parseMessageIds(field?.[1])[0] ?? null
}

/** A status of RFC 3463 in words. */
export const statusIn = (text: string): string | null =>
  /(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.]*\d)/.exec(text)?.[1] ?? null

/** `rfc822; ann@example.org`; a type is not always there. RFC 3464 2.1.2, RFC 6533 3. */
export const withoutType = (value: string): string => value.replace(/^\s*[A-Za-z][\w-]{0,30}\s*;\s*/, '')

/** Whatever is written around an address, more of it is none. */
const maxWritten = 4000

export const addressOf = (value: string | undefined): string | null => {
  if (value === undefined) return null
  const bare = withoutType(value.slice(0, maxWritten))
    .replace(/\\x\{([0-9a-f]{2,6})\}/gi, (whole, hex: string) => {
      const point = Number.parseInt(hex, 16)
      return point <= 0x10ffff ? String.fromCodePoint(point) : whole
    })
    .replace(/^[<"'\s]+|[>"'\s]+$/g, '')
  const address = displayLine(bare, 320)
  return /^[^\s<>]+@[^\s<>]+$/.test(address) ? address : null
}
