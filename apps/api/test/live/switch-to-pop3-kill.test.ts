import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openMasterKey } from '#platform/secret-box.ts'
import { createRequest } from '#store/engine-requests.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts'
import { type KillPoints, type Moment, startKillPoints } from '../support/kill-points.ts'
import { letter } from '../support/letter.ts'
import { until } from '../support/until.ts'
import { startSwitching } from './switch-fixture.ts'

/**
 * kill -9 of the engine while an IMAP account brings its mail home, changes to POP3 and meets its inbox there: before and after
 * exchanges with the IMAP server and durable commits. A few of the moments are tried here, evenly spread;
 * FULL_KILL_SWEEP=1/1 tries them all, 3/10 the third tenth of them.
 */
const [slice = 0, slices = 0] = (process.env.FULL_KILL_SWEEP ?? '').split('/').map(Number)
const samples = 5

describe('a kill during a change from IMAP to POP3', () => {
  let dovecot: Dovecot
  let fixture: EngineFixture
  let points: KillPoints
  let engine: EngineProcess | undefined
  let users = 0
  const dir = mkdtempSync(join(tmpdir(), 'postern-home-'))
  const env = { DATA_DIR: dir, MASTER_KEY_FILE: join(dir, 'master.key') }
  beforeAll(async () => {
    dovecot = await startDovecot()
    fixture = await startEngineFixture(dovecot)
    fixture.deps.masterKey = openMasterKey(env.MASTER_KEY_FILE)
    points = await startKillPoints({
      mail: { protocol: 'imap', port: dovecot.imapPort },
      databaseUrl: fixture.databaseUrl,
    })
  })
  afterAll(async () => {
    engine?.child.kill('SIGKILL')
    await engine?.ended
    await points.stop()
    await fixture.stop()
    await dovecot.stop()
    rmSync(dir, { recursive: true, force: true })
  })
  const startEngine = () => {
    engine = startEngineProcess({ ...env, DATABASE_URL: points.databaseUrl })
  }

  /** A whole change with a kill at that moment (0: none); answers what passed. */
  const changeThrough = async (moment: Moment): Promise<{ passed: string[]; reached: string | null }> => {
    const user = `user${++users}`
    dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 8; n++) dovecot.deliver(user, 'INBOX', letter(n))
    for (let n = 9; n <= 14; n++) dovecot.deliver(user, n < 12 ? 'Archive' : 'Travel', letter(n))
    const supervisor = fixture.start()
    const account = await startSwitching({ fixture, dovecot, imapPort: points.mailPort }, user)
    await account.untilQuiet()
    await supervisor.stop()
    const before = await account.here()
    expect(before).toHaveLength(14)
    await account.toPop3(dovecot.pop3Port)
    points.arm(moment, () => {
      engine?.child.kill('SIGKILL')
      startEngine()
      return 'end'
    })
    startEngine()
    await account.untilSwitched().catch((cause: unknown) => {
      throw new Error(`it did not end after a kill ${points.disarm().reached}`, { cause })
    })
    const told = points.disarm()
    expect(await account.here()).toEqual(before)
    // Mail that comes afterwards comes once, and everything that was in the inbox is known in the maildrop.
    const { accountId } = account
    dovecot.deliver(user, 'INBOX', letter(15))
    await createRequest(fixture.store, accountId, { kind: 'sync' })
    await until(async () => (await account.here()).length > 14, { what: 'the next mail' })
    expect((await account.here()).slice(0, 14)).toEqual(before)
    expect(await account.here()).toHaveLength(15)
    const { prisma } = fixture.store
    expect(await prisma.popLedger.count({ where: { accountId } })).toBe(9)
    expect(await prisma.popLedger.count({ where: { accountId, state: 'fetched', isWhole: false } })).toBe(8)
    engine?.child.kill('SIGTERM')
    await engine?.ended
    await prisma.account.update({ where: { id: accountId }, data: { disconnectedAt: new Date() } })
    return told
  }

  it('ends as if nothing had happened, and shows nothing twice', async () => {
    const { passed } = await changeThrough(0)
    const all = passed.map((_, n) => n + 1)
    const part = (of: number) => Math.floor((of * passed.length) / slices)
    const own = slices > 0 ? all.slice(part(slice - 1), part(slice)) : undefined
    const few = Array.from({ length: samples }, (_, n) => Math.round(((n + 0.5) * passed.length) / samples))
    const reached: string[] = []
    for (const moment of own ?? few) {
      const told = await changeThrough(moment)
      // The last ones may fall away when an answer comes together with another.
      if (told.reached !== null) reached.push(told.reached)
    }
    console.log(`${passed.length} moments; killed and ended well at ${reached.length}: ${reached.join(', ')}`)
    expect(reached.length).toBeGreaterThan(samples - 2)
  }, 3_600_000)
})
