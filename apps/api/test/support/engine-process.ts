import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { leaveWill } from './last-will.ts'

/** A role as `main` starts it: a process of its own that meets us in Postgres only. */
export type RoleProcess = { child: ChildProcess; printed: () => string; ended: Promise<void> }

const entry = fileURLToPath(new URL('../../src/main.ts', import.meta.url))

type RoleEnvironment = { DATABASE_URL: string; DATA_DIR: string; MASTER_KEY_FILE: string } & Record<string, string>

export const startEngineProcess = (env: RoleEnvironment): RoleProcess => startRole('engine', env)
export const startApiProcess = (env: RoleEnvironment): RoleProcess => startRole('api', env)

const startRole = (role: 'engine' | 'api', env: RoleEnvironment): RoleProcess => {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ROLES: role, LOG_LEVEL: process.env.TEST_LOG ?? 'silent', ...env },
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      printed = (printed + chunk.toString()).slice(-100_000)
    })
  const will = leaveWill(child.pid ?? 0, { signal: 'KILL' })
  const ended = new Promise<void>((done) => child.once('close', () => done())).finally(will.revoke)
  return { child, printed: () => printed, ended }
}
