import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { cancelSwitchToPop3, countHome } from '#store/bring-home.ts'
import { commit } from '#store/commit.ts'
import { createRequest } from '#store/engine-requests.ts'
import { wantRest } from '#store/maildrop-parts.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { otherProgram } from '../support/other-program.ts'
import { until } from '../support/until.ts'
import { type Switching, startSwitching } from './switch-fixture.ts'

const name = (n: number) => `Letter ${String(n).padStart(3, '0')}`
const names = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, n) => name(from + n))
const mail = (n: number, text = `Hello number ${n}.`) =>
  `From: "Ann Lee" <ann@example.org>\r\nTo: bob@example.org\r\nSubject: ${name(n)}\r\nMessage-ID: <s${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n${text}\r\n`
const attachment = Buffer.from('an attachment, as it was sent\n'.repeat(50))
const withAttachment = (n: number) =>
  mail(n, '')
    .replace('\r\n\r\n', '\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n')
    .concat(
      `--x\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n--x\r\nContent-Type: application/octet-stream; name="a.bin"\r\nContent-Disposition: attachment; filename="a.bin"\r\nContent-Transfer-Encoding: base64\r\n\r\n${attachment.toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n--x--\r\n`,
    )

describe('an IMAP account that changes to POP3', () => {
  let dovecot: Dovecot
  let imap: FaultProxy
  let pop3: FaultProxy
  let fixture: EngineFixture
  beforeAll(async () => {
    dovecot = await startDovecot()
    imap = await startFaultProxy(dovecot.imapPort)
    pop3 = await startFaultProxy(dovecot.pop3Port)
    fixture = await startEngineFixture(dovecot, { meetingLookMs: 100 })
    fixture.start()
  })
  afterAll(async () => {
    await fixture.stop()
    for (const proxy of [imap, pop3]) await proxy.stop()
    await dovecot.stop()
  })
  const start = (user: string) => startSwitching({ fixture, dovecot, imapPort: imap.port }, user)
  const part = async ({ accountId }: Switching, subject: string): Promise<string> => {
    const { prisma } = fixture.store
    const { id: messageId } = await prisma.message.findFirstOrThrow({ where: { accountId, subject } })
    const { id } = await prisma.part.findFirstOrThrow({ where: { messageId } })
    const { chunks } = await createEngine(fixture.store).openPart(accountId, messageId, id)
    const pieces: Uint8Array[] = []
    for await (const piece of chunks) pieces.push(piece)
    return createHash('sha256').update(Buffer.concat(pieces)).digest('hex')
  }
  const retrieved = () => pop3.said('toServer').match(/^RETR /gim)?.length ?? 0

  it('keeps ids, flags, tags and folders, and downloads nothing of the inbox again', async () => {
    dovecot.addUser('ann', 'secret')
    for (let n = 1; n <= 58; n++) dovecot.deliver('ann', 'INBOX', mail(n))
    dovecot.deliver('ann', 'INBOX', withAttachment(59))
    // A twin: one mail that lies there twice.
    dovecot.deliver('ann', 'INBOX', mail(58))
    for (let n = 61; n <= 90; n++) dovecot.deliver('ann', 'Archive', mail(n), { flags: ['\\Seen'] })
    for (let n = 91; n <= 104; n++) dovecot.deliver('ann', 'Travel', mail(n))
    dovecot.deliver('ann', 'Travel', withAttachment(105))
    for (let n = 106; n <= 119; n++) dovecot.deliver('ann', 'Travel.Rome', mail(n))
    dovecot.deliver('ann', 'Travel.Rome', mail(120, 'x'.repeat(76).concat('\r\n').repeat(16_000)))
    const account = await start('ann')
    const { accountId } = account
    const { prisma } = fixture.store
    await account.untilQuiet()
    await account.run({
      kind: 'setFlags',
      target: await account.target('INBOX', names(1, 20)),
      add: ['flagged'],
      addKeywords: ['Family'],
    })
    await account.run({ kind: 'setFlags', target: await account.target('Travel/Rome', names(106, 110)), add: ['seen'] })
    await account.untilQuiet()
    const before = await account.here()
    expect(before).toHaveLength(120)
    const mailboxes = await prisma.mailbox.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
    const onServer = await account.onServer()
    // This attachment was opened before, the other one never.
    const hash = createHash('sha256').update(attachment).digest('hex')
    expect(await part(account, name(105))).toBe(hash)

    await account.toPop3(pop3.port)
    await account.untilSwitched()

    expect(await prisma.account.findUniqueOrThrow({ where: { id: accountId } })).toMatchObject({
      kind: 'pop3',
      switchTo: null,
      switchCredential: null,
      retrieval: { policy: { kind: 'keep' } },
    })
    expect(await account.here()).toEqual(before)
    expect(retrieved()).toBe(0)
    const after = await prisma.mailbox.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
    expect(after.slice(0, mailboxes.length).map(({ id, path }) => `${id} ${path}`)).toEqual(
      mailboxes.map(({ id, path }) => `${id} ${path}`),
    )
    expect(
      after
        .map(({ role }) => role)
        .filter(Boolean)
        .sort(),
    ).toEqual(['archive', 'drafts', 'inbox', 'junk', 'sent', 'trash'])
    // Whole is what no maildrop has; every mail of the inbox has its row there.
    const kept = await prisma.$queryRaw<{ path: string; whole: number; mails: number }[]>`
      SELECT b.path, count(r.message_id)::int AS whole, count(*)::int AS mails FROM placement p JOIN mailbox b ON b.id = p.mailbox_id
      LEFT JOIN raw_source r ON r.message_id = p.message_id WHERE p.account_id = ${accountId} GROUP BY b.path ORDER BY b.path`
    expect(kept).toEqual([
      { path: 'Archive', whole: 30, mails: 30 },
      { path: 'INBOX', whole: 0, mails: 60 },
      { path: 'Travel', whole: 15, mails: 15 },
      { path: 'Travel/Rome', whole: 15, mails: 15 },
    ])
    expect(await prisma.popLedger.count({ where: { accountId, state: 'fetched', isWhole: false } })).toBe(60)
    // Only of the one with an attachment something is missing to read.
    const { maildrop } = await prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    expect(maildrop).toMatchObject({ messages: 60, headersOnly: 1, copies: 0 })
    expect(await switchLines(accountId)).toEqual([
      'The account changes from IMAP to POP3: 60 mails outside the inbox are fetched whole first.',
      'This is a POP3 account now; the mails of the inbox are found again in the maildrop.',
      'Changed from IMAP to POP3: 60 mails found again at the provider, 60 mails brought here whole.',
    ])
    expect(await part(account, name(105))).toBe(hash)
    await expect(part(account, name(59))).rejects.toMatchObject({
      code: 'message.unavailable',
      detail: { hint: 'Get the rest of it first.' },
    })
    // New mail comes once, what was asked for comes whole, and the server keeps what it had.
    dovecot.deliver('ann', 'INBOX', mail(121))
    const rest = await prisma.message.findFirstOrThrow({ where: { accountId, subject: name(59) } })
    await commit(fixture.store, { kind: 'user', userId: fixture.userId }, (unit) => wantRest(unit, accountId, rest.id))
    await createRequest(fixture.store, accountId, { kind: 'sync' })
    await until(async () => (await account.here()).length === 121, { what: 'the new mail' })
    await account.untilQuiet()
    expect(await part(account, name(59))).toBe(hash)
    expect(retrieved()).toBe(2)
    expect((await account.here()).slice(0, 120)).toEqual(before)
    // Nothing went away there; what is fetched by POP3 is read for IMAP, by Dovecot.
    const mailsOf = (lines: string[]) => lines.map((line) => line.replace(/ \[.*/, ''))
    expect(mailsOf(await account.onServer())).toEqual(mailsOf([...onServer, `INBOX ${name(121)} []`]).sort())
  })

  it('comes back to what it was by way of the other protocol', async () => {
    dovecot.addUser('bob', 'secret')
    for (let n = 1; n <= 12; n++) dovecot.deliver('bob', 'INBOX', mail(n))
    const account = await startSwitching({ fixture, dovecot, pop3Port: pop3.port }, 'bob')
    await account.untilQuiet()
    await account.run({ kind: 'moveToRole', target: await account.target('INBOX', names(1, 4)), role: 'archive' })
    await account.untilQuiet()
    const before = await account.here()
    await account.toImap(imap.port)
    await account.untilSwitched()
    dovecot.deliver('bob', 'INBOX', mail(13))
    dovecot.deliver('bob', 'Archive', mail(14))
    await createRequest(fixture.store, account.accountId, { kind: 'sync' })
    await until(async () => (await account.here()).length === 14, { what: 'mail that came by IMAP' })
    await account.untilQuiet()
    const { prisma } = fixture.store
    const fetched = retrieved()
    await account.toPop3(pop3.port)
    await account.untilSwitched()
    expect((await account.here()).slice(0, 12)).toEqual(before)
    expect(await account.here()).toHaveLength(14)
    expect(retrieved()).toBe(fetched)
    const { accountId } = account
    expect(await prisma.popLedger.count({ where: { accountId, missingSince: null } })).toBe(9)
    await account.toImap(imap.port)
    await account.untilSwitched()
    expect((await account.here()).slice(0, 12)).toEqual(before)
    expect(await account.onServer()).toEqual(await account.shown())
  })

  it('marks a mail in part of which the text was read while the account was IMAP', async () => {
    dovecot.addUser('fay', 'secret')
    dovecot.deliver('fay', 'INBOX', mail(1))
    dovecot.deliver('fay', 'INBOX', withAttachment(2))
    const account = await startSwitching({ fixture, dovecot, pop3Port: pop3.port }, 'fay', { maxBytes: 1024 })
    const { accountId } = account
    const { prisma } = fixture.store
    const large = () => prisma.message.findFirstOrThrow({ where: { accountId, subject: name(2) } })
    await until(async () => (await account.here()).length === 2, { what: 'both mails' })
    expect(await large()).toMatchObject({ isHeaderOnly: true, bodyState: 'absent' })
    await account.toImap(imap.port)
    await account.untilSwitched()
    expect(await large()).toMatchObject({ isHeaderOnly: false, bodyState: 'ready' })
    await account.toPop3(pop3.port)
    await account.untilSwitched()
    const { id, isHeaderOnly } = await large()
    expect(isHeaderOnly).toBe(true)
    await expect(part(account, name(2))).rejects.toMatchObject({ detail: { hint: 'Get the rest of it first.' } })
    await commit(fixture.store, { kind: 'user', userId: fixture.userId }, (unit) => wantRest(unit, accountId, id))
    await createRequest(fixture.store, accountId, { kind: 'sync' })
    await until(async () => !(await large()).isHeaderOnly, { what: 'the rest' })
    await account.untilQuiet()
    expect(await part(account, name(2))).toBe(createHash('sha256').update(attachment).digest('hex'))
    const told = { where: { accountId, kind: 'look' }, orderBy: { id: 'desc' } } as const
    await until(async () => (await prisma.syncEvent.findFirst(told))?.text === 'The rest of 1 mail came.', {
      what: 'word of the rest, as no new mail',
    })
  })

  const switchLines = async (accountId: bigint) => {
    const where = { accountId, kind: 'switch' }
    const events = await fixture.store.prisma.syncEvent.findMany({ where, orderBy: { id: 'asc' } })
    return events.map(({ text }) => text)
  }

  it('fetches the inbox whole too when the maildrop shows less of it', async () => {
    for (const user of ['dot', 'dot-newest']) dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 9; n++) dovecot.deliver('dot', 'INBOX', n === 2 ? withAttachment(2) : mail(n))
    for (let n = 10; n <= 12; n++) dovecot.deliver('dot', 'Travel', mail(n))
    for (let n = 7; n <= 9; n++) dovecot.deliver('dot-newest', 'INBOX', mail(n))
    // Two that are not here: an old one, and one that comes meanwhile.
    dovecot.deliver('dot-newest', 'INBOX', mail(14))
    const received = `Received: from mx by example.org; ${new Date(Date.now() + 60_000).toUTCString().replace('GMT', '+0000')}\r\n`
    dovecot.deliver('dot-newest', 'INBOX', received + mail(15))
    const account = await start('dot')
    const { accountId } = account
    await account.untilQuiet()
    const before = await account.here()
    const fetched = retrieved()
    const arrivals = await account.arrived()
    await account.toPop3(pop3.port, 'dot-newest')
    await account.untilSwitched()
    expect((await account.here()).slice(0, 12)).toEqual(before)
    expect(await fixture.store.prisma.rawSource.count({ where: { accountId } })).toBe(14)
    expect((await account.arrived()).slice(arrivals.length)).toEqual([[name(15)]])
    expect(await part(account, name(2))).toBe(createHash('sha256').update(attachment).digest('hex'))
    expect(await switchLines(accountId)).toEqual([
      'The account changes from IMAP to POP3: 12 mails are fetched whole first, those of the inbox too, as POP3 shows only 5 mails.',
      'This is a POP3 account now; the mails of the inbox are found again in the maildrop.',
      'Changed from IMAP to POP3: 3 mails found again at the provider, 12 mails brought here whole, 6 mails here only. Text and attachments of these are here.',
    ])
    dovecot.deliver('dot-newest', 'INBOX', mail(13))
    await createRequest(fixture.store, accountId, { kind: 'sync' })
    await until(async () => (await account.here()).length === 15, { what: 'the new mail' })
    expect(retrieved()).toBe(fetched + 3)
    expect((await account.arrived()).at(-1)).toEqual([name(13)])
  })

  it('fetches the inbox whole too when as many are in the maildrop, but the oldest are others', async () => {
    for (const user of ['gus', 'gus-other']) dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 23; n++) dovecot.deliver('gus', 'INBOX', mail(n))
    // Known here, as they lie in the archive: so many less of the inbox are there.
    for (let n = 101; n <= 102; n++)
      for (const user of ['gus', 'gus-other']) dovecot.deliver(user, user === 'gus' ? 'Archive' : 'INBOX', mail(n))
    for (let n = 3; n <= 23; n++) dovecot.deliver('gus-other', 'INBOX', mail(n))
    const account = await start('gus')
    await account.untilQuiet()
    await account.toPop3(pop3.port, 'gus-other')
    await account.untilSwitched()
    const [first] = await switchLines(account.accountId)
    expect(first).toMatch(/25 mails are fetched whole first, those of the inbox too, as POP3 shows other mails\.$/)
  })

  it('meets what the maildrop shows beside the inbox too, also later, and shows and brings nothing twice', async () => {
    for (const user of ['hal', 'hal-all']) dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 3; n++) dovecot.deliver('hal', 'INBOX', mail(n))
    for (let n = 4; n <= 6; n++) dovecot.deliver('hal', 'Archive', mail(n), { flags: ['\\Seen'] })
    dovecot.deliver('hal', 'Sent', withAttachment(7))
    for (const n of [4, 1, 5, 2]) dovecot.deliver('hal-all', 'INBOX', mail(n))
    dovecot.deliver('hal-all', 'INBOX', withAttachment(7))
    dovecot.deliver('hal-all', 'INBOX', mail(3))
    const account = await start('hal')
    const { accountId } = account
    await account.untilQuiet()
    const [before, onServer, fetched] = [await account.here(), await account.onServer(), retrieved()]
    await account.toPop3(pop3.port, 'hal-all')
    await account.untilSwitched()
    expect(await account.here()).toEqual(before)
    expect((await switchLines(accountId)).at(-1)).toMatch(
      /3 mails found again at the provider, 4 mails brought here whole\.$/,
    )
    // Listed when the change is over, with one that is new.
    for (const n of [6, 8]) dovecot.deliver('hal-all', 'INBOX', mail(n))
    await createRequest(fixture.store, accountId, { kind: 'sync' })
    await until(async () => (await account.shown()).includes(`INBOX ${name(8)} []`), { what: 'the new mail' })
    expect((await account.here()).slice(0, -1)).toEqual(before)
    expect(retrieved()).toBe(fetched + 1)
    await account.toImap(imap.port)
    await account.untilSwitched()
    expect((await account.here()).slice(0, -1)).toEqual(before)
    expect(await account.onServer()).toEqual([...onServer, `INBOX ${name(8)} []`].sort())
  })

  it('says of which mails the text is not here when they turn out to be missing in the maildrop', async () => {
    for (const user of ['eva', 'eva-other']) dovecot.addUser(user, 'secret')
    // As many in both, and the oldest and the newest are the same: that others are missing is seen too late.
    for (let n = 1; n <= 42; n++) {
      dovecot.deliver('eva', 'INBOX', n === 21 ? withAttachment(21) : mail(n))
      dovecot.deliver('eva-other', 'INBOX', n === 21 || n === 22 ? mail(n + 80) : mail(n))
    }
    const account = await start('eva')
    const { accountId } = account
    await account.untilQuiet()
    const before = await account.here()
    await account.toPop3(pop3.port, 'eva-other')
    await account.untilSwitched()
    expect((await account.here()).slice(0, 42)).toEqual(before)
    expect(await account.here()).toHaveLength(44)
    expect((await switchLines(accountId)).at(-1)).toBe(
      'Changed from IMAP to POP3: 40 mails found again at the provider, 2 mails here only. Of 1 mail attachments or text are missing here: they are at the provider, and a change back to IMAP shows them again.',
    )
    await expect(part(account, name(21))).rejects.toMatchObject({ code: 'message.unavailable' })
  })

  it('can be called back until then, and waits for what the server does not give', async () => {
    dovecot.addUser('cid', 'secret')
    dovecot.deliver('cid', 'INBOX', mail(1))
    for (let n = 2; n <= 4; n++) dovecot.deliver('cid', 'Travel', mail(n))
    // Before its first LIST: within a second Dovecot may give the same one again.
    dovecot.doveadm('mailbox', 'create', '-u', 'cid', 'Everything')
    const account = await start('cid')
    await account.untilQuiet()
    const { accountId } = account
    const { prisma } = fixture.store
    const before = await account.here()
    const other = await otherProgram(dovecot, 'cid')
    const silent = imap.add({
      direction: 'toServer',
      line: / UID FETCH \S+ \(.*BODY\.PEEK\[\]/,
      act: (line) => line.replace('BODY.PEEK[]', 'FLAGS'),
    })
    await account.toPop3(pop3.port)
    const problem = async () =>
      Object((await prisma.account.findUniqueOrThrow({ where: { id: accountId } })).problem).message
    await until(async () => /waits for 3 mails that the server does not give/.test(String(await problem())), {
      what: 'word of it',
    })
    silent.remove()
    await commit(fixture.store, { kind: 'user', userId: fixture.userId }, (unit) => cancelSwitchToPop3(unit, accountId))
    createEngine(fixture.store).accountChanged(accountId)
    await until(async () => (await problem()) === undefined, { what: 'the end of the problem' })
    expect(await prisma.account.findUniqueOrThrow({ where: { id: accountId } })).toMatchObject({
      kind: 'imap',
      switching: null,
      switchCredential: null,
    })
    expect(await prisma.switchHeader.count({ where: { accountId } })).toBe(0)
    expect(await account.here()).toEqual(before)
    // What is not synced is left out, and said before; what shows everything once more keeps what lies nowhere else.
    for (const n of [1, 2, 9]) dovecot.deliver('cid', 'Everything', mail(n))
    await createRequest(fixture.store, accountId, { kind: 'sync' })
    await until(async () => (await account.here()).length === 7, { what: 'the new mailbox' })
    await account.untilQuiet()
    await prisma.mailbox.updateMany({ where: { accountId, path: 'Travel' }, data: { isSynced: false } })
    await prisma.mailbox.updateMany({ where: { accountId, path: 'Everything' }, data: { chosenRole: 'all' } })
    expect(await fixture.store.readSystem((tx) => countHome(tx, accountId))).toMatchObject({
      away: 2,
      leftOut: ['Travel'],
    })
    await account.toPop3(pop3.port)
    await account.untilSwitched()
    expect(await account.shown()).toEqual([
      `Everything ${name(2)} []`,
      `Everything ${name(9)} []`,
      `INBOX ${name(1)} []`,
    ])
    const left = await prisma.mailbox.findMany({ where: { accountId, path: { in: ['Everything', 'Travel'] } } })
    expect(left).toMatchObject([{ path: 'Everything', role: null, chosenRole: null, messages: 2, uidNext: 4n }])
    expect((await account.onServer()).length).toBe(7)
    other.close()
  })
})
