import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAppError } from '#platform/errors.ts'
import { parseConfig } from './config.ts'
import { type Running, startPostern } from './start-postern.ts'

/** The process: settings from the environment, one start, one orderly end. */
const drainMs = 20_000
/** Nobody waits longer for a start that waits itself, for a database that does not answer. */
const startMs = 2000

const say = (line: string) => process.stdout.write(`${line}\n`)

const endWith = (error: unknown): never => {
  if (isAppError(error)) {
    process.stderr.write(`${error.message}${error.detail.hint ? `\n${error.detail.hint}` : ''}\n`)
    process.exit(1)
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exit(1)
}

/**
 * The first signal drains; Ctrl-C reaches us twice under a launcher, so only a later one forces the end. One that comes
 * while we start waits for the start: a built-in database would be left running, and an engine would leave no mark.
 */
const stopOnSignals = (starting: Promise<Running>, { hasOwnDatabase }: { hasOwnDatabase: boolean }): void => {
  let begun = 0
  let isRunning = false
  starting.then(
    () => {
      isRunning = true
    },
    () => undefined, // told below, where it is awaited
  )
  const stop = () => {
    if (begun > 0) {
      if (Date.now() - begun > 2000) process.exit(1)
      return
    }
    begun = Date.now()
    setTimeout(() => process.exit(1), drainMs).unref()
    if (!isRunning && !hasOwnDatabase) setTimeout(() => isRunning || process.exit(1), startMs).unref()
    starting.then((running) => running.stop()).then(() => process.exit(0), endWith)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)
  // The launcher is gone, even if it was killed: nobody could stop us any more.
  process.on('disconnect', stop)
}

process.on('unhandledRejection', endWith)
process.on('uncaughtException', endWith)

try {
  const root = fileURLToPath(new URL('../../..', import.meta.url))
  const config = parseConfig(process.env)
  const starting = startPostern(config, { root: resolve(root), say })
  stopOnSignals(starting, { hasOwnDatabase: config.databaseUrl === '' })
  await starting
} catch (error) {
  endWith(error)
}
