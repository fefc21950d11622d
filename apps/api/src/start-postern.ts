import { type ChildProcess, fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { flushCompileCache } from 'node:module'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createLogger, type Logger } from '#platform/logger.ts'
import { releaseMemoryAtRest } from '#platform/release-memory.ts'
import { ownerName } from '#store/lease.ts'
import type { Config } from './config.ts'
import { startDatabase } from './start-database.ts'

/**
 * Brings the roles of this process up and takes them down again, in order: database, migrations, API, engine. With both
 * roles the engine runs as a child process, so that lists stay fast while it parses mail (ADR 0004); the two meet in
 * Postgres only.
 */
export type Running = { stop: () => Promise<void> }
type Surroundings = { root: string; say: (line: string) => void }

/** A tenth of the share of an equal one, where both want a core. What the database does for it follows (start-engine.ts). */
const engineNiceness = 10
const engineRestartMs = [100, 500, 2000, 5000]

export const startPostern = async (config: Config, { root, say }: Surroundings): Promise<Running> => {
  const logger = createLogger({ level: config.logLevel })
  const database = await startDatabase(config, { root, say, logger })
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
    yieldToReaders(child)
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

/** Where the two compete for a core, the list a person waits for comes before the mail that is being fetched. */
const yieldToReaders = ({ pid }: ChildProcess): void => {
  try {
    if (pid !== undefined) setPriority(pid, engineNiceness)
  } catch {
    // Some systems do not let us; then both are equal.
  }
}
