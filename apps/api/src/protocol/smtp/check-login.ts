import type { AppError } from '#platform/errors.ts'
import { type OpeningStage, type StepProgress, trackSteps } from '../check-steps.ts'
import { openSmtpSession, type SmtpEndpoint } from './open-session.ts'
import { requireTrust } from './require-trust.ts'
import { toSmtpError } from './smtp-error.ts'

export type SmtpCheck = SmtpEndpoint
export type SmtpStep = OpeningStage
export type SmtpProgress = StepProgress<SmtpStep>

/** `maxBytes`: the largest mail it takes; null when it does not say. */
export type SmtpCheckResult =
  | { kind: 'ok'; maxBytes: number | null }
  | { kind: 'failed'; step: SmtpStep; error: AppError }

/** Signs in at a submission server, or asks whether it takes mail of those who do not, and leaves; sends nothing. Never throws. */
export const checkSmtpLogin = async (
  endpoint: SmtpCheck,
  onProgress: (progress: SmtpProgress) => void,
): Promise<SmtpCheckResult> => {
  const track = trackSteps<SmtpStep>('connect', onProgress)
  try {
    const session = await openSmtpSession(endpoint, async (step, work) => {
      track.begin(step)
      await work()
      track.end()
    })
    try {
      if (endpoint.username === '') {
        track.begin('login')
        await requireTrust(session.smtp)
        track.end('It takes mail from here without a user name.')
      }
      // It takes mail from here: a server that does not like to be asked is none the worse for sending.
      return { kind: 'ok', maxBytes: await session.learnMaxBytes().catch(() => null) }
    } finally {
      session.smtp.close()
    }
  } catch (error) {
    return { kind: 'failed', step: track.step, error: toSmtpError(error) }
  }
}
