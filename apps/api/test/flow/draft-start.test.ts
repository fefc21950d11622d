import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { type Draft, draft as draftSchema } from '@postern/shared/drafts.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openOriginal } from '#features/read-original.ts'
import { outgoingContent } from '#mail/outgoing-content.ts'
import { messageIdHash } from '#mail/threading.ts'
import { createBlob } from '#store/blobs.ts'
import { commit } from '#store/commit.ts'
import { sweepDrafts } from '#store/draft-copies.ts'
import { addIdentity } from '#store/identities.ts'
import type { Store } from '#store/open-store.ts'
import { findOriginal } from '#store/quoted-original.ts'
import { queueMail } from '../support/queued-mail.ts'
import { until } from '../support/until.ts'
import { type OutboxApi, startOutboxApi } from './outbox-fixture.ts'

let api: OutboxApi
let accountId: bigint
const writers: Record<string, string> = {}
beforeAll(async () => {
  api = await startOutboxApi()
  await api.store.prisma.stream.create({ data: { userId: api.userId } })
  accountId = (await api.makeAccount(4)).accountId
  for (const address of ['a@example.org', 'desk@example.org']) {
    const fields = { address, name: '', replyTo: null, signature: '', isDefault: false }
    const { id } = await commit(api.store, { kind: 'system' }, (unit) => addIdentity(unit, accountId, fields))
    writers[address] = id.toString()
  }
})
afterAll(() => api.stop())

const db = () => api.store.prisma
const keep = async (octets: Buffer): Promise<bigint> => {
  const scope = { kind: 'user' as const, userId: api.userId, accountId }
  const blobId = await createBlob(api.store, scope)
  await db().blobChunk.create({ data: { blobId, n: 0, bytes: new Uint8Array(octets) } })
  await db().blob.update({ where: { id: blobId }, data: { isWhole: true, sizeBytes: octets.length } })
  return blobId
}
type Part = { filename: string; contentType: string; octets: string; contentId?: string }
/** A mail that is here with all it holds. */
const mail = async (
  facts: object,
  {
    html = null,
    header = '',
    parts = [],
    nth = 0,
  }: { html?: string | null; header?: string; parts?: Part[]; nth?: number },
) => {
  const { messageId } = await db().placement.findFirstOrThrow({
    where: { accountId },
    orderBy: { id: 'asc' },
    skip: nth,
  })
  const id = messageId
  await db().message.update({ where: { id }, data: { bodyState: 'ready', subject: 'Hello', ...facts } })
  await db().body.upsert({
    where: { messageId: id },
    create: { messageId: id, accountId, text: 'text', html },
    update: { html },
  })
  await db().part.deleteMany({ where: { messageId: id } })
  for (const [position, { octets, contentId = null, ...part }] of parts.entries()) {
    const blobId = await keep(Buffer.from(octets))
    const row = { ...part, contentId, isInline: contentId !== null, sizeBytes: BigInt(octets.length), blobId }
    await db().part.create({ data: { ...row, messageId: id, accountId, position, path: `${position}` } })
  }
  const blobId = await keep(Buffer.from(`${header}\r\n\r\nbody`))
  await db().rawSource.upsert({
    where: { messageId: id },
    create: { messageId: id, accountId, blobId },
    update: { blobId },
  })
  return id.toString()
}
const begin = async (kind: string, messageId: string, more: object = {}): Promise<Draft> => {
  const answer = await api.send('POST', '/drafts', { id: randomUUID(), start: { kind, messageId, ...more } })
  expect(answer.statusCode, answer.body).toBe(200)
  return draftSchema.parse(answer.json())
}
const untilHere = (id: string) =>
  until(async () => {
    const draft = draftSchema.parse((await api.send('GET', `/drafts/${id}`)).json())
    return draft.attachments.every(({ state }) => state === 'here') && draft
  })
const person = (address: string) => ({ name: '', address })
const octetsOf = async ({ id }: Draft, n: number): Promise<string> => {
  const { attachments } = await untilHere(id)
  return (await api.send('GET', `/drafts/${id}/attachments/${attachments[n]?.id}`)).body
}

