import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { lifeHere } from '#store/mailboxes-here.ts'
import { readCorpus } from '../support/corpus.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { oddMails } from '../support/odd-mails.ts'
import { otherProgram } from '../support/other-program.ts'
import { until } from '../support/until.ts'
import { startSwitching } from './switch-fixture.ts'

const name = (n: number) => `Letter ${String(n).padStart(3, '0')}`
const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => name(from + n))
const mail = (n: number, text = `Hello number ${n}.`) =>
  `From: "Ann Lee" <ann@example.org>\r\nTo: bob@example.org\r\nSubject: ${name(n)}\r\nMessage-ID: <s${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n${text}\r\n`

describe('a POP3 account that changes to IMAP', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let fixture: EngineFixture
  beforeAll(async () => {
    dovecot = await startDovecot()
    proxy = await startFaultProxy(dovecot.imapPort)
    fixture = await startEngineFixture(dovecot)
    fixture.start()
  })
  afterAll(async () => {
    await fixture.stop()
    await proxy.stop()
    await dovecot.stop()
  })
  const start = (user: string) => startSwitching({ fixture, dovecot, pop3Port: dovecot.pop3Port }, user)

  it('keeps ids, flags, tags and folders, and fetches no text', async () => {
    dovecot.addUser('ann', 'secret')
    for (let n = 1; n <= 299; n++) dovecot.deliver('ann', 'INBOX', mail(n))
    // A twin: the same octets, listed twice.
    dovecot.deliver('ann', 'INBOX', mail(299))
    const account = await start('ann')
    const { accountId } = account
    const { prisma } = fixture.store
    await account.untilQuiet()
    await prisma.mailbox.create({ data: { accountId, path: 'Travel/Rome', name: 'Rome', ...lifeHere } })
    const inbox = (from: number, to = from) => account.target('INBOX', names(from, to))
    await account.run({ kind: 'setFlags', target: await inbox(1, 100), add: ['seen'] })
    await account.run({ kind: 'setFlags', target: await inbox(90, 110), add: ['flagged'], addKeywords: ['Family'] })
    await account.run({ kind: 'moveToRole', target: await inbox(95, 120), role: 'archive' })
    await account.run({ kind: 'moveToRole', target: await inbox(201, 203), role: 'trash' })
    await account.run({
      kind: 'moveMessages',
      target: await inbox(130, 139),
      toMailboxId: await account.mailboxId('Travel/Rome'),
    })
    await account.untilQuiet()
    await account.run({ kind: 'expungeMessages', target: await account.target('Trash', [name(203)]) })
    await account.untilQuiet()
    // At the server two are gone (one lies flagged in the archive here), and another program has marked two.
    const other = await otherProgram(dovecot, 'ann', 'INBOX')
    for (const n of [100, 200]) await other.messageDelete({ subject: name(n) })
    await other.messageFlagsAdd({ subject: name(250) }, ['\\Answered', '$Forwarded'])
    await other.messageFlagsAdd({ subject: name(251) }, ['\\Seen'])
    await other.messageFlagsAdd({ subject: name(252) }, ['\\Deleted'])
    other.close()
    const before = await account.here()
    expect(before).toHaveLength(299)

    // One whose source nobody has read yet.
    await prisma.message.updateMany({ where: { accountId, subject: name(60) }, data: { bodyState: 'absent' } })
    await account.toImap(proxy.port)
    expect(await account.here()).toHaveLength(before.length)
    await account.untilSwitched()

    const after = await account.here()
    const isOther = (line: string) => line.includes(name(250)) || line.includes(name(203))
    expect(after.filter((line) => !isOther(line))).toEqual(before.filter((line) => !isOther(line)))
    expect(proxy.said('toServer')).not.toMatch(/BODY(\.PEEK)?\[(?!HEADER)/)
    const shown = await account.shown()
    expect(await account.onServer()).toEqual(shown)
    expect(shown.filter((line) => line.includes(name(100)))).toEqual([`Archive ${name(100)} [Family \\Flagged \\Seen]`])
    expect(shown).toContain(`INBOX ${name(250)} [$Forwarded \\Answered]`)
    // Deleted for good here alone: it stays where it lies there.
    expect(shown).toContain(`INBOX ${name(203)} [\\Seen]`)
    const events = await prisma.syncEvent.findMany({ where: { accountId, kind: 'switch' }, orderBy: { id: 'asc' } })
    expect(events.map(({ text }) => text)).toEqual([
      'The account changes from POP3 to IMAP.',
      'Changed from POP3 to IMAP: 297 mails found again at the provider, 2 mails brought there.',
    ])
    // Not one of them is news, wherever it was met.
    expect(await account.arrived()).toEqual([])
    dovecot.deliver('ann', 'INBOX', mail(300))
    await until(async () => (await account.arrived()).length > 0, { what: 'the notice of a new mail' })
    expect(await account.arrived()).toEqual([[name(300)]])
    // The date it had here went along.
    const archive = await otherProgram(dovecot, 'ann', 'Archive')
    const found = await archive.fetchOne('*', { internalDate: true, envelope: true })
    archive.close()
    const kept = await prisma.message.findFirstOrThrow({ where: { accountId, subject: name(100) } })
    expect(found && new Date(found.internalDate ?? 0).getTime()).toBe(
      Math.floor(kept.receivedAt.getTime() / 1000) * 1000,
    )
  })

  it('tells mails apart that share a Message-ID, an envelope, or both and a size', async () => {
    dovecot.addUser('bob', 'secret')
    const nameless = (n: number, text: string) => mail(n, text).replace(/Message-ID: .*\r\n/, '')
    const delivered = [
      mail(1, 'One text.'),
      mail(1, 'One, and longer.'),
      mail(2, 'Text A'),
      mail(2, 'Text B'),
      nameless(3, 'Nameless A'),
      nameless(3, 'Nameless B'),
      nameless(4, 'Nobody says when').replace(/Date: .*\r\n/, ''),
      mail(5).replace('Letter 005', '=?utf-8?Q?Letter_?= =?utf-8?Q?005?='),
    ]
    for (const raw of delivered) dovecot.deliver('bob', 'INBOX', raw)
    const account = await start('bob')
    await account.untilQuiet()
    // Which of two is which shows when one of them is moved.
    for (const preview of ['Text A', 'Nameless B']) {
      const { id } = await fixture.store.prisma.message.findFirstOrThrow({
        where: { accountId: account.accountId, preview },
      })
      await account.run({
        kind: 'moveToRole',
        target: { kind: 'messages', mailboxId: await account.mailboxId('INBOX'), messageIds: [id.toString()] },
        role: 'archive',
      })
    }
    await account.untilQuiet()
    const before = await account.here()
    expect(before).toHaveLength(delivered.length)
    await account.toImap(proxy.port)
    await account.untilSwitched()
    expect(await account.here()).toEqual(before)
    const archive = await otherProgram(dovecot, 'bob', 'Archive')
    const texts: string[] = []
    for await (const { bodyParts } of archive.fetch('1:*', { bodyParts: ['text'] }))
      texts.push((bodyParts?.get('text') ?? '').toString().trim())
    archive.close()
    expect(texts.sort()).toEqual(['Nameless B', 'Text A'])
    expect((await account.onServer()).length).toBe(delivered.length)
  })

  it('takes what people do meanwhile along, also to what the server does not have', async () => {
    dovecot.addUser('dan', 'secret')
    for (let n = 1; n <= 12; n++) dovecot.deliver('dan', 'INBOX', mail(n))
    const account = await start('dan')
    await account.untilQuiet()
    const inbox = (from: number, to = from) => account.target('INBOX', names(from, to))
    await account.run({ kind: 'moveToRole', target: await inbox(1), role: 'trash' })
    await account.untilQuiet()
    const other = await otherProgram(dovecot, 'dan', 'INBOX')
    for (const n of [1, 2, 3]) await other.messageDelete({ subject: name(n) })
    other.close()
    // The server cannot be reached for a while: everything that is asked for now waits.
    const cut = proxy.add({ direction: 'toClient', line: /OK/, act: 'close', times: 1000 })
    await account.toImap(proxy.port, dovecot.imapPort)
    await account.run({ kind: 'expungeMessages', target: await account.target('Trash', [name(1)]) })
    await account.run({ kind: 'moveToRole', target: await inbox(2, 5), role: 'archive' })
    const archived = await account.target('Archive', [name(2), name(4)])
    await account.run({ kind: 'setFlags', target: archived, add: ['flagged'] })
    cut.remove()
    await account.untilSwitched()
    const shown = await account.shown()
    expect(shown).toEqual([
      `Archive ${name(2)} [\\Flagged]`,
      `Archive ${name(3)} []`,
      `Archive ${name(4)} [\\Flagged]`,
      `Archive ${name(5)} []`,
      ...names(6, 12).map((subject) => `INBOX ${subject} []`),
    ])
    expect(await account.onServer()).toEqual(shown)
  })

  it('recognises mails of every kind', async () => {
    dovecot.addUser('kinds', 'secret')
    const corpus = (await readCorpus()).filter((_, n) => n % 5 === 0).map(({ raw }) => raw)
    const mails = [...corpus, ...Object.values(oddMails).map((text) => Buffer.from(text, 'latin1'))]
    for (const raw of mails) dovecot.deliver('kinds', 'INBOX', raw)
    const account = await start('kinds')
    await account.untilQuiet()
    const before = await account.here()
    const said = proxy.said('toServer').length
    await account.toImap(proxy.port)
    await account.untilSwitched()
    expect(await account.here()).toEqual(before)
    expect((await account.onServer()).length).toBe(mails.length)
    const { text } = await fixture.store.prisma.syncEvent.findFirstOrThrow({
      where: { accountId: account.accountId, kind: 'switch' },
      orderBy: { id: 'desc' },
    })
    expect(text).not.toContain('brought there')
    // POP3 ends what has no end of its own: there the sizes do not tell.
    const endless = mails.filter((raw) => !raw.toString('latin1').endsWith('\r\n'))
    const fetched =
      proxy
        .said('toServer')
        .slice(said)
        .match(/BODY(\.PEEK)?\[(?!HEADER)/g) ?? []
    expect(fetched.length).toBeLessThanOrEqual(endless.length)
  })
})
