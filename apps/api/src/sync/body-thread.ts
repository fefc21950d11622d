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
  readParsedPart,
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
  /** One large mail, piece by piece, then `close`. */
  | { kind: 'feed'; bytes: Uint8Array }
  | { kind: 'close'; mail: MailFacts }
  | { kind: 'parsedPart'; path: string; source: Uint8Array }
export type ReadAnswer =
  /** `unread`: of which mails nothing could be made, by their place in the job. */
  | { kind: 'columns'; columns: BodyColumns; unread: number[] }
  | { kind: 'bytes'; bytes: Uint8Array | null }
  | { kind: 'fed' }

const progress = new Int32Array((workerData as { progress: SharedArrayBuffer }).progress) // given by body-reader.ts

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

let feed: MailFeed | undefined
const forget = forgetPassing()

const answer = async (job: ReadJob): Promise<ReadAnswer> => {
  if (job.kind === 'parts') return readAll(job.mails)
  if (job.kind === 'sources') return readSources(job.mails)
  Atomics.store(progress, 0, 1)
  if (job.kind === 'feed' || job.kind === 'close') return readPiece(job)
  const source = asBuffer(job.source)
  if (job.kind === 'parsedPart') return { kind: 'bytes', bytes: await readParsedPart(job.path, source) }
  try {
    const row = job.kind === 'source' ? await salvageBody(job.mail, source) : sourceBody(job.mail, showSource(source))
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

/** A parser that broke keeps its fault until the last piece: the mail is unread then. */
const readPiece = async (job: Extract<ReadJob, { kind: 'feed' | 'close' }>): Promise<ReadAnswer> => {
  // Loaded with the first large mail.
  feed ??= new (await import('#mail/mail-feed.ts')).MailFeed()
  try {
    if (job.kind === 'feed') {
      await feed.write(asBuffer(job.bytes))
      forget(job.bytes.length)
    } else
      return { kind: 'columns', columns: toColumns([sourceBody(job.mail, parsed(await feed.finish()))]), unread: [] }
  } catch {
    if (job.kind === 'close') return { kind: 'columns', columns: toColumns([]), unread: [0] }
  } finally {
    if (job.kind === 'close') feed = undefined
  }
  return { kind: 'fed' }
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
  const bytes =
    reply.kind === 'columns'
      ? Object.values(reply.columns.columns)
      : reply.kind === 'bytes'
        ? [reply.bytes ?? new Uint8Array()]
        : []
  parentPort?.postMessage(
    reply,
    bytes.map(({ buffer }) => buffer as ArrayBuffer), // nothing here is made on shared memory
  )
}

parentPort?.on('message', (job: ReadJob) => void answer(job).then(post))
