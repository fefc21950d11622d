import type { Correspondent } from '@postern/shared/drafts.ts'
import { call } from './api.ts'

/** Whom this person writes with, best first. Throws ApiError. */
export const findCorrespondents = async (q: string, limit: number, signal: AbortSignal): Promise<Correspondent[]> =>
  (await call('listCorrespondents', 'GET', '/v1/correspondents', { query: { q, limit }, signal })).correspondents

/** Not suggested again until written to. Throws ApiError. */
export const forgetCorrespondent = (address: string): Promise<void> =>
  call('removeCorrespondent', 'DELETE', '/v1/correspondents', { query: { address } })
