import { randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { draftSaved, draft as draftSchema } from '@postern/shared/drafts.ts'
import { identityList } from '@postern/shared/identities.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { presentChanges } from '#features/present-changes.ts'
import { stageContent } from '#store/blobs.ts'
import { commit, commitTogether } from '#store/commit.ts'
import { addComing, attachContent } from '#store/draft-attachments.ts'
import {
  beginCopy,
  followCopies,
  isCurrent,
  keepCopy,
  msToNextCopy,
  nextDraftWork,
  postponeCopy,
} from '#store/draft-copies.ts'
import { findOwnDraft, type WholeDraft } from '#store/drafts.ts'
import { addIdentity } from '#store/identities.ts'
import { takeDraft } from '#store/steer-submissions.ts'
import { until } from '../support/until.ts'
import { validContent } from '../support/valid-bodies.ts'
import { type OutboxApi, startOutboxApi } from './outbox-fixture.ts'

let api: OutboxApi
let accountId: bigint
let identityId = ''
beforeAll(async () => {
  api = await startOutboxApi()
  await api.store.prisma.stream.create({ data: { userId: api.userId } })
  accountId = (await api.makeAccount(1)).accountId
  const fields = { address: 'a@example.org', name: 'Ann', replyTo: null, signature: '', isDefault: true }
  const made = await commit(api.store, { kind: 'system' }, (unit) => addIdentity(unit, accountId, fields))
  identityId = made.id.toString()
})
afterAll(() => api.stop())

const content = (more: object = {}) => ({
  ...validContent(identityId),
  ...more,
})
const put = async (id: string, baseVersion: number, more: object) => {
  const answer = await api.send('PUT', `/drafts/${id}`, { baseVersion, content: content(more) })
  expect(answer.statusCode, answer.body).toBe(200)
  return draftSaved.parse(answer.json())
}
const errorOf = async (answer: ReturnType<OutboxApi['send']>) =>
  (await answer).json<{ error: { code: string } }>().error.code
const rows = () => api.store.prisma

it('a draft counts its versions, and the same content again is no new one', async () => {
  const id = randomUUID()
  expect((await put(id, 0, { subject: 'one' })).draft).toMatchObject({ version: 1, accountId: `${accountId}` })
  expect((await put(id, 1, { subject: 'two' })).draft.version).toBe(2)
  // The answer was lost, and it is sent again.
  expect(await put(id, 1, { subject: 'two' })).toMatchObject({ isOther: false, draft: { id, version: 2 } })
  const { drafts } = (await api.send('GET', '/drafts')).json<{ drafts: { id: string }[] }>()
  expect(drafts.map((one) => one.id)).toEqual([id])
  expect((await rows().draft.findUniqueOrThrow({ where: { id } })).copyAt).not.toBeNull()
  await api.send('DELETE', `/drafts/${id}`)
})

it('of two who write upon the same version both texts are kept, with what is attached, however often the second is sent', async () => {
  const id = randomUUID()
  await put(id, 0, { subject: 'both' })
  await api.upload(`/drafts/${id}/attachments?id=${randomUUID()}&name=a.txt&type=text/plain`, Buffer.from('octets'))
  await put(id, 1, { text: 'from here' })
  const other = await put(id, 1, { text: 'from there' })
  expect(other).toMatchObject({ isOther: true, draft: { version: 1, content: { text: 'from there' } } })
  expect(other.draft.id).not.toBe(id)
  expect(other.draft.attachments).toMatchObject([{ filename: 'a.txt', sizeBytes: 6, state: 'here' }])
  expect((await put(id, 1, { text: 'from there' })).draft.id).toBe(other.draft.id)
  expect((await put(id, 2, { text: 'on' })).draft.version).toBe(3)
  expect(await rows().draft.count({ where: { discardedAt: null } })).toBe(2)
  for (const one of [id, other.draft.id]) await api.send('DELETE', `/drafts/${one}`)
})

it('what was still coming out of a mail is fetched for the second text, too', async () => {
  const [id, file] = [randomUUID(), randomUUID()]
  await put(id, 0, { subject: 'both' })
  const from = { messageId: 1n << 41n, partId: null }
  const facts = { id: file, filename: 'a', contentType: 'text/plain', contentId: null, from }
  await commit(api.store, { kind: 'user', userId: api.userId }, (unit) =>
    addComing(unit, { id, accountId }, [{ ...facts, sizeBytes: 4 }]),
  )
  await put(id, 1, { text: 'from here' })
  const other = await put(id, 1, { text: 'from there' })
  expect(other.draft.attachments).toMatchObject([{ filename: 'a', state: 'coming' }])
  // That mail is not here.
  const tried = { draftId: other.draft.id, errorCode: 'not_found' }
  await until(async () => (await rows().draftAttachment.count({ where: tried })) === 1, { what: 'the attempt' })
  for (const one of [id, other.draft.id]) await api.send('DELETE', `/drafts/${one}`)
})

it('what was discarded can come back, and comes back when somebody goes on writing it', async () => {
  const id = randomUUID()
  await put(id, 0, { subject: 'back' })
  expect((await api.send('DELETE', `/drafts/${id}`)).statusCode).toBe(204)
  expect(await errorOf(api.send('GET', `/drafts/${id}`))).toBe('not_found')
  expect((await api.send('POST', `/drafts/${id}/restore`)).json()).toMatchObject({ id, content: { subject: 'back' } })
  await api.send('DELETE', `/drafts/${id}`)
  expect((await put(id, 1, { subject: 'on' })).draft).toMatchObject({ id, version: 2 })
  await api.send('DELETE', `/drafts/${id}`)
})

it('nothing is discarded that was written after what was seen', async () => {
  const id = randomUUID()
  await put(id, 0, { subject: 'one' })
  await put(id, 1, { subject: 'two' })
  expect(await errorOf(api.send('DELETE', `/drafts/${id}?version=1`))).toBe('request.conflict')
  expect((await api.send('GET', `/drafts/${id}`)).json()).toMatchObject({ version: 2, content: { subject: 'two' } })
  // Asked again without an answer, it is gone as it was.
  for (const _ of [1, 2]) expect((await api.send('DELETE', `/drafts/${id}?version=2`)).statusCode).toBe(204)
  expect(await errorOf(api.send('GET', `/drafts/${id}`))).toBe('not_found')
})

it('every screen of its person is told what a draft is now, and that it is gone', async () => {
  const id = randomUUID()
  await put(id, 0, { subject: 'told' })
  const told = () =>
    presentChanges(api.store.readTogether, { accountId: null, userId: api.userId }, [{ kind: 'draft', draftId: id }])
  const [change] = await told()
  expect(change).toMatchObject({
    kind: 'draft',
    draft: { id, version: 1, content: { subject: 'told' }, isCopied: false },
  })
  const facts = await rows().change.findMany({ where: { kind: 'draft' } })
  expect(facts.map(({ data }) => data)).toContainEqual({ kind: 'draft', draftId: id })
  await api.send('DELETE', `/drafts/${id}`)
  expect(await told()).toEqual([{ kind: 'draftRemoved', draftId: id }])
})

it('odd text is kept as far as it is text, and the plain one of a rich mail is made of its HTML', async () => {
  const id = randomUUID()
  const { draft } = await put(id, 0, {
    subject: 'a\u0000b\ud800',
    text: 'something else',
    html: '<p>one</p><p>two \u0000</p><div>three</div><div>four</div>',
  })
  expect(draft.content).toMatchObject({
    subject: 'ab\ufffd',
    text: 'one\n\ntwo\n\nthree\nfour',
    html: '<p>one</p><p>two </p><div>three</div><div>four</div>',
  })
  const long = 'x'.repeat(4_000_000)
  expect((await put(id, 1, { text: long })).draft.content.text).toBe(long)
  await api.send('DELETE', `/drafts/${id}`)
})

it('nobody sees or changes what somebody else writes, or writes as somebody else', async () => {
  const stranger = await api.signIn((await api.makeUser('stranger@example.org')).id)
  const id = randomUUID()
  await put(id, 0, { subject: 'mine' })
  const tries: ['GET' | 'PUT' | 'DELETE' | 'POST', string, object?][] = [
    ['GET', `/drafts/${id}`],
    ['DELETE', `/drafts/${id}`],
    ['POST', `/drafts/${id}/restore`],
    ['PUT', `/drafts/${id}`, { baseVersion: 1, content: content() }],
    ['PUT', `/drafts/${randomUUID()}`, { baseVersion: 0, content: content() }],
    ['POST', '/drafts', { id: randomUUID(), start: { kind: 'new', identityId } }],
  ]
  for (const [method, path, body] of tries)
    expect(await errorOf(api.send(method, path, body, stranger)), `${method} ${path}`).toBe('not_found')
  expect(await errorOf(api.send('POST', '/drafts', { id, start: { kind: 'new' } }, stranger))).toBe('account.not_ready')
  await api.send('DELETE', `/drafts/${id}`)
})

it('a draft begins empty or as a link says, and is begun once', async () => {
  const id = randomUUID()
  const to = [{ name: '', address: 'bob@example.org' }]
  const start = { kind: 'new', to, subject: 'Hi', text: 'a < b\nc' }
  const begin = async () => draftSchema.parse((await api.send('POST', '/drafts', { id, start })).json())
  const begun = await begin()
  expect(begun.content).toMatchObject({ identityId, to, subject: 'Hi', html: '<div>a &lt; b</div><div>c</div>' })
  expect(await begin()).toEqual(begun)
  await api.send('DELETE', `/drafts/${id}`)
})

it('a mail goes with what is attached to it, and takes nothing more on its way', async () => {
  const id = randomUUID()
  const [file, more] = [randomUUID(), randomUUID()]
  await put(id, 0, { subject: 'attached' })
  const attach = (attachmentId: string) =>
    api.upload(`/drafts/${id}/attachments?id=${attachmentId}&name=a.txt`, Buffer.from('octets'))
  const composed = async () => {
    const found = await api.store.read(api.userId, (tx) => findOwnDraft(tx, api.userId, id))
    return found ?? Promise.reject(new Error('no draft'))
  }
  const take = (draft: WholeDraft) =>
    commitTogether(api.store, { kind: 'user', userId: api.userId }, (unit) =>
      takeDraft(unit, draft, { submissionId: randomUUID(), version: 1 }),
    )
  const without = await composed()
  await attach(file)
  expect(await take(without)).toBe(false)
  const having = await composed()
  await api.send('DELETE', `/drafts/${id}/attachments/${file}`)
  expect(await take(having)).toBe(false)
  await api.send('POST', `/drafts/${id}/attachments/${file}/restore`)
  expect(await take(having)).toBe(true)
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', `/attachments/${file}`],
    ['POST', `/attachments/${file}/restore`],
  ] as const)
    expect(await errorOf(api.send(method, `/drafts/${id}${path}`)), `${method} ${path}`).toBe('request.conflict')
  expect(await errorOf(attach(more))).toBe('request.conflict')
  const scope = { kind: 'user' as const, userId: api.userId, accountId }
  const staged = await stageContent(api.store, scope, Readable.from([Buffer.from('late')]))
  const late = { id: more, draftId: id, filename: 'b', contentType: 'text/plain', contentId: null, from: null }
  expect(await attachContent(api.store, scope, { ...late, isRevived: true }, staged)).toEqual({ kind: 'onItsWay' })
  expect((await composed()).attachments.map((one) => one.id)).toEqual([file])
  // Its copy in Drafts is no mail to begin another one from.
  const messageId = 1n << 41n
  const start = { kind: 'continue', messageId: `${messageId}` }
  for (const discardedAt of [null, new Date()]) {
    await rows().draft.update({ where: { id }, data: { messageId, discardedAt } })
    expect(await errorOf(api.send('POST', '/drafts', { id: randomUUID(), start }))).toBe('request.conflict')
  }
  await rows().draft.delete({ where: { id } })
})

