import type { Submission } from '@postern/shared/submissions.ts'
import { redated } from '#mail/redated.ts'
import { AppError } from '#platform/errors.ts'
import { readPieces, stageContent } from '#store/blobs.ts'
import { commit, type Unit } from '#store/commit.ts'
import type { Tx } from '#store/open-store.ts'
import { listOwnSubmissions, ownSubmission, readOwnSubmission, type SubmissionRow } from '#store/read-submissions.ts'
import {
  cancelHeld,
  decideHeld,
  dismissHeld,
  giveDraftBack,
  type HeldSubmission,
  holdSubmission,
  rescheduleHeld,
  retryHeld,
} from '#store/steer-submissions.ts'
import { finishSubmission, isUnderWay } from '#store/submissions.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentDraft } from '../present-draft.ts'
import { presentSubmission } from '../present-submission.ts'
import { acceptSubmission, type Wanted } from './accept-submission.ts'
import { departureOf } from './check-submission.ts'
import { readMail } from './read-mail.ts'

export const registerSubmissions = (deps: FeatureDeps): void => {
  const { router, store } = deps
  /** Asked for many times at once, a mail is composed once. */
  const underWay = new Map<string, Promise<SubmissionRow | null>>()
  const accept = async (userId: bigint, wanted: Wanted): Promise<SubmissionRow | null> => {
    const key = `${userId} ${JSON.stringify(wanted)}`
    const accepting = underWay.get(key) ?? acceptSubmission(deps, userId, wanted).finally(() => underWay.delete(key))
    underWay.set(key, accepting)
    return accepting
  }
  /** What its person does with a mail nobody is at work on right now. */
  const steer = <T>(
    userId: bigint,
    id: string,
    act: (unit: Unit, held: HeldSubmission) => Promise<T>,
  ): Promise<{ submission: Submission; answer: T }> =>
    commit(store, { kind: 'user', userId }, async (unit) => {
      const answer = await act(unit, await requireHeld(unit.tx, userId, id))
      return { submission: await presentOwn(unit.tx, userId, id), answer }
    })

  router.on('createSubmission', async ({ user: { userId }, body }) => {
    const accepted = await accept(userId, body)
    return presentOne(accepted ?? (await store.readAs(userId, [ownSubmission(userId, body.id)]))[0][0])
  })
  router.on('listSubmissions', ({ user: { userId }, query }) =>
    store.read(userId, async (tx) => ({
      submissions: (await listOwnSubmissions(tx, userId, query.show)).map(presentSubmission),
    })),
  )
  router.on('getSubmission', ({ user: { userId }, params }) =>
    store.read(userId, (tx) => presentOwn(tx, userId, params.submissionId)),
  )
  router.on('getSubmissionMail', ({ user: { userId }, params }) => readMail(store, userId, params.submissionId))
  router.on('patchSubmission', async ({ user: { userId }, params: { submissionId }, body: { sendAt } }) => {
    const before = await store.read(userId, (tx) => requireHeld(tx, userId, submissionId))
    requireWaiting(before)
    const departure = departureOf({ sendAt, holdSeconds: 0, zoneMinutes: 0 }, before.now)
    const scope = { kind: 'user' as const, userId, accountId: before.accountId }
    const date = { date: departure.date, zoneMinutes: sendAt === null ? null : departure.zoneMinutes }
    const octets = await stageContent(store, scope, redated(readPieces(store, before.blobId), date))
    const { submission } = await steer(userId, submissionId, async (unit, held) => {
      requireWaiting(held)
      if (held.blobId !== before.blobId) throw tooLate('Somebody chose another time for it meanwhile.')
      await rescheduleHeld(unit, held, { ...departure, octets })
    })
    return submission
  })
  router.on('cancelSubmission', async ({ user: { userId }, params }) => {
    let wasAhead: bigint | null = null
    const { submission, answer } = await steer(userId, params.submissionId, async (unit, held) => {
      if (held.isCancelled) return giveDraftBack(unit, held)
      if (held.states.includes('in_doubt'))
        throw tooLate('It is not known whether it arrived.', 'Decide that first: it may go back to draft then.')
      if (held.states.includes('sent')) throw tooLate('It is too late: the mail has left.')
      if (!held.states.every((state) => /^(queued|deferred|failed)$/.test(state)))
        throw tooLate('It is too late: the mail is leaving right now.')
      await cancelHeld(unit, held)
      if (held.faults.includes('relay.limit')) wasAhead = held.accountId
      return giveDraftBack(unit, held)
    })
    // Those behind it waited by its word: the next one asks for one of its own.
    if (wasAhead !== null) deps.engine.accountChanged(wasAhead)
    return { submission, draft: answer && presentDraft(answer) }
  })
  router.on('retrySubmission', async ({ user: { userId }, params }) => {
    const { submission, answer } = await steer(userId, params.submissionId, async (unit, held) => {
      requireOpen(held)
      if (held.states.includes('in_doubt')) throw tooLate('It is not known whether it arrived.', 'Decide that first.')
      if (held.states.every((state) => state === 'queued'))
        throw tooLate('It was not tried yet: it goes when its time comes.', 'Choose another time for it instead.')
      if (!(await retryHeld(unit, held))) throw tooLate('Nobody is left to send it to.')
      return { held, isBusy: await isUnderWay(unit.tx, held.accountId) }
    })
    const { held, isBusy } = answer
    // What is parked would wait on, with no word why. Where another mail is under way nothing is parked, and that one would be cut off.
    if (!isBusy && held.faults.some((code) => /^(login|tls|relay)\./.test(code)))
      deps.engine.accountChanged(held.accountId)
    return submission
  })
  router.on('decideSubmission', async ({ user: { userId }, params, body: { decision } }) => {
    const { submission, answer } = await steer(userId, params.submissionId, async (unit, held) => {
      requireOpen(held)
      if (!held.states.includes('in_doubt')) throw tooLate('There is no doubt about this mail any more.')
      if (decision !== 'backToDraft') {
        await decideHeld(unit, held, decision)
        await finishSubmission(unit, held.id)
        return null
      }
      if (!held.states.every((state) => /^(in_doubt|queued|deferred|failed)$/.test(state)))
        throw tooLate('Others have it already: it cannot become a draft again.')
      await cancelHeld(unit, held)
      return giveDraftBack(unit, held)
    })
    return { submission, draft: answer && presentDraft(answer) }
  })
  router.on('dismissSubmission', async ({ user: { userId }, params }) => {
    await steer(userId, params.submissionId, async (unit, held) => {
      if (!held.isFinished) throw tooLate('It is not over yet.')
      await dismissHeld(unit, held)
      // What was written is not put away with it.
      if (!held.states.includes('sent')) await giveDraftBack(unit, held)
    })
  })
}

const requireHeld = async (tx: Tx, userId: bigint, id: string): Promise<HeldSubmission> => {
  const held = await holdSubmission(tx, userId, id)
  if (!held) throw none()
  return held
}

const presentOwn = async (tx: Tx, userId: bigint, id: string): Promise<Submission> =>
  presentOne(await readOwnSubmission(tx, userId, id))

const presentOne = (row: SubmissionRow | null | undefined): Submission => {
  if (!row) throw none()
  return presentSubmission(row)
}

const none = (): AppError => new AppError('not_found', 'There is no such mail in the outbox.')

const tooLate = (message: string, hint?: string): AppError =>
  new AppError('request.conflict', message, hint === undefined ? {} : { hint })

const requireOpen = ({ isCancelled, isDismissed }: HeldSubmission): void => {
  if (isCancelled || isDismissed) throw tooLate('It was taken back: it is a draft again.')
}

const requireWaiting = (held: HeldSubmission): void => {
  requireOpen(held)
  if (!held.states.every((state) => state === 'queued'))
    throw tooLate('It is too late to choose another time: the mail has left, or was tried.')
}