it('an answer is written as who the mail was for, to those it should reach, rich where the mail is', async () => {
  const header = 'Message-ID: <m@example.org>\r\nReferences: <r@example.org>\r\nDelivered-To: a+tag@example.org'
  const facts = {
    fromAddresses: [person('bob@example.org')],
    toAddresses: [person('desk@example.org'), person('eve@example.org')],
  }
  const messageId = await mail(facts, { html: '<p>text</p>', header })
  const reply = await begin('reply', messageId)
  expect(reply.content).toMatchObject({
    identityId: writers['desk@example.org'],
    to: [person('bob@example.org')],
    cc: [],
    subject: 'Re: Hello',
    html: '',
    about: { messageId, kind: 'reply' },
    quotes: true,
  })
  // Learned behind the answer.
  const ties = await until(async () => {
    const row = await db().draft.findUniqueOrThrow({ where: { id: reply.id } })
    return row.inReplyTo !== null && row
  })
  expect([ties.inReplyTo, ties.refs]).toEqual(['<m@example.org>', ['<r@example.org>', '<m@example.org>']])
  const all = await begin('replyAll', messageId, { isPlain: true })
  expect(all.content).toMatchObject({ to: [person('bob@example.org')], cc: [person('eve@example.org')], html: null })
  const listed = await mail({ ...facts, toAddresses: [person('list@example.org')] }, { header })
  expect((await begin('reply', listed)).content).toMatchObject({ identityId: writers['a@example.org'], html: null })
})

it('what is passed on has its attachments, or is one itself', async () => {
  const parts = [
    { filename: 'p.png', contentType: 'image/png', octets: 'png', contentId: 'p@x' },
    { filename: 'a.pdf', contentType: 'application/pdf', octets: 'pdf' },
  ]
  const messageId = await mail({}, { html: '<img src="cid:p@x">', header: 'Subject: Hello', parts })
  const forward = await begin('forward', messageId)
  expect(forward.content).toMatchObject({ to: [], subject: 'Fwd: Hello', quotes: true, about: { kind: 'forward' } })
  // Its pictures are in the mail below.
  expect(forward.attachments).toMatchObject([{ filename: 'a.pdf', contentType: 'application/pdf', contentId: null }])
  expect(await octetsOf(forward, 0)).toBe('pdf')
  const plain = await begin('forward', messageId, { isPlain: true })
  expect(plain.attachments).toMatchObject([{ filename: 'p.png', contentId: null }, { filename: 'a.pdf' }])
  const attached = await begin('forwardAttached', messageId)
  expect(attached).toMatchObject({
    content: { quotes: false },
    attachments: [{ filename: 'Hello.eml', contentType: 'message/rfc822' }],
  })
  expect(await octetsOf(attached, 0)).toBe('Subject: Hello\r\n\r\nbody')
  const again = await begin('editAsNew', messageId)
  expect(again).toMatchObject({
    messageId: null,
    content: { html: '<img src="cid:p@x">', about: null },
    attachments: [{ contentId: 'p@x' }, { filename: 'a.pdf' }],
  })
  const redirect = await begin('redirect', messageId)
  expect(redirect.content).toMatchObject({ subject: 'Hello', to: [], about: { kind: 'redirect' } })
  const file = await api.upload(
    `/drafts/${redirect.id}/attachments?id=${randomUUID()}&name=a.txt&type=text/plain`,
    Buffer.from('x'),
  )
  expect([file.statusCode, file.json().error.code]).toEqual([409, 'request.conflict'])
})

it('a picture is in the text only where the text names it so that it is found, and is attached else', async () => {
  const png = (contentId: string) => ({ filename: contentId, contentType: 'image/png', octets: 'png', contentId })
  const parts = [png('P@x'), png('p2'), png('p'), png('e@x')]
  const messageId = await mail({}, { html: '<img src="cid:p@x"><img src="cid:p2"><img src="cid:e%40x">', parts })
  const forward = await begin('forward', messageId)
  expect(forward.attachments.map(({ filename }) => filename)).toEqual(['P@x', 'p'])
  const again = await begin('editAsNew', messageId)
  const [other, renamed, part, encoded] = again.attachments.map(({ contentId }) => contentId)
  expect([other, part, encoded]).toEqual([null, null, 'e@x'])
  expect(again.content.html).toContain(`<img src="cid:${renamed}">`)
})

