import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { serveStoredContent } from '#engine/stored-content.ts'
import { toArrivalEnvelope } from '#mail/arrival-envelope.ts'
import { createLogger } from '#platform/logger.ts'
import { appendOctets, createBlob, verifyBlob } from '#store/blobs.ts'
import { commitBulk } from '#store/commit.ts'
import { takeRequests } from '#store/engine-requests.ts'
import { engineChannel } from '#store/notify.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { addListed } from '#store/pop-ledger.ts'
import { type Arrival, storeArrivals } from '#store/store-arrivals.ts'
import { BodyReader, readLimits } from '#sync/body-reader.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { oddMails } from '../support/odd-mails.ts'
import { deliveryReport } from '../support/report-mails.ts'

const letter = (type: string, ...parts: string[]) =>
  [
    'From: Ann <ann@example.org>',
    'Subject: A letter',
    `Content-Type: ${type}; boundary=b`,
    '',
    ...parts.flatMap((part) => ['--b', part]),
    '--b--',
    '',
  ].join('\r\n')
const file = (name: string, bytes: Buffer, type = 'application/octet-stream') =>
  [
    `Content-Type: ${type}; name=${name}`,
    'Content-Disposition: attachment',
    'Content-Transfer-Encoding: base64',
    '',
    bytes.toString('base64').replace(/.{76}/g, '$&\r\n'),
  ].join('\r\n')

const readAnew = readFileSync(
  new URL('../../../../prisma/migrations/20261128010000_read_sources_anew/migration.sql', import.meta.url),
  'utf8',
)

