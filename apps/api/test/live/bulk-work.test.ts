import { randomUUID } from 'node:crypto'
import { commandBody } from '@postern/shared/commands.ts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enqueueCommand } from '#outbox/outbox.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { EngineFixture } from '../support/engine-fixture.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { letter } from '../support/letter.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { otherProgram } from '../support/other-program.ts'
import { until } from '../support/until.ts'

describe('bulk work on the main session', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let engine: EngineFixture
  let stop: LiveScene['stop']
  beforeAll(async () => {
    // In production the inbox is looked at every 2 s meanwhile.
    ;({ dovecot, proxy, engine, stop } = await startLiveScene({ inboxLookMs: 100 }))
  })
  afterAll(() => stop())
  beforeEach(() => proxy.clear())

  const prepare = (user: string, archived: number): void => {
    dovecot.addUser(user, 'secret')
    dovecot.deliver(user, 'INBOX', letter(1))
    for (let n = 0; n < archived; n++) dovecot.deliver(user, 'Archive', letter(1000 + n))
  }
  const star = async (accountId: bigint, path: string): Promise<string> => {
    const target = { kind: 'mailbox' as const, mailboxId: (await engine.mailboxId(accountId, path)).toString() }
    const command = commandBody.parse({ kind: 'setFlags', target, add: ['flagged'] })
    return (await enqueueCommand(engine.store, engine.userId, { id: randomUUID(), command })).id
  }
  const isOver = async (id: string) =>
    (await engine.store.prisma.command.findUniqueOrThrow({ where: { id } })).finishedAt !== null

  it('lets new mail through while thousands of messages are being changed', async () => {
    prepare('bulk', 1800)
    const accountId = await engine.addAccount('bulk', 'secret', proxy.port)
    const archive = () => engine.store.prisma.mailbox.findFirst({ where: { accountId, path: 'Archive' } })
    await until(async () => (await archive())?.fillUid === 1n, { what: 'the first sync', ms: 40_000 })
    // A server that takes its time: four chunks, each with an answer that comes late.
    proxy.add({ direction: 'toClient', answerTo: /UID STORE/, act: { delayMs: 500 } })
    const id = await star(accountId, 'Archive')
    await until(async () => (await engine.store.prisma.command.findUniqueOrThrow({ where: { id } })).settled > 0, {
      what: 'the first chunk',
    })
    dovecot.deliver('bulk', 'INBOX', letter(2))
    await until(async () => (await engine.shown(accountId, 'INBOX')).length === 2, { what: 'the new mail' })
    expect(await isOver(id)).toBe(false)
    await until(() => isOver(id), { what: 'the end of the bulk' })
    expect((await engine.shown(accountId, 'Archive')).every(({ flags }) => flags === 4)).toBe(true)
  })

  it('lets a click and new mail through while a mailbox is filled for the first time', async () => {
    prepare('filling', 3500)
    proxy.add({ direction: 'toClient', answerTo: /UID FETCH .*ENVELOPE/, act: { delayMs: 60 } })
    const accountId = await engine.addAccount('filling', 'secret', proxy.port)
    const archive = () => engine.store.prisma.mailbox.findFirst({ where: { accountId, path: 'Archive' } })
    await until(async () => ((await archive())?.envelopesStored ?? 0) > 0, { what: 'the beginning of the fill' })
    const id = await star(accountId, 'INBOX')
    dovecot.deliver('filling', 'INBOX', letter(2))
    await until(async () => (await isOver(id)) && (await engine.shown(accountId, 'INBOX')).length === 2, {
      what: 'the click and the new mail',
    })
    expect((await archive())?.fillUid).not.toBe(1n)
    await until(async () => (await archive())?.fillUid === 1n, { what: 'the end of the fill', ms: 40_000 })
    expect(await engine.shown(accountId, 'Archive')).toHaveLength(3500)
  })

  it('shows mail that comes in while its own mailbox is filled for the first time', async () => {
    dovecot.addUser('waiting', 'secret')
    for (let n = 0; n < 4000; n++) dovecot.deliver('waiting', 'INBOX', letter(n))
    proxy.add({ direction: 'toClient', answerTo: /UID FETCH .*ENVELOPE/, act: { delayMs: 60 } })
    const accountId = await engine.addAccount('waiting', 'secret', proxy.port)
    const inbox = () => engine.store.prisma.mailbox.findFirst({ where: { accountId, path: 'INBOX' } })
    await until(async () => ((await inbox())?.envelopesStored ?? 0) > 50, { what: 'the beginning of the fill' })
    const uids = (await engine.shown(accountId, 'INBOX')).map(({ uid }) => uid)
    // The newest ones, without a gap.
    expect(uids).toEqual(uids.map((_, n) => 4001 - uids.length + n))
    dovecot.deliver('waiting', 'INBOX', letter(5000))
    // Dovecot reads the directory every five seconds; whoever opens the mailbox makes it look at once.
    await (await otherProgram(dovecot, 'waiting', 'INBOX')).logout()
    const arrived = () => engine.store.prisma.message.count({ where: { accountId, subject: 'Letter 5000' } })
    await until(async () => (await arrived()) === 1, { what: 'the new mail' })
    expect((await inbox())?.fillUid).not.toBe(1n)
    await until(async () => (await inbox())?.fillUid === 1n, { what: 'the end of the fill', ms: 40_000 })
    await until(async () => (await engine.shown(accountId, 'INBOX')).length === 4001, { what: 'all of it' })
  })
})
