/** What is told of a live test while it runs. `note`: what the person should know of the step, in plain words. */
export type StepProgress<Step extends string> =
  | { step: Step; state: 'running' }
  | { step: Step; state: 'ok'; ms: number; note: string | null }

export type StepTrack<Step extends string> = {
  /** The one under way, which is to blame when something fails. */
  readonly step: Step
  begin: (step: Step) => void
  end: (note?: string | null) => void
}

/** Which step a live test is at, and how long each one took. */
export const trackSteps = <Step extends string>(
  first: Step,
  onProgress: (progress: StepProgress<Step>) => void,
): StepTrack<Step> => {
  let step = first
  let startedAt = 0
  return {
    get step() {
      return step
    },
    begin: (next) => {
      step = next
      startedAt = performance.now()
      onProgress({ step, state: 'running' })
    },
    end: (note = null) => onProgress({ step, state: 'ok', ms: Math.round(performance.now() - startedAt), note }),
  }
}

/** Of opening a session. The greeting comes over TLS, or before STARTTLS. */
export type OpeningStage = 'connect' | 'tls' | 'greeting' | 'login'
const stages = {
  tls: ['connect', 'tls', 'greeting', 'login'],
  starttls: ['connect', 'greeting', 'tls', 'login'],
  plain: ['connect', 'greeting', 'login'],
} as const

/** What follows a stage; null when somebody is signed in. */
export const stageAfter = (security: keyof typeof stages, stage: OpeningStage): OpeningStage | null => {
  const all: readonly OpeningStage[] = stages[security]
  return all[all.indexOf(stage) + 1] ?? null
}
