import { randomUUID } from 'node:crypto'
import { commandBody } from '@postern/shared/commands.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { createEngine } from '#engine/engine.ts'
import { enqueueCommand, undoCommand } from '#outbox/outbox.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type ScriptedServer, startScriptedMailboxes } from '../support/scripted-mailboxes.ts'
import { until } from '../support/until.ts'

const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`
const allMail = '[Gmail]/All Mail'

describe('mail that lies in several mailboxes, as at Gmail', () => {
  let server: ScriptedServer
  let engine: EngineFixture
  let accountId: bigint
  beforeAll(async () => {
    engine = await startEngineFixture(
      { certificate: '', imapsPort: 0 },
      { treeEveryMs: 150, unwatchedTreeEveryMs: 150 },
    )
    server = await startScriptedMailboxes('X-GM-EXT-1 MOVE UIDPLUS SPECIAL-USE LIST-EXTENDED LIST-STATUS', {
      INBOX: '',
      [allMail]: '\\All',
      '[Gmail]/Trash': '\\Trash',
      Work: '',
    })
    // Two that read the same in every header are told apart by Gmail's number alone.
    for (const n of [1, 2, 3]) put(n, n === 1 ? ['INBOX'] : n === 2 ? ['INBOX', 'Work'] : [])
    put(3, [], '33')
    engine.start()
    accountId = await engine.addAccount('gmail', 'secret', server.port)
    await until(async () => (await ready()) === 4, { what: 'the texts' })
  })
  afterAll(async () => {
    await engine.stop()
    await server.stop()
  })
  const put = (n: number, also: string[], gmailId = String(n)) => {
    for (const mailbox of [allMail, ...also]) server.put(mailbox, mail(n), gmailId)
  }
  const ready = () => engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })
  const shown = async (path: string) =>
    (await engine.shown(accountId, path)).map(({ subject, flags }) => `${subject} ${flags}`)
  const textsFetched = () =>
    server.said
      .flatMap((line) => /^FETCH ([\d,:]+) .*BODY\.PEEK\[1\]/.exec(line)?.[1] ?? [])
      .flatMap((set) =>
        set.split(',').flatMap((range) => {
          const [from = 0, to = from] = range.split(':').map(Number)
          return Array.from({ length: to - from + 1 }, (_, n) => from + n)
        }),
      )
  const ended = (id: string) =>
    until(
      async () => {
        const found = await engine.store.prisma.command.findUniqueOrThrow({ where: { id } })
        return found.finishedAt !== null && found
      },
      { what: 'the end of the command' },
    )
  const target = async (path: string, subject: string) => {
    const row = (await engine.shown(accountId, path)).find((found) => found.subject === subject)
    const mailboxId = (await engine.mailboxId(accountId, path)).toString()
    return { kind: 'messages' as const, mailboxId, messageIds: [row?.messageId.toString() ?? ''] }
  }
  const run = async (body: z.input<typeof commandBody>) => {
    const command = commandBody.parse(body)
    const { id } = await enqueueCommand(engine.store, engine.userId, { id: randomUUID(), command })
    expect(await ended(id)).toMatchObject({ state: 'done', errorCode: null })
    return id
  }
  const places = (gmailId: string) =>
    [...server.mailboxes].flatMap(([name, { mails }]) =>
      mails.some((found) => found.gmailId === gmailId) ? [name] : [],
    )

  it('is one message, shown once in each of them, with one text that was fetched once', async () => {
    expect(await engine.store.prisma.message.count({ where: { accountId } })).toBe(4)
    expect(await shown('INBOX')).toEqual(['Letter 1 0', 'Letter 2 0'])
    expect(await shown(allMail)).toEqual(['Letter 1 0', 'Letter 2 0', 'Letter 3 0', 'Letter 3 0'])
    expect(await shown('Work')).toEqual(['Letter 2 0'])
    expect(await engine.store.prisma.body.count({ where: { accountId } })).toBe(4)
    expect(textsFetched()).toHaveLength(4)
    put(5, ['INBOX'])
    await createEngine(engine.store).requestSync(accountId)
    await until(async () => (await ready()) === 5, { what: 'the new text' })
    await until(async () => (await shown(allMail)).length === 5 && (await shown('INBOX')).length === 3, {
      what: 'both places',
    })
    expect(textsFetched()).toHaveLength(5)
  })

  it('keeps its other places when it is starred, archived, brought back and thrown away in one', async () => {
    const { messageIds } = await target('INBOX', 'Letter 1')
    await run({ kind: 'setFlags', target: await target('INBOX', 'Letter 1'), add: ['flagged'] })
    await until(async () => (await shown(allMail))[0] === 'Letter 1 4', { what: 'the star in the other place' })
    const archived = await run({ kind: 'moveToRole', target: await target('INBOX', 'Letter 1'), role: 'archive' })
    expect(places('1')).toEqual([allMail])
    expect(await shown('INBOX')).toEqual(['Letter 2 0', 'Letter 5 0'])
    expect((await shown(allMail)).filter((row) => row.startsWith('Letter 1'))).toEqual(['Letter 1 4'])
    // Nothing is made for what Gmail calls archiving.
    expect(await engine.store.prisma.mailbox.count({ where: { accountId } })).toBe(4)
    const undone = await undoCommand(engine.store, engine.userId, archived, randomUUID())
    await ended(undone.id)
    expect(places('1')).toEqual(['INBOX', allMail])
    await until(async () => (await shown(allMail)).length === 5 && (await shown('INBOX')).length === 3, {
      what: 'both places',
    })
    expect((await target('INBOX', 'Letter 1')).messageIds).toEqual(messageIds)
    expect((await target(allMail, 'Letter 1')).messageIds).toEqual(messageIds)
    await run({ kind: 'moveToRole', target: await target('Work', 'Letter 2'), role: 'trash' })
    expect(places('2')).toEqual(['INBOX', allMail, '[Gmail]/Trash'])
    expect(await shown('INBOX')).toContain('Letter 2 0')
    expect(textsFetched()).toHaveLength(5)
    expect(await engine.store.prisma.message.count({ where: { accountId, orphanedAt: null } })).toBe(5)
  })
})
