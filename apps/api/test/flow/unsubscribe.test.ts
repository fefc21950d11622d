import '../support/sender-network.ts'
import { generateKeyPairSync, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer, type Server } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { dkimSign } from 'mailauth/lib/dkim/sign.js'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAsks } from '#mail/read-asks.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { makeCertificate } from '../support/certificates.ts'
import { freshDatabase } from '../support/fresh-database.ts'

const dayMs = 86_400_000

/** Lists at a public name (support/sender-network.ts), mails that are really signed, and the keys to them. */
describe('leaving a list', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let list: Server
  let at = ''
  let cookie = ''
  let accountId = 0n
  const folder = mkdtempSync(join(tmpdir(), 'postern-list-'))
  const asked: { method: string; path: string; headers: IncomingHttpHeaders; body: string }[] = []
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64')
  const lookedUp: string[] = []

  beforeAll(async () => {
    const certificate = makeCertificate(folder, 'sender.example')
    list = createServer({ key: readFileSync(join(folder, 'key.pem')), cert: certificate }, (request, response) => {
      const { method = '', url = '', headers } = request
      let body = ''
      request.on('data', (piece: Buffer) => {
        body += piece
      })
      request.on('end', () => {
        asked.push({ method, path: url, headers, body })
        if (url === '/moved') return response.writeHead(302, { location: '/elsewhere' }).end()
        response.writeHead(url === '/broken' ? 500 : 200, { 'set-cookie': 'a=b' }).end('x'.repeat(100_000))
      })
    })
    await new Promise<void>((done) => list.listen(0, '127.0.0.1', done))
    const address = list.address()
    at = `sender.example:${typeof address === 'object' && address ? address.port : 0}`
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 4 })
    app = await buildTestApp({
      store,
      ca: certificate,
      texts: async (name) => {
        lookedUp.push(name)
        if (!/^s1\._domainkey\.(news|other)\.example$/.test(name))
          throw Object.assign(new Error(), { code: 'ENOTFOUND' })
        return [[`v=DKIM1; k=rsa; p=${key.slice(0, 200)}`, key.slice(200)]]
      },
    })
    const user = await store.prisma.appUser.create({
      data: { address: 'ann@example.org', name: 'Ann', role: 'owner', passwordHash: '-' },
    })
    await store.prisma.stream.create({ data: { userId: user.id } })
    cookie = await openTestSession(store, user.id)
    const sealed = { dataKey: new Uint8Array(), credential: new Uint8Array() }
    const account = await store.prisma.account.create({
      data: { userId: user.id, kind: 'imap', address: 'ann@example.org', incoming: {}, outgoing: {}, ...sealed },
    })
    accountId = account.id
    await store.prisma.stream.create({ data: { accountId } })
  })
  afterAll(async () => {
    await app?.close()
    await store?.close()
    await database?.drop()
    list.closeAllConnections()
    await new Promise((done) => list.close(done))
    rmSync(folder, { recursive: true })
  })

  const fields = (links: string, post = 'List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n') =>
    `List-Unsubscribe: ${links}\r\n${post}`
  const mail = (more: string) =>
    `From: News <news@news.example>\r\nTo: ann@example.org\r\nSubject: News\r\nList-Id: <l${randomUUID()}.example>\r\n${more}\r\nHello\r\n`
  const sign = async (
    source: string,
    { domain = 'news.example', headers = ['from', 'list-unsubscribe', 'list-unsubscribe-post'] } = {},
  ) => {
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
    const signer = { signingDomain: domain, selector: 's1', privateKey: pem }
    const { signatures } = await dkimSign(source, { ...signer, signatureData: [signer], headerList: headers })
    return `${signatures}${source}`
  }
  /** A mail whose source is here. */
  const keep = async (source: string): Promise<bigint> => {
    const bytes = Buffer.from(source)
    const { id: threadId } = await store.prisma.thread.create({ data: { accountId } })
    const none = { replyTo: [], cc: [], bcc: [] }
    const { id: messageId } = await store.prisma.message.create({
      data: {
        ...none,
        accountId,
        threadId,
        identityKey: randomUUID(),
        subject: 'News',
        fromAddresses: [{ name: 'News', address: 'news@news.example' }],
        toAddresses: [{ name: '', address: 'ann@example.org' }],
        receivedAt: new Date(),
        sizeBytes: BigInt(bytes.length),
        asks: JSON.parse(JSON.stringify(readAsks(bytes, null))),
      },
    })
    const blob = await store.prisma.blob.create({
      data: { accountId, sha256: new Uint8Array(32), sizeBytes: BigInt(bytes.length), isWhole: true },
    })
    await store.prisma.blobChunk.create({ data: { blobId: blob.id, n: 0, bytes: new Uint8Array(bytes) } })
    await store.prisma.rawSource.create({ data: { messageId, accountId, blobId: blob.id } })
    return messageId
  }
  const exitOf = async (source: string) => {
    const id = await keep(source)
    const answer = await app.inject({ url: `/v1/messages/${id}/unsubscribe`, headers: { cookie } })
    return { id, exit: answer.json() }
  }
  const leave = (id: bigint, payload: object) =>
    app.inject({
      method: 'POST',
      url: `/v1/messages/${id}/unsubscribe`,
      headers: { cookie, 'x-postern': '1' },
      payload,
    })
  const asksOf = async (id: bigint): Promise<{ list: { leftAt: string | null } }[]> => {
    const { threadId } = await store.prisma.message.findUniqueOrThrow({ where: { id } })
    const answer = await app.inject({ url: `/v1/threads/${threadId}/notes`, headers: { cookie } })
    return answer.json().asks
  }
  const leftAt = async (id: bigint) => (await asksOf(id))[0]?.list.leftAt

  it('is one request under the sender’s own signature, without redirects or cookies, when the person says so', async () => {
    const { id, exit } = await exitOf(await sign(mail(fields(`<https://${at}/u?t=1>, <mailto:u@news.example>`))))
    expect(exit).toEqual({ kind: 'oneClick', host: at })
    expect([asked.length, lookedUp, await leftAt(id)]).toEqual([0, ['s1._domainkey.news.example'], null])
    expect((await leave(id, { kind: 'oneClick', target: 'elsewhere.example' })).statusCode).toBe(409)
    expect(asked.length).toBe(0)
    expect((await leave(id, { kind: 'oneClick', target: at })).statusCode).toBe(200)
    expect((await leave(id, { kind: 'oneClick', target: at })).statusCode).toBe(200)
    const [one, ...more] = asked.splice(0)
    expect([one?.method, one?.path, one?.body, more]).toEqual(['POST', '/u?t=1', 'List-Unsubscribe=One-Click', []])
    expect(one?.headers['content-type']).toBe('application/x-www-form-urlencoded')
    for (const name of ['cookie', 'referer', 'origin']) expect(one?.headers[name]).toBeUndefined()
    expect(await leftAt(id)).not.toBeNull()
  })

  it.each([
    ['nobody signed', (source: string) => source],
    ['another domain signed', (source: string) => sign(source, { domain: 'other.example' })],
    ['does not cover the click', (source: string) => sign(source, { headers: ['from', 'list-unsubscribe'] })],
    ['does not cover the address', (source: string) => sign(source, { headers: ['from', 'list-unsubscribe-post'] })],
    ['no longer fits', async (source: string) => (await sign(source)).replace('/u?t=1', '/u?t=2')],
    ['does not fit the text', async (source: string) => (await sign(source)).replace('Hello', 'Hallo')],
    [
      'covers another field of that name',
      async (source: string) => `List-Unsubscribe: <https://${at}/evil>\r\n${await sign(source)}`,
    ],
    ['has no key', (source: string) => sign(source, { domain: 'sub.news.example' })],
  ])('is not one click where a signature %s', async (_what, make) => {
    const { exit } = await exitOf(await make(mail(fields(`<https://${at}/u?t=1>`))))
    expect(exit).toMatchObject({ kind: 'link', host: at })
    expect(asked).toEqual([])
  })

  it.each([
    ['moves on', () => `https://${at}/moved`, 'remote_content.refused'],
    ['is broken', () => `https://${at}/broken`, 'remote_content.unavailable'],
    ['is private', () => `https://${at.replace('sender.example', '127.0.0.1')}/u`, 'account.address_denied'],
    [
      'is private by its name',
      () => `https://${at.replace('sender.example', 'localhost')}/u`,
      'account.address_denied',
    ],
    ['names a password', () => `https://a:b@${at}/u`, 'remote_content.refused'],
  ])('does not count where the address %s', async (_what, url, code) => {
    const { id, exit } = await exitOf(await sign(mail(fields(`<${url()}>`))))
    expect(exit.kind).toBe('oneClick')
    const answer = await leave(id, { kind: 'oneClick', target: exit.host })
    expect([answer.json().error.code, await leftAt(id)]).toEqual([code, null])
    expect(
      asked
        .splice(0)
        .map(({ path }) => path)
        .filter((path) => path !== '/moved' && path !== '/broken'),
    ).toEqual([])
  })

  it('is a mail from the own address where the list wants one, of a subject and a text and nothing else', async () => {
    const { id, exit } = await exitOf(
      mail(
        fields('<mailto:off@news.example?subject=stop%0D%0ABcc:%20eve@example.net&body=a%0Ab&cc=eve@example.net>', ''),
      ),
    )
    expect(exit).toEqual({ kind: 'mail', to: 'off@news.example', from: 'ann@example.org' })
    const off = { kind: 'mail', target: 'off@news.example' }
    const answers = await Promise.all([leave(id, off), leave(id, off), leave(id, off), leave(id, off)])
    expect([...answers, await leave(id, off)].map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200, 200])
    const [sent, ...more] = await store.prisma.submission.findMany({ where: { accountId } })
    expect([more, sent?.fromAddress, sent?.subject]).toEqual([[], 'ann@example.org', 'stop Bcc: eve@example.net'])
    const recipients = await store.prisma.submissionRecipient.findMany()
    expect(recipients.map(({ address }) => address)).toEqual(['off@news.example'])
    const { bytes } = await store.prisma.blobChunk.findFirstOrThrow({ where: { blobId: sent?.blobId ?? 0n } })
    const source = Buffer.from(bytes).toString()
    expect(source).toMatch(/^From: ann@example.org\r$/m)
    expect(source).not.toMatch(/^(?:Bcc|Cc):/im)
    expect(source).toMatch(/\r\n\r\na\r\nb/)
    // It is read in the outbox, though nobody wrote it.
    const read = await app.inject({ url: `/v1/submissions/${sent?.id}/mail`, headers: { cookie } })
    expect(read.json()).toMatchObject({ text: expect.stringMatching(/^a\r?\nb/), html: null, draftId: null })
    expect(await leftAt(id)).not.toBeNull()
    // What comes long after it was left comes because somebody wanted it again, or the list has not obeyed.
    const { prisma } = store
    await prisma.listLeave.updateMany({ where: { accountId }, data: { at: new Date(Date.now() - 13 * dayMs) } })
    expect(await leftAt(id)).not.toBeNull()
    await prisma.listLeave.updateMany({ where: { accountId }, data: { at: new Date(Date.now() - 15 * dayMs) } })
    expect(await leftAt(id)).toBeNull()
    const again = await Promise.all([leave(id, off), leave(id, off), leave(id, off)])
    expect([...again, await leave(id, off)].map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200])
    expect(await prisma.submission.count({ where: { accountId } })).toBe(2)
    expect(await leftAt(id)).not.toBeNull()
  })

  it('is no mail from another own address where that which the list knows cannot send', async () => {
    const { prisma } = store
    const { userId } = await prisma.account.update({ where: { id: accountId }, data: { usesRelay: true } })
    const bytes = new Uint8Array()
    const rules = { domains: ['else.example'], carriesOthers: false, setBy: userId, changedAt: new Date() }
    await prisma.relay.create({ data: { outgoing: {}, dataKey: bytes, credential: bytes, ...rules } })
    await prisma.identity.create({ data: { accountId, name: '', address: 'ann@else.example', isDefault: true } })
    const way = mail(fields('<mailto:off@news.example>', ''))
    expect((await exitOf(way)).exit.error?.code).toBe('account.not_ready')
    await prisma.relay.updateMany({ data: { carriesOthers: true } })
    expect((await exitOf(way)).exit.from).toBe('ann@example.org')
    await prisma.relay.deleteMany()
    await prisma.identity.deleteMany({ where: { accountId } })
    await prisma.account.update({ where: { id: accountId }, data: { usesRelay: false } })
  })

  it('is not offered by a mail without a way out that is safe', async () => {
    const { exit } = await exitOf(mail('List-Unsubscribe: <http://news.example/u>\r\n'))
    expect(exit.error.code).toBe('request.conflict')
  })

  it.each([
    ['lies in Sent', 'sent', null, 0],
    ['lies in what the person takes for Sent', null, 'sent', 0],
    ['lies in a Sent that the person takes for none', 'sent', 'none', 1],
  ])('is offered by others’ mail alone: one that %s', async (path, role, chosenRole, asks) => {
    const messageId = await keep(mail(fields(`<https://${at}/u>`)))
    const { threadId, receivedAt } = await store.prisma.message.findUniqueOrThrow({ where: { id: messageId } })
    const mailbox = { accountId, path, name: path, role, chosenRole }
    const { id: mailboxId } = await store.prisma.mailbox.create({ data: mailbox })
    await store.prisma.placement.create({
      data: { accountId, mailboxId, uid: 1n, messageId, threadId, shownMailboxId: mailboxId, receivedAt },
    })
    expect(await asksOf(messageId)).toHaveLength(asks)
  })
})
