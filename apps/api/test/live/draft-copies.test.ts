import { randomUUID } from 'node:crypto'
import { type Draft, draftSaved, draft as draftSchema } from '@postern/shared/drafts.ts'
import { thread as threadSchema } from '@postern/shared/messages.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { engineChannel } from '#store/notify.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { startDovecot } from '../support/dovecot.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { until } from '../support/until.ts'
import { validContent } from '../support/valid-bodies.ts'

let scene: LiveScene
let app: FastifyInstance
let cookie = ''
const accounts = { imap: 0n, kept: 0n }
const writers = { imap: '', kept: '' }
type Kind = keyof typeof accounts

beforeAll(async () => {
  scene = await startLiveScene({ backoff: { baseMs: 10, capMs: 50 } })
  const { dovecot, engine } = scene
  for (const user of Object.keys(accounts)) dovecot.addUser(user, 'secret')
  app = await buildTestApp({ store: engine.store, masterKey: engine.deps.masterKey })
  cookie = await openTestSession(engine.store, engine.userId)
  accounts.imap = await engine.addAccount('imap')
  accounts.kept = await engine.addMaildrop('kept', dovecot.pop3Port)
  for (const kind of ['imap', 'kept'] as const) {
    await engine.untilState(accounts[kind], 'watching')
    const where = { accountId: accounts[kind] }
    writers[kind] = (await engine.store.prisma.identity.findFirstOrThrow({ where })).id.toString()
  }
})
afterAll(async () => {
  await app?.close()
  await scene?.stop()
})

const db = () => scene.engine.store.prisma
const send = (method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, payload?: object | Buffer) =>
  app.inject({
    method,
    url: `/v1${path}`,
    headers: {
      host: 'localhost',
      'x-postern': '1',
      cookie,
      ...(Buffer.isBuffer(payload) ? { 'content-type': 'application/octet-stream' } : {}),
    },
    ...(payload ? { payload } : {}),
  })
const content = (kind: Kind, more: object) => ({
  ...validContent(writers[kind]),
  ...more,
})
const save = async (kind: Kind, id: string, baseVersion: number, more: object): Promise<Draft> => {
  const answer = await send('PUT', `/drafts/${id}`, { baseVersion, content: content(kind, more) })
  expect(answer.statusCode, answer.body).toBe(200)
  return draftSaved.parse(answer.json()).draft
}
const read = async (id: string): Promise<Draft> => draftSchema.parse((await send('GET', `/drafts/${id}`)).json())
/** Its time has come. */
const hurry = async (id: string) => {
  const { accountId } = await db().draft.update({ where: { id }, data: { copyAt: new Date(0) } })
  scene.engine.store.notifier.notify(engineChannel, accountId.toString())
}
const untilCopied = async (id: string): Promise<Draft> => {
  await hurry(id)
  return until(async () => (await read(id)).isCopied && read(id), { what: 'the copy of a draft' })
}
const subjects = async (kind: Kind) =>
  (await scene.engine.shown(accounts[kind], 'Drafts')).map(({ subject }) => subject).toSorted()
const sourceOf = async (id: string): Promise<string> => {
  const { messageId } = await read(id)
  return (await send('GET', `/messages/${messageId}/source`)).body
}
/** Subjects at the server, by its own word. */
const atServer = () =>
  [...scene.dovecot.doveadm('fetch', '-u', 'imap', 'hdr.subject', 'mailbox', 'Drafts').matchAll(/hdr\.subject: (.*)/g)]
    .map(([, subject]) => subject)
    .toSorted()

