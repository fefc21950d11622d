import { Readable } from 'node:stream'
import type { Content, Engine } from '#engine/engine.ts'
import { AppError } from '#platform/errors.ts'
import type { Store } from '#store/open-store.ts'
import { findOwnMessage, type OwnMessage } from '#store/read-messages.ts'

export const requireOwnMessage = async (store: Store, userId: bigint, messageId: string): Promise<OwnMessage> => {
  const message = await findOwnMessage(store, userId, BigInt(messageId))
  if (!message) throw new AppError('not_found', 'There is no such message.')
  return message
}

/** The raw message: from here when it is here, else from the mail server while it comes. */
export const openSource = async (store: Store, engine: Engine, message: OwnMessage): Promise<Content> => {
  if (message.is_header_only)
    throw new AppError('message.unavailable', 'Not all of this mail is here.', {
      hint: 'Get the rest of it first.',
    })
  const stored = await store.readSystem((tx) => tx.rawSource.findUnique({ where: { messageId: message.id } }))
  const blob =
    stored && (await store.readSystem((tx) => tx.blob.findUnique({ where: { id: stored.blobId, isWhole: true } })))
  return blob ? engine.readBlob(blob.id, Number(blob.sizeBytes)) : engine.openSource(message.account_id, message.id)
}

export const openPart = async (
  store: Store,
  engine: Engine,
  message: Pick<OwnMessage, 'id' | 'account_id'>,
  part: { id: bigint; blobId: bigint | null },
): Promise<Content> => {
  const blobId = part.blobId
  const blob =
    blobId === null
      ? null
      : await store.readSystem((tx) => tx.blob.findUnique({ where: { id: blobId, isWhole: true } }))
  return blob
    ? engine.readBlob(blob.id, Number(blob.sizeBytes))
    : engine.openPart(message.account_id, message.id, part.id)
}

/** The first bytes, and the whole again: a type is judged before anything goes out. */
export const peek = async (content: Content, wanted: number): Promise<{ head: Uint8Array; whole: Readable }> => {
  const chunks = content.chunks[Symbol.asyncIterator]()
  const first: Uint8Array[] = []
  let size = 0
  while (size < wanted) {
    const next = await chunks.next()
    if (next.done) break
    first.push(next.value)
    size += next.value.length
  }
  const rest = async function* () {
    yield* first
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  }
  return { head: Buffer.concat(first), whole: Readable.from(rest(), { objectMode: false }) }
}

export const collect = async (content: Content, maxBytes: number): Promise<Buffer> => {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of content.chunks) {
    chunks.push(chunk)
    size += chunk.length
    if (size > maxBytes) throw new AppError('message.too_large', 'This is too large to show; download it instead.')
  }
  return Buffer.concat(chunks)
}
