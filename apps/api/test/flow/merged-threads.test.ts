import { createHash } from 'node:crypto'
import { thread } from '@postern/shared/messages.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { toArrivalEnvelope } from '#mail/arrival-envelope.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { storeEnvelopes } from '#store/sync-envelopes.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let store: Store
let app: FastifyInstance
const place = { accountId: 0n, mailboxId: 0n }
const people: string[] = []
beforeAll(async () => {
  database = await freshDatabase()
  store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 4 })
  app = await buildTestApp({ store })
  for (const name of ['ann', 'bob']) {
    const data = { address: `${name}@example.org`, name, role: 'user', passwordHash: '-' }
    people.push(await openTestSession(store, (await store.prisma.appUser.create({ data })).id))
  }
  const { id: userId } = await store.prisma.appUser.findFirstOrThrow({ where: { name: 'ann' } })
  const sealed = { dataKey: new Uint8Array(), credential: new Uint8Array() }
  const account = { userId, kind: 'imap', address: 'ann@example.org', incoming: {}, ...sealed }
  place.accountId = (await store.prisma.account.create({ data: account })).id
  const { accountId } = place
  await store.prisma.stream.create({ data: { accountId } })
  const inbox = { accountId, path: 'INBOX', name: 'INBOX', role: 'inbox' }
  place.mailboxId = (await store.prisma.mailbox.create({ data: inbox })).id
})
afterAll(async () => {
  await app?.close()
  await store?.close()
  await database?.drop()
})

let uid = 0n
/** Answers the conversation it came into. */
const arrive = async (name: string, ...references: string[]): Promise<string> => {
  const ids = [...references, name].map((id) => `<${id}@example.org>`)
  const raw = Buffer.from(
    `Subject: ${name}\r\nReferences: ${ids.slice(0, -1).join(' ')}\r\nMessage-ID: ${ids.at(-1)}\r\n\r\nHello\r\n`,
  )
  const rawHash = createHash('sha256').update(raw).digest()
  const envelope = await toArrivalEnvelope(raw, { rawHash, sizeBytes: raw.length, now: new Date() })
  const { accountId } = place
  await commit(store, { kind: 'system' }, async (unit) => {
    const row = { ...envelope, uid: ++uid, modseq: 0n }
    unit.touchThreads(accountId, (await storeEnvelopes(unit, place, [row])).threadIds)
  })
  return (await store.prisma.message.findFirstOrThrow({ where: { accountId, subject: name } })).threadId.toString()
}
const ask = (threadId: string, cookie = people[0] ?? '') =>
  app.inject({ url: `/v1/threads/${threadId}`, headers: { cookie } })

it('a conversation that a mail has joined with another is answered as that one, however often that happened', async () => {
  const [first, second, third] = [await arrive('first'), await arrive('second'), await arrive('third')]
  expect(new Set([first, second, third]).size).toBe(3)
  expect(await arrive('both', 'second', 'third')).toBe(second)
  expect(await arrive('all', 'first', 'both')).toBe(first)
  for (const asked of [first, second, third]) {
    const { threadId, messages } = thread.parse((await ask(asked)).json())
    expect(threadId).toBe(first)
    expect(messages.map(({ subject }) => subject)).toEqual(['first', 'second', 'third', 'both', 'all'])
  }
  const statuses = await Promise.all([ask(third, people[1]), ask('999999')])
  expect(statuses.map(({ statusCode }) => statusCode)).toEqual([404, 404])
})
