import type { FetchMessageObject, MessageAddressObject, MessageStructureObject } from 'imapflow'
import { decodeWords } from '#mail/decode-part.ts'
import { type Flags, parseFlags } from '#mail/flags.ts'
import { askFields, type MailAsks, readAsks } from '#mail/read-asks.ts'
import { type Person, type RawEnvelope, readEnvelope } from '#mail/read-envelope.ts'
import { displayLine } from '#mail/storable-text.ts'
import { formatUidSet } from '#mail/uid-set.ts'
import { toSessionError } from '../session-error.ts'
import { storableCounter } from './counters.ts'
import type { ImapSession } from './open-session.ts'
import { breaksParser, notePoison, type PoisonMemory, poisonOf } from './poison-memory.ts'

/** A leaf part of BODYSTRUCTURE. `path` is what FETCH BODY[path] takes. Sizes in bytes as encoded. RFC 9051 7.5.2. */
export type StructurePart = {
  path: string
  type: string
  encoding: string
  charset: string
  size: number
  filename: string | null
  disposition: string | null
  contentId: string | null
}

/** The Date header is as the server read it. */
export type FetchedEnvelope = Omit<RawEnvelope, 'receivedAt'> & {
  uid: number
  flags: Flags
  modseq: bigint
  internalDate: Date | null
  sizeBytes: number
  parts: StructurePart[]
  asks: MailAsks | null
  /** EMAILID (RFC 8474) or X-GM-MSGID; null when the server has neither. */
  serverMessageId: string | null
}

const maxPeople = 500
const maxParts = 1000
const maxDepth = 64

/** Envelopes of a uid set, in the server's order. A field that is not what it should be is dropped, never the message. */
export const fetchEnvelopes = (session: ImapSession, uidSet: string): AsyncGenerator<FetchedEnvelope> =>
  fetchRange(session, uidSet, true)

/** The last `count` of the selected mailbox's `exists` messages, without knowing their uids. RFC 9051 2.3.1.2. */
export const fetchNewestEnvelopes = (
  session: ImapSession,
  exists: number,
  count: number,
): AsyncGenerator<FetchedEnvelope> => fetchRange(session, `${Math.max(1, exists - count + 1)}:${exists}`, false)

async function* fetchRange(session: ImapSession, range: string, isByUid: boolean): AsyncGenerator<FetchedEnvelope> {
  const memory = poisonOf(session.flow)
  try {
    if (memory === undefined) yield* fetchFull(session, range, isByUid)
    else yield* fetchAround(session, range, isByUid, memory)
  } catch (error) {
    // The library ends the session then; the next one takes a closer look.
    if (breaksParser(error)) notePoison(session.flow, range)
    throw toSessionError(error)
  }
}

async function* fetchFull(session: ImapSession, range: string, isByUid: boolean): AsyncGenerator<FetchedEnvelope> {
  // The library asks for EMAILID or Gmail's number by itself.
  const query = {
    uid: true,
    flags: true,
    envelope: true,
    internalDate: true,
    size: true,
    bodyStructure: true,
    headers: ['references', ...askFields],
  }
  for await (const message of session.flow.fetch(range, query, { uid: isByUid })) {
    if (Number.isSafeInteger(message.uid) && message.uid > 0) yield translateEnvelope(message)
  }
}

/** A range in which a mail broke the parser: one by one while it is being looked for, and around it once it is known. */
async function* fetchAround(
  session: ImapSession,
  range: string,
  isByUid: boolean,
  memory: PoisonMemory,
): AsyncGenerator<FetchedEnvelope> {
  const uids: number[] = []
  for await (const { uid } of session.flow.fetch(range, { uid: true }, { uid: isByUid })) uids.push(uid)
  const harmless = uids.filter((uid) => !memory.uids.has(uid))
  if (memory.range === range)
    for (const uid of harmless) {
      memory.looking = uid
      yield* fetchFull(session, String(uid), true)
    }
  else if (harmless.length > 0) yield* fetchFull(session, formatUidSet(harmless), true)
  memory.looking = undefined
  if (memory.range === range) memory.range = undefined
  const poison = uids.filter((uid) => memory.uids.has(uid))
  if (poison.length > 0) yield* fetchBare(session, formatUidSet(poison))
}

/** What a mail's header says, when the server's own view of it is more than anybody can take. Its parts stay unknown. */
async function* fetchBare(session: ImapSession, uidSet: string): AsyncGenerator<FetchedEnvelope> {
  const query = { uid: true, flags: true, internalDate: true, size: true, headers: bareFields }
  for await (const message of session.flow.fetch(uidSet, query, { uid: true })) {
    const header = message.headers ?? Buffer.alloc(0)
    const field = (name: string) => readField(header, name) ?? ''
    yield {
      ...translateEnvelope(message),
      subject: displayLine(decodeWords(field('subject'))),
      from: parsePeople(field('from')),
      to: parsePeople(field('to')),
      sentAt: asDate(field('date')),
      messageId: field('message-id').slice(0, 1000) || null,
      inReplyTo: field('in-reply-to').slice(0, 4000) || null,
    }
  }
}

