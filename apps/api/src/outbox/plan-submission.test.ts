import { expect, it } from 'vitest'
import { giveUpAfterMs, planAfterAttempt } from './plan-submission.ts'

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
