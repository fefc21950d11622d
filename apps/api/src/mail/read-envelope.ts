import { type PlainHeader, readPlainHeader } from './plain-header.ts'
import { displayLine } from './storable-text.ts'
import { withReadableOctets } from './undeclared-octets.ts'

/** Who wrote to whom about what, from the header of a raw mail. What the header lacks is null or empty. */
export type RawEnvelope = {
  subject: string
  from: Person[]
  replyTo: Person[]
  to: Person[]
  cc: Person[]
  bcc: Person[]
  /** The Date header; null when missing or no date. */
  sentAt: Date | null
  /** When the last server took it: the date of the topmost Received line (RFC 5321 4.4). */
  receivedAt: Date | null
  messageId: string | null
  inReplyTo: string | null
  references: string | null
}
export type Person = { name: string; address: string }

/** More is no header that anybody wrote; what is beyond it is left out. */
export const maxHeaderBytes = 256 * 1024
const maxPeople = 500

/** The bytes before the first empty line, without it; all of them where there is none. */
export const headerOf = (raw: Buffer): Buffer => {
  const block = raw.subarray(0, maxHeaderBytes)
  const ends = ['\r\n\r\n', '\n\n'].map((end) => block.indexOf(end)).filter((at) => at >= 0)
  if (block[0] === 0x0a || (block[0] === 0x0d && block[1] === 0x0a)) return block.subarray(0, 0)
  return ends.length > 0 ? block.subarray(0, Math.min(...ends)) : block
}

/** Whether a file is a mail: it begins with a field, perhaps below a byte order mark or the lines of an mbox. */
export const beginsWithField = (header: Buffer): boolean =>
  /^(?:\xef\xbb\xbf)?(?:>?From [^\n]*\n)*[!-9;-~]+[ \t]*:/.test(header.toString('latin1'))

/** Throws only what the parser throws: the caller shows such a mail as one whose header nobody can read. */
export const readEnvelope = async (raw: Buffer): Promise<RawEnvelope> => {
  const header = withReadableOctets(headerOf(raw))
  const fields = readPlainHeader(header) ?? (await parseHeader(header))
  const people = (found: Person[]): Person[] =>
    found
      .slice(0, maxPeople)
      .map(({ name, address }) => ({ name: displayLine(name, 200), address: displayLine(address, 320) }))
  return {
    subject: displayLine(fields.subject),
    from: people(fields.people.from),
    replyTo: people(fields.people['reply-to']),
    to: people(fields.people.to),
    cc: people(fields.people.cc),
    bcc: people(fields.people.bcc),
    sentAt: asDate(fields.date),
    receivedAt: asDate(/;([^;]*)$/.exec(fields.received ?? '')?.[1]),
    messageId: fields.messageId?.slice(0, 1000) ?? null,
    inReplyTo: fields.inReplyTo?.slice(0, 4000) ?? null,
    references: fields.references?.slice(0, 65_536) ?? null,
  }
}

/** Any header, by the parser. */
export const parseHeader = async (header: Buffer): Promise<PlainHeader> => {
  const { simpleParser } = await import('mailparser')
  const mail = await simpleParser(Buffer.concat([header, Buffer.from('\r\n\r\n')]))
  const people = (found: typeof mail.to): Person[] => {
    const lists = found === undefined ? [] : Array.isArray(found) ? found : [found]
    return lists
      .flatMap(({ value }) => value)
      .flatMap((entry) => ('group' in entry && entry.group ? entry.group : [entry]))
      .map(({ name, address }) => ({ name, address: address ?? '' }))
  }
  const references = mail.references === undefined ? [] : [mail.references].flat()
  return {
    subject: mail.subject ?? '',
    people: {
      from: people(mail.from),
      'reply-to': people(mail.replyTo),
      to: people(mail.to),
      cc: people(mail.cc),
      bcc: people(mail.bcc),
    },
    date: firstField(header, 'date'),
    received: firstField(header, 'received'),
    messageId: mail.messageId,
    inReplyTo: mail.inReplyTo,
    references: references.length === 0 ? undefined : references.join(' '),
  }
}

/** The topmost field of a name, unfolded. Taken from the bytes: a parser fills in what is missing, which must stay missing. */
const firstField = (header: Buffer, name: string): string | undefined =>
  new RegExp(`(?:^|\\n)${name}[ \\t]*:([^\\n]*(?:\\n[ \\t][^\\n]*)*)`, 'i')
    .exec(header.toString('latin1'))?.[1]
    ?.replace(/\s+/g, ' ')
    .trim()

const asDate = (text: string | undefined): Date | null => {
  // Comments name the zone once more (RFC 5322 3.3); Date.parse does not know all of them.
  const date = new Date((text ?? '').replace(/\([^()]*\)/g, '').trim())
  const year = date.getUTCFullYear()
  return Number.isNaN(date.getTime()) || year < 1 || year > 9999 ? null : date
}
