import type { EngineScope } from '#store/commit.ts'
import { failureOf, settleRequest } from '#store/engine-requests.ts'
import type { ContentJob } from './account-life.ts'
import type { EngineDeps } from './engine-deps.ts'

export const serveStoredContent = async (
  { store }: Pick<EngineDeps, 'store' | 'readers' | 'logger'>,
  _scope: EngineScope,
  { id }: ContentJob,
): Promise<void> => settleRequest(store, id, 'failed', failureOf('message.unavailable', 'Not yet.', undefined))
