import { expect, it } from 'vitest'
import { giveUpAfterMs, planAfterAttempt, retryDelayMs } from './plan-submission.ts'

it('gives up after a day of tries, not after a day in which nobody tried', () => {
  const lost = { kind: 'lost', isCommitted: false } as const
  const states = [
    { queuedForMs: giveUpAfterMs - 1, attempts: 30 },
    { queuedForMs: 3 * giveUpAfterMs, attempts: 1 },
    { queuedForMs: giveUpAfterMs, attempts: 30 },
  ].map((waited) => planAfterAttempt(lost, waited).state)
  expect(states).toEqual(['deferred', 'deferred', 'failed'])
  // What may be there is never given up by the clock.
  expect(planAfterAttempt({ kind: 'lost', isCommitted: true }, { queuedForMs: 9e9, attempts: 99 }).state).toBe(
    'in_doubt',
  )
})

it('is tried again twice as late each time, an hour later at the most, and never all at once', () => {
  const minutes = (attempts: number, chance = 0.5) => retryDelayMs(attempts, chance) / 60_000
  expect([1, 2, 3, 7, 8, 9, 500].map((attempts) => minutes(attempts))).toEqual([0.5, 1, 2, 32, 60, 60, 60])
  expect([minutes(2, 0), minutes(2, 1)]).toEqual([0.75, 1.25])
})