/** The API over stored mails, answered by the engine's side without any mail server. */
describe('content of mails that are kept here', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let cookie: string
  let accountId: bigint
  let inboxId: bigint
  const logger = createLogger({ level: process.env.TEST_LOG ?? 'silent' })
  const reader = new BodyReader(logger)
  const readers = { bulk: reader, waiting: reader }
  const scope = () => ({ kind: 'engine' as const, accountId, epoch: 1n })
  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6 })
    app = await buildTestApp({ store })
    const user = await store.prisma.appUser.create({
      data: { address: 'owner@example.org', name: 'Owner', role: 'owner', passwordHash: '-' },
    })
    await store.prisma.stream.create({ data: { userId: user.id } })
    cookie = await openTestSession(store, user.id)
    const bytes = new Uint8Array()
    const account = await store.prisma.account.create({
      data: {
        userId: user.id,
        kind: 'pop3',
        address: 'a@example.org',
        incoming: {},
        dataKey: bytes,
        credential: bytes,
      },
    })
    accountId = account.id
    await store.prisma.stream.create({ data: { accountId } })
    await store.prisma.accountLease.create({ data: { accountId, epoch: 1n, expiresAt: new Date(0) } })
    const inbox = await store.prisma.mailbox.create({
      data: { accountId, path: 'INBOX', name: 'INBOX', role: 'inbox', uidValidity: 1n, uidNext: 1n, fillUid: 1n },
    })
    inboxId = inbox.id
    store.notifier.listen(
      engineChannel,
      async (payload) => {
        if (payload !== `${accountId}`) return
        for (const { id, body } of await takeRequests(store, accountId))
          if (body.kind === 'body' || body.kind === 'part' || body.kind === 'source')
            await serveStoredContent({ store, readers, logger }, scope(), { id, body })
      },
      () => undefined,
    )
  })
  afterAll(async () => {
    await app.close()
    await reader.close()
    await store.close()
    await database.drop()
  })

  const work = <T>(run: Parameters<typeof commitBulk<T>>[2]) => commitBulk(store, scope(), run)
  const arrive = async (arrival: Pick<Arrival, 'rawHash' | 'source' | 'isWhole'>, head: Buffer, sizeBytes: number) => {
    const [ledgerId = 0n] = await work((unit) => addListed(unit, accountId, [{ key: 'k', sizeBytes }]))
    const envelope = await toArrivalEnvelope(head, { rawHash: arrival.rawHash, sizeBytes, now: new Date() })
    await work((unit) =>
      storeArrivals(unit, { accountId, mailboxId: inboxId }, [{ ...arrival, ledgerId, envelope, isRest: false }]),
    )
    const { messageId } = await store.prisma.popLedger.findUniqueOrThrow({ where: { id: ledgerId } })
    return messageId ?? 0n
  }
  /** A mail as a look at the maildrop leaves it; nothing was read of it yet. */
  const keep = (text: string, { isWhole = true } = {}) => {
    const bytes = Buffer.from(text, 'latin1')
    const rawHash = createHash('sha256').update(bytes).digest()
    return arrive({ rawHash, isWhole, source: { kind: 'bytes', bytes } }, bytes, bytes.length)
  }
  const keepPieces = async (pieces: Iterable<Buffer>) => {
    const blobId = await createBlob(store, scope())
    const hash = createHash('sha256')
    let head: Buffer | undefined
    let sizeBytes = 0
    let n = 0
    for (const bytes of pieces) {
      hash.update(bytes)
      head ??= bytes
      sizeBytes += bytes.length
      n = await appendOctets(store, scope(), { blobId, n, bytes })
    }
    const rawHash = hash.digest()
    await verifyBlob(store, scope(), { blobId, sha256: rawHash, sizeBytes })
    return arrive({ rawHash, isWhole: true, source: { kind: 'staged', blobId } }, head ?? Buffer.alloc(0), sizeBytes)
  }
  const newestRequest = () => store.prisma.engineRequest.findFirst({ orderBy: { id: 'desc' } })
  const get = (path: string) => app.inject({ url: `/v1${path}`, headers: { cookie } })
  const bodyOf = async (messageId: bigint) => (await get(`/messages/${messageId}/body`)).json()
  const sourceOf = async (messageId: bigint) => (await get(`/messages/${messageId}/source`)).rawPayload

  it('is read when somebody opens it, each attachment with its own bytes, once', async () => {
    const [pdf, note] = [Buffer.alloc(50_000, 'pdf'), Buffer.from('\xf0\xd2\xc9\xd7\xc5\xd4', 'latin1')]
    const text = letter(
      'multipart/mixed',
      'Content-Type: text/plain\r\n\r\nHello Bob',
      file('a.bin', pdf),
      file('b.txt', note, 'text/plain; charset=koi8-r'),
      file('c.png', Buffer.from('<svg>'), 'image/png'),
    )
    const id = await keep(text)
    const body = await bodyOf(id)
    expect(body).toMatchObject({
      state: 'ready',
      text: 'Hello Bob',
      parts: [{ filename: 'a.bin', sizeBytes: 50_000 }, { filename: 'b.txt' }, { filename: 'c.png' }],
    })
    const [first, second, third] = body.parts
    for (const _ of [1, 2]) expect((await get(`/messages/${id}/parts/${first.id}`)).rawPayload.equals(pdf)).toBe(true)
    expect((await get(`/messages/${id}/parts/${second.id}/preview`)).payload).toBe('Привет')
    // No picture, whatever it is called.
    expect((await get(`/messages/${id}/parts/${third.id}/preview`)).statusCode).toBe(204)
    expect((await sourceOf(id)).equals(Buffer.from(text))).toBe(true)
    expect((await get(`/messages/${id}/headers`)).json().headers).toContainEqual({ name: 'Subject', value: 'A letter' })
    // Who asks the engine although it is here is answered by what is here.
    const blobs = await store.prisma.blob.count()
    const again = await createEngine(store).openPart(accountId, id, BigInt(first.id))
    let size = 0
    for await (const chunk of again.chunks) size += chunk.length
    expect([size, await store.prisma.blob.count()]).toEqual([50_000, blobs])
  })

  it('is a report of another mail, in one piece or in many, and lets its words alone be one', async () => {
    const report = deliveryReport({ about: 'x@example.org', to: 'bob@example.net' })
    const large = function* () {
      yield Buffer.from(report)
      for (let n = 0; n < 10; n++) yield Buffer.alloc(256 * 1024, 'returned ')
    }
    const words = `From: <>\r\nSubject: failure notice\r\n\r\nI wasn't able to deliver your message.\r\n\r\n<bob@example.net>:\r\nNo such user. (#5.1.1)\r\n`
    for (const id of [
      await keep(report),
      await keepPieces(large()),
      await keep(words.replace('<>', 'MAILER-DAEMON@x')),
    ]) {
      await bodyOf(id)
      const rows = await store.prisma.mailReportRecipient.findMany({ where: { messageId: id } })
      expect(rows).toMatchObject([{ action: 'failed', address: 'bob@example.net', status: '5.1.1' }])
    }
    expect((await bodyOf(await keep(words.replace('<>', 'ann@example.org')))).state).toBe('ready')
    expect(await store.prisma.mailReport.count()).toBe(3)
  })

  it('of octets that nothing encodes is what they say; read wrongly by an earlier version, it is read anew', async () => {
    const note = Buffer.from('\xdcberweisung', 'latin1')
    const text = letter(
      'multipart/mixed',
      'Content-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGr\xfc\xdfe aus Kiel',
      `Content-Type: application/octet-stream; name=n.bin\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: binary\r\n\r\n${note.toString('latin1')}`,
    )
    const id = await keep(text)
    const readAll = async () => {
      const body = await bodyOf(id)
      const [part] = body.parts
      return [body.text, (await get(`/messages/${id}/parts/${part.id}`)).rawPayload.toString('latin1')]
    }
    expect(await readAll()).toEqual(['Grüße aus Kiel', 'Überweisung'])
    const { hits } = (await get('/search?q=kiel')).json()
    expect(hits).toMatchObject([{ messageId: `${id}`, row: { isInPart: false, hasAttachment: true } }])
    await store.prisma.body.update({ where: { messageId: id }, data: { text: 'of another mail' } })
    const blobs = await store.prisma.blob.count()
    await store.prisma.$transaction((tx) => tx.$executeRawUnsafe(`DO $do$ BEGIN ${readAnew} END $do$`))
    expect((await store.prisma.message.findUniqueOrThrow({ where: { id } })).bodyState).toBe('absent')
    expect(await store.prisma.blob.count()).toBeLessThan(blobs)
    expect(await readAll()).toEqual(['Grüße aus Kiel', 'Überweisung'])
  })

  it('is read piece by piece: an attachment of 50 MB is never in memory whole, and comes while it is read', async () => {
    const line = `${Buffer.alloc(57, 'large ').toString('base64')}\r\n`
    const lines = 925_000
    const mail = function* () {
      yield Buffer.from(
        `Subject: large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n`,
      )
      const piece = Buffer.from(line.repeat(3700))
      for (let n = 0; n < lines; n += 3700) yield piece
      yield Buffer.from('--b--\r\n')
    }
    const id = await keepPieces(mail())
    const [part] = (await bodyOf(id)).parts
    expect(part.sizeBytes).toBe(57 * lines)
    const before = process.memoryUsage.rss()
    let most = before
    const watch = setInterval(() => {
      most = Math.max(most, process.memoryUsage.rss())
    }, 10)
    const hash = createHash('sha256')
    let pieces = 0
    let largest = 0
    const { chunks } = await createEngine(store).openPart(accountId, id, BigInt(part.id))
    for await (const chunk of chunks) {
      if (pieces++ === 0) expect(await newestRequest()).toMatchObject({ kind: 'part', state: 'running' })
      largest = Math.max(largest, chunk.length)
      hash.update(chunk)
    }
    clearInterval(watch)
    const expected = createHash('sha256')
    for (let n = 0; n < lines; n++) expected.update(Buffer.from(line, 'base64'))
    expect(hash.digest('hex')).toBe(expected.digest('hex'))
    const extraMb = Math.round((most - before) / 1024 / 1024)
    console.log(`${pieces} pieces, the largest of ${largest} bytes; at most ${extraMb} MB more memory in all threads`)
    expect(pieces).toBeGreaterThan(100)
    expect(extraMb).toBeLessThan(100)
  }, 60_000)

  it('of mails inside of mails is theirs', async () => {
    const inner = 'From: Eve <eve@example.org>\r\nSubject: Inner\r\n\r\nHello from inside\r\n'
    const id = await keep(
      letter(
        'multipart/mixed',
        'Content-Type: text/plain\r\n\r\nSee below',
        `Content-Type: message/rfc822\r\nContent-Disposition: attachment; filename=inner.eml\r\n\r\n${inner}`,
      ),
    )
    const body = await bodyOf(id)
    expect(body).toMatchObject({ text: 'See below', parts: [{ filename: 'inner.eml', contentType: 'message/rfc822' }] })
    const part = await get(`/messages/${id}/parts/${body.parts[0].id}`)
    expect(part.payload.trim()).toBe(inner.trim())
    const shown = await keep(
      letter('multipart/mixed', `Content-Type: message/rfc822\r\nContent-Disposition: inline\r\n\r\n${inner}`),
    )
    expect(await bodyOf(shown)).toMatchObject({ text: expect.stringContaining('Hello from inside'), parts: [] })
  })

  it.each(Object.entries(oddMails))('opens odd mails, text and source: %s', async (_name, text) => {
    const id = await keep(text)
    const body = await bodyOf(id)
    expect(`${body.text} ${body.html}`).toMatch(/Hello|just a line/)
    expect((await sourceOf(id)).equals(Buffer.from(text, 'latin1'))).toBe(true)
  })

  it('is shown from its source where reading it is too much, and refused by the attachment only', async () => {
    readers.waiting = new BodyReader(logger, { ...readLimits, heapMb: 24 })
    const hostile = `Content-Type: text/html\r\n\r\n${'<b>x</b>'.repeat(2_500_000)}`
    const id = await keepPieces([Buffer.from(hostile)])
    expect(await bodyOf(id)).toMatchObject({ state: 'salvaged', text: expect.stringContaining('<b>x</b>') })
    expect((await sourceOf(id)).length).toBe(hostile.length)
    const { id: partId } = await store.prisma.part.create({
      data: { messageId: id, accountId, position: 0, path: 'parsed:0', contentType: 'image/png', sizeBytes: 1n },
    })
    const refused = await get(`/messages/${id}/parts/${partId}`)
    expect(refused.json()).toMatchObject({ error: { code: expect.stringMatching(/^message\./) } })
    expect((await bodyOf(await keep('Subject: next\r\n\r\nHello'))).text).toBe('Hello')
    await readers.waiting.close()
    readers.waiting = reader
  })

  it('of which the database refuses what was read can be opened as it came', async () => {
    await store.prisma.$executeRaw`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.text LIKE '%poison%' THEN RAISE 'poison'; END IF; RETURN NEW; END $$`
    await store.prisma.$executeRaw`CREATE TRIGGER refuse BEFORE INSERT ON body FOR EACH ROW EXECUTE FUNCTION refuse()`
    const text = 'Subject: bad\r\n\r\nall poison'
    const id = await keep(text)
    expect(await bodyOf(id)).toMatchObject({ state: 'unparsable', text: '' })
    expect((await sourceOf(id)).toString()).toBe(text)
  })

  it('is what there is of a mail whose header alone was fetched, and said to be no more', async () => {
    const id = await keep('Subject: huge\r\n\r\n', { isWhole: false })
    expect(await bodyOf(id)).toMatchObject({ state: 'absent', text: '', parts: [] })
    for (const path of ['source', 'headers']) {
      const refused = await get(`/messages/${id}/${path}`)
      expect(refused.statusCode).toBe(503)
      expect(refused.json().error).toMatchObject({
        code: 'message.unavailable',
        message: 'Not all of this mail is here.',
        hint: 'Get the rest of it first.',
      })
    }
  })
})
