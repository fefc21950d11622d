import type { AppError } from '#platform/errors.ts'
import { type OpeningStage, type StepProgress, stageAfter, trackSteps } from '../check-steps.ts'
import { toSessionError } from '../session-error.ts'
import type { Capabilities } from './capabilities.ts'
import { listMaildrop, type Maildrop, type MaildropEntry } from './list-maildrop.ts'
import { openPop3Session, type Pop3Session, type SessionOptions } from './open-session.ts'
import { leaveSession } from './quit-session.ts'
import { retrieveTops } from './retrieve-messages.ts'

export type CheckStep = OpeningStage | 'list'
export type CheckProgress = StepProgress<CheckStep>
export type CheckResult =
  | {
      kind: 'ok'
      capabilities: Capabilities
      stated: Maildrop['stated'] | null
      /** The last of the listing: what is there now, to be compared. */
      newest: MaildropEntry[]
    }
  | { kind: 'failed'; step: CheckStep; error: AppError }

const newestEntries = 20

/** A session with its listing, which is asked for when somebody wants it, and once: a large maildrop's is megabytes. */
export type OpenedMaildrop = { session: Pop3Session; listed: () => Promise<Maildrop> }

const listingOnce = (session: Pop3Session): OpenedMaildrop => {
  let asked: Promise<Maildrop> | undefined
  return {
    session,
    listed: () => {
      asked ??= listMaildrop(session)
      return asked
    },
  }
}

/**
 * Tries everything a first download needs, telling each step as it happens; changes nothing there. What else is to be seen there is
 * seen by the same session (`onSession`): a server may want minutes between two logins (LOGIN-DELAY, RFC 2449 6.5). Never throws.
 */
export const checkPop3Login = async (
  {
    until,
    onSession,
    ...options
  }: SessionOptions & { until: 'login' | 'list'; onSession?: ((opened: OpenedMaildrop) => Promise<void>) | undefined },
  onProgress: (progress: CheckProgress) => void,
): Promise<CheckResult> => {
  const track = trackSteps<CheckStep>('connect', onProgress)
  let session: Pop3Session | undefined
  try {
    track.begin('connect')
    session = await openPop3Session({
      ...options,
      onStage: (stage) => {
        track.end(stage === 'login' ? options.username : null)
        const next = stageAfter(options.security, stage)
        if (next) track.begin(next)
      },
    })
    const opened = listingOnce(session)
    await onSession?.(opened)
    const { capabilities } = session
    if (until === 'login') return { kind: 'ok', capabilities, stated: null, newest: [] }
    track.begin('list')
    const { entries, stated } = await opened.listed()
    const newest = entries.at(-1)
    if (newest && capabilities.top === null) await tryTop(session, newest.number)
    track.end([countOf(stated.messages), ...lacksOf(capabilities)].join(' '))
    return { kind: 'ok', capabilities, stated, newest: entries.slice(-newestEntries) }
  } catch (error) {
    return { kind: 'failed', step: track.step, error: toSessionError(error) }
  } finally {
    if (session) await leaveSession(session)
  }
}

const countOf = (messages: number): string =>
  messages === 1 ? '1 message is there.' : `${messages.toLocaleString('en')} messages are there.`

/** What a server cannot do, and what follows. What was not tried, as in an empty maildrop, is not held against it. */
const lacksOf = ({ uniqueIds, top }: Capabilities): string[] => [
  ...(uniqueIds === false
    ? ['It gives its mails no lasting names (no UIDL): each look has to read them again to know which are new.']
    : []),
  ...(top === false ? ['It cannot give a header alone (no TOP): a size limit cannot be kept.'] : []),
]

const tryTop = async (session: Pop3Session, number: number): Promise<void> => {
  for await (const answer of retrieveTops(session, [number], { lines: 0 }))
    if (answer.kind === 'message') for await (const _ of answer.content);
}
