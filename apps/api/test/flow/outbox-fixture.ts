import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { commandBody } from '@postern/shared/commands.ts'
import type { z } from 'zod'
import { enqueueCommand } from '#outbox/outbox.ts'
import { type Settlement, settleChunk } from '#store/command-settle.ts'
import { commit } from '#store/commit.ts'
import { openStore } from '#store/open-store.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'

export type Body = z.input<typeof commandBody>
export type OutboxRows = Awaited<ReturnType<typeof startOutboxRows>>

/** The same with the API on it, and its owner signed in. */
export const startOutboxApi = async (more: { treeWithinMs?: number } = {}) => {
  const fixture = await startOutboxRows()
  const app = await buildTestApp({ store: fixture.store, ...more })
  const mine = await openTestSession(fixture.store, fixture.userId)
  return {
    ...fixture,
    signIn: (userId: bigint) => openTestSession(fixture.store, userId),
    upload: (path: string, octets: Buffer | Readable) =>
      app.inject({
        method: 'POST',
        url: `/v1${path}`,
        headers: { cookie: mine, 'x-postern': '1', 'content-type': 'application/octet-stream' },
        payload: octets,
      }),
    send: (method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', path: string, payload?: object, cookie = mine) =>
      app.inject({ method, url: `/v1${path}`, headers: { cookie, 'x-postern': '1' }, ...(payload ? { payload } : {}) }),
    stop: async () => {
      await app.close()
      await fixture.stop()
    },
  }
}
export type OutboxApi = Awaited<ReturnType<typeof startOutboxApi>>

/** A real store with rows as a sync leaves them, and no mail server: commands are given, never sent. */
export const startOutboxRows = async () => {
  const database = await freshDatabase()
  const store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 6 })
  const makeUser = (address: string) =>
    store.prisma.appUser.create({ data: { address, name: 'Somebody', role: 'member', passwordHash: '-' } })
  const userId = (await makeUser('owner@example.org')).id

  /** An account with an inbox of `count` messages, each its own conversation, and the usual mailboxes. */
  const makeAccount = async (count: number, owner = userId) => {
    const bytes = new Uint8Array()
    const { id: accountId } = await store.prisma.account.create({
      data: {
        userId: owner,
        kind: 'imap',
        address: 'a@example.org',
        incoming: {},
        dataKey: bytes,
        credential: bytes,
      },
    })
    await store.prisma.stream.create({ data: { accountId } })
    const box = async (path: string, role: string | null, more = {}) =>
      (await store.prisma.mailbox.create({ data: { accountId, path, name: path, role, delimiter: '/', ...more } })).id
    const inbox = await box('INBOX', 'inbox', { uidValidity: 7n, uidNext: 100_000n, fillUid: 1n })
    const trash = await box('Trash', 'trash', { uidValidity: 8n, uidNext: 1n, fillUid: 1n })
    await commit(store, { kind: 'system' }, async (unit) => {
      const threads = await unit.tx.$queryRaw<
        { thread_id: bigint }[]
      >`WITH t AS (INSERT INTO thread (account_id) SELECT ${accountId} FROM generate_series(1, ${count}::int) RETURNING id),
        m AS (INSERT INTO message (account_id, thread_id, identity_key, subject, from_addresses, reply_to, to_addresses, cc, bcc, received_at, size_bytes)
          SELECT ${accountId}, id, gen_random_uuid(), 'x', '[]', '[]', '[]', '[]', '[]', now(), 10 FROM t RETURNING id, thread_id)
        INSERT INTO placement (account_id, mailbox_id, uid, message_id, thread_id, shown_mailbox_id, received_at)
        SELECT ${accountId}, ${inbox}, row_number() OVER (ORDER BY id), id, thread_id, ${inbox}, now() FROM m ORDER BY id RETURNING thread_id`
      unit.touchThreads(
        accountId,
        threads.map((row) => row.thread_id),
      )
      await unit.tx.mailbox.update({ where: { id: inbox }, data: { envelopesStored: count } })
    })
    return { accountId, inbox, trash, box }
  }
  const placements = (accountId: bigint) =>
    store.prisma.placement.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
  const run = (command: Body, id = randomUUID()) =>
    enqueueCommand(store, userId, { id, command: commandBody.parse(command) })
  const whole = (mailboxId: bigint) => ({ kind: 'mailbox' as const, mailboxId: `${mailboxId}` })
  const some = (mailboxId: bigint, rows: { messageId: bigint }[]) => ({
    kind: 'messages' as const,
    mailboxId: `${mailboxId}`,
    messageIds: rows.map(({ messageId }) => `${messageId}`),
  })
  const counts = async (mailboxId: bigint) => {
    const { messages, unreadMessages } = await store.prisma.mailbox.findUniqueOrThrow({ where: { id: mailboxId } })
    return { messages, unreadMessages }
  }
  const settle = (accountId: bigint, chunk: Partial<Settlement> & Pick<Settlement, 'commandId' | 'mailboxId'>) =>
    commit(store, { kind: 'system' }, (unit) =>
      settleChunk(unit, accountId, {
        to: null,
        done: [],
        failed: [],
        missed: [],
        truth: [],
        moved: [],
        gone: [],
        ...chunk,
      }),
    )
  const stop = async () => {
    await store.close()
    await database.drop()
  }
  return { store, userId, makeUser, makeAccount, placements, run, whole, some, counts, settle, stop }
}
