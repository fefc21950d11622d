import { isAppError } from '#platform/errors.ts'
import type { Logger } from '#platform/logger.ts'
import { forgetPassing } from '#platform/release-memory.ts'
import { allocateShared, ReusedMemory } from '#platform/reused-memory.ts'
import { readPieces, readSmallBlobs } from '#store/blobs.ts'
import { type BodyColumns, toColumns } from '#store/body-columns.ts'
import { commitBulk, type EngineScope } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import { forgetRead, markAttachments, nextSources, type SourceToOpen, storeBodies } from '#store/sync-bodies.ts'
import type { BodyReader } from './body-reader.ts'
import { unparsableBody } from './read-body.ts'

/** Sources of one chunk are read many at a time, larger ones alone and piece by piece. */
const rowsAtOnce = 1000
const batchBytes = 8 * 1024 * 1024
const smallBytes = 2 * 1024 * 1024

export type SourceContext = {
  store: Store
  reader: BodyReader
  scope: EngineScope
  logger: Logger
  /** What was read of them before was read elsewhere, and gives way to this. */
  isAnew?: boolean
}

/**
 * Reads every mail of which the whole source is here and nothing else yet, newest first: texts, parts, the index of words.
 * A batch is one transaction; killed anywhere, what was not stored is read again. `onStored` is told how many after each.
 */
export const readSources = async (
  context: SourceContext & { signal: AbortSignal },
  onStored: (mails: number) => Promise<void> = async () => undefined,
): Promise<void> => {
  const { store, scope } = context
  for (;;) {
    const wanted = await store.readSystem((tx) => nextSources(tx, scope.accountId, rowsAtOnce))
    if (wanted.length === 0) return
    await readAll(context, sourceBatches(wanted), onStored)
  }
}

/** The database gives the next batch and takes the last one while the thread reads. Ends when nothing is under way any more. */
const readAll = async (
  context: SourceContext & { signal: AbortSignal },
  batches: SourceToOpen[][],
  onStored: (mails: number) => Promise<void>,
): Promise<void> => {
  let storing: Promise<void> = Promise.resolve()
  // One is filled while the thread reads the other.
  let [memory, other] = [newMemory(), newMemory()]
  const forget = forgetPassing(passing)
  let next = loadBatch(context, [], memory)
  try {
    for (const batch of [...batches, []]) {
      const loaded = await next
      next = loadBatch(context, batch, memory)
      ;[memory, other] = [other, memory]
      next.catch(() => undefined)
      context.signal.throwIfAborted()
      if (loaded.batch.length === 0) continue
      forget(loaded.batch.reduce((sum, { blobBytes }) => sum + blobBytes, 0))
      const columns = await loaded.read()
      await storing
      storing = storeWhatCan(context, loaded.batch, columns).then(() => onStored(loaded.batch.length))
      storing.catch(() => undefined)
    }
    await storing
  } finally {
    await Promise.allSettled([storing, next])
  }
}

/**
 * Reads these mails and stores what they say. Should the database refuse the content of one, each is stored by itself, and
 * that one by its placeholder: its source is here to be opened.
 */
export const openSources = async (context: SourceContext, batch: SourceToOpen[]): Promise<void> => {
  const { read } = await loadBatch(context, batch, newMemory())
  await storeWhatCan(context, batch, await read())
}

const storeWhatCan = async (context: SourceContext, batch: SourceToOpen[], columns: BodyColumns[]): Promise<void> => {
  try {
    await storeRead(context, batch, columns)
  } catch (error) {
    // What the store knows by code concerns every mail alike.
    if (isAppError(error)) throw error
    context.logger.warn({ err: error, mails: batch.length }, 'what was read of mails was refused')
    if (batch.length > 1) for (const source of batch) await openSources(context, [source])
    else await storeRead(context, batch, [toColumns(batch.map(unparsableBody))])
  }
}

const storeRead = async (
  { store, scope, isAnew = false }: SourceContext,
  batch: SourceToOpen[],
  columns: BodyColumns[],
): Promise<void> => {
  const messageIds = batch.map(({ messageId }) => messageId)
  await commitBulk(store, scope, async (unit) => {
    if (isAnew) await forgetRead(unit, scope.accountId, messageIds)
    await storeBodies(unit, scope.accountId, columns, 0)
    unit.touchThreads(scope.accountId, await markAttachments(unit, messageIds))
  })
}

export const sourceBatches = (wanted: SourceToOpen[]): SourceToOpen[][] => {
  const batches: SourceToOpen[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const source of wanted) {
    bytes += source.blobBytes
    const isAlone = source.blobBytes > smallBytes
    if (bytes > batchBytes || isAlone) {
      batches.push([])
      bytes = isAlone ? Number.POSITIVE_INFINITY : source.blobBytes
    }
    batches.at(-1)?.push(source)
  }
  return batches
}

type Loaded = { batch: SourceToOpen[]; read: () => Promise<BodyColumns[]> }

/** The thread reads where the database's answer was put. */
const newMemory = () => new ReusedMemory(batchBytes, allocateShared)

/** What the driver leaves behind; large mails see to it themselves. */
const passing = { passedBytes: 16 * 1024 * 1024, stayedBytes: Number.POSITIVE_INFINITY }

/** A large mail is loaded while it is read, a piece at a time. */
const loadBatch = async (
  { store, reader }: SourceContext,
  batch: SourceToOpen[],
  memory: ReusedMemory,
): Promise<Loaded> => {
  const [first] = batch
  if (!first) return { batch, read: async () => [] }
  if (first.blobBytes > smallBytes)
    return { batch, read: async () => [await reader.readPieces(first, readPieces(store, first.blobId))] }
  const blobIds = batch.map(({ blobId }) => blobId)
  memory.reuse()
  const bytes = await readSmallBlobs(store, blobIds, memory)
  const sources = batch.map((facts) => ({ facts, source: bytes.get(facts.blobId) ?? new Uint8Array() }))
  return { batch, read: () => reader.readSources(sources) }
}
