import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { letter } from '../support/letter.ts'
import { otherProgram } from '../support/other-program.ts'
import { until } from '../support/until.ts'
import { startSwitching } from './switch-fixture.ts'

const mostMails = 12

/** What is not simply there on both sides when a POP3 account changes to IMAP. */
describe('a change from POP3 to IMAP', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let fixture: EngineFixture
  beforeAll(async () => {
    dovecot = await startDovecot({ settings: `plugin {\n  quota_rule = *:messages=${mostMails}\n}` })
    proxy = await startFaultProxy(dovecot.imapPort)
    fixture = await startEngineFixture(dovecot)
    fixture.start()
  })
  afterAll(async () => {
    await fixture.stop()
    await proxy.stop()
    await dovecot.stop()
  })
  const account = (id: bigint) => fixture.store.prisma.account.findUniqueOrThrow({ where: { id } })
  const lastEvent = async (accountId: bigint) =>
    (await fixture.store.prisma.syncEvent.findFirst({ where: { accountId, kind: 'switch' }, orderBy: { id: 'desc' } }))
      ?.text

  it('leaves readable here what the server does not take, and brings it there once it does', async () => {
    dovecot.addUser('full', 'secret')
    for (let n = 1; n <= mostMails + 1; n++) dovecot.deliver('full', 'INBOX', letter(n))
    const switching = await startSwitching({ fixture, dovecot, pop3Port: dovecot.pop3Port }, 'full')
    const { accountId } = switching
    await switching.untilQuiet()
    const other = await otherProgram(dovecot, 'full', 'INBOX')
    await other.messageDelete({ subject: 'Letter 5' }, { uid: false })
    const before = await switching.here()
    await switching.toImap(proxy.port)
    await until(
      async () => (await lastEvent(accountId))?.includes('1 mail here only. What could not be brought there'),
      {
        what: 'the end line',
        ms: 30_000,
      },
    )
    expect(await switching.here()).toEqual(before)
    expect((await account(accountId)).switching).toMatchObject({ isTold: true, brought: 0 })
    await createEngine(fixture.store).openSource(accountId, await idOf(accountId, 'Letter 5'))

    // There is room again, and the day is over.
    await other.messageDelete({ subject: 'Letter 6' }, { uid: false })
    other.close()
    await switching.run({
      kind: 'moveToRole',
      target: await switching.target('INBOX', ['Letter 5']),
      role: 'archive',
    })
    await fixture.store.prisma.switchMail.updateMany({ where: { accountId }, data: { retryAt: new Date(0) } })
    await createEngine(fixture.store).requestResync(accountId)
    await switching.untilSwitched()
    const shown = await switching.shown()
    expect(shown.filter((line) => /Letter [56] /.test(line))).toEqual(['Archive Letter 5 []'])
    expect(await switching.onServer()).toEqual(shown)
    expect(await lastEvent(accountId)).toBe(
      `Changed from POP3 to IMAP: ${mostMails} mails found again at the provider, 1 mail brought there.`,
    )
  })

  it('goes on while a thousand mails come at once, one of which has to be looked at more closely', async () => {
    dovecot.addUser('many', 'secret')
    for (let n = 1; n <= mostMails + 1; n++) dovecot.deliver('many', 'INBOX', letter(n))
    const switching = await startSwitching({ fixture, dovecot, pop3Port: dovecot.pop3Port }, 'many')
    const { accountId } = switching
    await switching.untilQuiet()
    const other = await otherProgram(dovecot, 'many', 'INBOX')
    await other.messageDelete({ subject: 'Letter 5' }, { uid: false })
    other.close()
    const own = await startFaultProxy(dovecot.imapPort)
    await switching.toImap(own.port)
    await until(async () => JSON.stringify((await account(accountId)).switching).includes('"isTold":true'), {
      what: 'what the server does not take',
      ms: 30_000,
    })
    const pause = async (isPaused: boolean) => {
      const data = { isPaused, state: isPaused ? 'paused' : 'new' }
      await fixture.store.prisma.account.update({ where: { id: accountId }, data })
      createEngine(fixture.store).accountChanged(accountId)
    }
    await pause(true)
    await until(async () => own.connections().open === 0, { what: 'the end of the connections' })
    // As if it had never been sent: nothing tells of a mail with its Message-ID whether that is it.
    const tomorrow = new Date(Date.now() + 86_400_000)
    const data = { sentTo: null, sentFromUid: null, retryAt: tomorrow }
    expect(await fixture.store.prisma.switchMail.updateMany({ where: { accountId }, data })).toEqual({ count: 1 })
    const total = 1000
    // One Message-ID, another mail.
    dovecot.deliver('many', 'INBOX', letter(5).replace('Subject: Letter 5', 'Subject: Not that one'))
    for (let n = 1; n <= total; n++) dovecot.deliver('many', 'INBOX', letter(100 + n))
    await pause(false)
    const inbox = await fixture.mailboxId(accountId, 'INBOX')
    await until(
      async () =>
        (await fixture.store.prisma.placement.count({ where: { mailboxId: inbox } })) === mostMails + 1 + total + 1,
      { what: 'all of them', ms: 30_000 },
    )
    expect((await account(accountId)).switching).not.toBeNull()
    await own.stop()
  })

  it('fetches the text of a mail of which only the header came, and opens what is here without the server', async () => {
    dovecot.addUser('parts', 'secret')
    const file = Buffer.from('a file that came by POP3')
    dovecot.deliver('parts', 'INBOX', withFile(file))
    dovecot.deliver('parts', 'INBOX', letter(2).replace('quetzal', 'quetzal '.repeat(600)))
    const switching = await startSwitching({ fixture, dovecot, pop3Port: dovecot.pop3Port }, 'parts', {
      maxBytes: 1024,
    })
    const { accountId } = switching
    const ready = (subject: string) =>
      until(
        async () =>
          (await fixture.store.prisma.message.findFirst({ where: { accountId, subject } }))?.bodyState === 'ready',
        { what: 'the text' },
      )
    await ready('A file')
    const id = await idOf(accountId, 'Letter 2')
    expect((await fixture.store.prisma.message.findUniqueOrThrow({ where: { id } })).isHeaderOnly).toBe(true)
    await switching.toImap(proxy.port)
    await switching.untilSwitched()
    await ready('Letter 2')
    expect(await idOf(accountId, 'Letter 2')).toBe(id)
    expect((await fixture.store.prisma.message.findUniqueOrThrow({ where: { id } })).isHeaderOnly).toBe(false)

    const said = proxy.said('toServer').length
    const messageId = await idOf(accountId, 'A file')
    const part = await fixture.store.prisma.part.findFirstOrThrow({ where: { messageId, filename: 'notes.txt' } })
    const { chunks } = await createEngine(fixture.store).openPart(accountId, messageId, part.id)
    const opened: Uint8Array[] = []
    for await (const chunk of chunks) opened.push(chunk)
    expect(Buffer.concat(opened)).toEqual(file)
    expect(proxy.said('toServer').slice(said)).not.toMatch(/BODY(\.PEEK)?\[/)
  })

  const idOf = async (accountId: bigint, subject: string) =>
    (await fixture.store.prisma.message.findFirstOrThrow({ where: { accountId, subject } })).id
})

const withFile = (file: Buffer): string =>
  [
    'From: ann@example.org',
    'Subject: A file',
    'Message-ID: <file@example.org>',
    'Date: Mon, 23 Nov 2026 10:00:00 +0000',
    'Content-Type: multipart/mixed; boundary=x',
    '',
    '--x',
    'Content-Type: text/plain',
    '',
    'Here it is.',
    '--x',
    'Content-Type: text/plain; name=notes.txt',
    'Content-Disposition: attachment; filename=notes.txt',
    'Content-Transfer-Encoding: base64',
    '',
    file.toString('base64'),
    '--x--',
    '',
  ].join('\r\n')
