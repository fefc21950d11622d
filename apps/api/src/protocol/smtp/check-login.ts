import type { AppError } from '#platform/errors.ts'
import { type OpeningStage, type StepProgress, trackSteps } from '../check-steps.ts'
import { openSmtpSession, type SmtpEndpoint, toSmtpError } from './open-session.ts'

export type SmtpCheck = SmtpEndpoint
export type SmtpStep = OpeningStage
export type SmtpProgress = StepProgress<SmtpStep>

/** Signs in at a submission server and leaves; sends nothing. Answers the failed step, or null. */
export const checkSmtpLogin = async (
  endpoint: SmtpCheck,
  onProgress: (progress: SmtpProgress) => void,
): Promise<{ step: SmtpStep; error: AppError } | null> => {
  const track = trackSteps<SmtpStep>('connect', onProgress)
  try {
    const session = await openSmtpSession(endpoint, async (step, work) => {
      track.begin(step)
      await work()
      track.end()
    })
    session.smtp.close()
    return null
  } catch (error) {
    return { step: track.step, error: toSmtpError(error) }
  }
}