it('what cannot be fetched is missing, says so, and is fetched when it is asked for again', async () => {
  const parts = [{ filename: 'a.pdf', contentType: 'application/pdf', octets: 'pdf' }]
  const messageId = await mail({}, { parts })
  const part = await db().part.findFirstOrThrow({ where: { messageId: BigInt(messageId) } })
  await db().part.update({ where: { id: part.id }, data: { blobId: null } })
  await db().account.update({ where: { id: accountId }, data: { isPaused: true } })
  const { id, attachments } = await begin('forward', messageId)
  const state = async () =>
    draftSchema.parse((await api.send('GET', `/drafts/${id}`)).json()).attachments.map((one) => one.state)
  await until(async () => (await state())[0] === 'missing', { what: 'the missing attachment' })
  await db().part.update({ where: { id: part.id }, data: { blobId: part.blobId } })
  const source = { id: attachments[0]?.id, messageId, partId: part.id.toString() }
  expect((await api.send('POST', `/drafts/${id}/mail-attachments`, source)).json()).toMatchObject({ state: 'here' })
  expect(await state()).toEqual(['here'])
  await db().account.update({ where: { id: accountId }, data: { isPaused: false } })
})

it('attachments are kept in their order, once each, and go with the last draft that names them', async () => {
  const { id } = draftSchema.parse(
    (await api.send('POST', '/drafts', { id: randomUUID(), start: { kind: 'new' } })).json(),
  )
  const attach = (attachmentId: string, octets: Buffer | Readable, name = 'a.bin', more = '') =>
    api.upload(`/drafts/${id}/attachments?id=${attachmentId}&name=${encodeURIComponent(name)}${more}`, octets)
  const read = async () => draftSchema.parse((await api.send('GET', `/drafts/${id}`)).json())
  const [large, picture, last] = [randomUUID(), randomUUID(), randomUUID()]
  const octets = Buffer.alloc(5_000_000, 'abc')
  const made = await attach(
    large,
    Readable.from([octets.subarray(0, 7), octets.subarray(7)]),
    'C:\\dir\\large\u202e.bin',
  )
  expect(made.json()).toMatchObject({ filename: 'large .bin', sizeBytes: 5_000_000, state: 'here' })
  await attach(picture, Buffer.from('GIF89a'), 'p.gif', '&type=image/gif&contentId=p@x')
  await attach(last, Buffer.from('<script>'), 'x.html', '&type=text/html')
  // Sent again it is the same one; something else is not.
  expect((await attach(large, octets)).statusCode).toBe(200)
  expect((await attach(large, Buffer.from('other'))).json()).toMatchObject({ error: { code: 'request.conflict' } })
  await api.send('DELETE', `/drafts/${id}/attachments/${picture}`)
  expect((await read()).attachments.map((one) => one.id)).toEqual([large, last])
  await api.send('POST', `/drafts/${id}/attachments/${picture}/restore`)
  const { attachments } = await read()
  expect(attachments.map((one) => one.id)).toEqual([large, picture, last])
  const get = (attachmentId: string) => api.send('GET', `/drafts/${id}/attachments/${attachmentId}`)
  expect((await get(large)).rawPayload.equals(octets)).toBe(true)
  expect((await get(picture)).headers).toMatchObject({ 'content-type': 'image/gif', 'content-disposition': 'inline' })
  expect((await get(last)).headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': expect.stringContaining('attachment'),
    'content-security-policy': expect.stringContaining('sandbox'),
    'x-content-type-options': 'nosniff',
  })
  await db().account.update({ where: { id: accountId }, data: { maxMessageBytes: 8_000_000n } })
  const refused = (await attach(randomUUID(), Readable.from([Buffer.alloc(900_000)]))).json<{
    error: { code: string; message: string }
  }>()
  expect(refused.error).toMatchObject({
    code: 'message.too_large',
    message: expect.stringContaining('takes 7.6 MB in one mail'),
  })
  await db().account.update({ where: { id: accountId }, data: { maxMessageBytes: null } })
  // Two who write: the octets stay for the other one.
  const save = (baseVersion: number, subject: string) =>
    read().then(({ content }) => api.send('PUT', `/drafts/${id}`, { baseVersion, content: { ...content, subject } }))
  await save(1, 'here')
  const other = (await save(1, 'there')).json<{ draft: Draft }>().draft
  await api.send('DELETE', `/drafts/${id}`)
  const blobs = () =>
    db()
      .draftAttachment.findMany()
      .then((rows) => db().blob.count({ where: { id: { in: rows.flatMap(({ blobId }) => blobId ?? []) } } }))
  const before = await blobs()
  await db().draft.update({ where: { id }, data: { discardedAt: new Date(Date.now() - 25 * 3_600_000) } })
  await sweepDrafts(api.store)
  expect([await db().draft.count({ where: { id } }), await blobs()]).toEqual([0, before])
  const [first] = other.attachments
  expect((await api.send('GET', `/drafts/${other.id}/attachments/${first?.id}`)).rawPayload.equals(octets)).toBe(true)
  await db().draft.update({ where: { id: other.id }, data: { discardedAt: new Date(0) } })
  await sweepDrafts(api.store)
  expect(await db().draftAttachment.count({ where: { draftId: other.id } })).toBe(0)
  expect(await blobs()).toBe(before - 3)
})