it.each(['imap', 'kept'] as const)('twenty saves of a draft leave one copy in Drafts (%s)', async (kind) => {
  const id = randomUUID()
  await save(kind, id, 0, { subject: 'begun' })
  const seen = new Set<string>()
  for (let n = 1; n <= 20; n++) {
    if (n === 20)
      await send('POST', `/drafts/${id}/attachments?id=${randomUUID()}&name=a.bin`, Buffer.alloc(3_000_000, 'x'))
    const more = { subject: `save ${n}`, text: 'Hi', bcc: [{ name: '', address: 'eve@example.org' }] }
    await save(kind, id, n, { ...more, to: [{ name: '', address: 'unfinished@' }] })
    seen.add((await untilCopied(id)).messageId ?? '')
    expect(await subjects(kind)).toEqual([`save ${n}`])
  }
  expect(seen.size).toBe(20)
  if (kind === 'imap') expect(atServer()).toEqual(['save 20'])
  const [row] = await scene.engine.shown(accounts[kind], 'Drafts')
  // \Draft and \Seen.
  expect(row).toMatchObject({ flags: 17, messageId: BigInt((await read(id)).messageId ?? 0) })
  const source = await sourceOf(id)
  expect(source).toMatch(new RegExp(`^X-Postern-Draft: ${id};\\d+\r\nBcc: eve@example.org\r\n`))
  expect(source).toContain('filename=a.bin')
  // Not that of a mail which is sent under the very id of its draft.
  expect(source).toContain(`\r\nMessage-ID: <${id}.draft@example.org>\r\n`)
  const { threadId } = await db().message.findUniqueOrThrow({ where: { id: row?.messageId ?? 0n } })
  const { messages } = threadSchema.parse((await send('GET', `/threads/${threadId}`)).json())
  expect(messages.map(({ draftId }) => draftId)).toEqual([id])
  // Nothing of the older ones is left of what costs room.
  if (kind === 'kept') {
    const sources = await db().rawSource.findMany({ where: { accountId: accounts.kept } })
    expect(sources).toHaveLength(1)
    const { sizeBytes } = await db().blob.findUniqueOrThrow({ where: { id: sources[0]?.blobId ?? 0n } })
    // Their few words are, until they are swept: they count by themselves.
    const [counted] = await db().$queryRaw<{ kept: bigint; bytes: bigint }[]>`
        SELECT (SELECT stored_bytes FROM account WHERE id = ${accounts.kept}) AS kept, coalesce(sum(octet_length(text) + coalesce(octet_length(html), 0)), 0)::bigint AS bytes
        FROM body b WHERE account_id = ${accounts.kept} AND NOT EXISTS (SELECT 1 FROM raw_source r WHERE r.message_id = b.message_id)`
    expect(counted?.kept).toBe(sizeBytes + (counted?.bytes ?? 0n))
  }
  await send('DELETE', `/drafts/${id}`)
  await hurry(id)
  await until(async () => (await subjects(kind)).length === 0, { what: 'the end of the copy' })
  await send('POST', `/drafts/${id}/restore`)
  await untilCopied(id)
  expect(await subjects(kind)).toEqual(['save 20'])
  await send('DELETE', `/drafts/${id}`)
  await hurry(id)
  await until(async () => (await subjects(kind)).length === 0, { what: 'the end of the copy' })
})

const foreign = (subject: string) =>
  [
    'From: imap@example.org',
    'To: Bob <bob@example.org>',
    `Subject: ${subject}`,
    `Message-ID: <${subject}@other.example>`,
    'In-Reply-To: <asked@example.org>',
    'References: <first@example.org> <asked@example.org>',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: multipart/related; boundary=r',
    '',
    '--r',
    'Content-Type: text/html',
    '',
    '<p>from <b>there</b> <img src="cid:pic1"></p>',
    '--r',
    'Content-Type: image/png',
    'Content-ID: <pic1>',
    'Content-Disposition: inline; filename=p.png',
    'Content-Transfer-Encoding: base64',
    '',
    'iVBORw0KGgo=',
    '--r--',
    '--b',
    'Content-Type: text/csv',
    'Content-Disposition: attachment; filename=a.csv',
    '',
    '1;2',
    '--b--',
    '',
  ].join('\r\n')

const arrive = async (
  subject: string,
  { mailbox = 'Drafts', raw = foreign(subject), not = '' } = {},
): Promise<string> => {
  const flags = mailbox === 'Drafts' ? ['\\Draft', '\\Seen'] : []
  scene.dovecot.deliver('imap', mailbox, raw, { flags })
  await send('POST', `/accounts/${accounts.imap}/sync`)
  const isIt = (row: { subject: string; messageId: bigint }) => row.subject === subject && `${row.messageId}` !== not
  const row = await until(async () => (await scene.engine.shown(accounts.imap, mailbox)).find(isIt), {
    what: 'the draft of another program',
  })
  return row.messageId.toString()
}
const goOn = async (messageId: string, kind = 'continue'): Promise<Draft> => {
  const answer = await send('POST', '/drafts', { id: randomUUID(), start: { kind, messageId } })
  expect(answer.statusCode, answer.body).toBe(200)
  const { id } = draftSchema.parse(answer.json())
  return until(async () => {
    const draft = await read(id)
    return draft.attachments.every(({ state }) => state === 'here') && draft
  })
}

