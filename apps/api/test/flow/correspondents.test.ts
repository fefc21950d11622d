import { randomBytes, randomUUID } from 'node:crypto'
import { correspondentList } from '@postern/shared/drafts.ts'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ConnectBudget } from '#engine/connect-budget.ts'
import { startSupervisor } from '#engine/supervisor.ts'
import { engineTiming } from '#engine/timing.ts'
import { systemClock } from '#platform/clock.ts'
import { createLogger } from '#platform/logger.ts'
import { commit } from '#store/commit.ts'
import { addIdentity } from '#store/identities.ts'
import { learnNextPiece } from '#store/learn-correspondents.ts'
import { engineChannel, eraseNotice } from '#store/notify.ts'
import { BodyReader } from '#sync/body-reader.ts'
import { queueMail } from '../support/queued-mail.ts'
import { until } from '../support/until.ts'
import { type OutboxApi, startOutboxApi } from './outbox-fixture.ts'

let api: OutboxApi
let accountId: bigint
let boxes: Record<'inbox' | 'sent' | 'junk' | 'trash', bigint>
beforeAll(async () => {
  api = await startOutboxApi()
  await api.store.prisma.stream.create({ data: { userId: api.userId } })
  const made = await api.makeAccount(0)
  accountId = made.accountId
  const [sent, junk] = [await made.box('Sent', 'sent'), await made.box('Spam', null, { chosenRole: 'junk' })]
  boxes = { inbox: made.inbox, trash: made.trash, sent, junk }
  const fields = { address: 'Me@example.org', name: 'Ann Own', replyTo: null, signature: '', isDefault: true }
  await commit(api.store, { kind: 'system' }, (unit) => addIdentity(unit, accountId, fields))
})
afterAll(() => api.stop())

type Person = [name: string, address: string]
let uid = 1n
const mail = async (
  mailbox: keyof typeof boxes,
  {
    from,
    to = [],
    isRead = true,
    daysAgo = 1,
    asks,
  }: { from?: Person; to?: Person[]; isRead?: boolean; daysAgo?: number; asks?: object },
) => {
  const { prisma } = api.store
  const people = (list: Person[]) => list.map(([name, address]) => ({ name, address }))
  const receivedAt = new Date(Date.now() - daysAgo * 86_400_000)
  const { id: threadId } = await prisma.thread.create({ data: { accountId } })
  const texts = {
    subject: 'x',
    replyTo: [],
    cc: [],
    bcc: [],
    fromAddresses: people(from ? [from] : []),
    toAddresses: people(to),
  }
  const { id: messageId } = await prisma.message.create({
    data: {
      accountId,
      threadId,
      identityKey: randomUUID(),
      ...texts,
      receivedAt,
      sizeBytes: 1n,
      ...(asks ? { asks } : {}),
    },
  })
  const shownMailboxId = boxes[mailbox]
  await prisma.placement.create({
    data: {
      accountId,
      threadId,
      messageId,
      mailboxId: shownMailboxId,
      shownMailboxId,
      uid: uid++,
      shownFlags: isRead ? 1 : 0,
      receivedAt,
    },
  })
  return messageId
}
/** Two rounds, as the engine does them. */
const learnAll = async () => {
  for (let round = 0; round < 2; round++) while (await learnNextPiece(api.store));
}
const find = async (q: string, { limit = 8, cookie }: { limit?: number; cookie?: string } = {}) => {
  const answer = await api.send('GET', `/correspondents?q=${encodeURIComponent(q)}&limit=${limit}`, undefined, cookie)
  expect(answer.statusCode, answer.body).toBe(200)
  return correspondentList.parse(answer.json()).correspondents
}
const addresses = async (q: string) => (await find(q)).map(({ address }) => address)
const submit = async (to: string[], more: object = {}) => {
  const id = randomUUID()
  await queueMail(api.store, { userId: api.userId, accountId }, { id, to, draftId: randomUUID(), ...more })
  return id
}

it('written to counts before read from, recent before old; lists, machines, junk, trash and what is unread do not', async () => {
  await mail('inbox', { from: ['Ann Reader', 'ann.reader@example.org'] })
  await mail('inbox', { from: ['Ann Twice', 'ann.twice@example.org'] })
  await mail('inbox', { from: ['Ann Twice', 'Ann.Twice@example.org'] })
  await mail('sent', { to: [['Ann Written', 'ann.written@example.org']] })
  for (let n = 0; n < 9; n++) await mail('sent', { to: [['Ann Old', 'ann.old@example.org']], daysAgo: 900 })
  await mail('inbox', {
    from: ['Ann List', 'ann.list@example.org'],
    asks: { receipt: null, list: { id: 'x', links: [] } },
  })
  await mail('inbox', { from: ['Ann Machine', 'ann.no-reply@example.org'] })
  await mail('junk', { from: ['Ann Junk', 'ann.junk@example.org'] })
  await mail('trash', { from: ['Ann Trash', 'ann.trash@example.org'] })
  const unread = await mail('inbox', { from: ['Ann Unread', 'ann.unread@example.org'], isRead: false })
  await mail('inbox', { from: ['Ann Myself', 'me@example.org'] })
  await learnAll()
  const usual = ['ann.written@example.org', 'ann.twice@example.org', 'ann.reader@example.org', 'ann.old@example.org']
  expect(await addresses('ann')).toEqual([...usual, 'me@example.org'])
  expect((await find('ann')).at(-1)).toEqual({ name: 'Ann Own', address: 'me@example.org', isOwn: true })
  await api.store.prisma.placement.updateMany({ where: { messageId: unread }, data: { shownFlags: 1 } })
  await learnAll()
  expect(await addresses('unread')).toEqual(['ann.unread@example.org'])
  expect(await api.store.prisma.correspondentUnread.count()).toBe(0)
  // Nothing counts twice.
  const ranks = () => api.store.prisma.correspondent.findMany({ orderBy: { address: 'asc' } })
  const before = await ranks()
  await learnAll()
  expect(await ranks()).toEqual(before)
})

