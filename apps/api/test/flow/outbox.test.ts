import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { getCommand, undoCommand } from '#outbox/outbox.ts'
import { dropUnsent, finishCommand } from '#store/command-settle.ts'
import { beginCommand, listOpenCommands, nextItems } from '#store/command-work.ts'
import { commit } from '#store/commit.ts'
import { type OutboxRows, startOutboxRows } from './outbox-fixture.ts'

describe('commands in the store', () => {
  let fixture: OutboxRows
  beforeAll(async () => {
    fixture = await startOutboxRows()
  })
  afterAll(() => fixture.stop())

  it('shows the effect at once, counts right, and keeps the server truth untouched', async () => {
    const { makeAccount, placements, run, some, counts } = fixture
    const { accountId, inbox, trash } = await makeAccount(5)
    const [first, second] = await placements(accountId)
    if (!first || !second) throw new Error('no placements')
    const read = await run({ kind: 'setFlags', target: some(inbox, [first]), add: ['seen'], addKeywords: ['$Work'] })
    expect(read).toMatchObject({ state: 'pending', messages: 1, settled: 0, canUndo: true, error: null })
    await run({ kind: 'moveToRole', target: some(inbox, [second]), role: 'trash' })
    const [one, two] = await placements(accountId)
    expect(one).toMatchObject({ flags: 0, keywords: [], shownFlags: 1, shownKeywords: ['$Work'] })
    expect(two).toMatchObject({ mailboxId: inbox, shownMailboxId: trash })
    expect(await counts(inbox)).toEqual({ messages: 4, unreadMessages: 3 })
    expect(await counts(trash)).toEqual({ messages: 1, unreadMessages: 1 })
  })

  it('repeats nothing for a known id, and refuses another command under it', async () => {
    const { makeAccount, run, whole, store } = fixture
    const { accountId, inbox } = await makeAccount(2)
    const id = randomUUID()
    const flag = { kind: 'setFlags' as const, target: whole(inbox), add: ['flagged' as const] }
    const [one, two] = await Promise.all([run(flag, id), run(flag, id)])
    expect(two).toEqual(one)
    expect(await run(flag, id)).toEqual(one)
    await expect(run({ ...flag, add: ['seen'] }, id)).rejects.toMatchObject({ code: 'request.conflict' })
    expect(await store.prisma.command.count({ where: { accountId } })).toBe(1)
  })

  it('lets nobody touch the mailboxes or commands of somebody else', async () => {
    const { makeUser, makeAccount, run, whole, store } = fixture
    const stranger = (await makeUser('stranger@example.org')).id
    const { inbox } = await makeAccount(1)
    const theirs = await makeAccount(1, stranger)
    const mine = await run({ kind: 'setFlags', target: whole(inbox), add: ['seen'] })
    await expect(run({ kind: 'setFlags', target: whole(theirs.inbox), add: ['seen'] })).rejects.toMatchObject({
      code: 'not_found',
    })
    await expect(
      run({ kind: 'moveMessages', target: whole(inbox), toMailboxId: `${theirs.inbox}` }),
    ).rejects.toMatchObject({ code: 'not_found' })
    await expect(undoCommand(store, stranger, mine.id, randomUUID())).rejects.toMatchObject({ code: 'not_found' })
    await expect(getCommand(store, stranger, mine.id)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('refuses what the mailbox does not allow before anything is written', async () => {
    const { makeAccount, run, whole, store } = fixture
    const { accountId, inbox, box } = await makeAccount(1)
    const readOnly = await box('News', null, { isReadOnly: true })
    const shared = await box('Shared', null, { rights: 'lrs' })
    const flag = (mailboxId: bigint, add: 'seen' | 'flagged') =>
      run({ kind: 'setFlags', target: whole(mailboxId), add: [add] })
    await expect(flag(readOnly, 'seen')).rejects.toMatchObject({ code: 'mailbox.read_only' })
    await expect(flag(shared, 'flagged')).rejects.toMatchObject({ code: 'mailbox.no_permission' })
    expect(await flag(shared, 'seen')).toMatchObject({ state: 'done', messages: 0 })
    await expect(run({ kind: 'moveMessages', target: whole(inbox), toMailboxId: `${shared}` })).rejects.toMatchObject({
      code: 'mailbox.no_permission',
    })
    await expect(run({ kind: 'expungeMessages', target: whole(inbox) })).rejects.toMatchObject({
      code: 'request.invalid',
    })
    expect(await store.prisma.command.count({ where: { accountId } })).toBe(1)
  })

  it('makes a missing archive below INBOX where everything lies there', async () => {
    const { makeAccount, run, whole, store } = fixture
    const { accountId, inbox, trash, box } = await makeAccount(1)
    await store.prisma.mailbox.delete({ where: { id: trash } })
    await box('INBOX/Sent', 'sent')
    await run({ kind: 'moveToRole', target: whole(inbox), role: 'archive' })
    const archive = await store.prisma.mailbox.findFirstOrThrow({ where: { accountId, role: 'archive' } })
    expect(archive).toMatchObject({ path: 'INBOX/Archive', messages: 1 })
  })

  it('takes back what was not sent without a word to the server, once', async () => {
    const { makeAccount, run, whole, counts, store, userId } = fixture
    const { accountId, inbox, trash } = await makeAccount(3)
    const moved = await run({ kind: 'moveToRole', target: whole(inbox), role: 'trash' })
    const inverseId = randomUUID()
    const inverse = await undoCommand(store, userId, moved.id, inverseId)
    expect(inverse).toMatchObject({ state: 'done', canUndo: false, messages: 0, missed: 0 })
    expect(await undoCommand(store, userId, moved.id, inverseId)).toEqual(inverse)
    await expect(undoCommand(store, userId, moved.id, randomUUID())).rejects.toMatchObject({
      code: 'request.conflict',
    })
    expect(await getCommand(store, userId, moved.id)).toMatchObject({ state: 'undone', canUndo: false })
    expect(await listOpenCommands(store.prisma, accountId)).toEqual([])
    expect(await counts(inbox)).toEqual({ messages: 3, unreadMessages: 3 })
    expect(await counts(trash)).toEqual({ messages: 0, unreadMessages: 0 })
  })

  it('undoes only what a command changed, and leaves alone what was moved on since', async () => {
    const { makeAccount, placements, run, whole, some, store, userId } = fixture
    const { accountId, inbox, trash, box } = await makeAccount(3)
    const other = await box('Other', null)
    const [first, second] = await placements(accountId)
    if (!first || !second) throw new Error('no placements')
    await run({ kind: 'setFlags', target: some(inbox, [first]), add: ['seen'] })
    const all = await run({ kind: 'setFlags', target: whole(inbox), add: ['seen', 'flagged'] })
    const moved = await run({ kind: 'moveToRole', target: whole(inbox), role: 'trash' })
    await run({ kind: 'moveMessages', target: some(trash, [second]), toMailboxId: `${other}` })
    for (const { id } of [all, moved]) await commit(store, { kind: 'system' }, (unit) => beginCommand(unit, id))
    expect(await undoCommand(store, userId, moved.id, randomUUID())).toMatchObject({ messages: 2 })
    await undoCommand(store, userId, all.id, randomUUID())
    expect((await placements(accountId)).map((row) => [row.shownMailboxId, row.shownFlags])).toEqual([
      [inbox, 1],
      [other, 0],
      [inbox, 0],
    ])
  })

  it('drops what a running command has not begun when it is taken back, with that part of the inverse', async () => {
    const { makeAccount, placements, run, whole, settle, store, userId } = fixture
    const { accountId, inbox } = await makeAccount(3)
    const [first] = await placements(accountId)
    const read = await run({ kind: 'setFlags', target: whole(inbox), add: ['seen'] })
    await commit(store, { kind: 'system' }, (unit) => beginCommand(unit, read.id))
    const back = await undoCommand(store, userId, read.id, randomUUID())
    expect(await getCommand(store, userId, read.id)).toMatchObject({ state: 'undone' })
    const done = [first?.id ?? 0n]
    const truth = [{ placementId: done[0] ?? 0n, flags: { bits: 1, keywords: [] }, modseq: 0n }]
    await settle(accountId, { commandId: read.id, mailboxId: inbox, done, truth })
    await commit(store, { kind: 'system' }, async (unit) => {
      await dropUnsent(unit, accountId, read.id, back.id)
      await finishCommand(unit, accountId, read.id)
    })
    expect((await placements(accountId)).map(({ shownFlags }) => shownFlags)).toEqual([0, 0, 0])
    expect((await nextItems(store.prisma, back.id, 10)).map(({ placementId }) => placementId)).toEqual(done)
    expect(await getCommand(store, userId, read.id)).toMatchObject({ state: 'undone', settled: 1 })
    expect((await listOpenCommands(store.prisma, accountId)).map(({ id }) => id)).toEqual([back.id])
  })

  it('offers the worker clicks before bulk, and nothing out of order for one message', async () => {
    const { makeAccount, placements, run, whole, some, settle, store } = fixture
    const { accountId, inbox } = await makeAccount(120)
    const rows = await placements(accountId)
    const bulk = await run({ kind: 'setFlags', target: whole(inbox), add: ['seen'] })
    await run({ kind: 'setFlags', target: some(inbox, rows.slice(0, 2)), add: ['answered'] })
    const open = await listOpenCommands(store.prisma, accountId)
    expect(open.map(({ id }) => id).at(-1)).toBe(bulk.id)
    const click = open[0]?.id ?? ''
    expect(await nextItems(store.prisma, click, 500)).toEqual([])
    await settle(accountId, { commandId: bulk.id, mailboxId: inbox, done: rows.slice(0, 1).map(({ id }) => id) })
    expect((await nextItems(store.prisma, click, 500)).map(({ placementId }) => placementId)).toEqual([rows[0]?.id])
    expect(await nextItems(store.prisma, bulk.id, 500)).toHaveLength(119)
  })

  it('tells lists nothing when the server did what was shown already, and corrects them when it did not', async () => {
    const { makeAccount, placements, run, whole, settle, store } = fixture
    const { accountId, inbox } = await makeAccount(2)
    const [first, second] = await placements(accountId)
    if (!first || !second) throw new Error('no placements')
    const star = await run({ kind: 'setFlags', target: whole(inbox), add: ['flagged'] })
    const seq = async () => (await store.prisma.stream.findUniqueOrThrow({ where: { accountId } })).seq
    const before = await seq()
    const truth = (id: bigint, bits: number) => ({ placementId: id, flags: { bits, keywords: [] }, modseq: 0n })
    await settle(accountId, {
      commandId: star.id,
      mailboxId: inbox,
      done: [first.id],
      truth: [truth(first.id, 4)],
    })
    expect(await seq()).toBe(before)
    await settle(accountId, {
      commandId: star.id,
      mailboxId: inbox,
      failed: [second.id],
      truth: [truth(second.id, 1)],
    })
    expect(await seq()).toBeGreaterThan(before)
    expect((await placements(accountId)).map(({ shownFlags }) => shownFlags)).toEqual([4, 1])
  })

  it('never lets a flags reading with a lower modseq replace a newer one', async () => {
    const { makeAccount, placements, run, whole, settle, store } = fixture
    const { accountId, inbox } = await makeAccount(1)
    const [row] = await placements(accountId)
    if (!row) throw new Error('no placement')
    await store.prisma.placement.update({ where: { id: row.id }, data: { flags: 4, modseq: 50n } })
    const seen = await run({ kind: 'setFlags', target: whole(inbox), add: ['seen'] })
    const truth = [{ placementId: row.id, flags: { bits: 1, keywords: [] }, modseq: 40n }]
    await settle(accountId, { commandId: seen.id, mailboxId: inbox, done: [row.id], truth })
    expect(await placements(accountId)).toMatchObject([{ flags: 4, modseq: 50n }])
  })

  it('keeps the placement id through a move, and lets a row give way that a sync made too early', async () => {
    const { makeAccount, placements, run, whole, some, settle, store } = fixture
    const { accountId, inbox, trash } = await makeAccount(2)
    const [first, second] = await placements(accountId)
    if (!first || !second) throw new Error('no placements')
    const moved = await run({ kind: 'moveToRole', target: whole(inbox), role: 'trash' })
    const { id: _, ...early } = { ...first, mailboxId: trash, uid: 1n, shownMailboxId: trash }
    const { id: earlyId } = await store.prisma.placement.create({ data: early })
    await store.prisma.mailbox.update({ where: { id: trash }, data: { envelopesStored: 1 } })
    await run({ kind: 'setFlags', target: some(trash, [first]), add: ['flagged'] })
    await settle(accountId, {
      commandId: moved.id,
      mailboxId: inbox,
      to: { mailboxId: trash, uidValidity: 8n },
      done: [first.id, second.id],
      moved: [
        { placementId: first.id, uid: 1 },
        { placementId: second.id, uid: 2 },
      ],
    })
    expect(await placements(accountId)).toMatchObject([
      { id: first.id, mailboxId: trash, uid: 1n, shownMailboxId: trash, shownFlags: 4 },
      { id: second.id, mailboxId: trash, uid: 2n, shownFlags: 0 },
    ])
    expect(await store.prisma.commandTarget.count({ where: { placementId: earlyId, state: 'pending' } })).toBe(0)
    expect(await store.prisma.mailbox.findUnique({ where: { id: inbox } })).toMatchObject({ envelopesStored: 0 })
    // The new uids follow the cursor without a gap: the sync of the target has nothing to fetch.
    expect(await store.prisma.mailbox.findUnique({ where: { id: trash } })).toMatchObject({
      envelopesStored: 2,
      uidNext: 3n,
      messages: 2,
    })
  })
})