it('a draft begun in another program goes on here, whole, in its place', async () => {
  const messageId = await arrive('elsewhere')
  const begun = await goOn(messageId)
  const { id } = begun
  expect(begun).toMatchObject({
    messageId,
    version: 1,
    accountId: `${accounts.imap}`,
    content: { subject: 'elsewhere' },
  })
  expect(begun.content.to).toEqual([{ name: 'Bob', address: 'bob@example.org' }])
  const [picture, file] = begun.attachments
  expect(file).toMatchObject({ filename: 'a.csv', contentId: null, sizeBytes: 3 })
  expect(begun.content.html).toContain(`cid:${picture?.contentId}`)
  const shown = await send('GET', `/drafts/${id}/attachments/${picture?.id}`)
  expect([shown.headers['content-type'], shown.rawPayload.toString('base64')]).toEqual(['image/png', 'iVBORw0KGgo='])
  // Opened again by its message it is the same one.
  expect((await goOn(messageId)).id).toBe(id)
  await save('imap', id, 1, { ...begun.content, subject: 'and here' })
  await untilCopied(id)
  expect(atServer()).toEqual(['and here'])
  const source = await sourceOf(id)
  expect(source).toContain('In-Reply-To: <asked@example.org>')
  expect(source).toMatch(/References: <first@example.org>\s+<asked@example.org>/)
  await send('DELETE', `/drafts/${id}`)
  await hurry(id)
  await until(async () => (await subjects('imap')).length === 0, { what: 'the end of the copy' })
  expect(atServer()).toEqual([])
})

type Shown = { html: string | null; text: string; parts: { filename: string | null }[] }
const shownOf = async (id: string) => {
  const { messageId } = await read(id)
  const { html, text, parts } = (await send('GET', `/messages/${messageId}/body`)).json<Shown>()
  return { html, text: text.replaceAll('\r\n', '\n'), files: parts.map(({ filename }) => filename).toSorted() }
}
/** As another program that wrote on what lies there: a new mail in place of that one. */
const writeThere = async (id: string, change: (source: string) => string): Promise<string> => {
  const { messageId, content: was } = await read(id)
  const raw = change((await sourceOf(id)).replace(/^X-Postern-Draft:.*\r\n/, ''))
  scene.dovecot.doveadm('expunge', '-u', 'imap', 'mailbox', 'Drafts', 'all')
  const now = await arrive(was.subject, { raw, not: messageId ?? '' })
  // Told of once all of it was seen.
  await until(async () => (await subjects('imap')).length === 1, { what: 'the end of the copy' })
  scene.engine.store.notifier.notify(engineChannel, accounts.imap.toString())
  await until(async () => (await send('GET', `/drafts/${id}`)).statusCode === 404, { what: 'the end of the draft' })
  return now
}

it.each([
  ['reply', ['p.png'], [], ['there', 'THERE']],
  ['forward', ['a.csv', 'p.png'], ['a.csv'], ['iVBORw0KGgo=', 'iVBORw0KGgs=']],
] as const)('a copy has what it quotes, and that is sealed again when it comes back (%s)', async (...given) => {
  const [kind, files, own, [was, is]] = given
  const original = await arrive(`asked-${kind}`, { mailbox: 'INBOX' })
  const { id, content: begun } = await goOn(original, kind)
  // Fetched behind the answer.
  const away = { messageId: BigInt(original), contentId: { not: null }, blobId: null }
  await until(async () => (await db().part.count({ where: away })) === 0, { what: 'the picture' })
  const html = '<p>Written</p>'
  const quoted = 'from <b>there</b>'
  for (let version = 1; version <= 3; version++) {
    await save('imap', id, version, {
      ...begun,
      html,
      text: 'Written',
      cc: [{ name: '', address: `a${version}@x.org` }],
    })
    await untilCopied(id)
    expect(atServer()).toEqual([begun.subject])
  }
  const copy = await shownOf(id)
  expect(copy.files).toEqual(files)
  expect(copy.text).toMatch(/^Written\n\n[\s\S]*from there/)
  expect(copy.html?.split(quoted)).toHaveLength(2)
  const there = await writeThere(id, (source) => source.replaceAll('Written', 'Written on'))
  const back = await goOn(there)
  expect(back.content).toMatchObject({ quotes: true, about: { messageId: original, kind } })
  expect([back.content.html, back.attachments.map(({ filename }) => filename)]).toEqual(['<p>Written on</p>', own])
  await save('imap', back.id, 1, { ...back.content, html: '<p>Again</p>' })
  await untilCopied(back.id)
  expect(atServer()).toEqual([begun.subject])
  const again = await shownOf(back.id)
  expect([again.text.split('from there').length, again.text.startsWith('Again\n\n'), again.files]).toEqual([
    2,
    true,
    files,
  ])
  expect(again.html?.split(quoted)).toHaveLength(2)
  // Somebody wrote into it, or painted over its picture.
  const within = await goOn(await writeThere(back.id, (source) => source.replaceAll(was, is)))
  expect(within.content.quotes).toBe(false)
  expect(within.content.html).toMatch(/Again[\s\S]*from (?:<b>)?there/i)
  expect(within.attachments.map(({ filename }) => filename).toSorted()).toEqual(files)
  const picture = within.attachments.find(({ contentId }) => contentId !== null)
  const now = await send('GET', `/drafts/${within.id}/attachments/${picture?.id}`)
  expect([within.content.html, now.rawPayload.toString('base64')].join().includes(is)).toBe(true)
  await send('DELETE', `/drafts/${within.id}`)
  await hurry(within.id)
  await until(async () => (await subjects('imap')).length === 0, { what: 'the end of the copy' })
})

