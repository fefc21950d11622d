import { join } from 'node:path'
import pg from 'pg'
import { AppError } from '#platform/errors.ts'
import type { Logger } from '#platform/logger.ts'
import { checkDatabase } from '#store/check-database.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#store/embedded-postgres.ts'
import { migrate } from '#store/migrate.ts'
import type { Config } from './config.ts'

export type RunningDatabase = { databaseUrl: string; stop: () => Promise<void> }
type Surroundings = { root: string; say: (line: string) => void; logger: Logger }

const retryEveryMs = 250

/** The database of this process, fit and migrated: the owner's own, or the built-in one, which is kept alive. */
export const startDatabase = async (config: Config, { root, say, logger }: Surroundings): Promise<RunningDatabase> => {
  const migrations = join(root, 'prisma', 'migrations')
  if (config.databaseUrl !== '') {
    await checkDatabase(config.databaseUrl, () => say('Waiting for the database ...'))
    await migrate(config.databaseUrl, migrations)
    return { databaseUrl: config.databaseUrl, stop: async () => undefined }
  }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir })
  const release = await holdDataDirectory(embedded, config.dataDir)
  const stop = async () => {
    await release()
    await embedded.stop()
  }
  try {
    await migrate(embedded.databaseUrl, migrations)
  } catch (error) {
    await stop()
    throw error
  }
  embedded.keepAlive({
    onDeath: () => logger.error('the built-in database ended; starting it again'),
    onRestart: () => logger.info('the built-in database is back'),
    onFailure: (error) => logger.error({ err: error }, 'the built-in database did not start; trying again'),
  })
  return { databaseUrl: embedded.databaseUrl, stop }
}

/**
 * One Postern per data directory: the second start must not stop the first one's database when it ends. A lost hold is
 * taken again as soon as the database is back. Answers how to release it.
 */
const holdDataDirectory = async (embedded: EmbeddedPostgres, dataDir: string): Promise<() => Promise<void>> => {
  let held: pg.Client | undefined
  let isReleased = false
  let retry: NodeJS.Timeout | undefined

  const hold = async (): Promise<boolean> => {
    const client = new pg.Client({
      connectionString: embedded.databaseUrl,
      application_name: `postern-main-${process.pid}`,
    })
    client.on('error', () => undefined)
    await client.connect()
    const { rows } = await client.query<{ free: boolean }>(
      "SELECT pg_try_advisory_lock(hashtext('postern.main')) AS free",
    )
    if (!rows[0]?.free) {
      await client.end()
      return false
    }
    held = client
    client.once('end', holdAgain)
    return true
  }
  const holdAgain = () => {
    held = undefined
    if (isReleased) return
    retry = setTimeout(() => hold().then((isHeld) => isHeld || holdAgain(), holdAgain), retryEveryMs)
  }

  if (!(await hold()))
    throw new AppError('config.invalid', `Another Postern is already running with the data in ${dataDir}.`, {
      hint: 'Stop it first, or give this one a DATA_DIR of its own.',
    })
  return async () => {
    isReleased = true
    clearTimeout(retry)
    await held?.end().catch(() => undefined)
  }
}
