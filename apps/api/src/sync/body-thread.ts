import { parentPort, workerData } from 'node:worker_threads'
import type { FoundMail, MailFeed } from '#mail/mail-feed.ts'
import { showSource } from '#mail/parse-message.ts'
import { forgetPassing } from '#platform/release-memory.ts'
import { type BodyColumns, type BodyRow, ColumnsWriter, toColumns } from '#store/body-columns.ts'
import {
  isSuspiciouslyEmpty,
  type MailFacts,
  type PartsToRead,
  readBody,
  reportBytes,
  type SourceToRead,
  salvageBody,
  sourceBody,
} from './read-body.ts'

/**
 * The thread in which mails are read (body-reader.ts): decoding, HTML to text, tokens. What they do to it, by size, by a
 * fault of a parser or of ours, they do to it alone. One job at a time; before each mail its place is noted where the
 * other side sees it.
 */
export type ReadJob =
  | { kind: 'parts'; mails: PartsToRead[] }
  /** The whole mail, by our own parser; or only what it begins with, as it is. */
  | { kind: 'source' | 'start'; mail: MailFacts; source: Uint8Array }
  /** Whole mails as they came, small enough to be sent over together. */
  | { kind: 'sources'; mails: SourceToRead[] }
  /** One mail, piece by piece: `open`, `feed`, then `close` for what it says or `drain` for the rest of the wanted part. */
  | { kind: 'open'; part: number | null }
  | { kind: 'feed'; bytes: Uint8Array }
  | { kind: 'close'; mail: MailFacts }
  | { kind: 'drain' }
export type ReadAnswer =
  /** `unread`: of which mails nothing could be made, by their place in the job. */
  | { kind: 'columns'; columns: BodyColumns; unread: number[] }
  /** Of the wanted part: what this piece of the mail held of it, and whether that was its end. */
  | { kind: 'fed'; bytes: Uint8Array; isPartWhole: boolean }

const progress = new Int32Array((workerData as { progress: SharedArrayBuffer }).progress) // given by body-reader.ts

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const forget = forgetPassing()

/** What the wanted part gave since the last answer. */
type WantedBytes = { pieces: Buffer[]; isWhole: boolean }
/** The mail that comes in pieces, and what it begins with. */
let open: { feed: MailFeed; part: WantedBytes; head: Buffer } | undefined

const answer = async (job: ReadJob): Promise<ReadAnswer> => {
  if (job.kind === 'parts') return readAll(job.mails)
  if (job.kind === 'sources') return readSources(job.mails)
  Atomics.store(progress, 0, 1)
  if (job.kind === 'open') return openMail(job.part)
  if (job.kind === 'feed' || job.kind === 'drain') return readPiece(job)
  if (job.kind === 'close') return closeMail(job.mail)
  const source = asBuffer(job.source)
  try {
    const row =
      job.kind === 'source' ? await salvageBody(job.mail, source) : sourceBody(job.mail, showSource(source), source)
    return { kind: 'columns', columns: toColumns([row]), unread: [] }
  } catch {
    return { kind: 'columns', columns: toColumns([]), unread: [0] }
  }
}

const readAll = (mails: PartsToRead[]): ReadAnswer => {
  const writer = new ColumnsWriter()
  const unread: number[] = []
  for (const [index, mail] of mails.entries()) {
    Atomics.store(progress, 0, index + 1)
    const row = readSafely(mail)
    if (row === null || isSuspiciouslyEmpty(row, mail.facts)) unread.push(index)
    else writer.add(row)
  }
  return { kind: 'columns', columns: writer.finish(), unread }
}

const readSources = async (mails: SourceToRead[]): Promise<ReadAnswer> => {
  const writer = new ColumnsWriter()
  const unread: number[] = []
  for (const [index, { facts, source }] of mails.entries()) {
    Atomics.store(progress, 0, index + 1)
    const row = await salvageBody(facts, asBuffer(source)).catch(() => null)
    if (row === null) unread.push(index)
    else writer.add(row)
  }
  return { kind: 'columns', columns: writer.finish(), unread }
}

/** Whatever was left of another mail is forgotten. */
const openMail = async (part: number | null): Promise<ReadAnswer> => {
  // Loaded with the first mail that comes so.
  const { MailFeed } = await import('#mail/mail-feed.ts')
  const found: WantedBytes = { pieces: [], isWhole: false }
  const onBytes = (piece: Buffer): void => void found.pieces.push(piece)
  const onEnd = (): void => {
    found.isWhole = true
  }
  open = {
    feed: new MailFeed(part === null ? undefined : { part, onBytes, onEnd }),
    part: found,
    head: Buffer.alloc(0),
  }
  return fed()
}

/** A parser that broke keeps its fault until the last piece; the wanted part is not whole then. */
const readPiece = async (job: Extract<ReadJob, { kind: 'feed' | 'drain' }>): Promise<ReadAnswer> => {
  try {
    if (job.kind === 'feed') {
      if (open && open.head.length < reportBytes) open.head = Buffer.concat([open.head, asBuffer(job.bytes)])
      await open?.feed.write(asBuffer(job.bytes))
      forget(job.bytes.length)
    } else await open?.feed.finish()
  } catch {
    // See above.
  }
  return fed()
}

const fed = (): ReadAnswer => {
  const pieces = open?.part.pieces.splice(0) ?? []
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0))
  let to = 0
  for (const piece of pieces) {
    bytes.set(piece, to)
    to += piece.length
  }
  return { kind: 'fed', bytes, isPartWhole: open?.part.isWhole ?? false }
}

const closeMail = async (mail: MailFacts): Promise<ReadAnswer> => {
  const { feed, head } = open ?? {}
  open = undefined
  try {
    const row = feed && head && sourceBody(mail, parsed(await feed.finish()), head)
    if (row) return { kind: 'columns', columns: toColumns([row]), unread: [] }
  } catch {
    // Nothing can be made of it.
  }
  return { kind: 'columns', columns: toColumns([]), unread: [0] }
}

const parsed = (mail: FoundMail) => ({ kind: 'parsed' as const, ...mail })

/** Null for poison: one mail must not stop the rest. */
const readSafely = ({ facts, plan, parts }: PartsToRead): BodyRow | null => {
  try {
    return readBody(facts, plan, new Map([...parts].map(([path, bytes]) => [path, asBuffer(bytes)])))
  } catch {
    return null
  }
}

/** All that is large moves to the other side. */
const post = (reply: ReadAnswer): void => {
  const bytes = reply.kind === 'columns' ? Object.values(reply.columns.columns) : [reply.bytes]
  parentPort?.postMessage(
    reply,
    bytes.map(({ buffer }) => buffer as ArrayBuffer), // nothing here is made on shared memory, or shares its own
  )
}

parentPort?.on('message', (job: ReadJob) => void answer(job).then(post))