it('a draft that comes back is sealed again only with each picture of its quote in its place', async () => {
  const parts = (a: string, b: string): Part[] => [
    { filename: 'a.png', contentType: 'image/png', octets: a, contentId: 'a@x' },
    { filename: 'b.png', contentType: 'image/png', octets: b, contentId: 'b@x' },
  ]
  const asked = await mail({}, { html: '<img src="cid:a@x"> or <img src="cid:b@x">?', parts: parts('one', 'two') })
  const reply = await begin('reply', asked)
  const found = await findOriginal(api.store, api.userId, { messageId: BigInt(asked), kind: 'reply' })
  if (!found || found === 'absent') throw new Error('it is here')
  const { html } = outgoingContent({
    ...{ text: '', html: '<p>The first.</p>', attachments: [], zoneMinutes: null, domain: 'example.org' },
    original: { ...found.original, pictures: [] },
  })
  const backWith = async (pictures: Part[], as = html) => {
    const { id, content } = await begin('continue', await mail({}, { html: as, parts: pictures, nth: 1 }))
    await db().draft.delete({ where: { id } })
    return content.quotes
  }
  expect(await backWith(parts('one', 'two'))).toBe(true)
  expect(await backWith(parts('two', 'one'))).toBe(false)
  expect(await backWith(parts('two', 'two'))).toBe(false)
  expect(await backWith(parts('one', 'two').slice(0, 1))).toBe(true)
  // A picture of the text stands in the places of the quote, of which no other one is left.
  const shown = html?.replace('The first.', 'This: <img src="cid:own@x">') ?? null
  const own = { filename: 'own.png', contentType: 'image/png', octets: 'own', contentId: 'own@x' }
  expect(await backWith([...parts('one', 'two'), own], shown)).toBe(true)
  expect(await backWith([own], shown?.replace(/cid:[ab]@x/g, 'cid:own@x') ?? null)).toBe(false)
  await db().draft.delete({ where: { id: reply.id } })
})

