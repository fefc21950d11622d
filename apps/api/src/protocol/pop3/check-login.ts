import type { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import type { Capabilities } from './capabilities.ts'
import { listMaildrop, type Maildrop } from './list-maildrop.ts'
import { openPop3Session, type Pop3Session, type SessionOptions, type SessionStage } from './open-session.ts'
import { leaveSession } from './quit-session.ts'

export type CheckStep = SessionStage | 'list'
export type CheckProgress =
  | { step: CheckStep; state: 'running' }
  | { step: CheckStep; state: 'ok'; ms: number; note: string | null }
export type CheckResult =
  | { kind: 'ok'; capabilities: Capabilities; stated: Maildrop['stated'] | null }
  | { kind: 'failed'; step: CheckStep; error: AppError }

const order: Record<SessionOptions['security'], CheckStep[]> = {
  tls: ['connect', 'tls', 'greeting', 'login', 'list'],
  starttls: ['connect', 'greeting', 'tls', 'login', 'list'],
  plain: ['connect', 'greeting', 'login', 'list'],
}

/** Tries everything a first download needs, telling each step as it happens; changes nothing there. Never throws. */
export const checkPop3Login = async (
  { until, ...options }: SessionOptions & { until: 'login' | 'list' },
  onProgress: (progress: CheckProgress) => void,
): Promise<CheckResult> => {
  let step: CheckStep = 'connect'
  let startedAt = performance.now()
  const begin = (next: CheckStep) => {
    step = next
    startedAt = performance.now()
    onProgress({ step, state: 'running' })
  }
  const end = (note: string | null) =>
    onProgress({ step, state: 'ok', ms: Math.round(performance.now() - startedAt), note })
  let session: Pop3Session | undefined
  try {
    begin('connect')
    session = await openPop3Session({
      ...options,
      onStage: (stage) => {
        end(stage === 'login' ? options.username : null)
        const next = order[options.security][order[options.security].indexOf(stage) + 1]
        if (next && next !== 'list') begin(next)
      },
    })
    const { capabilities } = session
    if (until === 'login') return { kind: 'ok', capabilities, stated: null }
    begin('list')
    const { stated } = await listMaildrop(session)
    end(`${stated.messages} messages`)
    return { kind: 'ok', capabilities, stated }
  } catch (error) {
    return { kind: 'failed', step, error: toSessionError(error) }
  } finally {
    if (session) await leaveSession(session)
  }
}
