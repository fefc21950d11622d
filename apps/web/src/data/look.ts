import type { Account, SyncReply } from '@postern/shared/accounts.ts'
import { messageDate } from '#lib/format.ts'
import { count, t } from '#lib/text.ts'
import { ApiError, call, explain } from './api.ts'
import { loadPart } from './load-part.ts'
import { showToast } from './toasts.ts'

const firstMs = 200
const mostMs = 3000
/** A first download may take hours; nobody waits for that with a button. */
const withinMs = 60_000

/**
 * Asks for a look at a maildrop and answers, in words, what came of it; after a minute, that it goes on. Throws ApiError, also
 * when the look failed.
 */
export const lookNow = async (accountId: string, left?: AbortSignal): Promise<string> => {
  const stop = new AbortController()
  const end = () => stop.abort()
  const timer = setTimeout(end, withinMs)
  left?.addEventListener('abort', end, { once: true })
  try {
    return await follow(accountId, stop.signal)
  } catch (error) {
    if (stop.signal.aborted && !left?.aborted) return t('look.goesOn')
    throw error
  } finally {
    clearTimeout(timer)
    left?.removeEventListener('abort', end)
  }
}

const follow = async (accountId: string, signal: AbortSignal): Promise<string> => {
  let sync = await call('syncAccount', 'POST', `/v1/accounts/${accountId}/sync`, { signal })
  for (let waitMs = firstMs; sync.state === 'running'; waitMs = Math.min(mostMs, waitMs * 1.5)) {
    await new Promise((done) => setTimeout(done, waitMs))
    sync = await call('getSync', 'GET', `/v1/accounts/${accountId}/syncs/${sync.id}`, { signal })
  }
  const { refreshAccount } = await loadPart(import('./patch-account.ts'))
  await refreshAccount(accountId)
  const { problem, waitsUntil } = sync
  if (problem) {
    const { code, message, hint } = problem
    throw new ApiError(code, { message, ...(hint === null ? {} : { hint }) })
  }
  if (waitsUntil) return t('look.later', { date: messageDate(waitsUntil) })
  return foundIn(sync)
}

const foundIn = ({ arrived, completed, removed }: Pick<SyncReply, 'arrived' | 'completed' | 'removed'>): string => {
  const news = arrived ? [count('arrived', arrived)] : []
  const came = completed ? t('look.came', { what: [...news, count('rests', completed)].join(', ') }) : news[0]
  const parts = [came, removed ? count('removed', removed) : undefined].filter((part) => part !== undefined)
  return parts.join('. ') || t('look.nothing')
}

/** Beside the mail: an IMAP account tells of what comes as it comes, of a maildrop it is said what the look brought. */
export const syncNow = async ({ id, kind }: Account): Promise<void> => {
  if (kind === 'imap') return void (await call('syncAccount', 'POST', `/v1/accounts/${id}/sync`))
  try {
    showToast({ kind: 'done', text: await lookNow(id) })
  } catch (error) {
    showToast({ kind: 'problem', text: explain(error) })
  }
}
