import { newSha256 } from '#platform/sha256.ts'
import { appendOctets, createBlob, finishBlob } from '#store/blobs.ts'
import type { EngineScope } from '#store/commit.ts'
import { settleRequest } from '#store/engine-requests.ts'
import type { Store } from '#store/open-store.ts'

/**
 * Answers a request with content while that comes: from the first piece on the request names the blob, and whoever waits
 * reads along. A content that breaks off leaves a blob that is not whole, which is swept.
 */
export const answerWithContent = async (
  store: Store,
  scope: EngineScope,
  { requestId, use }: { requestId: bigint; use: Parameters<typeof finishBlob>[3] },
  content: AsyncIterable<Uint8Array>,
): Promise<void> => {
  const blobId = await createBlob(store, scope)
  const answer = { blobId: blobId.toString() }
  await settleRequest(store, requestId, 'running', answer)
  const hash = newSha256()
  let n = 0
  let sizeBytes = 0
  for await (const piece of content) {
    hash.update(piece)
    sizeBytes += piece.length
    n = await appendOctets(store, scope, { blobId, n, bytes: piece })
    await settleRequest(store, requestId, 'running', answer)
  }
  await finishBlob(store, scope, { blobId, sha256: hash.digest(), sizeBytes }, use)
  await settleRequest(store, requestId, 'done', answer)
}
