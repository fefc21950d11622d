import { isAscii } from 'node:buffer'
import libmime from 'libmime'

/**
 * The fields of an envelope as nearly every mail has them, read without the parser, which costs twenty times as much: a
 * maildrop of thousands is listed header by header. Null as soon as anything in one of them is unusual, which the parser is
 * for; what is read here is what the parser reads (read-envelope.test.ts).
 */
export type PlainHeader = {
  subject: string
  people: Record<'from' | 'reply-to' | 'to' | 'cc' | 'bcc', { name: string; address: string }[]>
  date: string | undefined
  received: string | undefined
  messageId: string | undefined
  inReplyTo: string | undefined
  references: string | undefined
}

const wanted =
  /^(subject|from|reply-to|to|cc|bcc|date|received|message-id|in-reply-to|references)[ \t]*:[ \t]*(.*(?:\r?\n[ \t].*)*)/gim
/** A field name without its colon, a line that is neither field nor continuation, a lone CR: nothing for us. */
const lines = /^(?:(?:[\x21-\x39\x3b-\x7e]+:|[ \t]).*(?:\r?\n|$))+$/
const id = /^<[^<>\s()"=?,;]+>$/
const ids = /^<[^<>\s()"=?,;]+>(?: <[^<>\s()"=?,;]+>)*$/
/**
 * A name of words, one in quotes, or encoded words (RFC 2047), and an address in angle brackets; or an address alone. Each text
 * is matched in one way only: where a word could be cut in two, a long one without an address would take for ever.
 */
const person =
  /^(?:(?:"([^"\\<>@,;:()=?]*)"|((?:[\w!#$%&'*+/^`{|}~.-]+(?: [\w!#$%&'*+/^`{|}~.-]+)*)?)|((?:=\?[\w-]+\?[bq]\?[^?\s]+\?= ?)+)) ?<([\w.+-]+@[\w.-]+)>|([\w.+-]+@[\w.-]+))$/i

export const readPlainHeader = (header: Buffer): PlainHeader | null => {
  if (!isAscii(header)) return null
  const text = header.toString('latin1')
  if (!lines.test(text) || text.includes('\0')) return null
  const fields = new Map<string, string>()
  for (const [, name = '', value = ''] of text.matchAll(wanted)) {
    const key = name.toLowerCase()
    // The topmost counts.
    if (key === 'received' && fields.has(key)) continue
    if (fields.has(key)) return null
    fields.set(key, value.replace(/\r?\n[ \t]*/g, ' ').trim())
  }
  const people = { from: readPeople(fields.get('from')), 'reply-to': readPeople(fields.get('reply-to')) }
  const others = {
    to: readPeople(fields.get('to')),
    cc: readPeople(fields.get('cc')),
    bcc: readPeople(fields.get('bcc')),
  }
  const [messageId, inReplyTo, references] = ['message-id', 'in-reply-to', 'references'].map((key) => fields.get(key))
  const { from, 'reply-to': replyTo } = people
  const { to, cc, bcc } = others
  if (!from || !replyTo || !to || !cc || !bcc) return null
  if (![messageId, inReplyTo].every((value) => value === undefined || id.test(value))) return null
  if (references !== undefined && !ids.test(references)) return null
  return {
    subject: decoded(fields.get('subject') ?? ''),
    people: { from, 'reply-to': replyTo, to, cc, bcc },
    date: fields.get('date')?.replace(/\s+/g, ' '),
    received: fields.get('received')?.replace(/\s+/g, ' '),
    messageId,
    inReplyTo,
    references,
  }
}

const decoded = (text: string): string => (text.includes('=?') ? libmime.decodeWords(text) : text)

const readPeople = (list: string | undefined): { name: string; address: string }[] | null => {
  if (list === undefined || list === '') return []
  // An address with an encoded domain is decoded by the parser.
  if (/xn--/i.test(list)) return null
  const people: { name: string; address: string }[] = []
  for (const item of list.split(/, */)) {
    const [, quoted, words, encoded, inBrackets, bare] = person.exec(item) ?? []
    const address = inBrackets ?? bare
    if (address === undefined) return null
    people.push({ name: decoded((quoted ?? words ?? encoded ?? '').trim()), address })
  }
  return people
}
