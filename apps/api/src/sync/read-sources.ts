import { readChunks, readSmallBlobs } from '#store/blobs.ts'
import type { BodyColumns } from '#store/body-columns.ts'
import { commitBulk, type EngineScope } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import { markAttachments, nextSources, type SourceToOpen, storeBodies } from '#store/sync-bodies.ts'
import type { BodyReader } from './body-reader.ts'

/** Sources of one chunk are read many at a time, larger ones alone and piece by piece. */
const rowsAtOnce = 1000
const batchBytes = 8 * 1024 * 1024
const smallBytes = 2 * 1024 * 1024

export type SourceContext = { store: Store; reader: BodyReader; scope: EngineScope; signal: AbortSignal }

/**
 * Reads every mail of which the whole source is here and nothing else yet, newest first: texts, parts, the index of words.
 * A batch is one transaction; killed anywhere, what was not stored is read again. `onStored` is told how many after each.
 */
export const readSources = async (
  context: SourceContext,
  onStored: (mails: number) => Promise<void> = async () => undefined,
): Promise<void> => {
  const { store, scope, signal } = context
  for (;;) {
    const wanted = await store.readSystem((tx) => nextSources(tx, scope.accountId, rowsAtOnce))
    if (wanted.length === 0) return
    let storing: Promise<void> = Promise.resolve()
    let next = loadBatch(context, [])
    for (const batch of [...inBatches(wanted), []]) {
      const loaded = await next
      // The database gives the next batch and takes the last one while the thread reads.
      next = loadBatch(context, batch)
      next.catch(() => undefined)
      signal.throwIfAborted()
      if (loaded.batch.length === 0) continue
      const columns = await loaded.read()
      await storing
      storing = storeBatch(context, loaded.batch, columns).then(() => onStored(loaded.batch.length))
      storing.catch(() => undefined)
    }
    await storing
  }
}

const storeBatch = ({ store, scope }: SourceContext, batch: SourceToOpen[], columns: BodyColumns[]): Promise<void> =>
  commitBulk(store, scope, async (unit) => {
    await storeBodies(unit, scope.accountId, columns, 0)
    const messageIds = batch.map(({ messageId }) => messageId)
    unit.touchThreads(scope.accountId, await markAttachments(unit, messageIds))
  })

const inBatches = (wanted: SourceToOpen[]): SourceToOpen[][] => {
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

/** A large mail is loaded while it is read, a piece at a time. */
const loadBatch = async ({ store, reader }: SourceContext, batch: SourceToOpen[]): Promise<Loaded> => {
  const [first] = batch
  if (!first) return { batch, read: async () => [] }
  if (first.blobBytes > smallBytes)
    return { batch, read: async () => [await reader.readPieces(first, readChunks(store, first.blobId))] }
  const blobIds = batch.map(({ blobId }) => blobId)
  const bytes = await readSmallBlobs(store, blobIds)
  const sources = batch.map((facts) => ({ facts, source: bytes.get(facts.blobId) ?? new Uint8Array() }))
  return { batch, read: () => reader.readSources(sources) }
}
