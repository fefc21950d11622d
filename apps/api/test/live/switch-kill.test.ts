import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Moment } from '../support/kill-points.ts'
import { letter } from '../support/letter.ts'
import { otherProgram } from '../support/other-program.ts'
import { startSwitching } from './switch-fixture.ts'
import { type SwitchKills, startSwitchKills, sweepMoments, type Told } from './switch-kill-fixture.ts'

const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => `Letter ${from + n}`)

/** kill -9 of the engine while a POP3 account changes to IMAP, before and after exchanges with the server and durable commits. */
describe('a kill during a change from POP3 to IMAP', () => {
  let kills: SwitchKills
  beforeAll(async () => {
    kills = await startSwitchKills()
  })
  afterAll(async () => kills.stop())

  const changeThrough = async (moment: Moment): Promise<Told> => {
    const { dovecot, fixture, points } = kills
    const user = kills.newUser()
    for (let n = 1; n <= 14; n++) dovecot.deliver(user, 'INBOX', letter(n))
    const supervisor = fixture.start()
    const account = await startSwitching({ fixture, dovecot, pop3Port: dovecot.pop3Port }, user)
    await account.untilQuiet()
    const inbox = (from: number, to = from) => account.target('INBOX', names(from, to))
    await account.run({ kind: 'setFlags', target: await inbox(1, 6), add: ['flagged'], addKeywords: ['Family'] })
    await account.run({ kind: 'moveToRole', target: await inbox(5, 9), role: 'archive' })
    await account.untilQuiet()
    const other = await otherProgram(dovecot, user, 'INBOX')
    for (const n of [6, 7, 12]) await other.messageDelete({ subject: `Letter ${n}` })
    other.close()
    await supervisor.stop()
    const before = await account.here()
    await account.toImap(points.mailPort)
    const told = await kills.endThrough(moment, account)
    expect(await account.here()).toEqual(before)
    const shown = await account.shown()
    expect(shown).toHaveLength(14)
    expect(await account.onServer()).toEqual(shown)
    await kills.leave(account)
    return told
  }

  it('ends as if nothing had happened, and brings nothing twice', async () => {
    await sweepMoments(changeThrough, { samples: 4, moments: [/before APPEND/, /after APPEND/] })
  }, 3_600_000)
})