it('what was taken out while it was coming stays out, and is whole when it is put back', async () => {
  const [id, file] = [randomUUID(), randomUUID()]
  const { draft } = await put(id, 0, { subject: 'coming' })
  const facts = { id: file, filename: 'a', contentType: 'text/plain', contentId: null, from: null }
  await commit(api.store, { kind: 'user', userId: api.userId }, (unit) =>
    addComing(unit, { id, accountId }, [{ ...facts, sizeBytes: 4 }]),
  )
  await api.send('DELETE', `/drafts/${id}/attachments/${file}`)
  const scope = { kind: 'user' as const, userId: api.userId, accountId }
  const staged = await stageContent(api.store, scope, Readable.from([Buffer.from('came')]))
  await attachContent(api.store, scope, { ...facts, draftId: id, isRevived: false }, staged)
  const read = async () => draftSchema.parse((await api.send('GET', `/drafts/${id}`)).json()).attachments
  expect([draft.attachments, await read()]).toEqual([[], []])
  await api.send('POST', `/drafts/${id}/attachments/${file}/restore`)
  expect(await read()).toMatchObject([{ id: file, state: 'here', sizeBytes: 4 }])
  await api.send('DELETE', `/drafts/${id}`)
})

it('a copy is none of what changed between its reading and its row; one of another account has its own time', async () => {
  const id = randomUUID()
  await put(id, 0, { subject: 'read' })
  await rows().draft.updateMany({ where: { id: { not: id } }, data: { copyAt: null } })
  const change = (copyAt: Date) => rows().draft.update({ where: { id }, data: { copyAt } })
  const next = (account: bigint) => api.store.readSystem((tx) => nextDraftWork(tx, account))
  await change(new Date(0))
  const work = await next(accountId)
  if (!work) throw new Error('nothing is due')
  // An attachment was taken out: the version stays.
  const row = await change(new Date(work.readAt.getTime() + 1))
  const { version } = row
  const { id: mailboxId } = await rows().mailbox.findFirstOrThrow({ where: { accountId } })
  const copy = { id: 1n, draftId: id, accountId, mailboxId, version, fromUid: 1n, uidValidity: 7n, madeAt: work.readAt }
  const scope = { kind: 'user' as const, userId: api.userId }
  await commit(api.store, scope, (unit) => beginCopy(unit, copy))
  await commit(api.store, scope, (unit) => keepCopy(unit, 1n, { uid: 1, uidValidity: 7n }))
  expect(isCurrent(await rows().draftCopy.findUniqueOrThrow({ where: { id: 1n } }), row)).toBe(false)
  // It went on elsewhere, and the mailbox here refuses to give it away.
  const elsewhere = (await api.makeAccount(0)).accountId
  const moved = await rows().draft.update({ where: { id }, data: { accountId: elsewhere } })
  expect(await next(accountId)).toMatchObject({ row: { id }, isWanted: false })
  await commit(api.store, scope, (unit) => postponeCopy(unit, moved, { accountId, delayMs: 60_000 }))
  expect(await next(accountId)).toBeNull()
  expect(await api.store.readSystem((tx) => msToNextCopy(tx, accountId))).toBeGreaterThan(10_000)
  await rows().draftCopy.deleteMany()
  await rows().draft.delete({ where: { id } })
})

