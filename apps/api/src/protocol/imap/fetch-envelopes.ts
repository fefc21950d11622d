import type { FetchMessageObject, MessageAddressObject, MessageStructureObject } from 'imapflow'
import { decodeWords } from '#mail/decode-part.ts'
import { type Flags, parseFlags } from '#mail/flags.ts'
import { displayLine } from '#mail/storable-text.ts'
import { toSessionError } from '../session-error.ts'
import { storableCounter } from './counters.ts'
import type { ImapSession } from './open-session.ts'

export type Person = { name: string; address: string }

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

export type FetchedEnvelope = {
  uid: number
  flags: Flags
  modseq: bigint
  internalDate: Date | null
  sizeBytes: number
  subject: string
  from: Person[]
  replyTo: Person[]
  to: Person[]
  cc: Person[]
  bcc: Person[]
  /** The Date header as the server read it; null when missing or unreadable. */
  sentAt: Date | null
  messageId: string | null
  inReplyTo: string | null
  references: string | null
  parts: StructurePart[]
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
  const { objectId, gmail } = session.capabilities
  try {
    const query = {
      uid: true,
      flags: true,
      envelope: true,
      internalDate: true,
      size: true,
      bodyStructure: true,
      headers: ['references'],
      ...(objectId || gmail ? { emailId: true } : {}),
    }
    for await (const message of session.flow.fetch(range, query, { uid: isByUid })) {
      if (Number.isSafeInteger(message.uid) && message.uid > 0) yield translateEnvelope(message)
    }
  } catch (error) {
    throw toSessionError(error)
  }
}

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
    references: message.headers ? unfoldReferences(message.headers) : null,
    parts: flattenStructure(message.bodyStructure),
    serverMessageId: message.emailId ?? null,
  }
}

const unfoldReferences = (headers: Buffer): string | null => {
  const text = headers.toString('latin1', 0, Math.min(headers.length, 65_536))
  return /^references:([\s\S]*?)\r?\n(?![ \t])/im.exec(`${text}\r\n`)?.[1]?.trim() || null
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