/** The library takes what is no UTF-8 for nothing; the octets themselves can still be asked for. */
export const isMisread = ({ subject, ...envelope }: FetchedEnvelope): boolean =>
  subject.includes('\ufffd') ||
  [envelope.from, envelope.replyTo, envelope.to, envelope.cc, envelope.bcc].some((people) =>
    people.some(({ name }) => name.includes('\ufffd')),
  )

/** Who wrote to whom about what, from the header's own octets; of messages in the selected mailbox, by uid. */
export const fetchRawEnvelopes = async (session: ImapSession, uids: number[]): Promise<Map<number, RawEnvelope>> => {
  const found = new Map<number, RawEnvelope>()
  if (uids.length === 0) return found
  const query = { uid: true, headers: writtenFields }
  try {
    for await (const { uid, headers } of session.flow.fetch(formatUidSet(uids), query, { uid: true })) {
      const envelope = headers && (await readEnvelope(headers).catch(() => null))
      if (envelope) found.set(uid, envelope)
    }
  } catch (error) {
    throw toSessionError(error)
  }
  return found
}

const writtenFields = ['subject', 'from', 'reply-to', 'to', 'cc', 'bcc', 'content-type']
const bareFields = ['subject', 'from', 'to', 'date', 'message-id', 'in-reply-to', 'references']
const addressPattern = /"?([^"<,]{0,200})"?<([^<>\s]{1,320})>|([^\s<>,;"@]{1,64}@[^\s<>,;"@]{1,250})/g

const parsePeople = (field: string): Person[] =>
  [...field.slice(0, 65_536).matchAll(addressPattern)].slice(0, maxPeople).map(([, name, address, bare]) => ({
    name: displayLine(decodeWords(name?.trim() ?? ''), 200),
    address: displayLine(address ?? bare ?? '', 320),
  }))

const asDate = (value: Date | string | undefined): Date | null => {
  if (value === undefined) return null
  const date = value instanceof Date ? value : new Date(value)
  const year = date.getUTCFullYear()
  // Postgres takes more, but nothing outside these years is a date of a mail.
  return Number.isNaN(date.getTime()) || year < 1 || year > 9999 ? null : date
}

const people = (list: MessageAddressObject[] | undefined): Person[] =>
  (list ?? []).slice(0, maxPeople).map(({ name, address }) => ({
    name: displayLine(decodeWords(name ?? ''), 200),
    address: displayLine(address ?? '', 320),
  }))

export const translateEnvelope = (message: FetchMessageObject): FetchedEnvelope => {
  const envelope = message.envelope ?? {}
  return {
    uid: message.uid,
    flags: parseFlags(message.flags ?? []),
    modseq: storableCounter(message.modseq) ?? 0n,
    internalDate: asDate(message.internalDate),
    sizeBytes: Number.isSafeInteger(message.size) && (message.size ?? 0) >= 0 ? (message.size ?? 0) : 0,
    subject: displayLine(decodeWords(envelope.subject ?? '')),
    from: people(envelope.from),
    replyTo: people(envelope.replyTo),
    to: people(envelope.to),
    cc: people(envelope.cc),
    bcc: people(envelope.bcc),
    sentAt: asDate(envelope.date),
    messageId: envelope.messageId?.slice(0, 1000) ?? null,
    inReplyTo: envelope.inReplyTo?.slice(0, 4000) ?? null,
    references: message.headers ? readField(message.headers, 'references') : null,
    parts: flattenStructure(message.bodyStructure),
    asks: message.headers ? readAsks(message.headers, envelope.messageId ?? null) : null,
    serverMessageId: message.emailId ?? null,
  }
}

/** A header field as it is written, unfolded lines included; null when it is not there. */
const readField = (headers: Buffer, name: string): string | null => {
  const text = headers.toString('latin1', 0, Math.min(headers.length, 262_144))
  return new RegExp(`^${name}:([\\s\\S]*?)\\r?\\n(?![ \\t])`, 'im').exec(`${text}\r\n`)?.[1]?.trim() || null
}

/** Leaf parts in order, bounded in number and depth; attached messages count as one part. */
export const flattenStructure = (root: MessageStructureObject | undefined): StructurePart[] => {
  const parts: StructurePart[] = []
  const walk = (node: MessageStructureObject, depth: number): void => {
    if (parts.length >= maxParts || depth > maxDepth) return
    if (node.type.startsWith('multipart/')) {
      for (const child of node.childNodes ?? []) walk(child, depth + 1)
      return
    }
    const filename = node.dispositionParameters?.filename ?? node.parameters?.name
    parts.push({
      path: node.part ?? '1',
      type: displayLine(node.type.toLowerCase(), 100),
      encoding: displayLine((node.encoding ?? '7bit').toLowerCase(), 40),
      charset: displayLine(node.parameters?.charset ?? '', 60),
      size: node.size ?? 0,
      filename: filename ? displayLine(decodeWords(filename), 255) : null,
      disposition: node.disposition ? displayLine(node.disposition.toLowerCase(), 40) : null,
      contentId: node.id ? displayLine(node.id, 500).replace(/^<|>$/g, '') : null,
    })
  }
  if (root) walk(root, 0)
  return parts
}
