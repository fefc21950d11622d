import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { AppError } from '#platform/errors.ts'
import { createLogger, type Logger } from '#platform/logger.ts'
import { releaseMemoryAtRest } from '#platform/release-memory.ts'
import { checkDatabase } from '#store/check-database.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#store/embedded-postgres.ts'
import { ownerName } from '#store/lease.ts'
import { migrate } from '#store/migrate.ts'
import type { Config } from './config.ts'

/**
 * Brings the roles of this process up and takes them down again, in order: database, migrations, API, engine. With both
 * roles the engine runs as a child process, so that lists stay fast while it parses mail (ADR 0004); the two meet in
 * Postgres only.
 */
export type Running = { stop: () => Promise<void> }
type Surroundings = { root: string; say: (line: string) => void }

const engineRestartMs = [100, 500, 2000, 5000]

export const startPostern = async (config: Config, { root, say }: Surroundings): Promise<Running> => {
  const logger = createLogger({ level: config.logLevel })
  const database = await openDatabase(config, { root, say })
  const endRelease = releaseMemoryAtRest()
  const stops: (() => Promise<void>)[] = [async () => endRelease(), async () => database.stop()]
  try {
    if (config.roles.includes('api')) {
      // Each role loads only what it needs: the engine has no use for HTTP, the API none for sync.
      const { startApi } = await import('./start-api.ts')
      const api = await startApi({ config, databaseUrl: database.databaseUrl, root, logger })
      stops.unshift(api.stop)
      say(api.greeting)
      if (config.roles.includes('engine')) stops.unshift(superviseEngine(database.databaseUrl, logger))
    } else {
      const { startEngineRole } = await import('./start-engine.ts')
      const engine = await startEngineRole({
        config,
        databaseUrl: database.databaseUrl,
        logger,
        owner: ownerName(randomUUID()),
      })
      stops.unshift(engine.stop)
    }
  } catch (error) {
    for (const stop of stops) await stop()
    throw error
  }
  return {
    stop: async () => {
      for (const stop of stops) await stop()
    },
  }
}

type OpenDatabase = { databaseUrl: string; stop: () => Promise<void> }

const openDatabase = async (config: Config, { root, say }: Surroundings): Promise<OpenDatabase> => {
  const migrations = join(root, 'prisma', 'migrations')
  if (config.databaseUrl !== '') {
    await checkDatabase(config.databaseUrl, () => say('Waiting for the database ...'))
    await migrate(config.databaseUrl, migrations)
    return { databaseUrl: config.databaseUrl, stop: async () => undefined }
  }
  const embedded = await startEmbeddedPostgres({ dataDir: config.dataDir })
  const hold = await holdDataDirectory(embedded, config.dataDir)
  try {
    await migrate(embedded.databaseUrl, migrations)
  } catch (error) {
    await hold.end()
    await embedded.stop()
    throw error
  }
  return {
    databaseUrl: embedded.databaseUrl,
    stop: async () => {
      await hold.end()
      await embedded.stop()
    },
  }
}

/** One Postern per data directory: the second start must not stop the first one's database when it ends. */
const holdDataDirectory = async (embedded: EmbeddedPostgres, dataDir: string): Promise<pg.Client> => {
  const client = new pg.Client({
    connectionString: embedded.databaseUrl,
    application_name: `postern-main-${process.pid}`,
  })
  // The database may go away before us; whoever needs it next says so.
  client.on('error', () => undefined)
  await client.connect()
  const { rows } = await client.query<{ free: boolean }>(
    "SELECT pg_try_advisory_lock(hashtext('postern.main')) AS free",
  )
  if (rows[0]?.free) return client
  await client.end()
  throw new AppError('config.invalid', `Another Postern is already running with the data in ${dataDir}.`, {
    hint: 'Stop it first, or give this one a DATA_DIR of its own.',
  })
}

/** Keeps an engine child alive; its end never touches the API. Answers how to stop it for good. */
const superviseEngine = (databaseUrl: string, logger: Logger): (() => Promise<void>) => {
  const entry = fileURLToPath(new URL('./main.ts', import.meta.url))
  let child: ChildProcess | undefined
  let isStopping = false
  let failures = 0
  let retry: NodeJS.Timeout | undefined

  const start = () => {
    const startedAt = Date.now()
    // What this process compiled the child need not compile again.
    flushCompileCache()
    child = fork(entry, [], {
      env: { ...process.env, ROLES: 'engine', DATABASE_URL: databaseUrl },
      execArgv: ['--disable-warning=ExperimentalWarning', '--expose-gc'],
    })
    child.once('exit', (code, signal) => {
      child = undefined
      if (isStopping) return
      failures = Date.now() - startedAt > 60_000 ? 0 : failures + 1
      const delayMs = engineRestartMs[Math.min(failures, engineRestartMs.length - 1)] ?? 5000
      logger.error({ code, signal, delayMs }, 'the engine ended; starting it again')
      retry = setTimeout(start, delayMs)
    })
  }
  start()
  return async () => {
    isStopping = true
    clearTimeout(retry)
    const running = child
    if (!running) return
    const ended = new Promise((done) => running.once('exit', done))
    running.kill('SIGTERM')
    await ended
  }
}
