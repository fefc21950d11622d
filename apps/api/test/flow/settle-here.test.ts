import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getCommand, undoCommand } from '#outbox/outbox.ts'
import { settleNextCommands } from '#outbox/settle-here.ts'
import { beginCommand } from '#store/command-work.ts'
import { commit } from '#store/commit.ts'
import { type OutboxRows, startOutboxRows } from './outbox-fixture.ts'

describe('commands of mailboxes that are kept here', () => {
  let fixture: OutboxRows
  beforeAll(async () => {
    fixture = await startOutboxRows()
  })
  afterAll(() => fixture.stop())

  const settle = (accountId: bigint, more: { isEnough?: () => boolean; onReleased?: () => void } = {}) =>
    settleNextCommands({ store: fixture.store, scope: { kind: 'user', userId: fixture.userId }, accountId, ...more })
  const stateOf = async (id: string) => (await getCommand(fixture.store, fixture.userId, id)).state

  it('make what is shown the truth, and end', async () => {
    const { makeAccount, placements, run, some, counts } = fixture
    const { accountId, inbox, trash } = await makeAccount(4)
    const [first, second] = await placements(accountId)
    if (!first || !second) throw new Error('no placements')
    const flag = await run({ kind: 'setFlags', target: some(inbox, [first]), add: ['seen'], addKeywords: ['$Work'] })
    const move = await run({ kind: 'moveToRole', target: some(inbox, [first, second]), role: 'trash' })
    expect(await settle(accountId)).toBe(true)
    expect(await settle(accountId)).toBe(false)
    const [one, two, three] = await placements(accountId)
    expect(one).toMatchObject({ id: first.id, mailboxId: trash, uid: 1n, flags: 1, keywords: ['$Work'] })
    expect(one).toMatchObject({ shownMailboxId: trash, shownFlags: 1, shownKeywords: ['$Work'] })
    expect(two).toMatchObject({ id: second.id, mailboxId: trash, uid: 2n, flags: 0 })
    expect(three).toMatchObject({ mailboxId: inbox })
    expect([await stateOf(flag.id), await stateOf(move.id)]).toEqual(['done', 'done'])
    expect(await counts(trash)).toEqual({ messages: 2, unreadMessages: 1 })
  })

  it('are taken back like any other, with the same rows', async () => {
    const { store, userId, makeAccount, placements, run, whole, counts } = fixture
    const { accountId, inbox, trash } = await makeAccount(3)
    const before = await placements(accountId)
    const move = await run({ kind: 'moveToRole', target: whole(inbox), role: 'trash' })
    await settle(accountId)
    await undoCommand(store, userId, move.id, randomUUID())
    await settle(accountId)
    const after = await placements(accountId)
    expect(after.map(({ id, mailboxId, flags }) => ({ id, mailboxId, flags }))).toEqual(
      before.map(({ id, mailboxId, flags }) => ({ id, mailboxId, flags })),
    )
    // A uid is never given twice (RFC 9051 2.3.1.1).
    expect(after.every(({ uid }) => (uid ?? 0n) >= 100_000n)).toBe(true)
    expect(await counts(inbox)).toMatchObject({ messages: 3 })
    expect(await counts(trash)).toMatchObject({ messages: 0 })
  })

  it('do nothing to what had left its mailbox, and say so', async () => {
    const { store, userId, makeAccount, placements, run, some } = fixture
    const { accountId, inbox, trash } = await makeAccount(3)
    const rows = await placements(accountId)
    const [first, second, third] = rows
    if (!first || !second || !third) throw new Error('no placements')
    const move = await run({ kind: 'moveToRole', target: some(inbox, [first, second]), role: 'trash' })
    expect(move).toMatchObject({ messages: 2, missed: 0 })
    const star = await run({ kind: 'setFlags', target: some(inbox, rows), add: ['flagged'] })
    expect(star).toMatchObject({ state: 'pending', messages: 1, missed: 2 })
    const target = { kind: 'threads' as const, mailboxId: `${inbox}`, threadIds: [`${first.threadId}`] }
    expect(await run({ kind: 'setFlags', target, add: ['seen'] })).toMatchObject({
      state: 'done',
      messages: 0,
      missed: 1,
    })
    await settle(accountId)
    expect(await getCommand(store, userId, star.id)).toMatchObject({ state: 'done', settled: 1, missed: 2 })
    // What is so already has not left.
    expect(await run({ kind: 'setFlags', target: some(inbox, [third]), add: ['flagged'] })).toMatchObject({ missed: 0 })
    await run({ kind: 'expungeMessages', target: some(trash, [second]) })
    await settle(accountId)
    expect(await undoCommand(store, userId, move.id, randomUUID())).toMatchObject({ messages: 1, missed: 1 })
  })

  it('go on where a run was cut off', async () => {
    const { store, makeAccount, placements, run, whole } = fixture
    const { accountId, inbox, trash } = await makeAccount(1200)
    const move = await run({ kind: 'moveToRole', target: whole(inbox), role: 'trash' })
    // As a kill leaves it that comes after the beginning and before the first chunk.
    await commit(store, { kind: 'system' }, (unit) => beginCommand(unit, move.id))
    await settle(accountId)
    const rows = await placements(accountId)
    expect(rows.every(({ mailboxId, shownMailboxId }) => mailboxId === trash && shownMailboxId === trash)).toBe(true)
    expect(new Set(rows.map(({ uid }) => uid)).size).toBe(1200)
    expect(await stateOf(move.id)).toBe('done')
  })

  it('give way between two chunks to whoever waits for something else', async () => {
    const { makeAccount, placements, run, whole } = fixture
    const { accountId, inbox, trash } = await makeAccount(600)
    await run({ kind: 'moveToRole', target: whole(inbox), role: 'trash' })
    const moved = async () => (await placements(accountId)).filter(({ mailboxId }) => mailboxId === trash).length
    let chunks = 0
    expect(await settle(accountId, { isEnough: () => chunks++ === 1 })).toBe(true)
    expect(await moved()).toBe(500)
    expect(await settle(accountId, { isEnough: () => true })).toBe(false)
    await settle(accountId)
    expect(await moved()).toBe(600)
  })

  it('let a mail go at the provider when it is deleted for good here, where the person wants that', async () => {
    const { store, makeAccount, placements, run, whole, some } = fixture
    for (const [kind, state, waiting, isWhole] of [
      ['whenDeletedHere', 'to_delete', 1, true],
      ['whenDeletedHere', 'fetched', 0, false],
      ['keep', 'fetched', 0, true],
    ] as const) {
      const { accountId, inbox, trash } = await makeAccount(2)
      await store.prisma.account.update({
        where: { id: accountId },
        data: { retrieval: { policy: { kind } }, maildrop: { waiting: 0 } },
      })
      for (const { messageId } of await placements(accountId))
        await store.prisma.popLedger.create({
          data: {
            accountId,
            key: `${messageId}`,
            sizeBytes: 10n,
            state: 'fetched',
            isWhole,
            messageId,
            fetchedAt: new Date(),
          },
        })
      const [first] = await placements(accountId)
      if (!first) throw new Error('no placements')
      await run({ kind: 'moveToRole', target: some(inbox, [first]), role: 'trash' })
      await settle(accountId)
      await run({ kind: 'expungeMessages', target: whole(trash) })
      let told = 0
      await settle(accountId, { onReleased: () => told++ })
      expect(told).toBe(waiting)
      const ledger = await store.prisma.popLedger.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
      expect(ledger.map((row) => row.state)).toEqual([state, 'fetched'])
      // What stays there stays, whatever policy comes later (plan-maildrop.test.ts).
      expect(ledger.map(({ fetchedAt }) => fetchedAt !== null)).toEqual([waiting === 1, true])
      expect(await placements(accountId)).toHaveLength(1)
      const { maildrop } = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
      expect(maildrop).toMatchObject({ waiting })
    }
  })
})
