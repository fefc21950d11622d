import { join } from 'node:path'
import { startEmbeddedPostgres } from '#store/embedded-postgres.ts'
import { percentile, time } from '../figures.ts'
import type { Scenario } from '../world.ts'

const rounds = 5

/** A warm start: from starting the process to the first answer with a stored list, over what Postgres needs for itself. */
export const warmStart: Scenario = {
  name: 'start',
  figures: ['start.warm'],
  run: async ({ filled, replaceGateway, tell }) => {
    const { gateway, inbox } = await filled()
    let current = gateway
    const own: number[] = []
    const database: number[] = []
    for (let n = 0; n < rounds; n++) {
      await current.stop()
      let stop = async (): Promise<void> => undefined
      database.push(
        await time(async () => {
          const postgres = await startEmbeddedPostgres({ dataDir: join(current.home, 'data') })
          stop = postgres.stop
        }),
      )
      await stop()
      own.push(
        await time(async () => {
          current = await current.restart()
          await current.ask('GET', `/v1/mailboxes/${inbox.id}/threads?limit=50`)
        }),
      )
      replaceGateway(current)
    }
    tell('start.warm', own, 'ms', { floor: percentile(database, 0.5), goal: { target: 1400, judge: 'over-floor' } })
  },
}
