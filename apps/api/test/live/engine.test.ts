import { randomUUID } from 'node:crypto'
import type { ImapFlow } from 'imapflow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { enqueueCommand, undoCommand } from '#outbox/outbox.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { startFaultProxy } from '../support/fault-proxy.ts'
import { letter } from '../support/letter.ts'
import { otherProgram } from '../support/other-program.ts'
import { until } from '../support/until.ts'

describe('the engine at a real Dovecot', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  const clients: ImapFlow[] = []
  beforeAll(async () => {
    dovecot = await startDovecot()
    engine = await startEngineFixture(dovecot)
    engine.start()
  })
  afterAll(async () => {
    for (const client of clients) client.close()
    await engine.stop()
    await dovecot.stop()
  })

  const add = async (user: string, mails: number): Promise<bigint> => {
    dovecot.addUser(user, 'secret')
    for (let n = 1; n <= mails; n++) dovecot.deliver(user, 'INBOX', letter(n))
    const accountId = await engine.addAccount(user)
    await engine.untilState(accountId, 'watching')
    return accountId
  }
  /** A second mail program at the same mailbox. */
  const other = async (user: string, path = 'INBOX'): Promise<ImapFlow> => {
    const client = await otherProgram(dovecot, user, path)
    clients.push(client)
    return client
  }
  const subjects = async (accountId: bigint, path: string) =>
    (await engine.shown(accountId, path)).map(({ subject }) => subject)

  it('fills a new account, reads the bodies and counts right', async () => {
    const accountId = await add('filler', 120)
    expect(await subjects(accountId, 'INBOX')).toHaveLength(120)
    const inbox = await engine.store.prisma.mailbox.findFirstOrThrow({ where: { accountId, path: 'INBOX' } })
    expect(inbox).toMatchObject({
      role: 'inbox',
      messages: 120,
      unreadMessages: 120,
      conversations: 120,
      envelopesStored: 120,
      fillUid: 1n,
    })
    await until(
      async () => (await engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })) === 120,
      { what: 'all bodies' },
    )
    const body = await engine.store.prisma.body.findFirstOrThrow({ where: { accountId } })
    expect(body.text).toContain('the quetzal flies')
    const found: { n: number }[] = await engine.store.prisma
      .$queryRaw`SELECT count(*)::int AS n FROM message_search WHERE account_id = ${accountId} AND vector @@ '''quetzal'''::tsquery`
    expect(found[0]?.n).toBe(120)
  })

  it('hears of one new mail after the other by itself, without the 15 s that the library would wait before IDLE', async () => {
    const accountId = await add('listener', 1)
    for (let n = 2; n <= 6; n++) {
      dovecot.deliver('listener', 'INBOX', letter(n))
      await until(async () => (await subjects(accountId, 'INBOX')).includes(`Letter ${n}`), {
        ms: 10_000,
        what: `mail ${n}`,
      })
    }
  })

  it('asks for one list when nothing changed, and opens the inbox only when it comes back', async () => {
    const proxy = await startFaultProxy(dovecot.imapPort)
    try {
      dovecot.addUser('still', 'secret')
      for (const path of ['INBOX', 'Not subscribed']) dovecot.deliver('still', path, letter(1))
      const accountId = await engine.addAccount('still', 'secret', proxy.port)
      await until(
        async () => (await engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })) === 1,
      )
      await engine.untilState(accountId, 'watching')
      const said = (command: RegExp) => proxy.said('toServer').match(command)?.length ?? 0
      const idles = () => said(/ IDLE\r\n/g)
      await until(async () => idles() > 0, { what: 'the first IDLE' })
      const seq = async () => (await engine.store.prisma.stream.findUniqueOrThrow({ where: { accountId } })).seq
      const before = { lists: said(/ LIST /g), opened: said(/ (SELECT|EXAMINE) /g), idles: idles(), seq: await seq() }
      await createEngine(engine.store).requestSync(accountId)
      await until(async () => idles() > before.idles, { what: 'the IDLE after the look' })
      expect(said(/ LIST /g)).toBe(before.lists + 1)
      expect(said(/ (SELECT|EXAMINE) /g)).toBe(before.opened)
      expect(await seq()).toBe(before.seq)
      // Back after a cut it opens the inbox once, before it asks for the list: the server need not read it to count it.
      const saidBefore = proxy.said('toServer').length
      const inbox = () => engine.store.prisma.mailbox.findFirstOrThrow({ where: { accountId, path: 'INBOX' } })
      const stored = await inbox()
      dovecot.doveadm('kick', 'still')
      const again = () => proxy.said('toServer').slice(saidBefore)
      await until(async () => again().includes(' IDLE\r\n'), { what: 'the IDLE after the cut' })
      expect(again().match(/ (SELECT|EXAMINE|LIST "" "\*") /g)).toEqual([' SELECT ', ' LIST "" "*" '])
      // As it was to the last time it was looked at: nothing of it was written.
      expect(await inbox()).toEqual(stored)
    } finally {
      await proxy.stop()
    }
  })

  it('follows flags, expunges, moves and new mailboxes of another program', async () => {
    const accountId = await add('follower', 5)
    const client = await other('follower')
    await client.messageFlagsAdd('2', ['\\Seen', '$Label1'], { uid: true })
    await until(
      async () =>
        (await engine.shown(accountId, 'INBOX')).some(
          ({ uid, flags, keywords }) => uid === 2 && flags === 1 && keywords.includes('$Label1'),
        ),
      { what: 'the flag' },
    )
    await client.messageDelete('3', { uid: true })
    await until(async () => !(await subjects(accountId, 'INBOX')).includes('Letter 3'), { what: 'the expunge' })
    await client.messageFlagsAdd('4', ['\\Deleted'], { uid: true })
    await until(async () => !(await subjects(accountId, 'INBOX')).includes('Letter 4'), {
      what: 'hiding of what is marked deleted',
    })
    await client.messageFlagsRemove('4', ['\\Deleted'], { uid: true })
    await until(async () => (await subjects(accountId, 'INBOX')).includes('Letter 4'), {
      what: 'the message brought back',
    })
    await client.mailboxCreate('Größe')
    await client.messageCopy('5', 'Größe', { uid: true })
    await createEngine(engine.store).requestSync(accountId)
    await until(
      async () => (await engine.store.prisma.mailbox.count({ where: { accountId, path: 'Größe', fillUid: 1n } })) === 1,
      { what: 'the new mailbox' },
    )
    // A copy is in both places and is one message.
    expect(await subjects(accountId, 'INBOX')).toContain('Letter 5')
    const copies = await engine.shown(accountId, 'Größe')
    expect(copies.map(({ messageId }) => messageId)).toEqual(
      (await engine.shown(accountId, 'INBOX'))
        .filter(({ subject }) => subject === 'Letter 5')
        .map(({ messageId }) => messageId),
    )
    const idBefore = await engine.mailboxId(accountId, 'Größe')
    await client.mailboxRename('Größe', 'Anders')
    await createEngine(engine.store).requestSync(accountId)
    await until(async () => (await engine.store.prisma.mailbox.count({ where: { accountId, path: 'Anders' } })) === 1, {
      what: 'the rename',
    })
    expect(await engine.mailboxId(accountId, 'Anders')).toBe(idBefore)
    await client.mailboxDelete('Anders')
    await createEngine(engine.store).requestSync(accountId)
    await until(async () => (await engine.store.prisma.mailbox.count({ where: { accountId, path: 'Anders' } })) === 0, {
      what: 'the removal',
    })
  })

  it('keeps a mail that was delivered twice twice, and shows it as one row', async () => {
    const accountId = await add('twice', 1)
    dovecot.deliver('twice', 'INBOX', letter(1))
    await until(async () => (await engine.shown(accountId, 'INBOX')).length === 2, { what: 'the second copy' })
    const inbox = await engine.store.prisma.mailbox.findFirstOrThrow({ where: { accountId, path: 'INBOX' } })
    expect(inbox).toMatchObject({ messages: 1, conversations: 1, envelopesStored: 2 })
  })

  it('joins conversations whose children came first', async () => {
    dovecot.addUser('threads', 'secret')
    dovecot.deliver('threads', 'INBOX', letter(1))
    dovecot.deliver('threads', 'INBOX', letter(2, 'In-Reply-To: <m1@example.org>\r\n'))
    dovecot.deliver('threads', 'INBOX', letter(3, 'References: <m1@example.org> <m2@example.org>\r\n'))
    dovecot.deliver('threads', 'INBOX', letter(4))
    const accountId = await engine.addAccount('threads')
    await engine.untilState(accountId, 'watching')
    const rows = await engine.store.prisma.threadMailbox.findMany({
      where: { accountId },
      orderBy: { messages: 'desc' },
    })
    expect(rows.map(({ messages }) => messages)).toEqual([3, 1])
    dovecot.deliver('threads', 'INBOX', letter(5, 'References: <m3@example.org> <m4@example.org>\r\n'))
    await until(
      async () =>
        (await engine.store.prisma.threadMailbox.findMany({ where: { accountId } }))
          .map(({ messages }) => messages)
          .join() === '5',
      { what: 'the merged conversation' },
    )
  })

  it('keeps message ids and fetches no body again when UIDVALIDITY changes', async () => {
    const accountId = await add('reborn', 8)
    await until(
      async () => (await engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })) === 8,
      { what: 'all bodies' },
    )
    const before = (await engine.shown(accountId, 'INBOX')).map(({ messageId }) => messageId)
    // The bytes are counted right after the bodies are stored.
    const stored = await until(
      async () => {
        const row = await engine.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
        return row.bytesToday > 0n && row
      },
      { what: 'the counted bytes' },
    )
    dovecot.doveadm('mailbox', 'update', '-u', 'reborn', '--uid-validity', '4711', 'INBOX')
    await createEngine(engine.store).requestSync(accountId)
    await until(
      async () =>
        (await engine.store.prisma.mailbox.findFirst({ where: { accountId, path: 'INBOX' } }))?.uidValidity === 4711n,
      { what: 'the new generation' },
    )
    await until(async () => (await engine.shown(accountId, 'INBOX')).length === 8, { what: 'all messages again' })
    expect(await engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })).toBe(8)
    expect((await engine.shown(accountId, 'INBOX')).map(({ messageId }) => messageId).sort()).toEqual(before.sort())
    expect((await engine.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).bytesToday).toBe(
      stored.bytesToday,
    )
  })

  it('tries a wrong password once and then asks the person', async () => {
    dovecot.addUser('wrong', 'secret')
    const accountId = await engine.addAccount('wrong', 'not the password')
    await engine.untilState(accountId, 'needs_person')
    const row = await engine.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    expect(row.problem).toMatchObject({ code: 'login.failed' })
    expect(dovecot.log().match(/auth failed.*user=<wrong>/g)).toHaveLength(1)
  })

  it('carries out flags, moves and deletions, and takes them back', async () => {
    const accountId = await add('actor', 6)
    const mailboxId = (await engine.mailboxId(accountId, 'INBOX')).toString()
    const client = await other('actor')
    const serverFlags = async (uid: number) => {
      const found = await client.fetchOne(String(uid), { flags: true }, { uid: true })
      return found ? [...(found.flags ?? [])] : null
    }
    const searchSubject = async (subject: string) => (await client.search({ header: { subject } }, { uid: true })) || []
    const rows = await engine.shown(accountId, 'INBOX')
    const messageIds = rows.map(({ messageId }) => messageId.toString())
    const run = (command: Parameters<typeof enqueueCommand>[2]['command']) =>
      enqueueCommand(engine.store, engine.userId, { id: randomUUID(), command })
    const target = (index: number) => ({ kind: 'messages' as const, mailboxId, messageIds: [messageIds[index] ?? ''] })
    const done = (id: string) =>
      until(
        async () =>
          ['done', 'failed'].includes((await engine.store.prisma.command.findUniqueOrThrow({ where: { id } })).state),
        { what: 'the command' },
      )

    const read = await run({
      kind: 'setFlags',
      target: target(0),
      add: ['seen', 'flagged'],
      remove: [],
      addKeywords: [],
      removeKeywords: [],
    })
    expect((await engine.shown(accountId, 'INBOX'))[0]?.flags).toBe(5)
    await done(read.id)
    expect(await serverFlags(1)).toEqual(expect.arrayContaining(['\\Seen', '\\Flagged']))
    await undoCommand(engine.store, engine.userId, read.id, randomUUID())
    await until(async () => !(await serverFlags(1))?.includes('\\Seen'), { what: 'the undo at the server' })

    const moved = await run({ kind: 'moveToRole', target: target(1), role: 'archive' })
    expect(await subjects(accountId, 'INBOX')).not.toContain('Letter 2')
    expect(await subjects(accountId, 'Archive')).toEqual(['Letter 2'])
    await done(moved.id)
    expect(await searchSubject('Letter 2')).toEqual([])
    await undoCommand(engine.store, engine.userId, moved.id, randomUUID())
    expect(await subjects(accountId, 'INBOX')).toContain('Letter 2')
    await until(async () => (await searchSubject('Letter 2')).length === 1, { what: 'the mail back in the inbox' })

    const trashed = await run({
      kind: 'moveToRole',
      target: { kind: 'mailbox', mailboxId, exceptThreadIds: [] },
      role: 'trash',
    })
    expect(trashed.messages).toBe(6)
    await done(trashed.id)
    expect(await client.status('Trash', { messages: true })).toMatchObject({ messages: 6 })
    const trashId = (await engine.mailboxId(accountId, 'Trash')).toString()
    const erased = await run({
      kind: 'expungeMessages',
      target: { kind: 'mailbox', mailboxId: trashId, exceptThreadIds: [] },
    })
    await done(erased.id)
    expect(await client.status('Trash', { messages: true })).toMatchObject({ messages: 0 })
    expect(await engine.shown(accountId, 'Trash')).toEqual([])
  })

  it('streams the source of a message', async () => {
    const accountId = await add('opener', 1)
    const { messageId } = (await engine.shown(accountId, 'INBOX'))[0] ?? { messageId: 0n }
    const source = await createEngine(engine.store).openSource(accountId, messageId)
    const chunks: Uint8Array[] = []
    for await (const chunk of source.chunks) chunks.push(chunk)
    expect(Buffer.concat(chunks).toString()).toBe(letter(1))
  })

  it('comes back by itself after the server cut every connection', async () => {
    const accountId = await add('returner', 1)
    // As a first sync that was cut off leaves it.
    const progress = { phase: 'envelopes', done: 1, total: 9, perSecond: 1 }
    await engine.store.prisma.account.update({ where: { id: accountId }, data: { progress } })
    dovecot.doveadm('kick', 'returner')
    dovecot.deliver('returner', 'INBOX', letter(2))
    await until(async () => (await subjects(accountId, 'INBOX')).length === 2, { what: 'mail after the cut' })
    await engine.untilState(accountId, 'watching')
    expect((await engine.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).progress).toBeNull()
  })
})
