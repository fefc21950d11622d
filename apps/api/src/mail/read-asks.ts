import { addressOf } from './report-facts.ts'
import { fieldOf } from './source-leaves.ts'
import { displayLine } from './storable-text.ts'
import { parseMessageIds } from './threading.ts'

/** What a mail asks of whoever reads it. */
export type MailAsks = {
  /** To be told that it was read (RFC 8098 2.1). `messageId` with its brackets; null: it has none. */
  receipt: { to: string; messageId: string | null } | null
  /** How one leaves the list it came by (RFC 2369 3.2, RFC 8058), and the list's own name, if it has one (RFC 2919). */
  list: { id: string | null; links: string[]; isOneClick: boolean } | null
}

/** The fields that say so. */
export const askFields = [
  'disposition-notification-to',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-id',
] as const

const maxLinks = 5
const maxLink = 2000

/** Null for a mail that asks for nothing. `header` may be the fields above alone. */
export const readAsks = (header: Buffer, messageId: string | null): MailAsks | null => {
  if (!header.includes(':')) return null
  const text = header.toString('latin1')
  if (!/^(?:disposition-notification-to|list-unsubscribe)[ \t]*:/im.test(text)) return null
  const wanted = fieldOf(text, 'disposition-notification-to')
  const to = wanted === null ? null : addressOf(/<([^<>]*)>/.exec(wanted.slice(0, 2000))?.[1] ?? wanted.split(',')[0])
  const [id] = parseMessageIds(messageId)
  const receipt = to === null ? null : { to, messageId: id === undefined ? null : `<${id}>` }
  const list = readList(text)
  return receipt || list ? { receipt, list } : null
}

const readList = (header: string): MailAsks['list'] => {
  const links = readLinks(fieldOf(header, 'list-unsubscribe') ?? '')
  if (links.length === 0) return null
  const id = /<([^<>]{1,300})>/.exec(fieldOf(header, 'list-id') ?? '')?.[1]
  return {
    id: (id && displayLine(id, 255).toLowerCase()) || null,
    links,
    isOneClick: isOneClick(fieldOf(header, 'list-unsubscribe-post')),
  }
}

/** RFC 8058 3.1: nothing else counts. */
export const isOneClick = (field: string | null): boolean =>
  field !== null && /^List-Unsubscribe=One-Click$/i.test(field.trim())

/** Addresses in angle brackets; white space within them came by folding. Only https and mailto, http never. RFC 2369 2. */
export const readLinks = (field: string): string[] =>
  [...field.slice(0, 20_000).matchAll(/<([^<>]*)>/g)]
    .map(([, link = '']) => link.replace(/\s+/g, ''))
    .filter(
      (link) => link.length <= maxLink && /^(?:https:\/\/|mailto:)[\x21-\x7e]+$/i.test(link) && URL.canParse(link),
    )
    .slice(0, maxLinks)
