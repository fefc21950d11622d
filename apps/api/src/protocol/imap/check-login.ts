import type { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import { fetchEnvelopes } from './fetch-envelopes.ts'
import { listMailboxes } from './list-mailboxes.ts'
import { type ImapSession, openImapSession, type SessionOptions } from './open-session.ts'
import { selectMailbox } from './select-mailbox.ts'

export type CheckStep = 'connect' | 'tls' | 'greeting' | 'login' | 'list' | 'messages'
export type CheckProgress =
  | { step: CheckStep; state: 'running' }
  | { step: CheckStep; state: 'ok'; ms: number; note: string | null }
export type CheckResult =
  | { kind: 'ok'; mailboxes: number | null; newestSubjects: string[] }
  | { kind: 'failed'; step: CheckStep; error: AppError }

/** Tries everything a first sync needs, telling each step as it happens. Never throws. */
export const checkImapLogin = async (
  { until, ...options }: SessionOptions & { until: 'login' | 'messages' },
  onProgress: (progress: CheckProgress) => void,
): Promise<CheckResult> => {
  let step: CheckStep = 'connect'
  let startedAt = performance.now()
  const begin = (next: CheckStep) => {
    step = next
    startedAt = performance.now()
    onProgress({ step, state: 'running' })
  }
  const end = (note: string | null = null) =>
    onProgress({ step, state: 'ok', ms: Math.round(performance.now() - startedAt), note })
  let session: ImapSession | undefined
  try {
    begin('connect')
    session = await openImapSession({
      ...options,
      onStage: (stage) => {
        end()
        begin(nextStage(options.security, stage))
      },
    })
    end(options.username)
    if (until === 'login') return { kind: 'ok', mailboxes: null, newestSubjects: [] }
    begin('list')
    const mailboxes = await listMailboxes(session, { withStatus: false })
    end(`${mailboxes.length} mailboxes`)
    begin('messages')
    const newestSubjects = await newest(session)
    end(newestSubjects.length === 0 ? 'The inbox is empty' : null)
    return { kind: 'ok', mailboxes: mailboxes.length, newestSubjects }
  } catch (error) {
    return { kind: 'failed', step, error: toSessionError(error) }
  } finally {
    await session?.logout()
  }
}

/** The greeting comes over TLS, or before STARTTLS. */
const stages = {
  tls: ['connect', 'tls', 'greeting'],
  starttls: ['connect', 'greeting', 'tls'],
  plain: ['connect', 'greeting'],
} as const

const nextStage = (security: SessionOptions['security'], stage: CheckStep): CheckStep => {
  const all: readonly CheckStep[] = stages[security]
  return all[all.indexOf(stage) + 1] ?? 'login'
}

const newest = async (session: ImapSession): Promise<string[]> => {
  const { exists } = await selectMailbox(session, 'INBOX')
  if (exists === 0) return []
  const uids = await session.flow.search({ seq: `${Math.max(1, exists - 2)}:*` }, { uid: true })
  const subjects: string[] = []
  if (Array.isArray(uids) && uids.length > 0)
    for await (const { subject } of fetchEnvelopes(session, uids.join(','))) subjects.push(subject)
  return subjects.reverse()
}
