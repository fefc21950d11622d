import { setTimeout } from 'node:timers/promises'
import type { ErrorCode } from '@postern/shared/error-codes.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import type { SmtpSession } from '#protocol/smtp/open-session.ts'
import { type Refusal, type SubmissionEnd, sendMessage } from '#protocol/smtp/send-message.ts'
import { readPieces } from '#store/blobs.ts'
import { commit, commitBulk, type EngineScope, type RawUnit } from '#store/commit.ts'
import { endProvenDoubts, hasEvidence } from '#store/doubt-evidence.ts'
import { type Lease, requireLease } from '#store/lease.ts'
import type { Store } from '#store/open-store.ts'
import {
  advanceBatch,
  type BatchFacts,
  type DueBatch,
  finishSubmission,
  holdBatch,
  isUnderWay,
  nextDueBatch,
  type OpenRecipient,
  type RecipientAnswer,
  readBatch,
  readOpenRecipients,
  recoverBatches,
  settleRecipients,
  splitWaiting,
  tellQueued,
} from '#store/submissions.ts'
import {
  type Attempt,
  afterLoss,
  type BatchState,
  batchStates,
  needsPerson,
  planAfterAttempt,
  retryDelayMs,
} from './plan-submission.ts'

/** Where an account's mail goes out. */
export type Sending = {
  store: Store
  lease: Lease
  /** One that is signed in: kept from mail to mail by whoever gives it. Throws connect.*, tls.*, login.*, relay.*. */
  session: (mail: DueBatch) => Promise<SmtpSession>
}

/** Whoever takes over an account first says what its last owner left: before anything is sent. */
export const recoverSubmissions = async ({ store, lease }: Pick<Sending, 'store' | 'lease'>): Promise<void> => {
  // Of most accounts nothing is: an engine starts thousands at once.
  if (!(await store.readSystem((tx) => isUnderWay(tx, lease.accountId)))) return
  const outcomes = batchStates.flatMap((from) => {
    const to = afterLoss(from)
    return to === null ? [] : [{ from, to, text: to === 'in_doubt' ? inDoubt : null }]
  })
  await commit(store, { kind: 'engine', ...lease }, async (unit) => {
    await recoverBatches(unit, lease.accountId, outcomes)
    await endProvenDoubts(unit, lease.accountId)
  })
}

/** A doubt that began while its copy was being stored: neither transaction saw the other. */
export const lookAtDoubts = async ({ store, lease }: Pick<Sending, 'store' | 'lease'>): Promise<void> => {
  if (await store.readSystem((tx) => hasEvidence(tx, lease.accountId)))
    await commit(store, { kind: 'engine', ...lease }, (unit) => endProvenDoubts(unit, lease.accountId))
}

const inDoubt = 'The connection ended before the server said that it has the mail.'

/**
 * Sends the next batch that is due, once. False when none is. Faults of the way to the server are the batch's, not the
 * caller's: it waits and is tried again. Throws lease.lost, storage.*.
 */
export const sendNextSubmission = async (sending: Sending): Promise<boolean> => {
  const { store, lease } = sending
  const scope: EngineScope = { kind: 'engine', ...lease }
  const due = await store.readSystem((tx) => nextDueBatch(tx, lease.accountId))
  if (!due) return false
  const advance = (from: BatchState[], to: BatchState) => (unit: RawUnit) => advanceBatch(unit, due, { from, to })
  if (!(await commitBulk(store, scope, advance(['queued', 'deferred'], 'leased')))) return true
  // From here on nobody changes it; until then its person may have chosen another time.
  const [batch, recipients] = await store.readSystem(async (tx) => [
    await readBatch(tx, due),
    await readOpenRecipients(tx, due.submissionId, due.n),
  ])
  const attempt = recipients.length === 0 ? nobodyLeft : await tryOnce(sending, scope, batch, recipients)
  await persist(() =>
    commitBulk(store, scope, (unit) => settle(unit, batch, attempt), { isVital: true, isDurable: true }),
  )
  return true
}

/** What a server has said is known to nobody else: the database gets several chances to keep it. */
const persist = async (write: () => Promise<void>): Promise<void> => {
  for (const waitMs of [200, 1000, 3000]) {
    try {
      return await write()
    } catch (error) {
      if (!isAppError(error) || !error.code.startsWith('storage.')) throw error
      await setTimeout(waitMs)
    }
  }
  return write()
}

/** How an attempt ended, for the batch and for each recipient. */
type Ended = { attempt: Attempt; facts: BatchFacts; accepted: string[]; refused: Refusal[] }

const nobodyLeft: Ended = {
  attempt: { kind: 'impossible' },
  facts: { text: 'Nobody is left to whom it could be sent.' },
  accepted: [],
  refused: [],
}
/** What no further attempt mends. */
const impossible: ReadonlySet<ErrorCode> = new Set(['message.too_large', 'request.invalid', 'message.gone'])

