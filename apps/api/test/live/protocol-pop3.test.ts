import { createHash } from 'node:crypto'
import Pop3Command from 'node-pop3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Secret } from '#platform/secret.ts'
import { type CheckProgress, checkPop3Login } from '#protocol/pop3/check-login.ts'
import { deleteMessages } from '#protocol/pop3/delete-messages.ts'
import { listMaildrop } from '#protocol/pop3/list-maildrop.ts'
import { openPop3Session, type Pop3Session, type SessionOptions } from '#protocol/pop3/open-session.ts'
import { quitSession } from '#protocol/pop3/quit-session.ts'
import { retrieveMessages, retrieveTops } from '#protocol/pop3/retrieve-messages.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { allOf } from '../support/pop3-fixture.ts'

const settings = 'auth_mechanisms = plain login cram-md5\nprotocol pop3 {\n  pop3_lock_session = yes\n}'
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex')

describe('POP3 operations against Dovecot', () => {
  let dovecot: Dovecot
  const sessions: Pop3Session[] = []
  beforeAll(async () => {
    dovecot = await startDovecot({ settings })
  })
  afterAll(async () => {
    for (const session of sessions) session.destroy()
    await dovecot.stop()
  })

  const options = (user: string, more: Partial<SessionOptions> = {}): SessionOptions => ({
    host: 'localhost',
    port: dovecot.pop3sPort,
    address: '127.0.0.1',
    security: 'tls',
    pinnedFingerprint: null,
    ca: dovecot.certificate,
    username: user,
    password: new Secret('secret'),
    ...more,
  })
  const open = async (user: string, more: Partial<SessionOptions> = {}) => {
    const session = await openPop3Session(options(user, more))
    sessions.push(session)
    return session
  }
  const byStarttls = () => ({ port: dovecot.pop3Port, security: 'starttls' as const })
  const otherProgram = (user: string) =>
    new Pop3Command({ host: '127.0.0.1', port: dovecot.pop3Port, user, password: 'secret' })

  it.concurrent('reads 10,000 messages and one of 50 MB byte for byte, in order', async () => {
    dovecot.addUser('many', 'secret')
    const count = 10_000
    const mail = (n: number) =>
      `Subject: ${n}\r\nMessage-ID: <${n}@example.org>\r\n\r\n${n % 7 === 0 ? '.' : ''}${`Gr\xfc\xdfe ${n} `.repeat(n % 60)}\r\n..\r\n${n}\r\n`
    const block = Buffer.from(`${'0123456789abcdef'.repeat(4)}\r\n.\xe9${'x'.repeat(61)}\r\n`, 'latin1')
    const large = Buffer.concat([
      Buffer.from('Subject: large\r\n\r\n'),
      ...Array(Math.ceil((50 * 1024 * 1024) / block.length)).fill(block),
    ])
    const expected: Record<string, number> = { [sha256(large)]: 1 }
    dovecot.deliver('many', 'INBOX', large)
    for (let n = 0; n < count; n++) {
      const raw = Buffer.from(mail(n), 'latin1')
      dovecot.deliver('many', 'INBOX', raw)
      expected[sha256(raw)] = 1
    }
    const session = await open('many')
    const { entries, stated } = await listMaildrop(session)
    expect(stated.messages).toBe(count + 1)
    expect(new Set(entries.map(({ uniqueId }) => uniqueId)).size).toBe(count + 1)
    const found: Record<string, number> = {}
    const wrongSizes: number[] = []
    let at = 0
    for await (const item of retrieveMessages(
      session,
      entries.map(({ number }) => number),
    )) {
      if (item.kind === 'refused') throw item.error
      const hash = createHash('sha256')
      let bytes = 0
      for await (const piece of item.content) {
        hash.update(piece)
        bytes += piece.length
      }
      const digest = hash.digest('hex')
      found[digest] = (found[digest] ?? 0) + 1
      expect(item.number).toBe(entries[at]?.number)
      if (bytes !== entries[at++]?.sizeBytes) wrongSizes.push(item.number)
    }
    expect(wrongSizes).toEqual([])
    expect(found).toEqual(expected)
    expect(await quitSession(session)).toEqual({ kind: 'ended' })
  })

  it('gives odd mails as the server keeps them', async () => {
    dovecot.addUser('odd', 'secret')
    const odd = [
      '',
      'Subject: no body\r\n\r\n',
      'Subject: no end\r\n\r\nlast line',
      'Subject: dots\r\n\r\n.\r\n..\r\n...\r\n.x\r\n',
      'Subject: NUL\r\n\r\na\0b\r\n',
      'Subject: 8-bit\r\n\r\n\xe9\xff\x80\r\n',
      'Subject: bare LF\n\nline\n.\nline\n',
      'Subject: bare CR\r\n\r\na\rb\r.\rc\r\n',
      `Subject: long\r\n\r\n${'x'.repeat(200_000)}\r\n`,
    ]
    for (const [n, mail] of odd.entries())
      dovecot.deliver('odd', 'INBOX', Buffer.from(mail, 'latin1'), {
        receivedAt: new Date(Date.UTC(2026, 10, 1, 0, 0, n)),
      })
    /** What leaves Dovecot: lines end with CR LF there, the last one too, even where there is none. */
    const sent = odd.map((mail) => `${mail.replace(/\r?\n/g, '\r\n').replace(/\r\n$/, '')}\r\n`)
    const session = await open('odd', byStarttls())
    const numbers = odd.map((_, i) => i + 1)
    expect((await allOf(retrieveMessages(session, numbers))).sort()).toEqual([...sent].sort())
    expect(await allOf(retrieveTops(session, [...numbers, 99], { lines: 0 }))).toContainEqual([
      99,
      'message.unavailable',
    ])
    expect(session.capabilities).toMatchObject({ top: true, uniqueIds: true, pipelining: true, isListed: true })
  })

  it('sees what another client sees, and removes what it was asked to and nothing else', async () => {
    dovecot.addUser('shared', 'secret')
    for (let n = 1; n <= 4; n++) dovecot.deliver('shared', 'INBOX', `Subject: ${n}\r\n\r\nHello ${n}\r\n`)
    const other = otherProgram('shared')
    const theirs = await other.UIDL()
    const theirSizes = await other.LIST()
    const theirMail = await other.RETR(2)
    await other.QUIT()
    const session = await open('shared')
    const { entries } = await listMaildrop(session)
    expect(entries.map(({ number, uniqueId }) => [String(number), uniqueId])).toEqual(theirs)
    expect(entries.map(({ number, sizeBytes }) => [String(number), String(sizeBytes)])).toEqual(theirSizes)
    expect((await allOf(retrieveMessages(session, [2])))[0]).toBe(`${theirMail}\r\n`)
    expect(await deleteMessages(session, [2, 3, 9])).toMatchObject([
      { error: null },
      { error: null },
      { error: { code: 'mailbox.refused' } },
    ])
    expect(await quitSession(session)).toEqual({ kind: 'ended' })
    const after = otherProgram('shared')
    expect((await after.UIDL()).map((row) => row[1])).toEqual([entries[0]?.uniqueId, entries[3]?.uniqueId])
    await after.QUIT()
    const cut = await open('shared')
    await deleteMessages(cut, [1, 2])
    cut.destroy()
    await cut.closed
    const last = await open('shared')
    expect((await listMaildrop(last)).entries).toHaveLength(2)
    await quitSession(last)
  })

  it.concurrent('says that another session holds the maildrop, not that the password is wrong', async () => {
    dovecot.addUser('held', 'secret')
    dovecot.deliver('held', 'INBOX', 'Subject: 1\r\n\r\n')
    const other = otherProgram('held')
    await other.NOOP()
    await expect(open('held')).rejects.toMatchObject({ code: 'mailbox.in_use' })
    await other.QUIT()
    expect((await open('held')).isOpen()).toBe(true)
  })

  it('signs in under TLS, STARTTLS and none, and tells what is wrong', async () => {
    dovecot.addUser('ways', 'secret')
    const clear = { port: dovecot.pop3Port, security: 'plain' as const }
    for (const more of [{}, byStarttls(), clear]) await quitSession(await open('ways', more))
    for (const more of [{}, clear])
      await expect(open('ways', { password: new Secret('wrong'), ...more })).rejects.toMatchObject({
        code: 'login.failed',
      })
    for (const more of [{}, byStarttls()])
      await expect(open('ways', { ca: undefined, ...more })).rejects.toMatchObject({ code: 'tls.untrusted' })
    await expect(open('ways', { host: 'mail.example.org' })).rejects.toMatchObject({ code: 'tls.name' })
    await expect(open('ways', { port: dovecot.pop3Port })).rejects.toMatchObject({ code: 'tls.handshake' })
    await expect(open('ways', { port: dovecot.imapPort, security: 'plain' })).rejects.toMatchObject({
      code: 'connect.protocol',
    })
    expect(dovecot.log()).toMatch(/pop3-login: Info: Login: user=<ways>, method=CRAM-MD5/)
    expect(dovecot.log()).toMatch(/pop3-login: Info: Login: user=<ways>, method=PLAIN.*TLS/)
  })

  it('tells the steps of a check as they happen', async () => {
    dovecot.addUser('checked', 'secret')
    dovecot.deliver('checked', 'INBOX', 'Subject: 1\r\n\r\n')
    const steps = async (more: Partial<SessionOptions>) => {
      const told: CheckProgress[] = []
      const result = await checkPop3Login({ ...options('checked', more), until: 'list' }, (progress) =>
        told.push(progress),
      )
      expect(result).toMatchObject({ kind: 'ok', stated: { messages: 1 } })
      return told.filter(({ state }) => state === 'ok').map(({ step }) => step)
    }
    expect(await steps({})).toEqual(['connect', 'tls', 'greeting', 'login', 'list'])
    expect(await steps(byStarttls())).toEqual(['connect', 'greeting', 'tls', 'login', 'list'])
    expect(
      await checkPop3Login({ ...options('checked', { ca: undefined }), until: 'list' }, () => undefined),
    ).toMatchObject({ kind: 'failed', step: 'tls', error: { code: 'tls.untrusted' } })
  })
})
