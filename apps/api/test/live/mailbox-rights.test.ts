import { randomUUID } from 'node:crypto'
import { commandBody } from '@postern/shared/commands.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { z } from 'zod'
import { createEngine } from '#engine/engine.ts'
import { enqueueCommand, rightsOf } from '#outbox/outbox.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { EngineFixture } from '../support/engine-fixture.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { letter } from '../support/letter.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { until } from '../support/until.ts'

describe('what a mailbox lets us do', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let engine: EngineFixture
  let stop: LiveScene['stop']
  beforeAll(async () => {
    ;({ dovecot, proxy, engine, stop } = await startLiveScene())
  })
  afterAll(() => stop())
  beforeEach(() => proxy.clear())

  const prepare = (user: string): void => {
    dovecot.addUser(user, 'secret')
    dovecot.deliver(user, 'INBOX', letter(1))
    dovecot.deliver(user, 'News', letter(2))
  }
  const add = async (user: string): Promise<bigint> => {
    const accountId = await engine.addAccount(user, 'secret', proxy.port)
    await engine.untilState(accountId, 'watching')
    return accountId
  }
  const limit = (user: string, ...rights: string[]) =>
    dovecot.doveadm('acl', 'set', '-u', user, 'News', 'owner', ...rights)
  const row = (accountId: bigint, path: string) =>
    engine.store.prisma.mailbox.findUniqueOrThrow({ where: { accountId_path: { accountId, path } } })
  const whole = async (accountId: bigint, path: string) => ({
    kind: 'mailbox' as const,
    mailboxId: (await engine.mailboxId(accountId, path)).toString(),
    exceptThreadIds: [],
  })
  const run = async (command: z.input<typeof commandBody>) =>
    (await enqueueCommand(engine.store, engine.userId, { id: randomUUID(), command: commandBody.parse(command) })).id
  const ended = (id: string) =>
    until(
      async () => {
        const command = await engine.store.prisma.command.findUniqueOrThrow({ where: { id } })
        return command.finishedAt !== null && command
      },
      { what: 'the end of the command' },
    )
  const flags = async (accountId: bigint, path: string) =>
    (await engine.shown(accountId, path)).map((shown) => shown.flags)

  it('is read from the ACL of the server, and what is not allowed is refused before it is tried', async () => {
    prepare('reader')
    limit('reader', 'lookup', 'read', 'write-seen')
    const accountId = await add('reader')
    const news = await row(accountId, 'News')
    expect(news.rights).toBe('lrs')
    expect(rightsOf(news)).toEqual({
      setSeen: true,
      setFlags: false,
      keywords: false,
      insert: false,
      remove: false,
      create: false,
      rename: false,
    })
    expect(Object.values(rightsOf(await row(accountId, 'INBOX')))).not.toContain(false)
    const target = await whole(accountId, 'News')
    const refused = { code: 'mailbox.no_permission' }
    await expect(run({ kind: 'setFlags', target, add: ['flagged'] })).rejects.toMatchObject(refused)
    await expect(run({ kind: 'moveToRole', target, role: 'archive' })).rejects.toMatchObject(refused)
    const inbox = await whole(accountId, 'INBOX')
    const into = { kind: 'moveMessages' as const, target: inbox, toMailboxId: target.mailboxId }
    await expect(run(into)).rejects.toMatchObject(refused)
    expect(await ended(await run({ kind: 'setFlags', target, add: ['seen'] }))).toMatchObject({ state: 'done' })
    expect(await flags(accountId, 'News')).toEqual([1])
  })

  it('is learnt anew when the server refuses, and by a resync from scratch', async () => {
    prepare('learner')
    const accountId = await add('learner')
    expect((await row(accountId, 'News')).rights).toContain('i')
    const limitAnew = async (...rights: string[]) => {
      limit('learner', ...rights)
      // The server itself remembers rights as long as a session lasts.
      const { made } = proxy.connections()
      dovecot.doveadm('kick', 'learner')
      await until(async () => proxy.connections().made > made, { what: 'a new session' })
      await engine.untilState(accountId, 'watching')
    }
    await limitAnew('lookup', 'read')
    const command = await run({
      kind: 'moveMessages',
      target: await whole(accountId, 'INBOX'),
      toMailboxId: (await engine.mailboxId(accountId, 'News')).toString(),
    })
    expect(await ended(command)).toMatchObject({ state: 'failed', errorCode: 'mailbox.no_permission' })
    expect(await flags(accountId, 'INBOX')).toEqual([0])
    await until(async () => (await row(accountId, 'News')).rights === 'lr', { what: 'the new rights' })
    await limitAnew('lookup', 'read', 'insert')
    await createEngine(engine.store).requestResync(accountId)
    await until(async () => (await row(accountId, 'News')).rights === 'ilr', { what: 'the rights after a resync' })
  })

  it('leaves a mailbox alone that may be seen but not read', async () => {
    prepare('blind')
    limit('blind', 'lookup')
    const accountId = await add('blind')
    await until(async () => (await row(accountId, 'News')).rights === 'l', { what: 'the rights' })
    for (const n of [3, 4]) {
      dovecot.deliver('blind', 'INBOX', letter(n))
      await createEngine(engine.store).requestSync(accountId)
      await until(async () => (await flags(accountId, 'INBOX')).length === n - 1, { what: 'new mail elsewhere' })
    }
    expect(await engine.store.prisma.syncEvent.count({ where: { accountId, kind: 'mailbox' } })).toBe(1)
  })

  it('knows read-only mailboxes and those that keep no keywords', async () => {
    prepare('keeper')
    proxy.add({
      direction: 'toClient',
      line: /^\* OK \[PERMANENTFLAGS /,
      act: () => '* OK [PERMANENTFLAGS (\\Seen \\Flagged \\Deleted)] Limited.',
    })
    proxy.add({
      direction: 'toClient',
      answerTo: /^SELECT .*News/,
      act: (line) => `${line.split(' ')[0]} OK [READ-ONLY] Only to look at.`,
    })
    const accountId = await add('keeper')
    expect(rightsOf(await row(accountId, 'INBOX'))).toMatchObject({ setSeen: true, setFlags: true, keywords: false })
    expect(Object.entries(rightsOf(await row(accountId, 'News'))).filter(([, may]) => may)).toEqual([
      ['insert', true],
      ['create', true],
      ['rename', true],
    ])
    const target = await whole(accountId, 'INBOX')
    await expect(run({ kind: 'setFlags', target, addKeywords: ['$Label1'] })).rejects.toMatchObject({
      code: 'mailbox.no_permission',
    })
    const news = await whole(accountId, 'News')
    await expect(run({ kind: 'setFlags', target: news, add: ['seen'] })).rejects.toMatchObject({
      code: 'mailbox.read_only',
    })
    // The keyword for the spam filter is left out; the move works all the same.
    expect(await ended(await run({ kind: 'moveToRole', target, role: 'junk' }))).toMatchObject({ state: 'done' })
    expect(await flags(accountId, 'Junk')).toEqual([0])
  })
})
