import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import { ScreenFocus } from '#realtime/screen-focus.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { until } from '../support/until.ts'

describe('what screens show', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  const [me, other] = [1n, 2n]
  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 2 })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })
  const makeMailbox = async (userId: bigint) => {
    const sealed = { dataKey: Buffer.of(1), credential: Buffer.of(1) }
    const account = await store.prisma.account.create({
      data: { userId, kind: 'imap', address: `${crypto.randomUUID()}@example.org`, incoming: {}, ...sealed },
    })
    const mailbox = await store.prisma.mailbox.create({ data: { accountId: account.id, path: 'A', name: 'A' } })
    return { accountId: account.id, mailboxId: mailbox.id }
  }

  it('is told to each account of theirs, and taken back when they go elsewhere or end', async () => {
    const [one, two, foreign] = [await makeMailbox(me), await makeMailbox(me), await makeMailbox(other)]
    const told: [bigint, string, bigint[]][] = []
    const focus = new ScreenFocus({
      store,
      logger: createLogger({ level: 'silent' }),
      onFocus: async (...words) => void told.push(words),
    })
    focus.show('tab', me, [one.mailboxId, foreign.mailboxId])
    focus.show('phone', me, [one.mailboxId])
    focus.show('tab', me, [two.mailboxId])
    await until(async () => told.length === 4)
    expect(told.filter(([, screen]) => screen === 'tab')).toEqual([
      [one.accountId, 'tab', [one.mailboxId]],
      [one.accountId, 'tab', []],
      [two.accountId, 'tab', [two.mailboxId]],
    ])
    focus.end('tab', me)
    focus.end('tab', me)
    focus.end('phone', me)
    await until(async () => told.length === 6)
    expect(told.slice(4).map(([, screen, ids]) => [screen, ids])).toEqual(
      expect.arrayContaining([
        ['tab', []],
        ['phone', []],
      ]),
    )
    expect(told.some(([accountId]) => accountId === foreign.accountId)).toBe(false)
  })
})
