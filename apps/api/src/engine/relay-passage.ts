import { domainKept } from '#mail/own-address.ts'
import { needsPerson } from '#outbox/plan-submission.ts'
import { AppError } from '#platform/errors.ts'
import { msSinceProblem, noteRelayProblem, type RelayRow, takeRelayTry, takeRelayTurn } from '#store/relay.ts'
import type { DueBatch } from '#store/submissions.ts'
import type { EngineDeps } from './engine-deps.ts'

/**
 * What goes by the owner's relay. Where that is, and what it says at its door, is the owner's to know: people hear whether their
 * mail goes. One account that is not let in parks all of them, as each would try the same password.
 */
export const noRelay = (): AppError =>
  new AppError('relay.missing', 'There is no relay by which this account could send.', {
    hint: 'Ask the owner of this Postern, or choose a server of its own on the page of the account.',
  })

/** May this mail be brought there now? Throws relay.refused, relay.sender, relay.limit (`retryAfterMs`). */
export const requirePassage = async (
  { store, timing }: EngineDeps,
  { relay, userId }: { relay: RelayRow; userId: bigint },
  { fromAddress, submissionId }: Pick<DueBatch, 'fromAddress' | 'submissionId'>,
): Promise<void> => {
  const refusedForMs = relay.problem === null ? null : await store.readSystem(msSinceProblem)
  if (refusedForMs !== null && refusedForMs < timing.sendingParkMs) throw refused(timing.sendingParkMs - refusedForMs)
  if (!carries(relay, fromAddress))
    throw new AppError('relay.sender', 'The relay of the owner does not carry mail from this sender.', {
      hint: 'Choose another sender, or ask the owner.',
    })
  const waitMs =
    relay.mailsPerHour === null ? null : await takeRelayTurn(store, { userId, submissionId }, relay.mailsPerHour)
  if (waitMs !== null)
    throw new AppError('relay.limit', 'The relay of the owner takes no more mails of one person in this hour.', {
      hint: 'It goes by itself.',
      retryAfterMs: waitMs,
    })
  if (refusedForMs === null) return
  // All that are parked wake at the same time: one of them tries the password, the others hear what came of it.
  const forMs = Math.min(longestTryMs, timing.sendingParkMs)
  if (!(await takeRelayTry(store, relay.changedAt, { afterMs: timing.sendingParkMs, forMs }))) throw refused(forMs)
}

/** By then a try has told whether the relay lets somebody in; else the next one tries. */
const longestTryMs = 120_000

/** Without an address nothing comes back, and nobody is named. */
const carries = ({ carriesOthers, domains }: RelayRow, fromAddress: string): boolean =>
  carriesOthers ||
  fromAddress === '' ||
  domains.includes(domainKept(fromAddress.slice(fromAddress.lastIndexOf('@') + 1)) ?? '')

const refused = (parkedMs: number): AppError =>
  new AppError('relay.refused', 'The relay of the owner lets nobody in.', {
    hint: 'The owner is told; the mail goes as soon as that is mended.',
    retryAfterMs: parkedMs,
  })

/** What went wrong at its door, as people may hear it. The owner is told what only they can mend. */
export const toRelayFault = async (
  { store, timing, logger }: EngineDeps,
  relay: RelayRow,
  fault: AppError,
): Promise<AppError> => {
  if (!needsPerson(fault.code) && fault.code !== 'account.address_denied')
    return new AppError(fault.code, 'The relay of the owner cannot be reached.', {
      hint: 'It is tried again by itself.',
      cause: fault,
    })
  const { code, message, detail } = fault
  const { hint = null, serverText = null } = detail
  if (await noteRelayProblem(store, relay.changedAt, { code, message, hint, serverText })) {
    logger.warn({ code }, 'the relay lets nobody in: its owner is told')
    return refused(timing.sendingParkMs)
  }
  // Of one that is no more.
  return new AppError('connect.closed', 'The relay of the owner was changed.', { cause: fault })
}
