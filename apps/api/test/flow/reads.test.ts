import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { presentThreadRow } from '#features/present-mail.ts'
import { parseQuery, toTsquery } from '#mail/tokenize.ts'
import { commit } from '#store/commit.ts'
import { Prisma } from '#store/generated/client.ts'
import { type Filter, type ListKey, type PageRow, type ThreadListRow, threadPage } from '#store/list-threads.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { readChangeRows } from '#store/read-change-rows.ts'
import { readMessage, threadMessages } from '#store/read-messages.ts'
import { searchMessages } from '#store/search-messages.ts'
import { freshDatabase } from '../support/fresh-database.ts'

/** What people read quickly must be what is there: pages, senders, counts, and nothing of anybody else's. */
describe('quick reads', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let accountId: bigint
  let otherAccountId: bigint
  const [me, other] = [1n, 2n]
  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 4 })
  })
  afterAll(async () => {
    await store.close()
    await database.drop()
  })
  const makeAccount = async (userId: bigint): Promise<bigint> => {
    const sealed = { dataKey: Buffer.of(1), credential: Buffer.of(1) }
    const { id } = await store.prisma.account.create({
      data: { userId, kind: 'imap', address: `${crypto.randomUUID()}@example.org`, incoming: {}, ...sealed },
    })
    await store.prisma.stream.create({ data: { accountId: id } })
    return id
  }
  beforeEach(async () => {
    await store.prisma
      .$executeRaw`TRUNCATE account, mailbox, thread, message, placement, thread_mailbox, message_search, body, part, stream, change`
    accountId = await makeAccount(me)
    otherAccountId = await makeAccount(other)
  })

  type Mail = {
    thread: number
    box: number
    isSeen: boolean
    isFlagged: boolean
    isHidden: boolean
    copies: number
    minute: number
    sender: number
    words: string[]
  }
  const mail = fc.record({
    thread: fc.nat(7),
    box: fc.nat(1),
    isSeen: fc.boolean(),
    isFlagged: fc.boolean(),
    isHidden: fc.boolean(),
    copies: fc.integer({ min: 1, max: 2 }),
    // Few, so that many conversations share an instant and only the id orders them.
    minute: fc.nat(3),
    sender: fc.nat(3),
    words: fc.subarray(['amber', 'birch', 'cedar']),
  })

  /** The mails in two mailboxes of the account, with lists, counts and words as the sync leaves them. */
  const put = async (account: bigint, mails: Mail[]): Promise<bigint[]> => {
    const boxes: bigint[] = []
    for (const path of ['A', 'B'])
      boxes.push((await store.prisma.mailbox.create({ data: { accountId: account, path, name: path } })).id)
    const threads = new Map<number, bigint>()
    await commit(store, { kind: 'system' }, async (unit) => {
      let uid = 1n
      for (const one of mails) {
        const threadId = threads.get(one.thread) ?? (await unit.tx.thread.create({ data: { accountId: account } })).id
        threads.set(one.thread, threadId)
        const receivedAt = new Date(Date.UTC(2026, 0, 1, 0, one.minute))
        const lists = { replyTo: [], toAddresses: [], cc: [], bcc: [] }
        const message = await unit.tx.message.create({
          data: {
            ...lists,
            accountId: account,
            threadId,
            identityKey: crypto.randomUUID(),
            subject: one.words.join(' '),
            fromAddresses: [{ name: '', address: `sender${one.sender}@example.org` }],
            receivedAt,
            sizeBytes: 10n,
          },
        })
        for (let copy = 0; copy < one.copies; copy++)
          await unit.tx.placement.create({
            data: {
              accountId: account,
              mailboxId: boxes[one.box] ?? 0n,
              uid: uid++,
              messageId: message.id,
              threadId,
              shownMailboxId: one.isHidden ? null : (boxes[one.box] ?? 0n),
              shownFlags: (one.isSeen ? 1 : 0) | (one.isFlagged ? 4 : 0),
              receivedAt,
            },
          })
        const vector = one.words.map((word) => `'${word}':1`).join(' ')
        await unit.tx
          .$executeRaw`INSERT INTO message_search (message_id, account_id, received_at, has_body, vector) VALUES (${message.id}, ${account}, ${receivedAt}, true, ${vector}::tsvector)`
        unit.touchThreads(account, [threadId])
      }
    })
    return boxes
  }

  const walk = async (mailboxId: bigint, filter: Filter, limit: number): Promise<ThreadListRow[]> => {
    const rows: ThreadListRow[] = []
    for (let after: ListKey | null = null; ; ) {
      const [found]: [PageRow[]] = await store.readAs(me, [threadPage(me, mailboxId, { limit, after, filter })])
      const page = found.filter((row) => row.thread_id !== null)
      rows.push(...page)
      const last = page.at(-1)
      if (page.length < limit || !last) return rows
      after = { at: last.latest_at, threadId: last.thread_id }
    }
  }

  const keep: Record<Filter, (mails: Mail[]) => boolean> = {
    all: () => true,
    unread: (mails) => mails.some(({ isSeen }) => !isSeen),
    flagged: (mails) => mails.some(({ isFlagged }) => isFlagged),
    attachments: () => false,
  }

  it('walks every list, page by page, over exactly the conversations that are there, newest first, with their people', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(mail, { maxLength: 25 }), fc.integer({ min: 1, max: 4 }), async (mails, limit) => {
        await store.prisma.$executeRaw`TRUNCATE mailbox, thread, message, placement, thread_mailbox, message_search`
        const boxes = await put(accountId, mails)
        for (const [box, mailboxId] of boxes.entries())
          for (const filter of ['all', 'unread', 'flagged', 'attachments'] as const) {
            const rows = await walk(mailboxId, filter, limit)
            const there = Map.groupBy(
              mails.filter((one) => one.box === box && !one.isHidden),
              ({ thread }) => thread,
            )
            const expected = [...there.values()].filter(keep[filter])
            expect(rows).toHaveLength(expected.length)
            const order = rows.map((row) => [row.latest_at.getTime(), Number(row.thread_id)])
            expect(order).toEqual(order.toSorted((a, b) => (b[0] ?? 0) - (a[0] ?? 0) || (b[1] ?? 0) - (a[1] ?? 0)))
            const shown = rows.map((row) => {
              const { messages, unread, senders } = presentThreadRow(row)
              return JSON.stringify([
                messages,
                unread,
                senders.map(({ address, isUnread }) => `${address} ${isUnread}`).sort(),
              ])
            })
            const wanted = expected.map((own) => {
              const people = Map.groupBy(own, ({ sender }) => sender)
              const senders = [...people].map(
                ([sender, by]) => `sender${sender}@example.org ${by.some(({ isSeen }) => !isSeen)}`,
              )
              return JSON.stringify([own.length, own.filter(({ isSeen }) => !isSeen).length, senders.sort()])
            })
            expect(shown.sort()).toEqual(wanted.sort())
          }
      }),
      { numRuns: 15 },
    )
  })

  it('counts and finds by words exactly the messages that are shown somewhere in one’s accounts, newest first, each once', async () => {
    const secondAccountId = await makeAccount(me)
    await fc.assert(
      fc.asyncProperty(
        fc.array(mail, { maxLength: 25 }),
        fc.subarray(['amber', 'birch', 'cedar'], { minLength: 1 }),
        async (mails, words) => {
          await store.prisma.$executeRaw`TRUNCATE mailbox, thread, message, placement, thread_mailbox, message_search`
          const boxes = await put(accountId, mails)
          await put(secondAccountId, mails)
          await put(otherAccountId, mails)
          for (const mailboxId of [null, ...boxes]) {
            const box = mailboxId === null ? null : boxes.indexOf(mailboxId)
            const matching = mails.filter(
              (one) =>
                !one.isHidden && (box === null || one.box === box) && words.every((word) => one.words.includes(word)),
            )
            // Everywhere means in both of one's accounts.
            const wanted = box === null ? matching.length * 2 : matching.length
            const tsquery = toTsquery(parseQuery(words.join(' '))) ?? ''
            const wish = { userId: me, tsquery, limit: 3, accountId: null, mailboxId }
            const ids: bigint[] = []
            const times: number[] = []
            for (let after: { at: Date; messageId: bigint } | null = null; ; ) {
              const found = await searchMessages(store, { ...wish, after })
              expect([found.count, found.isExact]).toEqual([wanted, true])
              ids.push(...found.rows.map(({ message_id }) => message_id))
              times.push(...found.rows.map(({ received_at }) => received_at.getTime()))
              const last = found.rows.at(-1)
              if (found.rows.length < 3 || !last) break
              after = { at: last.received_at, messageId: last.message_id }
            }
            expect(ids).toHaveLength(wanted)
            expect(times).toEqual(times.toSorted((a, b) => b - a))
            expect(new Set(ids).size).toBe(ids.length)
          }
        },
      ),
      { numRuns: 15 },
    )
  })

  it('says "at least" for a word that is everywhere, and still gives the newest first', async () => {
    const boxes = await put(accountId, [])
    const [mailboxId = 0n] = boxes
    await store.prisma.$executeRaw`
      WITH t AS (INSERT INTO thread (account_id) VALUES (${accountId}) RETURNING id), m AS (
        INSERT INTO message (account_id, thread_id, identity_key, subject, from_addresses, reply_to, to_addresses, cc, bcc, received_at, size_bytes)
        SELECT ${accountId}, t.id, gen_random_uuid(), n::text, '[]', '[]', '[]', '[]', '[]', timestamptz '2026-01-01' + n * interval '1 minute', 1
        FROM t, generate_series(1, 1500) n RETURNING id, thread_id, received_at
      ), p AS (
        INSERT INTO placement (account_id, mailbox_id, uid, message_id, thread_id, shown_mailbox_id, received_at)
        SELECT ${accountId}, ${mailboxId}, id, id, thread_id, ${mailboxId}, received_at FROM m
      ) INSERT INTO message_search (message_id, account_id, received_at, has_body, vector)
        SELECT id, ${accountId}, received_at, true, '''everywhere'':1'::tsvector FROM m`
    await commit(store, { kind: 'system' }, async (unit) => {
      const threads = await unit.tx.thread.findMany({ where: { accountId } })
      unit.touchThreads(
        accountId,
        threads.map(({ id }) => id),
      )
    })
    const wish = { userId: me, tsquery: "'everywhere'", limit: 40, accountId: null, mailboxId: null }
    const first = await searchMessages(store, { ...wish, after: null })
    expect([first.count, first.isExact, first.rows[0]?.subject]).toEqual([1000, false, '1500'])
    const last = first.rows.at(-1)
    const second = await searchMessages(store, {
      ...wish,
      after: last ? { at: last.received_at, messageId: last.message_id } : null,
    })
    expect(second.rows.map(({ subject }) => Number(subject))).toEqual(Array.from({ length: 40 }, (_, n) => 1460 - n))
  })

  it('carries the person to the database, for one request only', async () => {
    const who = { name: null, sql: Prisma.sql`SELECT current_setting('app.user_id', true) AS id` }
    const [[inside]] = await store.readAs<[{ id: string }]>(me, [who])
    expect(inside?.id).toBe('1')
    for (let n = 0; n < 8; n++) expect((await store.readOne<{ id: string }>(who))[0]?.id).toBe('')
  })

  it('answers the next request after one that failed, and writes nothing', async () => {
    await expect(store.readAs(me, [{ name: null, sql: Prisma.sql`SELECT 1 / 0` }])).rejects.toThrow(/division/)
    const removal = { name: null, sql: Prisma.sql`DELETE FROM account` }
    await expect(store.readAs(me, [removal])).rejects.toThrow(/read-only/)
    expect(await store.prisma.account.count()).toBe(2)
    const [[row]] = await store.readAs<[{ n: number }]>(me, [{ name: null, sql: Prisma.sql`SELECT 1 AS n` }])
    expect(row?.n).toBe(1)
  })

  it('shows nobody what belongs to another person', async () => {
    const boxes = await put(otherAccountId, [
      {
        thread: 0,
        box: 0,
        isSeen: true,
        isFlagged: false,
        isHidden: false,
        copies: 1,
        minute: 0,
        sender: 0,
        words: ['amber'],
      },
    ])
    const { id, threadId } = await store.prisma.message.findFirstOrThrow()
    const page = threadPage(me, boxes[0] ?? 0n, { limit: 5, after: null, filter: 'all' })
    expect(await store.readAs(me, [page, threadMessages(me, threadId)])).toEqual([[], []])
    expect(await readMessage(store, me, id)).toBeNull()
    expect(await readMessage(store, other, id)).not.toBeNull()
  })

  it('finds who wrote by conversation, also while nothing is known yet of how full a mailbox is', async () => {
    const [box = 0n] = await put(accountId, [])
    await store.prisma.$executeRaw`
      INSERT INTO placement (account_id, mailbox_id, uid, message_id, thread_id, shown_mailbox_id, received_at)
      SELECT ${accountId}, ${box}, n, n, n, ${box}, now() FROM generate_series(1, 20000) AS n`
    const { sql } = threadPage(me, box, { limit: 50, after: null, filter: 'all' })
    const plan = await store.prisma.$queryRawUnsafe<Record<string, string>[]>(`EXPLAIN ${sql.text}`, ...sql.values)
    const scans = plan.flatMap((line) => Object.values(line)).filter((line) => line.includes(' on placement'))
    expect(scans.map((line) => /using (\w+)|on (placement\w*_idx)/.exec(line)?.slice(1).join(''))).toContain(
      'placement_thread_id_idx',
    )
    expect(scans.join('\n')).not.toMatch(/shown_mailbox|Seq Scan/)
  })

  it('tells of changes with whole rows, and of mailboxes with those they lie in', async () => {
    const makeMailbox = (path: string) =>
      store.prisma.mailbox.create({ data: { accountId, path, name: path, delimiter: '/', permanentFlags: ['\\Seen'] } })
    const [work, , deep, lone] = [
      await makeMailbox('Work'),
      await makeMailbox('Work/2025'),
      await makeMailbox('Work/2026/May'),
      await makeMailbox('Lone'),
    ]
    const inner = await makeMailbox('Work/2026')
    const command = await store.prisma.command.create({
      data: { id: crypto.randomUUID(), accountId, userId: me, kind: 'setFlags', body: { n: 1 }, notBefore: new Date() },
    })
    await store.prisma.userSetting.create({ data: { userId: me, key: 'theme', value: { dark: [1, 'two'] } } })
    const rows = await readChangeRows(store.readTogether, { accountId, userId: me }, [
      { kind: 'mailboxes', mailboxIds: [inner, deep, lone].map(({ id }) => id.toString()), removed: [] },
      { kind: 'account', accountId: accountId.toString() },
      { kind: 'command', commandId: command.id },
      { kind: 'settings' },
    ])
    expect(rows.mailboxes).toEqual([deep, lone, inner])
    expect(rows.mailboxesWithParents).toEqual([work, deep, lone, inner])
    const { dataKey, credential, outgoingCredential, ...shown } = await store.prisma.account.findUniqueOrThrow({
      where: { id: accountId },
    })
    expect(rows.accounts).toEqual([shown])
    expect(rows.commands).toEqual([command])
    expect(rows.settings).toEqual([{ key: 'theme', value: { dark: [1, 'two'] } }])
  })
})