it('remote pictures of what one wrote follow what was decided about the mail it quotes', async () => {
  const { accountId: there, box } = await api.makeAccount(4)
  const sent = await box('Sent', 'sent')
  const [news, own, passedOn, other] = await api.placements(there)
  if (!news || !own || !passedOn || !other) throw new Error('there are four')
  const change = (id: bigint, data: object) => db().message.update({ where: { id }, data })
  await change(news.messageId, { fromAddresses: [person('News@shop.example')], bodyState: 'ready' })
  for (const { id, messageId } of [own, passedOn]) {
    await db().placement.update({ where: { id }, data: { mailboxId: sent, shownMailboxId: sent } })
    await change(messageId, { fromAddresses: [person('a@example.org')], bodyState: 'ready' })
  }
  const decided = async ({ messageId }: { messageId: bigint }) => {
    const { remoteContentSender, remoteContentAllowed } = (await api.send('GET', `/messages/${messageId}/body`)).json()
    return [remoteContentSender, remoteContentAllowed]
  }
  // Sent by another program: what it answers is in its conversation.
  expect(await decided(own)).toEqual([null, false])
  await change(own.messageId, { threadId: news.threadId, receivedAt: new Date(Date.now() + 60_000) })
  expect(await decided(own)).toEqual(['news@shop.example', false])
  // Which one of several it quotes, nobody knows; a mail of one's own before it is none of them.
  await change(passedOn.messageId, { threadId: news.threadId })
  expect(await decided(own)).toEqual(['news@shop.example', false])
  await change(other.messageId, { threadId: news.threadId, fromAddresses: [person('eve@evil.example')] })
  expect(await decided(own)).toEqual([null, false])
  await change(other.messageId, { fromAddresses: [person('NEWS@shop.example')] })
  expect(await decided(own)).toEqual(['news@shop.example', false])
  // Sent here: a mail that is passed on begins a conversation of its own.
  const id = randomUUID()
  await queueMail(api.store, { userId: api.userId, accountId: there }, { id, to: ['b@example.org'] })
  await db().submission.update({ where: { id }, data: { aboutMessageId: news.messageId, aboutKind: 'forward' } })
  await change(passedOn.messageId, { subject: 'hi', messageIdHash: messageIdHash(`<${id}@example.org>`) })
  expect(await decided(passedOn)).toEqual(['news@shop.example', false])
  await api.send('PUT', '/trusted-senders', { address: 'news@shop.example' })
  expect(await Promise.all([news, own, passedOn].map(decided))).toEqual(Array(3).fill(['news@shop.example', true]))
  // What says that it is one's own, and came from elsewhere, decides for itself.
  await db().placement.update({
    where: { id: own.id },
    data: { mailboxId: news.mailboxId, shownMailboxId: news.mailboxId },
  })
  expect(await decided(own)).toEqual(['a@example.org', false])
})

it('the text of a mail that is quoted is taken, also when it comes between two looks for it', async () => {
  const messageId = BigInt(await mail({ bodyState: 'absent' }, {}))
  await db().body.delete({ where: { messageId } })
  let looks = 0
  const store: Store = {
    ...api.store,
    readAs: async (userId, statements) => {
      const answer = await api.store.readAs(userId, statements)
      if (looks++ > 0) return answer
      await db().body.create({ data: { messageId, accountId, text: 'just come' } })
      await db().message.update({ where: { id: messageId }, data: { bodyState: 'ready' } })
      return answer
    },
  }
  const about = { messageId, kind: 'reply' as const }
  const noEngine = {} as Parameters<typeof openOriginal>[0]['engine'] // it is here: nobody is asked for it
  const { original } = await openOriginal({ store, engine: noEngine }, api.userId, about)
  expect(original.text).toBe('just come')
})

it('an answer is written by the account that stands in To, if that can send, also where another one shows the mail', async () => {
  const { accountId: other } = await api.makeAccount(0)
  const fields = { address: 'other@example.org', name: '', replyTo: null, signature: '', isDefault: true }
  const identity = await commit(api.store, { kind: 'system' }, (unit) => addIdentity(unit, other, fields))
  const facts = {
    fromAddresses: [person('bob@example.org')],
    toAddresses: [person('other@example.org')],
    cc: [person('a@example.org')],
  }
  const messageId = await mail(facts, {})
  expect((await begin('replyAll', messageId)).content.identityId).toBe(writers['a@example.org'])
  await db().account.update({ where: { id: other }, data: { outgoing: { host: 'mail.example.org' } } })
  const { id, content } = await begin('replyAll', messageId)
  expect(content).toMatchObject({ identityId: `${identity.id}`, to: [person('bob@example.org')], cc: [] })
  // It is kept, and will be sent, over there.
  expect((await db().draft.findUniqueOrThrow({ where: { id } })).accountId).toBe(other)
})
