import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isAppError } from '#platform/errors.ts'
import { parseConfig } from './config.ts'
import { type Running, startPostern } from './start-postern.ts'

/** The process: settings from the environment, one start, one orderly end. */
const drainMs = 20_000

const say = (line: string) => process.stdout.write(`${line}\n`)

const endWith = (error: unknown): never => {
  if (isAppError(error)) {
    process.stderr.write(`${error.message}${error.detail.hint ? `\n${error.detail.hint}` : ''}\n`)
    process.exit(1)
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  process.exit(1)
}

/** The first signal drains; Ctrl-C reaches us twice under a launcher, so only a later one forces the end. */
const stopOnSignals = (running: Running): void => {
  let begun = 0
  const stop = () => {
    if (begun > 0) {
      if (Date.now() - begun > 2000) process.exit(1)
      return
    }
    begun = Date.now()
    setTimeout(() => process.exit(1), drainMs).unref()
    running.stop().then(() => process.exit(0), endWith)
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
  // Whoever starts us as its engine names us, so that it can free our leases should we die.
  const owner = process.argv[2] ?? randomUUID()
  const running = await startPostern(config, { root: resolve(root), say, owner })
  stopOnSignals(running)
} catch (error) {
  endWith(error)
}
