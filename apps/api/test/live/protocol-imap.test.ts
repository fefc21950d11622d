import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '#platform/secret.ts'
import { changeFlags } from '#protocol/imap/change-flags.ts'
import { createMailbox } from '#protocol/imap/change-mailboxes.ts'
import { type CheckProgress, checkImapLogin } from '#protocol/imap/check-login.ts'
import { fetchParts, streamContent } from '#protocol/imap/fetch-content.ts'
import { type FetchedEnvelope, fetchEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import { fetchFlags, searchAllUids } from '#protocol/imap/fetch-flags.ts'
import { listMailboxes } from '#protocol/imap/list-mailboxes.ts'
import { expungeMessages, moveMessages } from '#protocol/imap/move-messages.ts'
import { type ImapSession, openImapSession, type SessionOptions } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { idleUntil, listenToMailbox } from '#protocol/imap/watch-mailbox.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'

const mail = (n: number, more = '') =>
  `From: "Ann Lee" <ann@example.org>\r\nTo: bob@example.org\r\nSubject: =?utf-8?B?${Buffer.from(`Grüße ${n}`).toString('base64')}?=\r\nMessage-ID: <m${n}@example.org>\r\n${more}Date: Mon, 23 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nGr=C3=BC=C3=9Fe ${n}\r\n--b\r\nContent-Type: application/pdf; name="a.pdf"\r\nContent-Disposition: attachment; filename="a ${n}.pdf"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\n--b--\r\n`

describe('IMAP operations against Dovecot', () => {
  let dovecot: Dovecot
  const sessions: ImapSession[] = []
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(async () => {
    for (const session of sessions) await session.logout()
    await dovecot.stop()
  })

  const options = (user: string, more: Partial<SessionOptions> = {}): SessionOptions => ({
    host: 'localhost',
    port: dovecot.imapsPort,
    address: '127.0.0.1',
    security: 'tls',
    pinnedFingerprint: null,
    ca: dovecot.certificate,
    username: user,
    password: new Secret('secret'),
    ...more,
  })
  const open = async (user: string, more: Partial<SessionOptions> = {}) => {
    const session = await openImapSession(options(user, more))
    sessions.push(session)
    return session
  }
  const all = async (list: AsyncGenerator<FetchedEnvelope>) => {
    const found: FetchedEnvelope[] = []
    for await (const item of list) found.push(item)
    return found
  }

  it('reads capabilities, mailboxes with status, and envelopes', async () => {
    dovecot.addUser('reader', 'secret')
    for (let n = 1; n <= 3; n++)
      dovecot.deliver(
        'reader',
        'INBOX',
        mail(n, n === 3 ? 'References: <m1@example.org>\r\n <m2@example.org>\r\n' : ''),
      )
    const session = await open('reader')
    expect(session.capabilities).toMatchObject({
      idle: true,
      condstore: true,
      move: true,
      uidplus: true,
      listStatus: true,
    })
    const listed = await listMailboxes(session, { withStatus: true })
    expect(listed.find(({ path }) => path === 'INBOX')?.status).toMatchObject({ messages: 3, unseen: 3, uidNext: 4n })
    expect(listed.find(({ path }) => path === 'Sent')?.attributes).toContain('\\Sent')
    const selected = await selectMailbox(session, 'INBOX')
    expect(selected).toMatchObject({ exists: 3, uidNext: 4n, canCreateKeywords: true, isReadOnly: false })
    const [, , third] = await all(fetchEnvelopes(session, '1:*'))
    expect(third).toMatchObject({
      uid: 3,
      subject: 'Grüße 3',
      from: [{ name: 'Ann Lee', address: 'ann@example.org' }],
      messageId: '<m3@example.org>',
    })
    expect(third?.references).toContain('<m2@example.org>')
    expect(third?.parts.map(({ path, type, filename }) => [path, type, filename])).toEqual([
      ['1', 'text/plain', null],
      ['2', 'application/pdf', 'a 3.pdf'],
    ])
    const [parts] = await fetchParts(session, '3', ['1'], 1000)
    expect(parts?.parts.get('1')?.toString()).toBe('Gr=C3=BC=C3=9Fe 3')
    const { content } = await streamContent(session, 3, '2', 1000)
    const chunks: Buffer[] = []
    for await (const chunk of content) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe('%PDF-1')
    await expect(selectMailbox(session, 'No such box')).rejects.toMatchObject({ code: 'mailbox.missing' })
  })

  it('reads the numbers of the mailbox that is open as they are by now, as those of any other', async () => {
    dovecot.addUser('lister', 'secret')
    const session = await open('lister')
    await selectMailbox(session, 'Drafts')
    for (const mailbox of ['Drafts', 'Sent']) dovecot.deliver('lister', mailbox, mail(1), { flags: ['\\Seen'] })
    const listed = await listMailboxes(session, { withStatus: true })
    const messages = new Map(listed.map(({ path, status }) => [path, status?.messages]))
    expect([messages.get('Drafts'), messages.get('Sent'), messages.get('Trash')]).toEqual([1, 1, 0])
  })

  it('changes flags, tells what changed since, moves with the new uids and expunges only what was asked', async () => {
    dovecot.addUser('mover', 'secret')
    for (let n = 1; n <= 4; n++) dovecot.deliver('mover', 'INBOX', mail(n))
    const session = await open('mover')
    const before = await selectMailbox(session, 'INBOX')
    await changeFlags(session, '1:2', 'add', ['\\Seen', '$Forwarded'])
    const changed = await fetchFlags(session, '1:*', before.highestModseq ?? 0n)
    expect(changed.map(({ uid, flags }) => [uid, flags])).toEqual([
      [1, { bits: 1, keywords: ['$Forwarded'] }],
      [2, { bits: 1, keywords: ['$Forwarded'] }],
    ])
    await createMailbox(session, 'Größe & Gewicht')
    await createMailbox(session, 'Größe & Gewicht')
    const moved = await moveMessages(session, '1,3', 'Größe & Gewicht')
    expect([...(moved.uidMap ?? [])]).toEqual([
      [1, 1],
      [3, 2],
    ])
    await expect(moveMessages(session, '2', 'Nowhere')).rejects.toMatchObject({ code: 'mailbox.missing' })
    await changeFlags(session, '4', 'add', ['\\Deleted'])
    expect(await expungeMessages(session, '2')).toBe(true)
    expect(await searchAllUids(session)).toEqual([[4, 4]])
  })

  it('hears of new mail in IDLE, twice in a row, without the 15 s that the library would wait before', async () => {
    dovecot.addUser('waiter', 'secret')
    dovecot.deliver('waiter', 'INBOX', mail(1))
    const session = await open('waiter')
    const events: string[] = []
    let wake = new AbortController()
    listenToMailbox(session, (event) => {
      events.push(event)
      wake.abort()
    })
    await selectMailbox(session, 'INBOX')
    for (const n of [2, 3]) {
      events.length = 0
      wake = new AbortController()
      const idling = idleUntil(session, wake.signal)
      dovecot.deliver('waiter', 'INBOX', mail(n))
      const tooLate = setTimeout(() => wake.abort(), 10_000)
      await idling
      clearTimeout(tooLate)
      expect(events).toContain('exists')
      expect((await all(fetchEnvelopes(session, `${n}:*`))).map(({ uid }) => uid)).toEqual([n])
    }
  })

  it('says what is wrong with a certificate, and accepts exactly the pinned one', async () => {
    dovecot.addUser('certain', 'secret')
    await expect(open('certain', { ca: undefined })).rejects.toMatchObject({
      code: 'tls.untrusted',
      certificate: { fingerprint: dovecot.fingerprint, names: ['localhost', '127.0.0.1'] },
    })
    await expect(open('certain', { host: 'mail.example.org' })).rejects.toMatchObject({ code: 'tls.name' })
    await expect(open('certain', { pinnedFingerprint: 'ab'.repeat(32) })).rejects.toMatchObject({
      code: 'tls.pin_changed',
    })
    expect(
      (
        await open('certain', { host: 'mail.example.org', ca: undefined, pinnedFingerprint: dovecot.fingerprint })
      ).isOpen(),
    ).toBe(true)
    expect((await open('certain', { port: dovecot.imapPort, security: 'starttls' })).isOpen()).toBe(true)
    await expect(
      open('certain', { port: dovecot.imapPort, security: 'starttls', ca: undefined }),
    ).rejects.toMatchObject({ code: 'tls.untrusted' })
    await expect(open('certain', { port: dovecot.imapPort })).rejects.toMatchObject({ code: 'tls.handshake' })
  })

  it('tells a wrong password from a missing server', async () => {
    dovecot.addUser('guess', 'secret')
    await expect(open('guess', { password: new Secret('wrong') })).rejects.toMatchObject({ code: 'login.failed' })
    await expect(open('guess', { port: 1 })).rejects.toMatchObject({ code: 'connect.refused' })
  })

  it('tells the steps of a check as they happen', async () => {
    dovecot.addUser('checked', 'secret')
    dovecot.deliver('checked', 'INBOX', mail(7))
    for (const [security, port, steps] of [
      ['tls', dovecot.imapsPort, ['connect', 'tls', 'greeting']],
      ['starttls', dovecot.imapPort, ['connect', 'greeting', 'tls']],
      ['plain', dovecot.imapPort, ['connect', 'greeting']],
    ] as const) {
      const told: CheckProgress[] = []
      const wanted = { ...options('checked', { security, port }), until: 'messages' as const }
      expect(await checkImapLogin(wanted, (progress) => told.push(progress))).toMatchObject({
        kind: 'ok',
        newestSubjects: ['Grüße 7'],
      })
      const all = [...steps, 'login', 'list', 'messages']
      expect(told.map(({ step, state }) => `${step} ${state}`)).toEqual(
        all.flatMap((step) => [`${step} running`, `${step} ok`]),
      )
    }
    expect(
      await checkImapLogin(
        { ...options('checked', { password: new Secret('wrong') }), until: 'messages' },
        () => undefined,
      ),
    ).toMatchObject({
      kind: 'failed',
      step: 'login',
      error: { code: 'login.failed' },
    })
    expect(
      await checkImapLogin({ ...options('checked', { ca: undefined }), until: 'messages' }, () => undefined),
    ).toMatchObject({
      kind: 'failed',
      step: 'tls',
      error: { code: 'tls.untrusted' },
    })
  })
})
