import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openMasterKey } from '#platform/secret-box.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type EngineProcess, startEngineProcess } from '../support/engine-process.ts'
import { type KillPoints, startKillPoints } from '../support/kill-points.ts'
import { otherProgram } from '../support/other-program.ts'
import { startSwitching } from './switch-fixture.ts'

/**
 * kill -9 of the engine while a POP3 account changes to IMAP, before and after exchanges with the server and durable commits. A
 * few of the moments are tried here, evenly spread; FULL_KILL_SWEEP=1/1 tries them all, 3/10 the third tenth of them.
 */
const [slice = 0, slices = 0] = (process.env.FULL_KILL_SWEEP ?? '').split('/').map(Number)
const samples = 4

const name = (n: number) => `Letter ${String(n).padStart(2, '0')}`
const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: ${name(n)}\r\nMessage-ID: <k${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`
const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => name(from + n))

describe('a kill during a change from POP3 to IMAP', () => {
  let dovecot: Dovecot
  let fixture: EngineFixture
  let points: KillPoints
  let engine: EngineProcess | undefined
  let users = 0
  const dir = mkdtempSync(join(tmpdir(), 'postern-switch-'))
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

  /** A whole change with a kill at that moment (0: none); answers how many moments there were. */
  const changeThrough = async (moment: number | RegExp): Promise<{ passed: number; reached: string | null }> => {
    const user = `user${++users}`
    dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 14; n++) dovecot.deliver(user, 'INBOX', mail(n))
    const supervisor = fixture.start()
    const account = await startSwitching({ fixture, dovecot, pop3Port: dovecot.pop3Port }, user)
    await account.untilQuiet()
    const inbox = (from: number, to = from) => account.target('INBOX', names(from, to))
    await account.run({ kind: 'setFlags', target: await inbox(1, 6), add: ['flagged'], addKeywords: ['Family'] })
    await account.run({ kind: 'moveToRole', target: await inbox(5, 9), role: 'archive' })
    await account.untilQuiet()
    const other = await otherProgram(dovecot, user, 'INBOX')
    for (const n of [6, 7, 12]) await other.messageDelete({ subject: name(n) })
    other.close()
    await supervisor.stop()
    const before = await account.here()
    await account.toImap(points.mailPort)
    points.arm(moment, () => {
      engine?.child.kill('SIGKILL')
      startEngine()
      return 'end'
    })
    startEngine()
    await account.untilSwitched()
    const told = points.disarm()
    expect(await account.here()).toEqual(before)
    const shown = await account.shown()
    expect(shown).toHaveLength(14)
    expect(await account.onServer()).toEqual(shown)
    engine?.child.kill('SIGTERM')
    await engine?.ended
    await fixture.store.prisma.account.update({ where: { id: account.accountId }, data: { isPaused: true } })
    return { ...told, passed: told.passed.length }
  }

  it('ends as if nothing had happened, and brings nothing twice', async () => {
    const { passed } = await changeThrough(0)
    const all = Array.from({ length: passed }, (_, n) => n + 1)
    const own = slices > 0 ? all.slice(((slice - 1) * passed) / slices, (slice * passed) / slices) : undefined
    const few = Array.from({ length: samples }, (_, n) => Math.round(((n + 0.5) * passed) / samples))
    const reached: string[] = []
    for (const moment of own ?? [/before APPEND/, /after APPEND/, ...few]) {
      const told = await changeThrough(moment)
      // The last ones may fall away when an answer comes together with another.
      if (told.reached !== null) reached.push(told.reached)
    }
    console.log(`${passed} moments; killed and ended well at ${reached.length}: ${reached.join(', ')}`)
    expect(reached.length).toBeGreaterThan(samples - 1)
  }, 3_600_000)
})
