import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { enqueueCommand, rightsOf } from '#outbox/outbox.ts'
import { encodeName } from '#protocol/imap/mailbox-names.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type ScriptedServer, startScriptedMailboxes } from '../support/scripted-mailboxes.ts'
import { until } from '../support/until.ts'

const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`

/** Two namespaces beside one's own: what other people share, and what is everybody's. */
const namespaces = `
namespace {
  type = shared
  separator = .
  prefix = shared.%%u.
  location = maildir:%%h/Maildir:INDEX=%h/shared/%%u
  subscriptions = no
  list = children
}
namespace {
  type = public
  separator = .
  prefix = Public.
  location = maildir:%h/../public/Maildir:INDEX=%h/public
  subscriptions = no
  list = children
}
plugin {
  acl_shared_dict = file:%h/../shared.db
}
`

describe('mailboxes', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  beforeAll(async () => {
    // As Courier and Cyrus have it: everything below INBOX, with dots.
    dovecot = await startDovecot({ namespace: 'separator = .\n  prefix = INBOX.', settings: namespaces })
    engine = await startEngineFixture(dovecot, { treeEveryMs: 300, unwatchedTreeEveryMs: 300 })
    engine.start()
  })
  afterAll(async () => {
    await engine.stop()
    await dovecot.stop()
  })

  const box = (accountId: bigint, path: string) =>
    engine.store.prisma.mailbox.findUnique({ where: { accountId_path: { accountId, path } } })
  const subjects = async (accountId: bigint, path: string) =>
    (await engine.shown(accountId, path)).map(({ subject }) => subject)
  const command = async (body: Parameters<typeof enqueueCommand>[2]['command']) =>
    (await enqueueCommand(engine.store, engine.userId, { id: randomUUID(), command: body })).id
  const ended = (id: string) =>
    until(
      async () => {
        const found = await engine.store.prisma.command.findUniqueOrThrow({ where: { id } })
        return found.finishedAt !== null && found
      },
      { what: 'the end of the command' },
    )
  const whole = async (accountId: bigint, path: string) => ({
    kind: 'mailbox' as const,
    mailboxId: (await engine.mailboxId(accountId, path)).toString(),
    exceptThreadIds: [],
  })

  it('lie below INBOX at some servers, and come back fresh when one of the same name is made anew', async () => {
    dovecot.addUser('dots', 'secret')
    dovecot.deliver('dots', 'INBOX', mail(1))
    dovecot.deliver('dots', 'News', mail(2))
    const accountId = await engine.addAccount('dots')
    await engine.untilState(accountId, 'watching')
    expect(await box(accountId, 'INBOX.Trash')).toMatchObject({ role: 'trash', name: 'Trash', delimiter: '.' })
    const before = await box(accountId, 'INBOX.News')
    expect(await subjects(accountId, 'INBOX.News')).toEqual(['Letter 2'])
    dovecot.doveadm('mailbox', 'delete', '-u', 'dots', 'INBOX.News')
    dovecot.doveadm('mailbox', 'create', '-u', 'dots', 'INBOX.News')
    dovecot.doveadm('mailbox', 'update', '-u', 'dots', '--uid-validity', '4711', 'INBOX.News')
    dovecot.deliver('dots', 'News', mail(3))
    await createEngine(engine.store).requestSync(accountId)
    await until(async () => (await subjects(accountId, 'INBOX.News')).join() === 'Letter 3', {
      what: 'the new mailbox',
    })
    expect((await box(accountId, 'INBOX.News'))?.uidValidity).not.toBe(before?.uidValidity)
  })

  it('are shown from other people and for everybody, with the rights given, and never play a role', async () => {
    for (const user of ['lender', 'guest']) dovecot.addUser(user, 'secret')
    dovecot.deliver('lender', 'Team', mail(1))
    dovecot.deliver('lender', 'Trash', mail(2))
    dovecot.deliver('public', 'Notices', mail(3))
    dovecot.deliver('guest', 'INBOX', mail(4))
    for (const name of ['Team', 'Trash'])
      dovecot.doveadm('acl', 'set', '-u', 'lender', `INBOX.${name}`, 'user=guest', 'lookup', 'read', 'write-seen')
    dovecot.doveadm('acl', 'set', '-u', 'guest', 'Public.Notices', 'user=guest', 'lookup', 'read', 'write', 'insert')
    const accountId = await engine.addAccount('guest')
    await engine.untilState(accountId, 'watching')
    expect(await subjects(accountId, 'shared.lender.Team')).toEqual(['Letter 1'])
    expect(await subjects(accountId, 'Public.Notices')).toEqual(['Letter 3'])
    expect(await box(accountId, 'shared.lender.Trash')).toMatchObject({ role: null, namespace: 'shared.' })
    expect(await box(accountId, 'INBOX.Trash')).toMatchObject({ role: 'trash', namespace: '' })
    const team = await box(accountId, 'shared.lender.Team')
    expect(team && rightsOf(team)).toMatchObject({ setSeen: true, setFlags: false, insert: false, remove: false })
    // A copy of one's own mail goes where one may put it, and comes into no prefix on the way.
    const { state } = await ended(
      await command({
        kind: 'moveMessages',
        target: await whole(accountId, 'INBOX'),
        toMailboxId: (await engine.mailboxId(accountId, 'Public.Notices')).toString(),
      }),
    )
    expect(state).toBe('done')
    expect(dovecot.doveadm('fetch', '-u', 'guest', 'hdr.subject', 'mailbox', 'Public.Notices')).toContain('Letter 4')
    // Shared later, and no longer shared: seen when Dovecot reads its ACLs again, which it does with a new session.
    dovecot.deliver('lender', 'Later', mail(5))
    dovecot.doveadm('acl', 'set', '-u', 'lender', 'INBOX.Later', 'user=guest', 'lookup', 'read')
    dovecot.doveadm('acl', 'delete', '-u', 'lender', 'INBOX.Team', 'user=guest')
    dovecot.doveadm('kick', 'guest')
    await until(async () => (await box(accountId, 'shared.lender.Later'))?.fillUid === 1n, { what: 'the new share' })
    await until(async () => (await box(accountId, 'shared.lender.Team')) === null, { what: 'the end of the share' })
  })

  it('have names of every script, and what the server lists but does not open costs nothing further', async () => {
    dovecot.addUser('names', 'secret')
    const names = { 'Entw&APw-rfe': 'Entwürfe', '&ZeVnLIqe-': '日本語', '&BkcGJwZF-': 'هام', '&2DzfiQ-': '🎉' }
    const long = '伀台'.repeat(40)
    const odd = { 'R&-D': 'R&D', 'A ~ "b" % *': 'A ~ "b" % *', [encodeName(long)]: long }
    const all = Object.entries({ ...names, ...odd, 'one.two.three': 'one.two.three' })
    for (const [n, [wire]] of all.entries()) dovecot.deliver('names', wire, mail(n + 10))
    // Names that break the rules on disk: Dovecot lists them, and says that they do not exist.
    dovecot.deliver('names', 'bad&U-', mail(1))
    dovecot.deliver('names', 'INBOX', mail(2))
    const accountId = await engine.addAccount('names')
    await engine.untilState(accountId, 'watching')
    for (const [n, [, name]] of all.entries()) {
      expect(await subjects(accountId, `INBOX.${name}`), name).toEqual([`Letter ${n + 10}`])
      expect((await box(accountId, `INBOX.${name}`))?.name).toBe(name.split('.').at(-1))
    }
    expect(await box(accountId, 'INBOX.one.two')).toMatchObject({ isSelectable: false, name: 'two' })
    const { state } = await ended(
      await command({
        kind: 'moveMessages',
        target: await whole(accountId, 'INBOX.R&D'),
        toMailboxId: (await engine.mailboxId(accountId, 'INBOX.日本語')).toString(),
      }),
    )
    expect(state).toBe('done')
    expect(dovecot.doveadm('fetch', '-u', 'names', 'hdr.subject', 'mailbox', 'INBOX.日本語')).toContain('Letter 14')
    const phantom = await box(accountId, 'INBOX.bad&U-')
    expect(phantom).toMatchObject({ fillUid: null })
    // Two looks later it has still been tried only once.
    for (const n of [30, 31]) {
      dovecot.deliver('names', 'Entw&APw-rfe', mail(n))
      await until(async () => (await subjects(accountId, 'INBOX.Entwürfe')).includes(`Letter ${n}`), {
        what: `letter ${n}`,
      })
    }
    expect(
      await engine.store.prisma.syncEvent.count({
        where: { accountId, kind: 'mailbox', text: { contains: 'bad&U-' } },
      }),
    ).toBe(1)
  })

  it.each([
    { title: 'in UTF-8 where that was agreed on', capability: 'ENABLE UTF8=ACCEPT', plain: 'Entwürfe 日本語' },
    { title: 'in 8 bits against the rules', capability: '', plain: 'Entw&APw-rfe' },
  ])('are opened by the very name the server gave, $title', async ({ capability, plain }) => {
    const long = 'x'.repeat(500)
    const names = ['INBOX', plain, 'Entwürfe', 'R&D', 'R&D/&&-', '&AGE-', long, `${'é'.repeat(249)}/${long}`]
    const server = await startScriptedMailboxes(
      `LIST-EXTENDED LIST-STATUS MOVE ${capability}`,
      Object.fromEntries(names.map((name) => [name, ''])),
    )
    for (const [n, name] of names.entries()) server.put(name, mail(n))
    try {
      const accountId = await engine.addAccount(`odd${capability.length}`, 'secret', server.port)
      const shown = async () =>
        (await engine.store.prisma.message.findMany({ where: { accountId, bodyState: 'ready' } })).length
      // The texts come over a session that has listed nothing.
      await until(async () => (await shown()) >= names.length - 1, { what: 'the mails' })
      const rows = await engine.store.prisma.mailbox.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
      const given = new Map(rows.map(({ path, envelopesStored }) => [path, envelopesStored]))
      for (const name of names.filter((name) => name !== 'Entw&APw-rfe'))
        expect(given.get(name), name.slice(0, 40)).toBe(1)
      // Two spellings that read the same are one mailbox: the first.
      expect(given.size).toBe(plain.includes('&') ? names.length - 1 : names.length)
      const target = await whole(accountId, 'R&D')
      const { state } = await ended(
        await command({
          kind: 'moveMessages',
          target,
          toMailboxId: (await engine.mailboxId(accountId, 'R&D/&&-')).toString(),
        }),
      )
      expect(state).toBe('done')
      expect(server.mailboxes.get('R&D/&&-')?.mails).toHaveLength(2)
    } finally {
      await server.stop()
    }
  })
})

describe('ten thousand mailboxes', () => {
  let server: ScriptedServer
  let engine: EngineFixture
  /** LIST is answered once this is over. */
  let held: Promise<void> = Promise.resolve()
  beforeAll(async () => {
    engine = await startEngineFixture(
      { certificate: '', imapsPort: 0 },
      { treeEveryMs: 200, unwatchedTreeEveryMs: 200 },
    )
    const cases = Array.from({ length: 10_000 }, (_, n) => `Archive ${n % 100}/Case ${n}`)
    const parents = Array.from({ length: 100 }, (_, n) => `Archive ${n}`)
    server = await startScriptedMailboxes(
      'LIST-EXTENDED LIST-STATUS',
      {
        ...Object.fromEntries(cases.map((name) => [name, ''])),
        ...Object.fromEntries(parents.map((name) => [name, '\\Noselect'])),
        INBOX: '',
      },
      { before: { LIST: async (args) => void (args.includes('*') && (await held)) } },
    )
    server.put('INBOX', mail(1))
    for (let n = 0; n < 10; n++) server.put(`Archive 7/Case ${n * 100 + 7}`, mail(n + 100))
    engine.start()
  })
  afterAll(async () => {
    await engine.stop()
    await server.stop()
  })
  const said = (name: string) => server.said.filter((line) => line.startsWith(name)).length

  it('keep the inbox waiting for nothing, and are stored and looked at in a handful of steps', async () => {
    let go: () => void = () => undefined
    held = new Promise((done) => {
      go = done
    })
    const accountId = await engine.addAccount('hoarder', 'secret', server.port)
    const { message, mailbox, change } = engine.store.prisma
    const stored = () => message.count({ where: { accountId } })
    await until(async () => (await stored()) === 1, { what: 'the inbox, before anything is listed' })
    go()
    await engine.untilState(accountId, 'watching')
    expect(await mailbox.count({ where: { accountId } })).toBe(10_101)
    await until(async () => (await stored()) === 11, { what: 'what lies in them' })
    expect(await mailbox.count({ where: { accountId, fillUid: 1n } })).toBe(10_001)
    // The log says it in parts of five hundred; nothing is written for each of them.
    expect(await change.count()).toBeLessThan(100)
    // Texts are fetched mailbox by mailbox too, beside the looks.
    await until(async () => (await message.count({ where: { bodyState: 'ready' } })) === 11, { what: 'every text' })
    const before = { select: said('SELECT'), list: said('LIST') }
    server.put('Archive 8/Case 8', mail(3))
    await until(async () => (await stored()) === 12, { what: 'new mail in one of them' })
    const looks = said('LIST') - before.list
    expect(looks).toBeLessThan(20)
    // Only what holds something is opened in a look, and the one with news; and the inbox again after each.
    expect(said('SELECT') - before.select).toBeLessThanOrEqual((looks + 1) * 13 + 3)
  })

  it('keep their ids and their mails when another program renames what they all lie in', async () => {
    const { mailbox, message } = engine.store.prisma
    await until(async () => (await message.count({ where: { bodyState: 'ready' } })) === 12, { what: 'every text' })
    const before = new Map(
      (await mailbox.findMany({ where: { name: { startsWith: 'Case ' } } })).map((row) => [row.name, row]),
    )
    const letters = await message.findMany({ select: { id: true }, orderBy: { id: 'asc' } })
    const fetches = server.said.filter((line) => /^FETCH .*(ENVELOPE|BODY)/.test(line)).length
    const all = [...server.mailboxes]
    server.mailboxes.clear()
    for (const [name, box] of all) server.mailboxes.set(name.replace('Archive', 'Old'), box)
    await until(async () => (await mailbox.count({ where: { path: { startsWith: 'Old ' } } })) === 10_100, {
      what: 'the new names',
    })
    expect(await mailbox.count({ where: { path: { startsWith: 'Archive' } } })).toBe(0)
    const after = await mailbox.findMany({ where: { name: { startsWith: 'Case ' }, envelopesStored: { gt: 0 } } })
    expect(after).toHaveLength(11)
    for (const row of after) expect(before.get(row.name)?.id).toBe(row.id)
    expect(await message.findMany({ select: { id: true }, orderBy: { id: 'asc' } })).toEqual(letters)
    expect(server.said.filter((line) => /^FETCH .*(ENVELOPE|BODY)/.test(line))).toHaveLength(fetches)
  })
})
