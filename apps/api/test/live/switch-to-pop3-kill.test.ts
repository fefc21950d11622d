import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createRequest } from '#store/engine-requests.ts'
import type { Moment } from '../support/kill-points.ts'
import { letter } from '../support/letter.ts'
import { until } from '../support/until.ts'
import { startSwitching } from './switch-fixture.ts'
import { type SwitchKills, startSwitchKills, sweepMoments, type Told } from './switch-kill-fixture.ts'

/**
 * kill -9 of the engine while an IMAP account brings its mail home, changes to POP3 and meets its inbox there: before and after
 * exchanges with the IMAP server and durable commits.
 */
describe('a kill during a change from IMAP to POP3', () => {
  let kills: SwitchKills
  beforeAll(async () => {
    kills = await startSwitchKills()
  })
  afterAll(async () => kills.stop())

  const changeThrough = async (moment: Moment): Promise<Told> => {
    const { dovecot, fixture, points } = kills
    const user = kills.newUser()
    for (let n = 1; n <= 8; n++) dovecot.deliver(user, 'INBOX', letter(n))
    for (let n = 9; n <= 14; n++) dovecot.deliver(user, n < 12 ? 'Archive' : 'Travel', letter(n))
    const supervisor = fixture.start()
    const account = await startSwitching({ fixture, dovecot, imapPort: points.mailPort }, user)
    await account.untilQuiet()
    await supervisor.stop()
    const before = await account.here()
    expect(before).toHaveLength(14)
    await account.toPop3(dovecot.pop3Port)
    const told = await kills.endThrough(moment, account)
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
    await kills.leave(account)
    return told
  }

  it('ends as if nothing had happened, and shows nothing twice', async () => {
    await sweepMoments(changeThrough, { samples: 5 })
  }, 3_600_000)
})
