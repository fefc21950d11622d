import { type ErrorCode, errorCodes } from '@postern/shared/error-codes.ts'
import { z } from 'zod'
import { engineChannel } from './notify.ts'
import type { Store } from './open-store.ts'
import { toStoreError } from './store-error.ts'

/** What the API wants of an account's worker. Rows, so that it works between machines; a notice makes it quick. */
export const engineRequestBody = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('body'), messageId: z.string() }),
  z.object({ kind: z.literal('part'), messageId: z.string(), partId: z.string() }),
  z.object({ kind: z.literal('source'), messageId: z.string() }),
  z.object({ kind: z.literal('sync') }),
  z.object({ kind: z.literal('resync') }),
  z.object({ kind: z.literal('focus'), screen: z.string(), mailboxIds: z.array(z.string()) }),
])
export type EngineRequestBody = z.infer<typeof engineRequestBody>

const resultSchema = z.object({
  blobId: z.string().optional(),
  /** Of a look at a maildrop: so many new mails. */
  arrived: z.int().optional(),
  /** And of so many that were here in part the rest. */
  completed: z.int().optional(),
  /** And so many were removed at the provider. */
  removed: z.int().optional(),
  /** Of a look that the server does not allow yet. */
  waitsUntil: z.iso.datetime().optional(),
  error: z.object({ code: z.enum(errorCodes), message: z.string(), hint: z.string().nullable() }).optional(),
})
export type EngineResult = z.infer<typeof resultSchema>
export type EngineRequestState = { state: 'pending' | 'running' | 'done' | 'failed'; result: EngineResult }

export const replyNotice = (requestId: bigint): string => `reply:${requestId}`

/** A change of the tree has come to its end (tree-changes.ts). */
export const treeNotice = (commandId: string): string => `tree:${commandId}`

export const createRequest = async (store: Store, accountId: bigint, body: EngineRequestBody): Promise<bigint> => {
  const row = await store.prisma.engineRequest
    .create({ data: { accountId, kind: body.kind, body }, select: { id: true } })
    .catch((error: unknown) => {
      throw toStoreError(error)
    })
  store.notifier.notify(engineChannel, accountId.toString())
  return row.id
}

export const readRequest = async (store: Store, id: bigint): Promise<EngineRequestState> => {
  const row = await store.readSystem((tx) => tx.engineRequest.findUnique({ where: { id } }))
  const state = row?.state
  return {
    state: state === 'done' || state === 'failed' || state === 'running' ? state : row ? 'pending' : 'failed',
    result: resultSchema.parse(row?.result ?? {}),
  }
}

/** A sync that was asked for of this account; null when nobody did, or it ended long ago. */
export const readSync = async (store: Store, accountId: bigint, id: bigint): Promise<EngineRequestState | null> => {
  const where = { id, accountId, kind: { in: ['sync', 'resync'] } }
  const isKnown = (await store.readSystem((tx) => tx.engineRequest.count({ where }))) > 0
  return isKnown ? readRequest(store, id) : null
}

/** Syncs that a worker before this one took and did not end wait again. */
export const retakeSyncs = async (store: Store, accountId: bigint): Promise<void> => {
  const where = { accountId, state: 'running', kind: { in: ['sync', 'resync'] } }
  await store.prisma.engineRequest.updateMany({ where, data: { state: 'pending' } })
}

/** Takes the waiting requests of an account, oldest first. A request that cannot be read, such as a newer program's, is failed. */
export const takeRequests = async (
  store: Store,
  accountId: bigint,
): Promise<{ id: bigint; body: EngineRequestBody }[]> => {
  const rows = await store.prisma.$queryRaw<{ id: bigint; body: unknown }[]>`
    UPDATE engine_request SET state = 'running' WHERE account_id = ${accountId} AND state = 'pending' RETURNING id, body`
  const readable: { id: bigint; body: EngineRequestBody }[] = []
  for (const { id, body } of rows.sort((a, b) => (a.id < b.id ? -1 : 1))) {
    const parsed = engineRequestBody.safeParse(body)
    if (parsed.success) readable.push({ id, body: parsed.data })
    else await settleRequest(store, id, 'failed', {})
  }
  return readable
}

export const settleRequest = async (
  store: Store,
  id: bigint,
  state: 'running' | 'done' | 'failed',
  result: EngineResult,
): Promise<void> => {
  await store.prisma.engineRequest.updateMany({ where: { id }, data: { state, result } })
  store.notifier.notify(engineChannel, replyNotice(id))
}

export const failureOf = (code: ErrorCode, message: string, hint: string | undefined): EngineResult => ({
  error: { code, message, hint: hint ?? null },
})

/** Finished requests are of no use after an hour; unanswered ones after a day. */
export const sweepRequests = async (store: Store): Promise<void> => {
  await store.prisma.$executeRaw`
    DELETE FROM engine_request WHERE created_at < now() - CASE WHEN state IN ('done', 'failed') THEN interval '1 hour' ELSE interval '1 day' END`
}
