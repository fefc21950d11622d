import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { engineChannel } from '#store/notify.ts'
import { markPresent } from '#store/presence.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { until } from '../support/until.ts'

const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`
const plainCapability = 'IMAP4rev1 LITERAL+ ENABLE IDLE NAMESPACE UIDPLUS MOVE LIST-STATUS LIST-EXTENDED SPECIAL-USE'

describe.each([
  { title: 'with CONDSTORE', capability: '' },
  { title: 'without any change counter', capability: plainCapability },
])('mailboxes nobody has open, at a server $title', ({ capability }) => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let engine: EngineFixture
  let stop: LiveScene['stop']
  beforeAll(async () => {
    // In production every 50 s (timing.test.ts); the inbox and what is watched do not wait for it.
    const timing = { treeEveryMs: 1000, unwatchedTreeEveryMs: 3_600_000 }
    const options = capability ? { settings: `imap_capability = ${capability}\n` } : {}
    ;({ dovecot, proxy, engine, stop } = await startLiveScene(timing, options))
  })
  afterAll(() => stop())
  let accounts = 0
  const start = async (user: string): Promise<bigint> => {
    accounts++
    dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 3; n++) dovecot.deliver(user, 'Archive', mail(n))
    const accountId = await engine.addAccount(user, 'secret', proxy.port)
    await engine.untilState(accountId, 'watching')
    await until(
      async () => (await engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })) === 3,
    )
    return accountId
  }
  const archive = async (accountId: bigint) =>
    (await engine.shown(accountId, 'Archive')).map(({ subject, flags }) => `${subject} ${flags}`)

  it('show new mail, flags and deletions made elsewhere while somebody is there', async () => {
    const accountId = await start('away')
    await markPresent(engine.store, [engine.userId])
    engine.store.notifier.notify(engineChannel, 'present')
    dovecot.deliver('away', 'Archive', mail(4))
    dovecot.doveadm('flags', 'add', '-u', 'away', '\\Flagged', 'mailbox', 'Archive', 'uid', '2')
    await until(async () => (await archive(accountId)).join() === 'Letter 1 0,Letter 2 4,Letter 3 0,Letter 4 0', {
      what: 'new mail and a star',
    })
    // Nothing but a flag, and nothing but a deletion: neither UIDNEXT nor the number of unread mails tells the first.
    dovecot.doveadm('flags', 'remove', '-u', 'away', '\\Flagged', 'mailbox', 'Archive', 'uid', '2')
    await until(async () => (await archive(accountId)).includes('Letter 2 0'), { what: 'the star gone' })
    dovecot.doveadm('flags', 'add', '-u', 'away', '\\Seen', 'mailbox', 'Archive', 'uid', '3')
    await until(async () => (await archive(accountId)).includes('Letter 3 1'), { what: 'the read mark' })
    dovecot.doveadm('expunge', '-u', 'away', 'mailbox', 'Archive', 'uid', '1')
    await until(async () => (await archive(accountId)).join() === 'Letter 2 0,Letter 3 1,Letter 4 0', {
      what: 'the deletion',
    })
  })

  it('show everything at once when one is opened, or was chosen to be watched', async () => {
    const accountId = await start('chosen')
    await engine.store.prisma.appUser.update({ where: { id: engine.userId }, data: { onlineAt: null } })
    const mailboxId = await engine.mailboxId(accountId, 'Archive')
    const changes = async (n: number) => {
      dovecot.deliver('chosen', 'Archive', mail(n))
      await until(async () => (await archive(accountId)).includes(`Letter ${n} 0`), { what: `mail ${n}` })
      dovecot.doveadm(
        'flags',
        'add',
        '-u',
        'chosen',
        '\\Flagged',
        'mailbox',
        'Archive',
        'header',
        'subject',
        `Letter ${n}`,
      )
      await until(async () => (await archive(accountId)).includes(`Letter ${n} 4`), { what: 'a star' })
      dovecot.doveadm('expunge', '-u', 'chosen', 'mailbox', 'Archive', 'header', 'subject', `Letter ${n}`)
      await until(async () => !(await archive(accountId)).some((row) => row.startsWith(`Letter ${n} `)), {
        what: 'a deletion',
      })
    }
    // Nobody is there, so nothing looks at the tree: what shows was heard in IDLE.
    await engine.store.prisma.mailbox.update({ where: { id: mailboxId }, data: { isWatched: true } })
    await createEngine(engine.store).requestSync(accountId)
    await changes(4)
    await engine.store.prisma.mailbox.update({ where: { id: mailboxId }, data: { isWatched: false } })
    await createEngine(engine.store).requestSync(accountId)
    // Nothing hears of it any more but what the screen asks for.
    await until(async () => proxy.connections().open === accounts, { what: 'the end of the watch' })
    await createEngine(engine.store).focus(accountId, 'a screen', [mailboxId])
    await changes(5)
  })
})

describe.each([
  { title: 'six connections', most: 6 },
  { title: 'two connections', most: 2 },
  { title: 'one connection', most: 1 },
])('mailboxes open on several screens, at a provider that allows $title', ({ most }) => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let engine: EngineFixture
  let stop: LiveScene['stop']
  beforeAll(async () => {
    // Nothing looks at the tree: what shows was heard, or looked at because it is open.
    const timing = { treeEveryMs: 3_600_000, unwatchedTreeEveryMs: 3_600_000, focusTurnMs: 150 }
    ;({ dovecot, proxy, engine, stop } = await startLiveScene(timing, { connectionsPerUser: most }))
  })
  afterAll(() => stop())

  it('all show what happens elsewhere at once, each as long as it is open', async () => {
    dovecot.addUser('wall', 'secret')
    const paths = ['Archive', 'Sent', 'Drafts']
    for (const path of paths) dovecot.deliver('wall', path, mail(1))
    const accountId = await engine.addAccount('wall', 'secret', proxy.port)
    await engine.untilState(accountId, 'watching')
    await until(
      async () => (await engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })) === 1,
    )
    const { focus } = createEngine(engine.store)
    const ids = new Map<string, bigint>()
    for (const path of paths) ids.set(path, await engine.mailboxId(accountId, path))
    const show = (screen: string, path: string | null) => focus(accountId, screen, path ? [ids.get(path) ?? 0n] : [])
    const shown = async (path: string) =>
      (await engine.shown(accountId, path)).map(({ subject, flags }) => `${subject} ${flags}`)
    const changes = async (n: number, path: string) => {
      dovecot.deliver('wall', path, mail(n))
      await until(async () => (await shown(path)).includes(`Letter ${n} 0`), { what: `mail ${n} in ${path}` })
      const query = ['mailbox', path, 'header', 'subject', `Letter ${n}`]
      dovecot.doveadm('flags', 'add', '-u', 'wall', '\\Flagged', ...query)
      await until(async () => (await shown(path)).includes(`Letter ${n} 4`), { what: `a star in ${path}` })
      dovecot.doveadm('expunge', '-u', 'wall', ...query)
      await until(async () => !(await shown(path)).some((row) => row.startsWith(`Letter ${n} `)), {
        what: `a deletion in ${path}`,
      })
    }
    for (const [n, path] of paths.entries()) await show(`screen ${n}`, path)
    for (const n of [2, 3]) for (const path of paths) await changes(n, path)
    expect(proxy.connections().open).toBeLessThanOrEqual(Math.min(most, 4))
    // The inbox is not forgotten over it.
    dovecot.deliver('wall', 'INBOX', mail(5))
    await until(async () => (await shown('INBOX')).length === 1, { what: 'mail in the inbox' })
    // One goes elsewhere, one closes: what is left costs no more than it needs.
    await show('screen 1', 'Archive')
    await show('screen 2', null)
    await changes(4, 'Archive')
    await until(async () => proxy.connections().open <= 2, { what: 'the end of the further connections' })
  })
})

describe('an inbox somebody has open and reads in', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  beforeAll(async () => {
    dovecot = await startDovecot()
    engine = await startEngineFixture(dovecot)
    engine.start()
  })
  afterAll(async () => {
    await engine.stop()
    await dovecot.stop()
  })

  it('leaves the engine at rest between new mails', async () => {
    dovecot.addUser('reader', 'secret')
    dovecot.deliver('reader', 'INBOX', mail(1))
    const accountId = await engine.addAccount('reader')
    await engine.untilState(accountId, 'watching')
    const asked = createEngine(engine.store)
    await asked.focus(accountId, 'a screen', [await engine.mailboxId(accountId, 'INBOX')])
    let arrived = 1
    const arrive = async () => {
      dovecot.deliver('reader', 'INBOX', mail(++arrived))
      await until(async () => (await engine.shown(accountId, 'INBOX')).length === arrived, { what: `mail ${arrived}` })
    }
    const expectRest = async () => {
      await arrive()
      const reads = vi.spyOn(engine.store, 'readSystem')
      for (let n = 0; n < 4; n++) await arrive()
      const many = reads.mock.calls.length
      reads.mockRestore()
      expect(many).toBeLessThan(150)
    }
    // The session for people has nothing selected: IDLE is not for it to wait in.
    await expectRest()
    const [first] = await engine.shown(accountId, 'INBOX')
    // Read from the server: it has the inbox selected from here on, and hears of new mail as well.
    for await (const _ of (await asked.openSource(accountId, first?.messageId ?? 0n)).chunks);
    await expectRest()
  })
})

describe('a server without IDLE', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  beforeAll(async () => {
    dovecot = await startDovecot({ settings: 'imap_capability = IMAP4rev1 LITERAL+ NAMESPACE UIDPLUS LIST-EXTENDED\n' })
    engine = await startEngineFixture(dovecot, { idleRenewMs: 500 })
    engine.start()
  })
  afterAll(async () => {
    await engine.stop()
    await dovecot.stop()
  })

  it('is asked for new mail instead', async () => {
    dovecot.addUser('poller', 'secret')
    dovecot.deliver('poller', 'INBOX', mail(1))
    const accountId = await engine.addAccount('poller')
    await engine.untilState(accountId, 'watching')
    dovecot.deliver('poller', 'INBOX', mail(2))
    await until(async () => (await engine.shown(accountId, 'INBOX')).length === 2, { what: 'the second mail' })
  })
})