it('a draft of another program stays at the server until all of it is here, also when it is discarded', async () => {
  const { id, attachments } = await goOn(await arrive('held'))
  const which = { where: { id: attachments[1]?.id ?? '' } }
  const { blobId } = await db().draftAttachment.findUniqueOrThrow(which)
  await db().draftAttachment.update({ ...which, data: { blobId: null, errorCode: 'message.unavailable' } })
  const untilPutOff = async () => {
    await hurry(id)
    const isPutOff = async () =>
      Number((await db().draft.findUniqueOrThrow({ where: { id } })).copyAt) > Date.now() + 10_000
    await until(isPutOff, { what: 'another time' })
    expect(atServer()).toEqual(['held'])
  }
  await save('imap', id, 1, { subject: 'from here' })
  await untilPutOff()
  await send('DELETE', `/drafts/${id}`)
  await untilPutOff()
  await db().draftAttachment.update({ ...which, data: { blobId, errorCode: null } })
  await hurry(id)
  await until(async () => atServer().length === 0, { what: 'the end of the copy' })
})

it('what another program does to a copy is followed, and loses no text of either', async () => {
  const [done, going] = [randomUUID(), randomUUID()]
  await save('imap', done, 0, { subject: 'sent elsewhere' })
  await untilCopied(done)
  await save('imap', going, 0, { subject: 'going on' })
  await untilCopied(going)
  await save('imap', going, 1, { subject: 'gone on' })
  scene.dovecot.doveadm('expunge', '-u', 'imap', 'mailbox', 'Drafts', 'all')
  const edited = await arrive('edited there')
  await until(async () => (await send('GET', `/drafts/${done}`)).statusCode === 404, { what: 'the end of the draft' })
  await untilCopied(going)
  expect(atServer()).toEqual(['edited there', 'gone on'])
  // It can still come back.
  await send('POST', `/drafts/${done}/restore`)
  await untilCopied(done)
  expect(atServer()).toEqual(['edited there', 'gone on', 'sent elsewhere'])
  expect((await goOn(edited)).content.subject).toBe('edited there')
})

it('where there is no Drafts mailbox it is made', async () => {
  const settings = 'namespace inbox {\n  mailbox Drafts {\n    auto = no\n    special_use =\n  }\n}'
  const dovecot = await startDovecot({ settings })
  onTestFinished(() => dovecot.stop())
  dovecot.addUser('bare', 'secret')
  const accountId = await scene.engine.addAccount('bare', 'secret', dovecot.imapPort)
  await scene.engine.untilState(accountId, 'watching')
  expect(dovecot.doveadm('mailbox', 'list', '-u', 'bare')).not.toContain('Drafts')
  const { id: writer } = await db().identity.findFirstOrThrow({ where: { accountId } })
  const id = randomUUID()
  await save('imap', id, 0, { subject: 'first', identityId: writer.toString() })
  await untilCopied(id)
  expect(dovecot.count('bare', 'Drafts', 'subject', 'first')).toBe(1)
  // To another account it goes with its copy.
  await save('kept', id, 1, { subject: 'moved' })
  await untilCopied(id)
  expect(await subjects('kept')).toEqual(['moved'])
  await until(async () => dovecot.count('bare', 'Drafts') === 0, { what: 'the end of the copy it left' })
})
