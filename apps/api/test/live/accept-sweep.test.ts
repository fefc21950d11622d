import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { chooseMoments, leastReached, type NamedMoment, named, stepsIn, sweepWords } from '../support/kill-samples.ts'
import { type AcceptRun, type AcceptSums, startAcceptRun } from './accept-sweep-fixture.ts'

/**
 * kill -9 of the API before and after the request, its answer and every durable step in between, while it accepts a mail: what it
 * did not say to have accepted is a draft still, or is found in the outbox and goes once; asked again, it is the same mail. What
 * it did say is on the disk of the database by then.
 */
const samples = 4
const tries = 3

describe('a mail of which the API is killed while it accepts it', () => {
  let dovecot: Dovecot
  let run: AcceptRun
  let moments: NamedMoment[] = []
  let chosen: NamedMoment[] = []
  let survived = 0
  const missed: string[] = []
  const none: AcceptSums = { lost: 0, doubled: 0, half: 0, refused: 0, early: 0 }
  const sums = { ...none }
  beforeAll(async () => {
    dovecot = await startDovecot()
    dovecot.addUser('accepted', 'secret')
    run = await startAcceptRun(dovecot, 'accepted')
  })
  afterAll(async () => {
    await run?.stop()
    await dovecot?.stop()
    console.log(
      `accepting: N = ${stepsIn(moments)}, before and after each; kill points survived ${survived} of ${chosen.length} tried, of ${moments.length} in all (${sweepWords}); ${JSON.stringify(sums)}; did not come: ${JSON.stringify(missed)}`,
    )
  })

  it('is counted once without a kill', async () => {
    const { passed, sums: found } = await run.through(null)
    moments = named(passed)
    expect(found).toEqual(none)
    const names = moments.map(({ name }) => name)
    const count = (word: RegExp) => names.filter((name) => word.test(name)).length
    expect(count(/^before /)).toBe(count(/^after /))
    expect([names[0], names.at(-1)]).toEqual(['before POST /v1/submissions', 'after POST /v1/submissions'])
    expect(count(/^after COMMIT/)).toBeGreaterThan(0)
  }, 60_000)

  it('goes once or stays a draft, wherever that was, and once when it is asked for again', async () => {
    chosen = chooseMoments(moments, samples)
    for (const moment of chosen) {
      const name = `${moment.name}, number ${moment.nth}`
      let reached: string | null = null
      for (let n = 0; n < tries && reached === null; n++) {
        const found = await run.through(moment)
        reached = found.reached
        for (const key of ['lost', 'doubled', 'half', 'refused', 'early'] as const) sums[key] += found.sums[key]
        expect({ name, ...found.sums }).toEqual({ name, ...none })
      }
      if (reached === null) missed.push(name)
      else survived++
    }
    expect(survived).toBeGreaterThanOrEqual(leastReached(chosen.length))
  }, 3_600_000)
})
