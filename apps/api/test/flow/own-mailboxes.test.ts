import { randomUUID } from 'node:crypto'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { undoCommand } from '#outbox/outbox.ts'
import { settleNextCommands } from '#outbox/settle-here.ts'
import { storeNextMails } from '#outbox/store-mails-here.ts'
import { systemClock } from '#platform/clock.ts'
import { newSha256 } from '#platform/sha256.ts'
import { addItems } from '#store/transfers.ts'
import { until } from '../support/until.ts'
import { type OutboxApi, startOutboxApi } from './outbox-fixture.ts'

describe('mailboxes of one’s own, kept here', () => {
  let fixture: OutboxApi
  beforeAll(async () => {
    fixture = await startOutboxApi({ treeWithinMs: 400 })
  })
  afterAll(() => fixture.stop())

  const send: OutboxApi['send'] = (...request) => fixture.send(...request)
  const make = async (accountId: bigint, name: string, parentId: string | null = null): Promise<Mailbox> => {
    const answer = await send('POST', `/accounts/${accountId}/mailboxes`, { name, parentId })
    expect([answer.statusCode, answer.json().error]).toEqual([200, undefined])
    return answer.json()
  }
  const makeAccount = async (count: number) => {
    const account = await fixture.makeAccount(count)
    await fixture.store.prisma.account.update({ where: { id: account.accountId }, data: { kind: 'pop3' } })
    return account
  }
  const tree = async (accountId: bigint): Promise<Record<string, string>> => {
    const { mailboxes } = (await send('GET', `/accounts/${accountId}/mailboxes`)).json()
    return Object.fromEntries((mailboxes as Mailbox[]).map(({ id, path }) => [path, id])) // what the route answers
  }
  const settle = (accountId: bigint) =>
    settleNextCommands({ store: fixture.store, scope: { kind: 'user', userId: fixture.userId }, accountId })
  const moveTo = (from: bigint, to: string, rows: { messageId: bigint }[]) =>
    fixture.run({ kind: 'moveMessages', target: fixture.some(from, rows), toMailboxId: to })
  /** Every placement by where it is in truth and where it is shown. */
  const whereabouts = async (accountId: bigint): Promise<string[]> => {
    const names = Object.fromEntries(Object.entries(await tree(accountId)).map(([path, id]) => [id, path]))
    const rows = await fixture.placements(accountId)
    return rows.map(({ mailboxId, shownMailboxId }) => `${names[`${mailboxId}`]} ${names[`${shownMailboxId}`]}`)
  }

  it('are made, renamed and moved, with all below them and under the same ids', async () => {
    const { accountId } = await makeAccount(0)
    const work = await make(accountId, ' Work ')
    const clients = await make(accountId, 'Clients', work.id)
    const smith = await make(accountId, 'Smith & Söhne', clients.id)
    expect(smith).toMatchObject({ path: 'Work/Clients/Smith & Söhne', parentId: clients.id, messages: 0 })
    expect(smith.sync.state).toBe('complete')
    const stream = await fixture.store.prisma.stream.findFirstOrThrow({ where: { accountId } })
    const told = () => fixture.store.prisma.change.count({ where: { streamId: stream.id, kind: 'mailboxes' } })
    expect(await told()).toBe(3)
    const renamed = await send('PATCH', `/mailboxes/${clients.id}`, { name: 'People' })
    expect(renamed.json()).toMatchObject({ id: clients.id, name: 'People', path: 'Work/People', parentId: work.id })
    expect(await told()).toBe(4)
    expect(Object.keys(await tree(accountId))).toContain('Work/People/Smith & Söhne')
    await send('PATCH', `/mailboxes/${clients.id}`, { parentId: null, name: 'people' })
    expect(await tree(accountId)).toMatchObject({ 'people/Smith & Söhne': smith.id, people: clients.id, Work: work.id })
    // Only the case of it: still the same name.
    expect((await send('PATCH', `/mailboxes/${clients.id}`, { name: 'People' })).json().path).toBe('People')
  })

  it('end what is being imported into them when they are deleted, as one thing that is told', async () => {
    const { store, userId } = fixture
    const { accountId } = await makeAccount(0)
    const own = await make(accountId, 'Old')
    const { id } = (await send('POST', `/mailboxes/${own.id}/imports`, {})).json()
    const items = ['one', 'two'].map((name) => {
      const head = Buffer.from(`Subject: ${name}\r\n\r\nHello\r\n`)
      const sha256 = Buffer.from(newSha256().update(head).digest())
      const content = { sha256, sizeBytes: head.length, head, blobId: null }
      return { kind: 'mail' as const, name, bits: 0, keywords: [], cameAt: null, fileAt: null, content }
    })
    const scope = { kind: 'user' as const, userId, accountId }
    const add = () => addItems(store, scope, { transferId: BigInt(id), items, bytes: 1 })
    expect(await add()).toBe(true)
    expect((await send('DELETE', `/mailboxes/${own.id}`)).statusCode).toBe(204)
    expect(await storeNextMails({ store, scope, accountId, clock: systemClock })).toBe(false)
    expect(await add()).toBe(false)
    const transfer = async () => (await send('GET', `/transfers/${id}`)).json()
    const ended = { state: 'cancelled', found: 2, stored: 0, refusedMails: 0, refused: [], open: 0 }
    expect(await transfer()).toMatchObject({ ...ended, isMailboxGone: true })
    expect((await send('POST', `/mailboxes/${own.id}/restore`)).statusCode).toBe(200)
    expect(await transfer()).toMatchObject({ ...ended, isMailboxGone: false })
  })

  it('have names that can be told apart, and leave what has a role alone', async () => {
    const { accountId, inbox, trash } = await makeAccount(0)
    const own = await make(accountId, 'Own')
    const below = await make(accountId, 'Below', own.id)
    const other = await fixture.makeAccount(0)
    const stranger = await fixture.makeAccount(0, (await fixture.makeUser(`${randomUUID()}@example.org`)).id)
    const refusals: [method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object | undefined, code: string][] = [
      ...['', '  ', 'a/b', 'a\tb', 'a\u202eb', 'x'.repeat(101)].map((name): (typeof refusals)[number] => [
        'POST',
        `/accounts/${accountId}/mailboxes`,
        { name },
        'request.invalid',
      ]),
      ['POST', `/accounts/${accountId}/mailboxes`, { name: 'inbox' }, 'request.conflict'],
      ['POST', `/accounts/${accountId}/mailboxes`, { name: 'OWN' }, 'request.conflict'],
      ['POST', `/accounts/${accountId}/mailboxes`, { name: 'x', parentId: `${other.inbox}` }, 'request.invalid'],
      ['POST', `/accounts/${stranger.accountId}/mailboxes`, { name: 'x' }, 'not_found'],
      ['PATCH', `/mailboxes/${own.id}`, { name: 'Trash' }, 'request.conflict'],
      ['PATCH', `/mailboxes/${own.id}`, { parentId: below.id }, 'request.invalid'],
      ['PATCH', `/mailboxes/${own.id}`, { parentId: own.id }, 'request.invalid'],
      ['PATCH', `/mailboxes/${inbox}`, { name: 'x' }, 'request.invalid'],
      ['PATCH', `/mailboxes/${trash}`, { parentId: own.id }, 'request.invalid'],
      ['DELETE', `/mailboxes/${trash}`, undefined, 'request.invalid'],
      ['DELETE', `/mailboxes/${other.trash}`, undefined, 'request.invalid'],
      ['DELETE', `/mailboxes/${stranger.trash}`, undefined, 'not_found'],
      ['POST', `/mailboxes/${own.id}/restore`, undefined, 'not_found'],
    ]
    const before = await tree(accountId)
    for (const [method, path, body, code] of refusals)
      expect([method, path, body, (await send(method, path, body)).json().error?.code]).toEqual([
        method,
        path,
        body,
        code,
      ])
    expect(await tree(accountId)).toEqual(before)
    let deep = own
    for (let n = 0; n < 8; n++) deep = await make(accountId, 'x'.repeat(100), deep.id)
    const tooDeep = await send('POST', `/accounts/${accountId}/mailboxes`, { name: 'x'.repeat(100), parentId: deep.id })
    expect(tooDeep.json().error.message).toBe('This would lie too deep.')
  })

  it('leave nothing but themselves behind when they are removed: all they held is in Trash', async () => {
    const { accountId, inbox, trash } = await makeAccount(7)
    const { store, placements, run, some, counts } = fixture
    const [own, kept] = [await make(accountId, 'Own'), await make(accountId, 'Kept')]
    const child = await make(accountId, 'Child', own.id)
    const ownId = BigInt(own.id)
    const [plain, flagged, leaving, hidden, deeper, coming] = await placements(accountId)
    if (!plain || !flagged || !leaving || !hidden || !deeper || !coming) throw new Error('no placements')
    await moveTo(inbox, own.id, [plain, flagged, leaving, hidden])
    await moveTo(inbox, child.id, [deeper])
    await settle(accountId)
    // What is on its way while the mailbox goes: a flag, a way out, a way in, a mark that hides.
    await run({ kind: 'setFlags', target: some(ownId, [flagged]), add: ['flagged'] })
    await moveTo(ownId, kept.id, [leaving])
    await run({ kind: 'setFlags', target: some(ownId, [hidden]), add: ['deleted'] })
    const wayIn = await moveTo(inbox, own.id, [coming])
    expect((await send('DELETE', `/mailboxes/${own.id}`)).statusCode).toBe(204)
    expect(Object.keys(await tree(accountId)).sort()).toEqual(['INBOX', 'Kept', 'Trash'])
    expect(await whereabouts(accountId)).toEqual([
      'Trash Trash',
      'Trash Trash',
      'Trash Kept',
      'Trash undefined',
      'Trash Trash',
      'INBOX Trash',
      'INBOX INBOX',
    ])
    expect(await counts(trash)).toMatchObject({ messages: 4 })
    expect(await store.prisma.threadMailbox.count({ where: { mailboxId: { in: [ownId, BigInt(child.id)] } } })).toBe(0)
    await settle(accountId)
    expect((await whereabouts(accountId)).slice(1, 3)).toEqual(['Trash Trash', 'Kept Kept'])
    expect((await whereabouts(accountId))[5]).toBe('Trash Trash')
    expect((await placements(accountId))[1]).toMatchObject({ flags: 4 })
    await undoCommand(store, fixture.userId, wayIn.id, randomUUID())
    await settle(accountId)
    expect((await whereabouts(accountId))[5]).toBe('INBOX INBOX')
    expect(new Set((await placements(accountId)).map(({ mailboxId, uid }) => `${mailboxId} ${uid}`)).size).toBe(7)
  })

  it('are at a mail server only what that has done, told with its reason', async () => {
    const { store } = fixture
    const { accountId, inbox, trash, box } = await fixture.makeAccount(0)
    const shelf = await box('Shelf', null)
    const ask = (name: string) => send('POST', `/accounts/${accountId}/mailboxes`, { name })
    for (const state of ['paused', 'needs_person']) {
      await store.prisma.account.update({ where: { id: accountId }, data: { state } })
      expect((await ask('Late')).json().error.code).toBe('account.not_ready')
    }
    await store.prisma.account.update({ where: { id: accountId }, data: { state: 'watching' } })
    const refusals: [method: 'POST' | 'PATCH' | 'DELETE', path: string, body: object | undefined, code: string][] = [
      ['POST', `/accounts/${accountId}/mailboxes`, { name: 'SHELF' }, 'request.conflict'],
      ['PATCH', `/mailboxes/${shelf}`, { name: 'Inbox' }, 'request.conflict'],
      ['PATCH', `/mailboxes/${shelf}`, { parentId: `${shelf}` }, 'request.invalid'],
      ['PATCH', `/mailboxes/${inbox}`, { name: 'x' }, 'request.invalid'],
      ['DELETE', `/mailboxes/${trash}`, undefined, 'request.invalid'],
      ['DELETE', `/mailboxes/${shelf}?forGood=true`, undefined, 'request.conflict'],
      ['POST', `/mailboxes/${shelf}/restore`, undefined, 'not_found'],
    ]
    for (const [method, path, body, code] of refusals)
      expect([path, (await send(method, path, body)).json().error?.code]).toEqual([path, code])
    await store.prisma.mailbox.update({ where: { id: shelf }, data: { rights: 'lrs' } })
    for (const [method, path, body] of [
      ['POST', `/accounts/${accountId}/mailboxes`, { name: 'x', parentId: `${shelf}` }],
      ['PATCH', `/mailboxes/${shelf}`, { name: 'x' }],
      ['DELETE', `/mailboxes/${shelf}`, undefined],
    ] as const)
      expect([path, (await send(method, path, body)).json().error?.code]).toEqual([path, 'mailbox.no_permission'])
    expect(await store.prisma.command.count({ where: { accountId } })).toBe(0)
    const given = (kind: string) =>
      until(() => store.prisma.command.findFirst({ where: { accountId, kind, finishedAt: null } }), { what: kind })
    // Nobody carries it out: taken back, unless it was begun.
    expect((await ask('Never')).json().error).toMatchObject({
      code: 'mailbox.unavailable',
      message: expect.stringContaining('nothing'),
    })
    const begun = ask('Begun')
    const { id } = await given('createMailbox')
    await store.prisma.command.update({ where: { id }, data: { state: 'running' } })
    expect((await begun).json().error).toMatchObject({
      code: 'mailbox.unavailable',
      message: expect.stringContaining('not answered yet'),
    })
    expect(await store.prisma.command.count({ where: { accountId, finishedAt: null } })).toBe(1)
    expect(Object.keys(await tree(accountId)).sort()).toEqual(['INBOX', 'Shelf', 'Trash'])
  })

  it('come back as they were, with what they held and nobody moved on', async () => {
    const { accountId, inbox, trash } = await makeAccount(4)
    const { placements, counts } = fixture
    const parent = await make(accountId, 'Parent')
    const own = await make(accountId, 'Own', parent.id)
    const child = await make(accountId, 'Child', own.id)
    const rows = await placements(accountId)
    await moveTo(inbox, own.id, rows.slice(0, 2))
    await moveTo(inbox, child.id, rows.slice(2))
    await settle(accountId)
    await send('DELETE', `/mailboxes/${own.id}`)
    await moveTo(trash, `${inbox}`, rows.slice(1, 2))
    await settle(accountId)
    const back = await send('POST', `/mailboxes/${own.id}/restore`)
    expect(back.json()).toMatchObject({ id: own.id, path: 'Parent/Own', parentId: parent.id, messages: 1 })
    expect(await tree(accountId)).toMatchObject({ 'Parent/Own': own.id, 'Parent/Own/Child': child.id })
    await settle(accountId)
    const [o, c] = ['Parent/Own', 'Parent/Own/Child']
    expect(await whereabouts(accountId)).toEqual([`${o} ${o}`, 'INBOX INBOX', `${c} ${c}`, `${c} ${c}`])
    expect(await counts(BigInt(child.id))).toMatchObject({ messages: 2 })
    expect(await counts(trash)).toMatchObject({ messages: 0 })
    expect((await send('POST', `/mailboxes/${own.id}/restore`)).json().error.code).toBe('not_found')
    // Again, and meanwhile its parent goes, or somebody takes its name.
    await send('DELETE', `/mailboxes/${own.id}`)
    await send('DELETE', `/mailboxes/${parent.id}`)
    const taker = await make(accountId, 'own')
    expect((await send('POST', `/mailboxes/${own.id}/restore`)).json().error.code).toBe('request.conflict')
    await send('PATCH', `/mailboxes/${taker.id}`, { name: 'Another' })
    expect((await send('POST', `/mailboxes/${own.id}/restore`)).json()).toMatchObject({ path: 'Own', parentId: null })
    expect(await tree(accountId)).toMatchObject({ 'Own/Child': child.id })
  })

  it('may be removed while the worker fills them, and may be the place a move is taken back to no more', async () => {
    const { accountId, inbox, trash } = await makeAccount(1500)
    const { store, userId, whole, run, counts } = fixture
    const own = await make(accountId, 'Own')
    await run({ kind: 'moveMessages', target: whole(inbox), toMailboxId: own.id })
    const filling = settle(accountId)
    await until(async () => (await store.prisma.placement.count({ where: { mailboxId: BigInt(own.id) } })) > 0, {
      what: 'the first chunk',
    })
    await send('DELETE', `/mailboxes/${own.id}`)
    await filling
    await settle(accountId)
    expect(new Set(await whereabouts(accountId))).toEqual(new Set(['Trash Trash']))
    expect(await counts(trash)).toMatchObject({ messages: 1500 })
    const other = await make(accountId, 'Other')
    const [first] = await fixture.placements(accountId)
    if (!first) throw new Error('no placement')
    await moveTo(trash, other.id, [first])
    const out = await moveTo(BigInt(other.id), `${inbox}`, [first])
    await settle(accountId)
    await send('DELETE', `/mailboxes/${other.id}`)
    await undoCommand(store, userId, out.id, randomUUID())
    await settle(accountId)
    expect((await whereabouts(accountId))[0]).toBe('INBOX INBOX')
  })
})
