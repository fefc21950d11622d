import type { AccountCreate, CheckEvent, ServerSettings } from '@postern/shared/accounts.ts'
import { type EgressPolicy, resolveChecked } from '#platform/egress.ts'
import { type AppError, isAppError } from '#platform/errors.ts'
import { Secret } from '#platform/secret.ts'
import type { StepProgress } from '#protocol/check-steps.ts'
import { checkImapLogin } from '#protocol/imap/check-login.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import { checkPop3Login, type OpenedMaildrop } from '#protocol/pop3/check-login.ts'
import type { MaildropEntry } from '#protocol/pop3/list-maildrop.ts'
import { CertificateError, toSessionError } from '#protocol/session-error.ts'
import { checkSmtpLogin } from '#protocol/smtp/check-login.ts'
import { explainLogin } from './open-account-session.ts'

type Which = 'incoming' | 'outgoing'
type StepName = Extract<CheckEvent, { kind: 'step' }>['step']

/** Signed in. */
export type OpenedSession = { kind: 'imap'; session: ImapSession } | ({ kind: 'pop3' } & OpenedMaildrop)

export type AccountCheck = {
  wanted: AccountCreate
  policy: EgressPolicy
  ca: string | undefined
  /** How far the incoming side goes: to the sign-in, or on to what is there, which a person wants to see. */
  until: 'login' | 'messages'
  /** Whoever asked is gone: the attempt ends, at the server too. */
  signal?: AbortSignal
  /** Told the newest entries of a maildrop, which is listed for that. */
  onListed?: (newest: MaildropEntry[]) => void
  /** What else is to be seen by the session of the incoming side. What it throws ends the attempt. */
  onSession?: (opened: OpenedSession) => Promise<void>
  /** Told how large a mail the sending server takes, in bytes; null: it does not say. */
  onLimit?: (maxBytes: number | null) => void
}

/** A server to send with, by itself. */
export type SubmissionCheck = Pick<AccountCheck, 'policy' | 'ca' | 'signal' | 'onLimit'> & {
  outgoing: ServerSettings
  password: string
}

/** Tries a server to send with alone, telling every step as it happens. Answers whether it works. */
export const checkSubmission = async (check: SubmissionCheck, onEvent: (event: CheckEvent) => void): Promise<boolean> =>
  finish(onEvent, await checkOutgoing(check, teller('outgoing', onEvent), onEvent), null, [])

const teller =
  (server: Which, onEvent: (event: CheckEvent) => void): Tell =>
  (progress) =>
    onEvent({ kind: 'step', server, ms: null, note: null, ...progress })

/** Tries both servers of a new account, telling every step as it happens. Answers whether the incoming one works. */
export const checkAccount = async (
  { wanted, policy, ca, until, onListed, onSession, onLimit, signal }: AccountCheck,
  onEvent: (event: CheckEvent) => void,
): Promise<boolean> => {
  const tell = teller('incoming', onEvent)
  const incoming = await resolveStep('incoming', wanted.incoming, policy, tell, onEvent)
  if (!incoming) return finish(onEvent, false, null, [])
  const result = await checkIncoming(wanted, { address: incoming, ca, until, onListed, onSession, signal }, tell)
  if (result.kind === 'failed') {
    onEvent(
      failed('incoming', result.step, explainLogin(result.error, wanted.incoming.host, new Secret(wanted.password))),
    )
    return finish(onEvent, false, null, [])
  }
  const isOutgoingRight =
    wanted.outgoing === null ||
    (await checkOutgoing(
      {
        outgoing: wanted.outgoing,
        password: wanted.outgoingPassword ?? wanted.password,
        policy,
        ca,
        ...(signal ? { signal } : {}),
        ...(onLimit ? { onLimit } : {}),
      },
      teller('outgoing', onEvent),
      onEvent,
    ))
  finish(onEvent, isOutgoingRight, result.mailboxes, result.newestSubjects)
  return isOutgoingRight
}

type Attempt = { ca: string | undefined; signal: AbortSignal | undefined }
type Tell = (progress: StepProgress<StepName>) => void
type IncomingResult =
  | { kind: 'ok'; mailboxes: number | null; newestSubjects: string[] }
  | { kind: 'failed'; step: StepName; error: AppError }

const checkIncoming = async (
  wanted: AccountCreate,
  {
    until,
    onListed,
    onSession,
    ...where
  }: { address: string } & Attempt &
    Pick<AccountCheck, 'until'> & { [On in 'onListed' | 'onSession']: AccountCheck[On] | undefined },
  tell: Tell,
): Promise<IncomingResult> => {
  const options = { ...wanted.incoming, ...where, password: new Secret(wanted.password) }
  const seen = async (opened: OpenedSession) => onSession?.(opened)
  if (wanted.kind === 'imap')
    return checkImapLogin({ ...options, until, onSession: (session) => seen({ kind: 'imap', session }) }, tell)
  const isListed = until !== 'login' || onListed !== undefined
  const onOwn = (opened: OpenedMaildrop) => seen({ kind: 'pop3', ...opened })
  const result = await checkPop3Login({ ...options, until: isListed ? 'list' : 'login', onSession: onOwn }, tell)
  if (result.kind === 'failed') return result
  onListed?.(result.newest)
  return { kind: 'ok', mailboxes: null, newestSubjects: [] }
}

const checkOutgoing = async (
  { outgoing, password: typed, policy, ca, signal, onLimit }: SubmissionCheck,
  tell: Tell,
  onEvent: (event: CheckEvent) => void,
): Promise<boolean> => {
  const address = await resolveStep('outgoing', outgoing, policy, tell, onEvent)
  if (!address) return false
  const password = new Secret(typed)
  const result = await checkSmtpLogin({ ...outgoing, ca, signal, address, password }, tell)
  if (result.kind === 'ok') onLimit?.(result.maxBytes)
  else onEvent(failed('outgoing', result.step, explainLogin(result.error, outgoing.host, password)))
  return result.kind === 'ok'
}

const resolveStep = async (
  which: Which,
  server: ServerSettings,
  policy: EgressPolicy,
  tell: Tell,
  onEvent: (event: CheckEvent) => void,
): Promise<string | null> => {
  const startedAt = performance.now()
  tell({ step: 'resolve', state: 'running' })
  try {
    const [target] = await resolveChecked(server.host, server.port, policy)
    if (!target) return null
    const isInside = target.kind !== 'public'
    tell({
      step: 'resolve',
      state: 'ok',
      ms: Math.round(performance.now() - startedAt),
      note: isInside ? 'This server is inside your own network.' : null,
    })
    return target.address
  } catch (error) {
    onEvent(failed(which, 'resolve', isAppError(error) ? error : toSessionError(error)))
    return null
  }
}

const failed = (server: Which, step: StepName, error: AppError): CheckEvent => ({
  kind: 'failed',
  server,
  step,
  code: error.code,
  message: error.message,
  hint: error.detail.hint ?? null,
  serverText: error.detail.serverText ?? null,
  certificate: error instanceof CertificateError ? error.certificate : null,
})

const finish = (
  onEvent: (event: CheckEvent) => void,
  ok: boolean,
  mailboxes: number | null,
  newestSubjects: string[],
): boolean => {
  onEvent({ kind: 'done', ok, mailboxes, newestSubjects })
  return ok
}
