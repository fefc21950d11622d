import { AppError, isAppError } from '#platform/errors.ts'
import { readPieces } from '#store/blobs.ts'
import { commitBulk, type EngineScope } from '#store/commit.ts'
import { failureOf, settleRequest } from '#store/engine-requests.ts'
import { wantRest } from '#store/maildrop-parts.ts'
import { findStored, type SourceToOpen, type StoredMessage } from '#store/sync-bodies.ts'
import { parsedPlace } from '#sync/read-body.ts'
import { openSources } from '#sync/read-sources.ts'
import type { ContentJob } from './account-life.ts'
import { answerWithContent } from './answer-request.ts'
import type { EngineDeps } from './engine-deps.ts'

type Deps = Pick<EngineDeps, 'store' | 'readers' | 'logger'>
type PartRequest = Extract<ContentJob['body'], { kind: 'part' }>

/**
 * Serves what people wait for of a mail whose source is kept here (POP3, imports): no mail server is asked. Always settles
 * the request; a mail that cannot be read is refused in words, and the next one is served.
 */
export const serveStoredContent = async (deps: Deps, scope: EngineScope, job: ContentJob): Promise<void> => {
  try {
    await serve(deps, scope, job)
  } catch (error) {
    const isKnown = isAppError(error)
    if (!isKnown) deps.logger.error({ err: error, kind: job.body.kind, id: job.body.messageId }, 'not served')
    const { code, message, detail } = isKnown && error.code.startsWith('message.') ? error : notNow(error)
    // The store may be what failed; whoever waits hears of that from their own side.
    await settleRequest(deps.store, job.id, 'failed', failureOf(code, message, detail.hint)).catch(() => undefined)
  }
}

const serve = async (deps: Deps, scope: EngineScope, { id, body }: ContentJob): Promise<void> => {
  const { store, readers, logger } = deps
  const found = await store.readSystem((tx) => findStored(tx, scope.accountId, BigInt(body.messageId)))
  if (!found) throw new AppError('message.gone', 'This message is no longer here.')
  switch (body.kind) {
    case 'body':
      // Of a mail of which only the header is here, that is all there is to show.
      if (!found.isRead && found.source)
        await openSources({ store, scope, reader: readers.waiting, logger }, [found.source])
      return await settleRequest(store, id, 'done', {})
    case 'source': {
      if (isWithheld(found)) await wantIt(store, scope, body.messageId)
      return await settleRequest(store, id, 'done', { blobId: requireSource(found).blobId.toString() })
    }
    case 'part':
      return await servePart(deps, scope, { id, body }, found)
  }
}

const servePart = async (
  { store, readers }: Deps,
  scope: EngineScope,
  { id, body }: { id: bigint; body: PartRequest },
  found: StoredMessage,
): Promise<void> => {
  const { accountId } = scope
  const where = { id: BigInt(body.partId), messageId: BigInt(body.messageId), accountId }
  const part = await store.readSystem((tx) => tx.part.findFirst({ where }))
  if (!part) throw new AppError('message.gone', 'This attachment is no longer there.')
  const blobId = part.blobId
  const isHere =
    blobId !== null && (await store.readSystem((tx) => tx.blob.count({ where: { id: blobId, isWhole: true } }))) > 0
  if (isHere) return await settleRequest(store, id, 'done', { blobId: blobId.toString() })
  const source = requireSource(found)
  const place = parsedPlace(part.path)
  if (place === null)
    throw new AppError('message.unavailable', 'This attachment is not here by itself.', {
      hint: 'Download the whole mail instead.',
    })
  const content = readers.waiting.readPart(place, readPieces(store, source.blobId))
  await answerWithContent(store, scope, { requestId: id, use: { kind: 'part', partId: part.id } }, content)
}

const requireSource = (found: StoredMessage): SourceToOpen => {
  const { source, isHeader } = found
  if (source) return source
  throw new AppError(
    'message.unavailable',
    isHeader ? 'Not all of this mail is here.' : 'This mail is not here as it came.',
    isHeader
      ? { hint: 'Get the rest of it first.' }
      : isWithheld(found)
        ? { hint: 'It comes with the next look at the maildrop.' }
        : {},
  )
}

/** All there is to read of it is here, and it lies whole in the maildrop: it comes when somebody wants it as it is. */
const isWithheld = ({ source, isHeader, isListed }: StoredMessage): boolean => source === null && !isHeader && isListed

const wantIt = async (store: Deps['store'], scope: EngineScope, messageId: string): Promise<void> => {
  await commitBulk(store, scope, (unit) => wantRest(unit, scope.accountId, BigInt(messageId)))
}

const notNow = (error: unknown): AppError =>
  new AppError('message.unavailable', 'This cannot be opened right now.', {
    hint: isAppError(error) ? error.message : 'Try again in a moment.',
  })