it('a copy that is gone takes its draft along only where all of its mailbox is known, in the same life', async () => {
  const id = randomUUID()
  await put(id, 0, { subject: 'followed' })
  const settled = () => rows().draft.update({ where: { id }, data: { copyAt: null, uncopiedAt: null } })
  await settled()
  const { id: mailboxId } = await rows().mailbox.findFirstOrThrow({ where: { accountId, isSelectable: true } })
  await rows().draftCopy.create({
    data: {
      draftId: id,
      accountId,
      mailboxId,
      version: 1,
      state: 'stored',
      uidValidity: 7n,
      uid: 1n,
      messageId: 1n << 40n,
    },
  })
  const follow = async (life: { fillUid: bigint; uidValidity: bigint }) => {
    await rows().mailbox.update({ where: { id: mailboxId }, data: { isSynced: true, ...life } })
    await commit(api.store, { kind: 'user', userId: api.userId }, (unit) => followCopies(unit, accountId))
    const { discardedAt, copyAt } = await rows().draft.findUniqueOrThrow({ where: { id } })
    return { isOpen: discardedAt === null, isDue: copyAt !== null, copies: await rows().draftCopy.count() }
  }
  expect(await follow({ fillUid: 2n, uidValidity: 8n })).toEqual({ isOpen: true, isDue: false, copies: 1 })
  expect(await follow({ fillUid: 1n, uidValidity: 8n })).toEqual({ isOpen: true, isDue: true, copies: 1 })
  await settled()
  expect(await follow({ fillUid: 1n, uidValidity: 7n })).toMatchObject({ isOpen: false, copies: 0 })
})

