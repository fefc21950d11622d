import { type ErrorCode, errorCodes } from '@postern/shared/error-codes.ts'
import { type Submission, wallTime } from '@postern/shared/submissions.ts'
import { needsPerson, stateOfAll, stopsAll } from '#outbox/outbox.ts'
import { aheadRows, batchRows, evidenceRows, recipientRows, type SubmissionRow } from '#store/read-submissions.ts'
import { leftBehind } from '#store/submissions.ts'
import { type Explained, explainFault, explainReply } from './submission-problem.ts'

type Batch = ReturnType<typeof batchRows.parse>[number]
type Recipient = ReturnType<typeof recipientRows.parse>[number]
type State = Submission['state']

const cancellable = ['queued', 'deferred', 'failed']
const sentCopies = ['none', 'waiting', 'stored', 'refused'] as const

/** A mail on its way out as its person sees it. */
export const presentSubmission = (row: SubmissionRow): Submission => {
  const batches = batchRows.parse(row.batches ?? [])
  const recipients = recipientRows.parse(row.recipients ?? [])
  const states = batches.map(({ state }) => state)
  const all = stateOfAll(states, row.is_held)
  // A server may take it for some, and refuse it for others at once.
  const state = all === 'sent' && recipients.some(isMissed) ? 'partly_sent' : all
  const stop = all === 'queued' || all === 'scheduled' ? stopAhead(row) : null
  const waiting = batches.filter((batch) => batch.state === 'queued' || batch.state === 'deferred')
  const next = (stop ? [stop] : waiting)
    .filter(({ error_code }) => !isForPerson(error_code))
    .map(({ due_at }) => due_at.getTime())
    .sort((a, b) => a - b)[0]
  return {
    id: row.id,
    accountId: row.account_id.toString(),
    draftId: row.draft_id,
    state,
    from: { name: row.from_name, address: row.from_address },
    subject: row.subject,
    sizeBytes: row.size_bytes,
    recipients: recipients.map(({ name, address, kind, state: own, text }) => ({
      name,
      address,
      kind,
      state: own,
      text,
    })),
    createdAt: row.created_at.toISOString(),
    notBefore: row.not_before.toISOString(),
    sendAt: row.schedule === null ? null : wallTime.parse(row.schedule),
    attempts: Math.max(0, ...batches.map(({ attempts }) => attempts)),
    nextAttemptAt: next === undefined ? null : new Date(next).toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    toldAt: row.told_at?.toISOString() ?? null,
    problem: problemOf({ state, batches, recipients, stop, isPaused: row.is_paused }),
    evidence: evidenceRows.parse(row.evidence ?? []).map(({ kind, message_id, at }) => ({
      kind,
      messageId: message_id,
      at: at.toISOString(),
    })),
    sentCopy: sentCopies.find((known) => known === row.sent_copy) ?? 'none',
    canCancel: row.cancelled_at === null && states.every((one) => cancellable.includes(one)),
    isDismissed: row.is_dismissed,
  }
}

const isMissed = ({ state }: Recipient): boolean => state === 'refused' || state === 'failed'

const codeOf = (code: string | null): ErrorCode | null => errorCodes.find((known) => known === code) ?? null

/** Trying alone does not help: it goes once somebody has done something. */
const isForPerson = (code: string | null): boolean => {
  const known = codeOf(code)
  return known !== null && needsPerson(known)
}

type Stop = Pick<Batch, 'reply_code' | 'error_code' | 'due_at' | 'text'>

/** What keeps it back although it was not tried itself. Not every fault at the door does: some stop one mail, and say nothing of others. */
const stopAhead = ({ ahead }: SubmissionRow): Stop | null => {
  const found = aheadRows.parse(ahead ?? []).find(({ error_code }) => {
    const code = codeOf(error_code)
    return code !== null && stopsAll(code)
  })
  return found ? { reply_code: null, ...found } : null
}

const problemOf = ({
  state,
  batches,
  recipients,
  stop,
  isPaused,
}: {
  state: State
  batches: Batch[]
  recipients: Recipient[]
  stop: Stop | null
  isPaused: boolean
}): Submission['problem'] => {
  if (state === 'in_doubt')
    return {
      code: null,
      message: 'The connection ended before the server said that it has the mail: it may have arrived, or not.',
      hint: 'Look for what speaks for it, or ask. Then say here that it arrived, or send it again.',
      serverText: null,
    }
  if (isPaused && (state === 'queued' || state === 'deferred' || state === 'scheduled'))
    return {
      code: 'account.not_ready',
      message: 'The account is paused: nothing is sent from it.',
      hint: 'Resume it on the page of the account.',
      serverText: null,
    }
  if (stop) return explained(stop)
  if (state === 'deferred') return explained(batches.find((batch) => batch.state === 'deferred'))
  if (state === 'failed' || state === 'partly_sent')
    return (
      missedBy(recipients.filter(isMissed)) ??
      explained(
        batches.find((batch) => batch.state === 'failed'),
        true,
      )
    )
  return null
}

const missedBy = (missed: Recipient[]): Submission['problem'] => {
  const [first] = missed
  if (!first) return null
  const { message, hint } = explainReply(null, first.text)
  const who = missed.length === 1 ? first.address : `${first.address} and ${missed.length - 1} more`
  return { code: null, message: `${who}: ${message}`, hint, serverText: first.text }
}

const gaveUp: Explained = {
  message: 'It was tried for a day, and could not be sent.',
  hint: 'Take it back as a draft, or try it again.',
}

const explained = (batch: Stop | undefined, isOver = false): Submission['problem'] => {
  if (!batch) return null
  const code = codeOf(batch.error_code)
  if (isOver && batch.text === leftBehind)
    return { code, message: leftBehind, hint: 'Try it again, or take it back as a draft.', serverText: null }
  const found = batch.reply_code === null ? explainFault(code) : explainReply(batch.reply_code, batch.text)
  const isForNow =
    batch.reply_code === null ? code !== 'message.too_large' && code !== 'request.invalid' : batch.reply_code < 500
  const { message, hint } = isOver && isForNow ? { ...gaveUp, message: `${gaveUp.message} ${found.message}` } : found
  return { code, message, hint, serverText: batch.text }
}
