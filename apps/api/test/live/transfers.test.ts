import { readdirSync, readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Transfer } from '@postern/shared/transfers.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import type { Supervisor } from '#engine/supervisor.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { listCorpus, withCrlf } from '../support/corpus.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { oddMails } from '../support/odd-mails.ts'
import { until } from '../support/until.ts'

const fromLine = 'From zed@example.org Fri Jul  8 12:08:34 2011'
const letter = (name: string, more = '', body = 'Hello'): string =>
  `From: Zed <zed@example.org>\nSubject: ${name}\nMessage-ID: <${name}@example.org>\n${more}\n${body}\n`
const mboxOf = (...mails: string[]): Buffer =>
  Buffer.from(mails.map((mail) => `${fromLine}\n${mail.replace(/^(>*From )/gm, '>$1')}\n`).join(''), 'latin1')
const crlf = (mail: string): string => mail.replaceAll('\n', '\r\n')

describe('mail that is brought in', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let fixture: EngineFixture
  let app: FastifyInstance
  let supervisor: Supervisor
  let cookie = ''
  const accounts = { kept: 0n, imap: 0n }

  beforeAll(async () => {
    dovecot = await startDovecot()
    proxy = await startFaultProxy(dovecot.imapPort)
    fixture = await startEngineFixture(dovecot, { backoff: { baseMs: 10, capMs: 50 } })
    app = await buildTestApp({ store: fixture.store })
    cookie = await openTestSession(fixture.store, fixture.userId)
    for (const user of ['kept', 'imap']) dovecot.addUser(user, 'secret')
    accounts.kept = await fixture.addMaildrop('kept', dovecot.pop3Port)
    accounts.imap = await fixture.addAccount('imap', 'secret', proxy.port)
    supervisor = fixture.start()
    for (const id of Object.values(accounts)) await fixture.untilState(id, 'watching')
  })
  afterAll(async () => {
    await app.close()
    await fixture.stop()
    await proxy.stop()
    await dovecot.stop()
  })

  const send = async (method: 'GET' | 'POST' | 'DELETE', url: string, payload?: object | Buffer, type?: string) => {
    const headers = { host: 'localhost', 'x-postern': '1', cookie, ...(type ? { 'content-type': type } : {}) }
    return app.inject({ method, url, headers, ...(payload === undefined ? {} : { payload }) })
  }
  const ask = async (...given: Parameters<typeof send>): Promise<Transfer> => {
    const answer = await send(...given)
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json()
  }
  const begin = async (account: keyof typeof accounts, path: string) =>
    ask('POST', `/v1/mailboxes/${await fixture.mailboxId(accounts[account], path)}/imports`, {})
  const contentAt = (id: string, name: string) => `/v1/transfers/${id}/content?name=${encodeURIComponent(name)}`
  const sendFile = (id: string, name: string, content: Buffer, type = 'message/rfc822', more = '') =>
    ask('POST', `${contentAt(id, name)}${more}`, content, type)
  const untilDone = async (id: string): Promise<Transfer> => {
    const state = () => ask('GET', `/v1/transfers/${id}`)
    await until(async () => (await state()).state === 'done', { what: 'the end of the transfer', ms: 60_000 })
    return state()
  }
  const bringIn = async (account: keyof typeof accounts, path: string, mbox: Buffer): Promise<Transfer> => {
    const { id } = await begin(account, path)
    await sendFile(id, 'old.mbox', mbox, 'application/mbox')
    await ask('POST', `/v1/transfers/${id}/finish`)
    return untilDone(id)
  }
  const sources = async (account: keyof typeof accounts, path: string): Promise<string[]> => {
    const rows = await fixture.store.prisma.$queryRaw<{ bytes: Uint8Array }[]>`
      SELECT string_agg(c.bytes, ''::bytea ORDER BY c.n) AS bytes FROM placement p JOIN raw_source r ON r.message_id = p.message_id JOIN blob_chunk c ON c.blob_id = r.blob_id
      WHERE p.shown_mailbox_id = ${await fixture.mailboxId(accounts[account], path)} GROUP BY p.id ORDER BY p.id`
    return rows.map(({ bytes }) => Buffer.from(bytes).toString('latin1'))
  }
  const atServer = (path: string): string[] =>
    dovecot.doveadm('fetch', '-u', 'imap', 'uid', 'mailbox', path).match(/\d+/g) ?? []
  /** As the server keeps them: with bare line feeds. */
  const maildirFiles = (box: string): { name: string; octets: string }[] =>
    ['cur', 'new'].flatMap((part) => {
      const dir = join(dovecot.maildir('imap'), box, part)
      return readdirSync(dir).map((name) => ({ name, octets: readFileSync(join(dir, name), 'latin1') }))
    })
  const untilShown = (path: string, mails: number) =>
    until(async () => (await fixture.shown(accounts.imap, path)).length === mails, { what: `${mails} in ${path}` })
  const staged = () => fixture.store.prisma.transferItem.count({ where: { state: { in: ['waiting', 'sending'] } } })
  const looseBlobs = async () => {
    const [row] = await fixture.store.prisma.$queryRaw<{ n: number }[]>`
      SELECT count(*)::int AS n FROM blob b WHERE NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.blob_id = b.id) AND NOT EXISTS (SELECT 1 FROM part p WHERE p.blob_id = b.id)`
    return row?.n
  }

  it('out of an mbox: kept octet by octet, with flags and dates, once however often it is sent', async () => {
    const large = letter('large', '', `${'0123456789'.repeat(7)}\n`.repeat(40_000))
    const mails = [
      letter('read', 'Status: RO\nX-Status: F\nX-Mozilla-Keys: $Work\n'),
      letter('quoted', 'Date: Fri, 1 Jul 2011 00:00:00 +0000\n', 'From me\n\n>From you'),
      letter('dated', 'Received: from a by b; Thu, 1 Jan 2015 00:00:00 +0000\n'),
      large,
      letter('deleted', 'X-Mozilla-Status: 0009\n'),
      letter('read', 'Status: RO\nX-Status: F\nX-Mozilla-Keys: $Work\n'),
    ]
    const first = await bringIn('kept', 'Archive', mboxOf(...mails))
    expect(first).toMatchObject({
      found: 6,
      stored: 4,
      alreadyHere: 1,
      refusedMails: 1,
      bytes: mboxOf(...mails).length,
    })
    expect(first.refused).toEqual([
      { name: 'old.mbox, 5', code: 'import.left_out', reason: 'It was deleted in the program it comes from.' },
    ])
    expect(await sources('kept', 'Archive')).toEqual(mails.slice(0, 4).map(crlf))
    const shown = await fixture.shown(accounts.kept, 'Archive')
    expect(shown.map(({ uid, flags, keywords }) => [uid, flags, keywords])).toEqual([
      [1, 5, ['$Work']],
      [2, 0, []],
      [3, 0, []],
      [4, 0, []],
    ])
    const rows = await fixture.store.prisma.message.findMany({
      where: { accountId: accounts.kept },
      orderBy: { id: 'asc' },
    })
    expect(rows.map(({ receivedAt }) => receivedAt.toISOString().slice(0, 10))).toEqual([
      '2011-07-08',
      '2011-07-08',
      '2015-01-01',
      '2011-07-08',
    ])
    await until(
      async () =>
        (await fixture.store.prisma.message.count({ where: { accountId: accounts.kept, bodyState: 'ready' } })) === 4,
    )
    const again = await bringIn('kept', 'Archive', mboxOf(...mails))
    expect(again).toMatchObject({ found: 6, stored: 0, alreadyHere: 5, refusedMails: 1 })
    // Elsewhere it is a further place of the same message, with the same source.
    expect(await bringIn('kept', 'Sent', mboxOf(mails[0] ?? ''))).toMatchObject({ stored: 1, alreadyHere: 0 })
    expect(await fixture.store.prisma.message.count({ where: { accountId: accounts.kept } })).toBe(4)
    expect([await staged(), await looseBlobs()]).toEqual([0, 0])
  })

  it('to a mailbox of an IMAP server: octets, flags and dates, once each, though connections end at the worst moments', async () => {
    const mails = Array.from({ length: 40 }, (_, n) =>
      letter(`far-${n}`, n % 2 ? 'Status: R\n' : '', `Text ${n}\n\nFrom here`),
    )
    // Stored, but the answer is lost; and cut in the middle of a mail.
    const lost = proxy.add({ direction: 'toClient', answerTo: /^APPEND/, act: 'close', times: 3 })
    const cut = proxy.add({ direction: 'toServer', line: /^Subject: far-2[05]$/, act: 'reset', times: 2 })
    const done = await bringIn('imap', 'Archive', mboxOf(...mails, mails[0] ?? ''))
    expect([lost.acted(), cut.acted()]).toEqual([3, 2])
    expect(done).toMatchObject({ found: 41, stored: 40, alreadyHere: 1, refusedMails: 0 })
    proxy.clear()
    expect(atServer('Archive')).toHaveLength(40)
    const files = maildirFiles('.Archive')
    expect(files.map(({ octets }) => octets).sort()).toEqual(mails.toSorted())
    expect(files.filter(({ name }) => name.endsWith(':2,S'))).toHaveLength(20)
    await untilShown('Archive', 40)
    const rows = await fixture.store.prisma.message.findMany({ where: { accountId: accounts.imap } })
    expect(new Set(rows.map(({ receivedAt }) => receivedAt.toISOString()))).toEqual(
      new Set(['2011-07-08T12:08:34.000Z']),
    )
    expect(await bringIn('imap', 'Archive', mboxOf(...mails))).toMatchObject({ stored: 0, alreadyHere: 40 })
    expect([await staged(), await looseBlobs()]).toEqual([0, 0])
  })

  it('goes on where it was when the engine was away', async () => {
    const mails = Array.from({ length: 60 }, (_, n) => letter(`slow-${n}`, '', 'x'.repeat(2000)))
    proxy.throttle('toServer', 100_000)
    const { id } = await begin('imap', 'Junk')
    await sendFile(id, 'slow.mbox', mboxOf(...mails), 'application/mbox')
    await ask('POST', `/v1/transfers/${id}/finish`)
    await until(async () => (await ask('GET', `/v1/transfers/${id}`)).stored > 0)
    await supervisor.stop()
    supervisor = fixture.start()
    const { state, stored } = await ask('GET', `/v1/transfers/${id}`)
    expect([state, stored < 60]).toEqual(['working', true])
    proxy.clear()
    expect(await untilDone(id)).toMatchObject({ stored: 60, alreadyHere: 0, refusedMails: 0 })
    expect(atServer('Junk')).toHaveLength(60)
  })

  it('is not sent where the server has it already, even when nobody has looked there since', async () => {
    await supervisor.stop()
    dovecot.deliver('imap', 'Drafts', letter('there'))
    const { id } = await begin('imap', 'Drafts')
    await sendFile(id, 'there.eml', Buffer.from(letter('there')))
    await ask('POST', `/v1/transfers/${id}/finish`)
    supervisor = fixture.start()
    expect(await untilDone(id)).toMatchObject({ stored: 0, alreadyHere: 1 })
    expect(atServer('Drafts')).toHaveLength(1)
  })

  it("out of files, one by one: a Maildir with the flags of its names, single mails with the file's date", async () => {
    const { id } = await begin('imap', 'Drafts')
    const named = ['cur/1.host:2,FRS', 'cur/2.host;2,', 'cur/3.host!2,S', 'new/4.host']
    for (const [n, name] of named.entries()) await sendFile(id, `Maildir/${name}`, Buffer.from(letter(`file-${n}`)))
    const kept = '&modifiedAt=1999-12-31T00:00:00Z'
    await sendFile(id, 'b\u0007ad\u202ename.eml', Buffer.from(crlf(letter('eml'))), 'message/rfc822', kept)
    const sent = 'Date: Fri, 1 Jan 1999 10:00:00 +0000\n'
    await sendFile(id, 'sent.eml', Buffer.from(letter('sent', sent)), 'message/rfc822', kept)
    const refusal = async (name: string, content: string, type: string) =>
      (await send('POST', `/v1/transfers/${id}/content?name=${name}`, Buffer.from(content), type)).json().error.code
    expect(await refusal('empty.eml', '', 'message/rfc822')).toBe('import.no_mail')
    for (const text of ['just a line of text', 'Dear Zed\n\nSubject: no field any more\n', '\nSubject: too late\n'])
      expect(await refusal('notes.eml', text, 'message/rfc822')).toBe('import.no_header')
    expect(await refusal('a.mbox', letter('no mbox'), 'application/mbox')).toBe('import.no_mail')
    expect(await refusal('a.mbox', '\n\n', 'application/mbox')).toBe('import.no_mail')
    expect(await refusal('a.zip', 'PK', 'application/zip')).toBe('request.unsupported_media')
    await ask('POST', `/v1/transfers/${id}/finish`)
    expect(await refusal('late.eml', letter('late'), 'message/rfc822')).toBe('request.conflict')
    expect(await untilDone(id)).toMatchObject({ found: 6, stored: 6, refusedMails: 0 })
    await untilShown('Drafts', 7)
    const shown = await fixture.shown(accounts.imap, 'Drafts')
    expect(shown.slice(1).map(({ subject, flags }) => [subject, flags])).toEqual([
      ['file-0', 1 | 2 | 4],
      ['file-1', 0],
      ['file-2', 1],
      ['file-3', 0],
      ['eml', 0],
      ['sent', 0],
    ])
    const when = async (subject: string) =>
      (await fixture.store.prisma.message.findFirst({ where: { accountId: accounts.imap, subject } }))?.receivedAt
    expect(await when('eml')).toEqual(new Date('1999-12-31T00:00:00Z'))
    expect(await when('sent')).toEqual(new Date('1999-01-01T10:00:00Z'))
    const [item] = await fixture.store.prisma.transferItem.findMany({
      where: { transferId: BigInt(id) },
      orderBy: { id: 'desc' },
      skip: 1,
    })
    expect(item?.name).toBe('b ad name.eml')
  })

  it('sent again after it was cut off, stores nothing twice, and nothing by halves', async () => {
    const mails = Array.from({ length: 30 }, (_, n) => letter(`half-${n}`, '', `${'y'.repeat(70)}\n`.repeat(4000)))
    const mbox = mboxOf(...mails)
    const { id } = await begin('kept', 'Junk')
    await app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = app.server.address() as AddressInfo // listening on a port
    const request = httpRequest({
      port,
      method: 'POST',
      path: `/v1/transfers/${id}/content?name=a.mbox`,
      headers: {
        host: `localhost:${port}`,
        'x-postern': '1',
        cookie,
        'content-type': 'application/mbox',
        'content-length': mbox.length,
      },
    })
    request.on('error', () => undefined)
    request.write(mbox.subarray(0, Math.floor(mbox.length * 0.75)))
    await until(async () => (await ask('GET', `/v1/transfers/${id}`)).stored > 0)
    request.destroy()
    const whole = await bringIn('kept', 'Junk', mbox)
    expect(whole.found).toBe(30)
    expect(whole.stored + whole.alreadyHere).toBe(30)
    expect((await sources('kept', 'Junk')).sort()).toEqual(mails.map(crlf).sort())
  })

  it('out of a folder kept here to another account, with flags and dates, and nothing is removed here', async () => {
    const from = await fixture.mailboxId(accounts.kept, 'Archive')
    const to = await fixture.mailboxId(accounts.imap, 'Sent')
    const before = await fixture.shown(accounts.kept, 'Archive')
    const copy = () => ask('POST', `/v1/mailboxes/${from}/uploads`, { toMailboxId: to.toString() })
    proxy.add({ direction: 'toClient', answerTo: /^APPEND/, act: 'close' })
    const { id, kind, found } = await copy()
    expect([kind, found]).toEqual(['upload', 4])
    expect(await untilDone(id)).toMatchObject({ stored: 4, alreadyHere: 0, refusedMails: 0 })
    const sent = maildirFiles('.Sent').map(({ octets }) => crlf(octets))
    expect(sent.sort()).toEqual((await sources('kept', 'Archive')).sort())
    await untilShown('Sent', 4)
    const shown = await fixture.shown(accounts.imap, 'Sent')
    expect(shown.map(({ flags, keywords }) => [flags, keywords])).toContainEqual([5, ['$Work']])
    expect(await untilDone((await copy()).id)).toMatchObject({ stored: 0, alreadyHere: 4 })
    expect(await fixture.shown(accounts.kept, 'Archive')).toEqual(before)
    expect(await looseBlobs()).toBe(0)
    const wrong = await send('POST', `/v1/mailboxes/${to}/uploads`, { toMailboxId: from.toString() })
    expect(wrong.json().error.code).toBe('request.conflict')
  })

  it('says what the server did not take, and why; ends what is cancelled; shows nobody else anything of it', async () => {
    proxy.add({
      direction: 'toClient',
      answerTo: /^APPEND/,
      act: (line) => line.replace(/OK.*/, 'NO [OVERQUOTA] full'),
      times: 1,
    })
    const some = await bringIn('imap', 'Trash', mboxOf(letter('full'), letter('fits')))
    expect(some).toMatchObject({ stored: 1, refusedMails: 1 })
    expect(some.refused).toEqual([
      { name: 'old.mbox, 1', code: 'mailbox.over_quota', reason: 'The mailbox is full at the provider.' },
    ])
    await fixture.store.prisma.account.update({ where: { id: accounts.imap }, data: { isPaused: true } })
    createEngine(fixture.store).accountChanged(accounts.imap)
    await until(async () => proxy.connections().open === 0, { what: 'the end of all connections' })
    const { id } = await begin('imap', 'Trash')
    await sendFile(id, 'waits.eml', Buffer.from(letter('waits')))
    expect((await send('DELETE', `/v1/transfers/${id}`)).statusCode).toBe(204)
    expect(await ask('GET', `/v1/transfers/${id}`)).toMatchObject({
      state: 'cancelled',
      found: 1,
      open: 0,
      hasAll: false,
    })
    expect([await staged(), await looseBlobs()]).toEqual([0, 0])
    const other = await fixture.store.prisma.appUser.create({
      data: { address: 'other@example.org', name: 'Other', role: 'member', passwordHash: '-' },
    })
    const mine = cookie
    cookie = await openTestSession(fixture.store, other.id)
    const url = `/v1/transfers/${id}`
    for (const [method, at] of [
      ['GET', url],
      ['DELETE', url],
      ['POST', `${url}/finish`],
      ['POST', `${url}/content?name=a`],
    ] as const)
      expect(
        (
          await send(
            method,
            at,
            method === 'POST' && at.includes('content') ? Buffer.from('x') : undefined,
            at.includes('content') ? 'message/rfc822' : undefined,
          )
        ).statusCode,
        at,
      ).toBe(404)
    expect((await send('GET', '/v1/transfers')).json()).toEqual({ transfers: [] })
    cookie = mine
    await fixture.store.prisma.account.update({ where: { id: accounts.imap }, data: { isPaused: false } })
    createEngine(fixture.store).accountChanged(accounts.imap)
  })

  it('takes mails of every kind as they are', async () => {
    const odd = Object.values(oddMails).map((text) => Buffer.from(text, 'latin1'))
    const corpus = listCorpus().map(({ path }) => readFileSync(path))
    // Some have no header at all.
    const isText = (raw: Buffer) =>
      /^[^:\n]+(\n|$)/.test(raw.toString('latin1')) && !/^>?From /.test(raw.toString('latin1'))
    const wantedOf = (mails: Buffer[]) => mails.filter((raw) => raw.length > 0 && !isText(raw))
    expect(odd.filter(isText)).toHaveLength(1)
    const both = { 'own odd mails': odd, 'public mails': corpus }
    for (const [what, mails] of Object.entries(both)) {
      const { id } = await begin('kept', 'Trash')
      const wanted = new Set(wantedOf(mails).map((raw) => withCrlf(raw).toString('latin1')))
      for (const raw of wantedOf(mails)) await sendFile(id, 'a.eml', raw)
      for (const raw of mails.filter(isText)) {
        const answer = await send('POST', contentAt(id, 'a.eml'), raw, 'message/rfc822')
        expect(answer.json().error).toMatchObject({
          code: 'import.no_header',
          message: expect.stringMatching('no header'),
        })
      }
      await ask('POST', `/v1/transfers/${id}/finish`)
      const { found, stored, alreadyHere } = await untilDone(id)
      console.log(`${what}: ${found} brought in, ${stored} stored, ${alreadyHere} of them twice the same`)
      expect([stored, alreadyHere]).toEqual([wanted.size, found - wanted.size])
      const kept = new Set(await sources('kept', 'Trash'))
      expect([...wanted].filter((raw) => !kept.has(raw))).toEqual([])
    }
  })
})