const tryOnce = async (
  sending: Sending,
  scope: EngineScope,
  batch: DueBatch,
  recipients: OpenRecipient[],
): Promise<Ended> => {
  const { store, lease } = sending
  const to = recipients.map(({ address }) => address)
  let session: SmtpSession
  try {
    session = await sending.session(batch)
  } catch (error) {
    return faulty(error)
  }
  if (!(await commitBulk(store, scope, (unit) => advanceBatch(unit, batch, { from: ['leased'], to: 'connected' }))))
    throw new AppError('lease.lost', 'Somebody else sends this mail.')
  let accepted: string[] = []
  try {
    const submission = {
      from: batch.fromAddress,
      to,
      sizeBytes: batch.sizeBytes,
      octets: readPieces(store, batch.blobId),
      isUnicode: batch.isUnicode,
      wantsReport: batch.wantsReport,
      envelopeId: batch.submissionId,
    }
    const end = await sendMessage(session, submission, async (taken, refused) => {
      accepted = taken
      const write = async (unit: RawUnit): Promise<boolean> => {
        if (!(await advanceBatch(unit, batch, { from: ['connected'], to: 'committing' }))) return false
        // Whom a doubt is about, if it comes to that: those who were refused have nothing to have got.
        await settleRecipients(unit, batch, [
          ...taken.map((address) => toAnswer(address, 'waiting')),
          ...toAnswers(refused),
        ])
        return true
      }
      const isCommitted = await commitBulk(store, scope, write, { isDurable: true })
      if (!isCommitted) throw new AppError('lease.lost', 'Somebody else sends this mail.')
      // Stopped for so long that another one may have begun: what is on disk then says that it is in doubt.
      requireLease(lease)
    })
    return toEnded(end, accepted)
  } catch (error) {
    session.destroy()
    if (isAppError(error) && impossible.has(error.code))
      return {
        attempt: { kind: 'impossible' },
        facts: { errorCode: error.code, text: error.message },
        accepted: [],
        refused: [],
      }
    throw error
  }
}

const faulty = (error: unknown): Ended => {
  if (!(error instanceof AppError) || error.code === 'lease.lost') throw error
  return {
    attempt: attemptAt(error),
    facts: { errorCode: error.code, text: error.detail.serverText ?? error.message },
    accepted: [],
    refused: [],
  }
}

const attemptAt = ({ code, detail }: AppError): Attempt => {
  if (code === 'relay.limit') return { kind: 'early', dueInMs: detail.retryAfterMs ?? 60_000 }
  return needsPerson(code) ? { kind: 'parked' } : { kind: 'lost', isCommitted: false }
}

const toEnded = (end: SubmissionEnd, accepted: string[]): Ended => {
  const { refused } = end
  switch (end.kind) {
    case 'accepted':
      return {
        attempt: { kind: 'accepted' },
        facts: { replyCode: end.reply.code, text: end.reply.text },
        accepted,
        refused,
      }
    case 'refused':
      return {
        attempt: { kind: 'refused', code: end.reply.code },
        facts: { replyCode: end.reply.code, text: end.reply.text },
        accepted: [],
        refused,
      }
    case 'lost':
      return {
        attempt: { kind: 'lost', isCommitted: end.stage === 'committed' },
        facts: { errorCode: end.error.code, text: end.stage === 'committed' ? inDoubt : end.error.message },
        accepted: [],
        refused,
      }
  }
}

const toAnswer = (address: string, state: 'waiting' | 'accepted'): RecipientAnswer => ({
  address,
  state,
  replyCode: null,
  text: null,
})

const toAnswers = (refused: Refusal[]): RecipientAnswer[] =>
  refused.map(({ address, reply }) => ({
    address,
    state: reply.code >= 500 ? 'refused' : 'waiting',
    // One that says nothing known may change its mind.
    replyCode: reply.code || 450,
    text: reply.text,
  }))

const settle = async (unit: RawUnit, batch: DueBatch, { attempt, facts, accepted, refused }: Ended): Promise<void> => {
  const { submissionId } = batch
  await holdBatch(unit.tx, batch)
  const refusedForGood = refused.filter(({ reply }) => reply.code >= 500)
  await settleRecipients(unit, batch, [
    ...(attempt.kind === 'accepted' ? accepted : []).map((address) => toAnswer(address, 'accepted')),
    ...toAnswers(refused),
  ])
  const isEarly = attempt.kind === 'early'
  const dueInMs = isEarly ? attempt.dueInMs : retryDelayMs(batch.attempts + 1, Math.random())
  // The others have it: those who may get it later wait by themselves.
  if (attempt.kind === 'accepted' && refused.length > refusedForGood.length)
    await splitWaiting(unit, batch, { dueInMs })
  const isMixed = attempt.kind === 'refused' && refused.some(({ reply }) => reply.code < 500)
  const { state } = planAfterAttempt(isMixed ? { kind: 'refused', code: 450 } : attempt, {
    queuedForMs: batch.queuedForMs,
    attempts: batch.attempts + 1,
  })
  await advanceBatch(
    unit,
    batch,
    { from: ['leased', 'connected', 'committing'], to: state },
    // What is parked goes as soon as somebody can sign in.
    { ...facts, isAttempt: !isEarly, dueInMs: state === 'deferred' && attempt.kind !== 'parked' ? dueInMs : 0 },
  )
  if (state === 'deferred' && (isEarly || attempt.kind === 'parked')) await tellQueued(unit, batch.accountId)
  if (state === 'in_doubt') await endProvenDoubts(unit, batch.accountId)
  await finishSubmission(unit, submissionId)
}