it('what is sent from here counts at once, and its copy in Sent no second time; a machine that was written to is known', async () => {
  const id = await submit(['dora@example.org', 'no-reply@dora.example'])
  expect(await addresses('dora')).toEqual(['dora@example.org', 'no-reply@dora.example'])
  const rank = async () =>
    (await api.store.prisma.correspondent.findFirstOrThrow({ where: { address: 'dora@example.org' } })).rank
  const before = await rank()
  const copy = await mail('sent', { to: [['Dora', 'dora@example.org']] })
  await api.store.prisma.$executeRaw`
    UPDATE message SET message_id_hash = left(encode(sha256(convert_to(${`id:${id}@example.org`}, 'UTF8')), 'hex'), 32)::uuid WHERE id = ${copy}`
  await learnAll()
  expect(await rank()).toBe(before)
})

it('every word is found by its beginning, in any script, without accents', async () => {
  const wanted: [Person, string[]][] = [
    [
      ['Zoë Ångström', 'zoe@lund.example'],
      ['ZOE', 'angs', 'ång', 'lund', 'zoe@lu', 'ångstr zo'],
    ],
    [
      ['Юлия Ким', 'yk@example.org'],
      ['юлия', 'КИМ ю'],
    ],
    [
      ['山田太郎', 'yamada@example.jp'],
      ['山', '山田', '太郎'],
    ],
    [
      ['', 'jürgen@bücher.example'],
      ['jurgen', 'büch', 'jürgen@bücher.example'],
    ],
  ]
  for (const [one] of wanted) await mail('sent', { to: [one] })
  await learnAll()
  for (const [[, address], beginnings] of wanted)
    for (const q of beginnings) expect([q, await addresses(q)]).toEqual([q, [address]])
  for (const q of ['ngstr', '@', "' | 'nobody", '!', 'nobody:*']) expect([q, await addresses(q)]).toEqual([q, []])
})

it('who is not among the best is found all the same, and never more are answered than are allowed', async () => {
  await api.store.prisma.$executeRaw`
    INSERT INTO correspondent (user_id, address, name, rank, last_at, words)
    SELECT ${api.userId}, 'crowd' || n || '@example.org', '', 10000 - n, now(), format('''%s:crowd%s''', ${api.userId}::bigint, n)::tsvector FROM generate_series(1, 2100) n`
  expect(await addresses('crowd2099')).toEqual(['crowd2099@example.org'])
  expect(await addresses('zoe')).toEqual(['zoe@lund.example'])
  expect((await find('crowd', { limit: 3 })).map(({ address }) => address)).toEqual(
    [1, 2, 3].map((n) => `crowd${n}@example.org`),
  )
  expect((await api.send('GET', '/correspondents?q=a&limit=51')).statusCode).toBe(400)
})

it('nobody is shown whom somebody else writes with', async () => {
  const stranger = await api.makeUser('stranger@example.org')
  const cookie = await api.signIn(stranger.id)
  expect(await find('zoe', { cookie })).toEqual([])
  expect(await find('', { cookie, limit: 50 })).toEqual([])
  await api.send('DELETE', '/correspondents?address=zoe@lund.example', undefined, cookie)
  expect(await addresses('zoe')).toEqual(['zoe@lund.example'])
})

it('who was forgotten comes back only by being written to', async () => {
  expect((await api.send('DELETE', '/correspondents?address=Zoe@Lund.example')).statusCode).toBe(204)
  expect(await addresses('zoe')).toEqual([])
  await mail('inbox', { from: ['Zoë Ångström', 'zoe@lund.example'], daysAgo: -1 })
  await mail('sent', { to: [['Zoë Ångström', 'zoe@lund.example']], daysAgo: 30 })
  await learnAll()
  expect(await addresses('zoe')).toEqual([])
  await submit(['zoe@lund.example'])
  expect(await find('zoe')).toEqual([{ name: '', address: 'zoe@lund.example', isOwn: false }])
})

it('the engine learns by itself, some minutes after mail was stored', async () => {
  await mail('sent', { to: [['', 'late@example.org']] })
  // No worker is wanted.
  await api.store.prisma.account.updateMany({ data: { disconnectedAt: new Date() } })
  let minutes = 0
  const clock = { ...systemClock, monotonicMs: () => performance.now() + minutes * 60_000 }
  const logger = createLogger({ level: 'silent' })
  const readers = { bulk: new BodyReader(logger), waiting: new BodyReader(logger) }
  const { store } = api
  const rest = { masterKey: randomBytes(32), ca: undefined, budget: new ConnectBudget(), timing: engineTiming }
  const supervisor = startSupervisor({ store, clock, logger, readers, ...rest }, 'test')
  await until(
    async () => {
      minutes += 2
      store.notifier.notify(engineChannel, eraseNotice)
      return (await addresses('late')).length === 1
    },
    { what: 'somebody who was learned of' },
  )
  await supervisor.stop()
  await Promise.all([readers.bulk.close(), readers.waiting.close()])
})
