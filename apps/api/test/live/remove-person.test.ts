import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { removePerson } from '#store/remove-person.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { letter } from '../support/letter.ts'
import { until } from '../support/until.ts'

describe('a person who is removed while the engine is at work', () => {
  let dovecot: Dovecot
  let engine: EngineFixture

  beforeAll(async () => {
    dovecot = await startDovecot()
    engine = await startEngineFixture(dovecot)
  })
  afterAll(async () => {
    await engine?.stop()
    await dovecot?.stop()
  })

  it('has no session left at the mail server and nothing in the store, and the mail server keeps its mail', async () => {
    dovecot.addUser('leaving', 'secret')
    for (const n of [1, 2, 3]) dovecot.deliver('leaving', 'INBOX', letter(n))
    const { store, userId } = engine
    const accountId = await engine.addAccount('leaving')
    engine.start()
    await engine.untilState(accountId, 'watching')
    const sessions = () => dovecot.doveadm('who').match(/^leaving\b/gm)?.length ?? 0
    expect(sessions()).toBeGreaterThan(0)

    // Only the owner may reach servers on this machine, and only others can be removed.
    await store.prisma.appUser.update({ where: { id: userId }, data: { role: 'member' } })
    expect(await removePerson(store, userId, 0n)).toEqual({ kind: 'removed', accountIds: [accountId] })
    createEngine(store).accountChanged(accountId)
    await until(async () => sessions() === 0, { what: 'the end of the sessions' })
    await until(async () => (await store.prisma.appUser.count()) === 0, { what: 'the end of the person' })
    expect([await store.prisma.account.count(), await store.prisma.message.count()]).toEqual([0, 0])
    const kept = dovecot.doveadm('search', '-u', 'leaving', 'mailbox', 'INBOX', 'all').trim().split('\n')
    expect(kept).toHaveLength(3)
  })
})
