import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { until } from '../support/until.ts'
import { startWrongClock } from '../support/wrong-clock.ts'
import { startSendScene } from './send-sweep-fixture.ts'

const dayMs = 86_400_000

describe('a mail that waits for its time', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
    dovecot.addUser('clock', 'secret')
  })
  afterAll(async () => dovecot.stop())

  it('goes then and once, though the clock of its engine jumps by a day meanwhile, forth and back', async () => {
    const clock = startWrongClock()
    const arrivals: number[] = []
    const { mortal, begin, queue, stop } = await startSendScene(dovecot, 'clock', {
      environment: clock.environment,
      script: (step) => {
        if (step === 'end') arrivals.push(Date.now())
        return undefined
      },
    })
    try {
      await begin()
      for (const [jump, days] of [
        ['+1d', 1],
        ['-1d', -1],
        ['+0', 0],
      ] as const) {
        arrivals.length = 0
        const due = Date.now() + 1500
        const id = randomUUID()
        await queue({ id, to: ['bob@example.org'], notBefore: new Date(due) })
        clock.jump(jump)
        expect(Math.abs(clock.wrongByMs() - days * dayMs)).toBeLessThan(60_000)
        const batch = () => mortal.store.prisma.submissionBatch.findFirstOrThrow({ where: { submissionId: id } })
        await until(async () => (await batch()).state === 'sent', { ms: 15_000, what: `a mail at ${jump}` })
        expect(arrivals.length, jump).toBe(1)
        expect(arrivals[0], jump).toBeGreaterThanOrEqual(due)
      }
    } finally {
      await stop()
      clock.stop()
    }
  }, 90_000)
})
