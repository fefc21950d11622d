import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import {
  chooseMoments,
  isFullSweep,
  leastReached,
  type NamedMoment,
  named,
  stepsIn,
  sweepWords,
} from '../support/kill-samples.ts'
import { type MaildropRun, type Sums, startMaildropRun } from './maildrop-sweep-fixture.ts'

/**
 * kill -9 of the engine before and after every exchange with the maildrop's server and every durable step of a run that
 * downloads and deletes. Each time it is started again and must come to the same end: nothing lost, nothing shown twice,
 * nothing deleted that was not safe, nothing fetched again. The moments at which a mail is most easily lost are tried each time.
 */
const samples = 2
/** A moment by its name may not come each time: what runs beside the look need not be cut into the same steps. */
const tries = 4

const mark = "UPDATE pop_ledger SET state = $1, gone_at = CASE WHEN $2 = '"
/** From the first listing to the end of the session that removes: what is on disk here and what is done there are two things. */
const worst: NamedMoment[] = [
  { name: 'before COMMIT of UPDATE account SET maildrop = $1::jsonb WHERE id = $2', nth: 1 },
  { name: `after COMMIT of ${mark}`, nth: 1 },
  { name: 'after DELE 1', nth: 1 },
  { name: 'before QUIT', nth: 2 },
  { name: 'after QUIT', nth: 2 },
  { name: `before COMMIT of ${mark}`, nth: 2 },
]

describe('a download-and-delete run that is killed', () => {
  let dovecot: Dovecot
  let moments: NamedMoment[] = []
  let chosen: NamedMoment[] = []
  let runs = 0
  let survived = 0
  const missed: NamedMoment[] = []
  const none: Sums = { lost: 0, doubled: 0, earlyDele: 0, fetchedAgain: 0, astray: 0 }
  const sums = { ...none }
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(async () => {
    await dovecot.stop()
    console.log(
      `download and delete: N = ${stepsIn(moments)}, before and after each, and ${moments.length - 2 * stepsIn(moments)} in the middle of an answer; kill points survived ${survived} of ${chosen.length} tried, of ${moments.length} in all (${sweepWords}); ${JSON.stringify(sums)}; did not come: ${JSON.stringify(missed)}`,
    )
  })

  const attempt = async (act: (run: MaildropRun) => Promise<void>): Promise<void> => {
    const user = `drop${runs++}`
    dovecot.addUser(user, 'secret')
    const run = await startMaildropRun(dovecot, user)
    try {
      await act(run)
    } finally {
      await run.stop()
    }
  }
  const conclude = async (run: MaildropRun, what: string) => {
    const found = await run.expectAtEnd()
    for (const key of ['lost', 'doubled', 'earlyDele', 'fetchedAgain', 'astray'] as const) sums[key] += found[key]
    expect({ what, ...found }).toEqual({ what, ...none })
  }

  it('is counted once without a kill', async () => {
    await attempt(async (run) => {
      const { passed } = await run.through(null)
      moments = named(passed)
      await conclude(run, 'without a kill')
    })
    const names = moments.map(({ name }) => name)
    const count = (word: RegExp) => names.filter((name) => word.test(name)).length
    expect(count(/^before /)).toBe(count(/^after /))
    expect({ retr: count(/^after RETR/), dele: count(/^after DELE\b/), quit: count(/^after QUIT/) }).toEqual({
      retr: 11,
      dele: 10,
      quit: 4,
    })
    expect(count(/^after COMMIT/)).toBeGreaterThan(15)
    expect(moments).toEqual(expect.arrayContaining(worst))
    chosen = isFullSweep ? chooseMoments(moments, samples) : [...worst, ...chooseMoments(moments, samples)]
  }, 120_000)

  it('comes to the same end wherever that was', async () => {
    for (const moment of chosen) {
      let reached: string | null = null
      for (let n = 0; n < tries && reached === null; n++)
        await attempt(async (run) => {
          reached = (await run.through(moment)).reached
          await conclude(run, `${moment.name}, number ${moment.nth}`)
        })
      if (reached === null) missed.push(moment)
      else survived++
    }
    expect(survived).toBeGreaterThanOrEqual(leastReached(chosen.length))
    expect(missed.filter((moment) => worst.includes(moment))).toEqual([])
  }, 7_200_000)
})
