import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { headerOf } from '#mail/read-envelope.ts'
import { Secret } from '#platform/secret.ts'
import { type AppendedMail, appendMessage, findAppended } from '#protocol/imap/append-message.ts'
import { fetchSource } from '#protocol/imap/fetch-content.ts'
import { fetchEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import { type ImapSession, openImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'

const letter = (id: string, body = 'Hello\r\n'): Buffer =>
  Buffer.from(`Message-ID: <${id}@example.org>\r\nSubject: ${id}\r\n\r\n${body}`, 'latin1')

async function* inPieces(octets: Buffer, size = 60_000): AsyncGenerator<Buffer> {
  for (let at = 0; at < octets.length; at += size) yield octets.subarray(at, at + size)
}

const toMail = (octets: Buffer, more: Partial<AppendedMail> = {}): AppendedMail => ({
  sizeBytes: octets.length,
  octets: inPieces(octets),
  hasNul: octets.includes(0),
  flags: [],
  internalDate: new Date('2001-02-03T04:05:06Z'),
  ...more,
})

const kept = (maildir: string): string[] =>
  readdirSync(join(maildir, 'cur')).map((name) => readFileSync(join(maildir, 'cur', name), 'latin1'))

const sought = (octets: Buffer, messageId: string | null) => ({
  messageId,
  sizeBytes: octets.length,
  header: headerOf(octets),
})

describe('a mail appended to a mailbox', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  const sessions: ImapSession[] = []
  beforeAll(async () => {
    dovecot = await startDovecot({ settings: 'plugin {\n  quota_rule = *:storage=20M\n}' })
    proxy = await startFaultProxy(dovecot.imapPort)
    dovecot.addUser('ann', 'secret')
  })
  afterAll(async () => {
    for (const session of sessions) await session.logout()
    await proxy.stop()
    await dovecot.stop()
  })

  const open = async (way: 'tls' | 'plain' = 'plain') => {
    const session = await openImapSession({
      host: 'localhost',
      port: way === 'tls' ? dovecot.imapsPort : proxy.port,
      address: '127.0.0.1',
      security: way,
      pinnedFingerprint: null,
      ca: dovecot.certificate,
      username: 'ann',
      password: new Secret('secret'),
    })
    sessions.push(session)
    return session
  }

  it('keeps its octets, flags, keywords and date, whatever it holds and however large it is', async () => {
    const mails = {
      plain: letter('plain'),
      'eight bits and no final line end': letter('bits', 'Gr\xfc\xdfe\r\n.\r\n)\r\n{5}\r\nend'),
      'no text': Buffer.from('Subject: no text\r\n\r\n'),
      NUL: letter('nul', 'a\0b\r\n'),
      large: letter('large', `${'0123456789abcdef'.repeat(4)}\r\n`.repeat(80_000)),
    }
    const session = await open('tls')
    const uids: number[] = []
    for (const octets of Object.values(mails)) {
      const appended = await appendMessage(
        session,
        'INBOX',
        toMail(octets, { flags: ['\\Seen', '\\Flagged', '$Forwarded', 'not a keyword'] }),
      )
      uids.push(appended?.uid ?? 0)
    }
    expect(uids).toEqual([1, 2, 3, 4, 5])
    expect((await selectMailbox(session, 'INBOX')).exists).toBe(5)
    for (const [n, octets] of Object.values(mails).entries())
      if (!octets.includes(0))
        expect((await fetchSource(session, n + 1, 50_000_000))?.equals(octets), Object.keys(mails)[n]).toBe(true)
    // A NUL travels one way only: FETCH has no room for it (RFC 9051 4.3), so the server's own file tells.
    expect(kept(dovecot.maildir('ann'))).toContain(mails.NUL.toString('latin1').replaceAll('\r\n', '\n'))
    for await (const { flags, internalDate } of fetchEnvelopes(session, '1:*')) {
      expect(flags).toEqual({ bits: 1 | 4, keywords: ['$Forwarded'] })
      expect(internalDate).toEqual(new Date('2001-02-03T04:05:06Z'))
    }
  })

  it('says why the server does not take it, and goes on', async () => {
    const session = await open('tls')
    await expect(appendMessage(session, 'Nowhere', toMail(letter('lost')))).rejects.toMatchObject({
      code: 'mailbox.missing',
    })
    const vast = letter('vast', `${'x'.repeat(998)}\r\n`.repeat(21_000))
    await expect(appendMessage(session, 'Archive', toMail(vast))).rejects.toMatchObject({ code: 'mailbox.over_quota' })
    expect(await appendMessage(session, 'Archive', toMail(letter('fits')))).toMatchObject({ uid: 1 })
    const rule = proxy.add({
      direction: 'toClient',
      answerTo: /^LOGIN|^AUTHENTICATE/,
      act: (line) => line.replace('LITERAL+', 'LITERAL+ APPENDLIMIT=100'),
    })
    const small = await open()
    rule.remove()
    await expect(appendMessage(small, 'Archive', toMail(letter('long', 'x'.repeat(100))))).rejects.toMatchObject({
      code: 'message.too_large',
    })
    expect(rule.acted()).toBe(1)
    proxy.add({ direction: 'toClient', answerTo: /^APPEND/, act: (line) => line.replace(/OK.*/, 'NO [TOOBIG] no') })
    await expect(appendMessage(small, 'Junk', toMail(letter('x')))).rejects.toMatchObject({ code: 'message.too_large' })
    proxy.clear()
  })

  it('is not stored when its octets break off', async () => {
    const session = await open()
    const octets = letter('short')
    await expect(
      appendMessage(session, 'Drafts', { ...toMail(octets), sizeBytes: octets.length + 10 }),
    ).rejects.toMatchObject({ code: 'internal' })
    expect(session.isOpen()).toBe(false)
    expect((await selectMailbox(await open(), 'Drafts')).exists).toBe(0)
  })

  it.each([
    ['with a Message-ID', letter('cut'), '<cut@example.org>'],
    ['without one', Buffer.from('Subject: nameless\r\nX-More: 1\r\n\r\nHello\r\n'), null],
  ])('is found again when the connection ends before the answer, %s', async (name, octets, messageId) => {
    const box = messageId === null ? 'Trash' : 'Sent'
    const session = await open()
    const { uidNext } = await selectMailbox(session, box)
    const cut = proxy.add({ direction: 'toClient', answerTo: /^APPEND/, act: 'close' })
    await expect(appendMessage(session, box, toMail(octets)), name).rejects.toMatchObject({ code: 'connect.closed' })
    expect(cut.acted()).toBe(1)
    const next = await open()
    expect((await selectMailbox(next, box)).exists).toBe(1)
    expect(await findAppended(next, sought(octets, messageId), { fromUid: uidNext })).toBe(Number(uidNext))
    // Nothing else is taken for it: neither what lay there before nor another mail of that name and size.
    expect(await findAppended(next, sought(octets, messageId), { fromUid: uidNext + 1n })).toBeNull()
    const taken = new Set([Number(uidNext)])
    expect(await findAppended(next, sought(octets, messageId), { fromUid: uidNext, taken })).toBeNull()
    expect(await findAppended(next, sought(letter('other'), '<other@example.org>'), { fromUid: uidNext })).toBeNull()
    expect(await findAppended(next, sought(letter('none', 'without a name'), null), { fromUid: uidNext })).toBeNull()
  })
})
