import type { AppError } from '#platform/errors.ts'
import { type OpeningStage, type StepProgress, stageAfter, trackSteps } from '../check-steps.ts'
import { toSessionError } from '../session-error.ts'
import { fetchEnvelopes } from './fetch-envelopes.ts'
import { listMailboxes } from './list-mailboxes.ts'
import { type ImapSession, openImapSession, type SessionOptions } from './open-session.ts'
import { selectMailbox } from './select-mailbox.ts'

export type CheckStep = OpeningStage | 'list' | 'messages'
export type CheckProgress = StepProgress<CheckStep>
export type CheckResult =
  | { kind: 'ok'; mailboxes: number | null; newestSubjects: string[] }
  | { kind: 'failed'; step: CheckStep; error: AppError }

/** Tries everything a first sync needs, telling each step as it happens. What else is to be seen there is seen by the same session (`onSession`). Never throws. */
export const checkImapLogin = async (
  {
    until,
    onSession,
    ...options
  }: SessionOptions & {
    until: 'login' | 'messages'
    onSession?: ((session: ImapSession) => Promise<void>) | undefined
  },
  onProgress: (progress: CheckProgress) => void,
): Promise<CheckResult> => {
  const track = trackSteps<CheckStep>('connect', onProgress)
  let session: ImapSession | undefined
  try {
    track.begin('connect')
    session = await openImapSession({
      ...options,
      onStage: (stage) => {
        track.end()
        track.begin(stageAfter(options.security, stage) ?? 'login')
      },
    })
    track.end(options.username)
    await onSession?.(session)
    if (until === 'login') return { kind: 'ok', mailboxes: null, newestSubjects: [] }
    track.begin('list')
    const mailboxes = await listMailboxes(session, { withStatus: false })
    track.end(`${mailboxes.length} mailboxes`)
    track.begin('messages')
    const newestSubjects = await newest(session)
    track.end(newestSubjects.length === 0 ? 'The inbox is empty' : null)
    return { kind: 'ok', mailboxes: mailboxes.length, newestSubjects }
  } catch (error) {
    return { kind: 'failed', step: track.step, error: toSessionError(error) }
  } finally {
    await session?.logout()
  }
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