it('identities: one default an account, never none, addresses in one spelling', async () => {
  const list = async () => identityList.parse((await api.send('GET', '/identities')).json()).identities
  const own = `/accounts/${accountId}/identities`
  expect(await errorOf(api.send('DELETE', `/identities/${identityId}`))).toBe('request.conflict')
  for (const address of ['a', 'a@b@c', 'a\r\nBcc: x@example.org', '<a@example.org>'])
    expect(await errorOf(api.send('POST', own, { address }))).toBe('request.invalid')
  expect(await errorOf(api.send('POST', own, { address: 'b@example.org', name: 'B\r\nBcc: eve@example.org' }))).toBe(
    'request.invalid',
  )
  const made = (await api.send('POST', own, { address: 'Jo\u0308rg@B\u00dcCHER.example', isDefault: true })).json<{
    id: string
  }>()
  expect((await list()).map(({ address, isDefault }) => [address, isDefault])).toEqual([
    ['J\u00f6rg@b\u00fccher.example', true],
    ['a@example.org', false],
  ])
  expect((await list())[0]).toMatchObject({ canSend: false, maxMessageBytes: null, replyTo: null })
  const patch = { signature: '<b>A</b>', replyTo: { name: 'Desk', address: 'desk@EXAMPLE.org' } }
  await api.send('PATCH', `/identities/${made.id}`, patch)
  expect((await list())[0]).toMatchObject({ ...patch, replyTo: { address: 'desk@example.org' }, isDefault: true })
  expect((await api.send('DELETE', `/identities/${made.id}`)).statusCode).toBe(204)
  expect(await list()).toMatchObject([{ id: identityId, isDefault: true }])
})
