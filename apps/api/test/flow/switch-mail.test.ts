import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ANSWERED, DELETED, FLAGGED, SEEN } from '#mail/flags.ts'
import { commitBulk } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { type EnvelopeRow, storeEnvelopes } from '#store/sync-envelopes.ts'
import { endDetached } from '#store/sync-mailboxes.ts'
import { freshDatabase } from '../support/fresh-database.ts'

type Mailbox = 'INBOX' | 'Archive' | 'Trash' | 'Starred'

/** How a mail that was kept here takes its uid at a server, and what is put right there. */
describe('a mail that is met at a new server', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let accountId: bigint
  const mailboxes = new Map<Mailbox, bigint>()
  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 4 })
    const bytes = new Uint8Array()
    const account = await store.prisma.account.create({
      data: {
        userId: 1n,
        kind: 'imap',
        address: 'a@example.org',
        incoming: {},
        dataKey: bytes,
        credential: bytes,
        switching: { total: 9, found: 0, brought: 0, isTold: false },
      },
    })
    accountId = account.id
    await store.prisma.stream.create({ data: { accountId } })
    await store.prisma.accountLease.create({ data: { accountId, epoch: 1n, expiresAt: new Date(0) } })
    const roles = { INBOX: 'inbox', Archive: 'archive', Trash: 'trash', Starred: 'flagged' }
    for (const path of ['INBOX', 'Archive', 'Trash', 'Starred'] as const) {
      const { id } = await store.prisma.mailbox.create({ data: { accountId, path, name: path, role: roles[path] } })
      mailboxes.set(path, id)
    }
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })

  const idOf = (path: Mailbox): bigint => mailboxes.get(path) ?? 0n
  const work = <T>(run: Parameters<typeof commitBulk<T>>[2]) =>
    commitBulk(store, { kind: 'engine', accountId, epoch: 1n }, run)
  /** A mail kept here; null: it was deleted for good. */
  const keep = async (path: Mailbox | null, flags = 0, keywords: string[] = []): Promise<bigint> => {
    const thread = await store.prisma.thread.create({ data: { accountId } })
    const people = { fromAddresses: [], replyTo: [], toAddresses: [], cc: [], bcc: [] }
    const at = new Date('2026-11-23T10:00:00Z')
    const facts = { accountId, threadId: thread.id, subject: 's', receivedAt: at, sizeBytes: 1n, ...people }
    const { id } = await store.prisma.message.create({
      data: { ...facts, identityKey: randomUUID(), orphanedAt: path === null ? at : null },
    })
    await store.prisma.switchMail.create({ data: { messageId: id, accountId } })
    if (path === null) return id
    const mailboxId = idOf(path)
    const shown = { shownMailboxId: mailboxId, shownFlags: flags, shownKeywords: keywords }
    await store.prisma.placement.create({
      data: { accountId, mailboxId, messageId: id, threadId: thread.id, flags, keywords, receivedAt: at, ...shown },
    })
    return id
  }
  let uid = 0n
  const meet = (path: Mailbox, messageId: bigint, bits = 0, keywords: string[] = []) => {
    const people = { from: [], replyTo: [], to: [], cc: [], bcc: [] }
    const row: EnvelopeRow = {
      uid: ++uid,
      bits,
      keywords,
      modseq: 1n,
      identityKey: randomUUID(),
      refHashes: [],
      hasOwnId: false,
      subject: 's',
      people,
      sentAt: null,
      receivedAt: new Date(),
      sizeBytes: 1n,
      hasAttachment: false,
      structure: [],
      asks: null,
      messageId,
    }
    return work((unit) => storeEnvelopes(unit, { accountId, mailboxId: idOf(path) }, [row]))
  }
  const nameOf = (id: bigint | null) => [...mailboxes].find(([, known]) => known === id)?.[0] ?? null
  /** Its places: where the server has it, where it is shown and how. */
  const places = async (messageId: bigint) =>
    (await store.prisma.placement.findMany({ where: { messageId }, orderBy: { id: 'asc' } })).map((row) => [
      nameOf(row.mailboxId),
      row.uid !== null,
      nameOf(row.shownMailboxId),
      row.shownFlags,
      row.shownKeywords.join(),
    ])
  const asked = async (messageId: bigint) =>
    (await store.prisma.commandTarget.findMany({ where: { messageId }, orderBy: { ordinal: 'asc' } })).map(
      ({ addFlags, removeFlags, addKeywords, toMailboxId }) => [
        addFlags,
        removeFlags,
        addKeywords.join(),
        nameOf(toMailboxId),
      ],
    )

  it('stays where and as it is shown, and the server is told of what differs', async () => {
    const id = await keep('Archive', FLAGGED | ANSWERED, ['Family'])
    await meet('INBOX', id, SEEN | DELETED, ['Work'])
    expect(await places(id)).toEqual([['INBOX', true, 'Archive', FLAGGED | ANSWERED, 'Family,Work']])
    expect(await asked(id)).toEqual([
      [FLAGGED | ANSWERED, SEEN | DELETED, '', null],
      [0, 0, 'Family', null],
      [0, 0, '', 'Archive'],
    ])
    const commands = await store.prisma.command.findMany({ orderBy: { ordinal: 'asc' } })
    expect(commands.map(({ kind, targets }) => [kind, targets])).toEqual([
      ['setFlags', 1],
      ['setFlags', 1],
      ['moveMessages', 1],
    ])
    expect(await store.prisma.switchMail.count({ where: { messageId: id } })).toBe(0)
  })

  it('asks nothing where both agree, and takes what another program has set there', async () => {
    const id = await keep('INBOX', SEEN)
    await meet('INBOX', id, SEEN | ANSWERED, ['$Forwarded'])
    expect(await places(id)).toEqual([['INBOX', true, 'INBOX', SEEN | ANSWERED, '$Forwarded']])
    expect(await asked(id)).toEqual([])
  })

  it('is not taken out of where all that bear a star are shown', async () => {
    const id = await keep('INBOX', FLAGGED)
    await meet('Starred', id, FLAGGED)
    await meet('INBOX', id, FLAGGED)
    expect(await places(id)).toEqual([
      ['INBOX', true, 'INBOX', FLAGGED, ''],
      ['Starred', true, 'Starred', FLAGGED, ''],
    ])
    expect(await asked(id)).toEqual([])
  })

  it('that was deleted for good here comes into the trash only where it was to go at the provider too', async () => {
    const stays = await keep(null)
    const inPart = await keep(null)
    const goes = await keep(null)
    const isGoing = await keep(null)
    const rows = [
      { messageId: stays, state: 'fetched', isWhole: true },
      { messageId: inPart, state: 'fetched', isWhole: false },
      { messageId: goes, state: 'to_delete', isWhole: true },
      { messageId: isGoing, state: 'dele_sent', isWhole: true },
    ]
    await store.prisma.popLedger.createMany({
      data: rows.map((row) => ({ ...row, accountId, key: row.messageId.toString(), sizeBytes: 1n })),
    })
    for (const id of [stays, inPart, goes, isGoing]) await meet('INBOX', id)
    expect(await places(stays)).toEqual([['INBOX', true, 'INBOX', SEEN, '']])
    expect(await asked(stays)).toEqual([[SEEN, 0, '', null]])
    expect(await places(inPart)).toEqual([['INBOX', true, 'INBOX', SEEN, '']])
    expect(await places(goes)).toEqual([['INBOX', true, 'Trash', SEEN, '']])
    expect(await places(isGoing)).toEqual([['INBOX', true, 'Trash', SEEN, '']])
    expect((await store.prisma.message.findUniqueOrThrow({ where: { id: stays } })).orphanedAt).toBeNull()
    // What another program has put elsewhere was not what was deleted.
    const elsewhere = await keep(null)
    await meet('Archive', elsewhere)
    expect(await places(elsewhere)).toEqual([['Archive', true, 'Archive', 0, '']])
  })

  it('is never taken away as long as it was not met', async () => {
    const id = await keep('INBOX')
    await work((unit) => endDetached(unit, idOf('INBOX')))
    expect(await places(id)).toEqual([['INBOX', false, 'INBOX', 0, '']])
    await store.prisma.switchMail.delete({ where: { messageId: id } })
    await work((unit) => endDetached(unit, idOf('INBOX')))
    expect(await places(id)).toEqual([])
  })
})
