import { randomInt } from 'node:crypto'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { resetPassword } from '#auth/sign-in.ts'
import { isAppError } from '#platform/errors.ts'
import { startEmbeddedPostgres } from '#store/embedded-postgres.ts'
import { openStore } from '#store/open-store.ts'
import { parseConfig } from '../config.ts'

/**
 * A new password for a locked-out owner: `npm run reset-password [-- ADDRESS] [-- --generate]`. Works beside a running
 * Postern and without one; every session of that person ends.
 */
const letters = 'abcdefghijkmnpqrstuvwxyz23456789'
const generate = (): string =>
  Array.from({ length: 5 }, () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('')).join(
    '-',
  )

const ask = async (): Promise<string> => {
  process.stdout.write('New password: ')
  // What is typed is not echoed.
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: process.stdin, output: silent, terminal: true })
  const password = await terminal.question('')
  terminal.close()
  process.stdout.write('\n')
  return password
}

const args = process.argv.slice(2)
const isGenerated = args.includes('--generate')
const address = args.find((arg) => !arg.startsWith('-')) ?? null

try {
  const config = parseConfig(process.env)
  const wasRunning = config.databaseUrl !== ''
  const embedded = wasRunning ? null : await startEmbeddedPostgres({ dataDir: config.dataDir })
  const store = await openStore({ databaseUrl: embedded?.databaseUrl ?? config.databaseUrl, poolSize: 2 })
  try {
    const password = isGenerated ? generate() : await ask()
    const whose = await resetPassword(store, address, password)
    process.stdout.write(`The password of ${whose} is changed${isGenerated ? `: ${password}` : '.'}\n`)
  } finally {
    await store.close()
    // A server that was running before belongs to somebody else.
    if (embedded && !embedded.wasAdopted) await embedded.stop()
  }
  process.exit(0)
} catch (error) {
  process.stderr.write(
    `${isAppError(error) ? [error.message, error.detail.hint].filter(Boolean).join('\n') : String(error)}\n`,
  )
  process.exit(1)
}
