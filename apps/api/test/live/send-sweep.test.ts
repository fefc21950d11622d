import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { chooseMoments, leastReached, type NamedMoment, named, stepsIn, sweepWords } from '../support/kill-samples.ts'
import { type SendRun, type SendSums, startSendRun } from './send-sweep-fixture.ts'

/**
 * kill -9 of the engine before and after every exchange with the submission server and every durable step while it sends
 * three mails. Each time it is started again: no mail is lost, none goes out twice, and none is said to be in doubt but where
 * nobody can know.
 */
const samples = 4
const tries = 4

describe('a send that is killed', () => {
  let dovecot: Dovecot
  let moments: NamedMoment[] = []
  let chosen: NamedMoment[] = []
  let runs = 0
  let survived = 0
  const missed: string[] = []
  const none: SendSums = { lost: 0, doubled: 0, doubted: 0, early: 0 }
  const sums = { ...none }
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(async () => {
    await dovecot.stop()
    console.log(
      `sending: N = ${stepsIn(moments)}, before and after each, and ${moments.length - 2 * stepsIn(moments)} in the middle of a mail; kill points survived ${survived} of ${chosen.length} tried, of ${moments.length} in all (${sweepWords}); ${JSON.stringify(sums)}; did not come: ${JSON.stringify(missed)}`,
    )
  })

  const attempt = async (what: string, act: (run: SendRun) => Promise<void>): Promise<void> => {
    const user = `send${runs++}`
    dovecot.addUser(user, 'secret')
    const run = await startSendRun(dovecot, user)
    try {
      await act(run)
      const found = await run.judge()
      for (const key of ['lost', 'doubled', 'doubted', 'early'] as const) sums[key] += found[key]
      expect({ what, ...found }).toEqual({ what, ...none })
    } finally {
      await run.stop()
    }
  }

  it('is counted once without a kill', async () => {
    await attempt('without a kill', async (run) => {
      moments = named((await run.through(null)).passed)
    })
    const names = moments.map(({ name }) => name)
    const count = (word: RegExp) => names.filter((name) => word.test(name)).length
    expect(count(/^before /)).toBe(count(/^after /))
    expect({ mail: count(/^after MAIL/), data: count(/^after DATA/), end: count(/^after end/) }).toEqual({
      mail: 4,
      data: 4,
      end: 4,
    })
    expect(count(/^after COMMIT/)).toBeGreaterThan(12)
  }, 120_000)

  it('loses nothing and doubles nothing, wherever that was', async () => {
    chosen = chooseMoments(moments, samples)
    for (const moment of chosen) {
      const name = `${moment.name}, number ${moment.nth}`
      let reached: string | null = null
      for (let n = 0; n < tries && reached === null; n++)
        await attempt(name, async (run) => {
          reached = (await run.through(moment)).reached
        })
      if (reached === null) missed.push(name)
      else survived++
    }
    expect(survived).toBeGreaterThanOrEqual(leastReached(chosen.length))
  }, 7_200_000)
})
