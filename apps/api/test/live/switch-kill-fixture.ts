import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { openMasterKey } from '#platform/secret-box.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type RoleProcess, startEngineProcess } from '../support/engine-process.ts'
import { type KillPoints, type Moment, startKillPoints } from '../support/kill-points.ts'
import { chooseMoments, isFullSweep, named, sweepWords } from '../support/kill-samples.ts'
import type { Switching } from './switch-fixture.ts'

/** The moments of a run, and the one at which the engine was killed. */
export type Told = { passed: string[]; reached: string | null }

export type SwitchKills = {
  dovecot: Dovecot
  fixture: EngineFixture
  /** Counts what goes to the IMAP server and to the database. */
  points: KillPoints
  newUser: () => string
  /** A change that was begun to its end, by an engine of its own that is killed at that moment (0: never). */
  endThrough: (moment: Moment, account: Switching) => Promise<Told>
  /** After the last look at the account. */
  leave: (account: Switching) => Promise<void>
  stop: () => Promise<void>
}

export const startSwitchKills = async (): Promise<SwitchKills> => {
  const dir = mkdtempSync(join(tmpdir(), 'postern-switch-'))
  const env = { DATA_DIR: dir, MASTER_KEY_FILE: join(dir, 'master.key') }
  const dovecot = await startDovecot()
  const fixture = await startEngineFixture(dovecot)
  fixture.deps.masterKey = openMasterKey(env.MASTER_KEY_FILE)
  const points = await startKillPoints({
    mail: { protocol: 'imap', port: dovecot.imapPort },
    databaseUrl: fixture.databaseUrl,
  })
  let engine: RoleProcess | undefined
  let users = 0
  const start = () => {
    engine = startEngineProcess({ ...env, DATABASE_URL: points.databaseUrl })
  }
  const end = async (signal: NodeJS.Signals) => {
    engine?.child.kill(signal)
    await engine?.ended
  }
  return {
    dovecot,
    fixture,
    points,
    newUser: () => {
      const user = `user${++users}`
      dovecot.addUser(user, 'secret')
      return user
    },
    endThrough: async (moment, account) => {
      points.arm(moment, () => {
        engine?.child.kill('SIGKILL')
        start()
        return 'end'
      })
      start()
      await account.untilSwitched().catch((cause: unknown) => {
        throw new Error(`it did not end after a kill ${points.disarm().reached}`, { cause })
      })
      return points.disarm()
    },
    leave: async ({ accountId }) => {
      await end('SIGTERM')
      await fixture.store.prisma.account.update({ where: { id: accountId }, data: { isPaused: true } })
    },
    stop: async () => {
      await end('SIGKILL')
      await points.stop()
      await fixture.stop()
      await dovecot.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** A run without a kill, then one with each of these moments, and with a few of all (kill-samples.ts). Prints how many there are. */
export const sweepMoments = async (
  through: (moment: Moment) => Promise<Told>,
  { samples, moments = [] }: { samples: number; moments?: RegExp[] },
): Promise<void> => {
  const all = named((await through(0)).passed)
  const own: Moment[] = [...(isFullSweep ? [] : moments), ...chooseMoments(all, samples)]
  const reached: string[] = []
  for (const moment of own) {
    const told = await through(moment)
    // The last ones may fall away when an answer comes together with another.
    if (told.reached !== null) reached.push(told.reached)
  }
  console.log(
    `${all.length} moments; killed and ended well at ${reached.length} of ${own.length} (${sweepWords}): ${reached.join(', ')}`,
  )
  expect(reached.length).toBeGreaterThan(own.length - 2)
}
