import { randomUUID } from 'node:crypto'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { EngineFixture } from '../support/engine-fixture.ts'
import type { FaultProxy } from '../support/fault-proxy.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { until } from '../support/until.ts'

const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`

describe('what is left alone for a while', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let engine: EngineFixture
  let stop: LiveScene['stop']
  let app: FastifyInstance
  let cookie = ''
  let accountId: bigint
  beforeAll(async () => {
    ;({ dovecot, proxy, engine, stop } = await startLiveScene({ treeEveryMs: 200, unwatchedTreeEveryMs: 200 }))
    app = await buildTestApp({ store: engine.store, masterKey: engine.deps.masterKey, ca: dovecot.certificate })
    cookie = await openTestSession(engine.store, engine.userId)
    dovecot.addUser('pat', 'secret')
    for (const n of [1, 2]) dovecot.deliver('pat', 'INBOX', mail(n))
    for (const n of [3, 4, 5]) dovecot.deliver('pat', 'News', mail(n))
    accountId = await engine.addAccount('pat', 'secret', proxy.port)
    await until(async () => (await ready()) === 5, { what: 'the texts' })
  })
  afterAll(async () => {
    await app?.close()
    await stop()
  })
  const send = (method: 'POST' | 'PATCH', url: string, payload: object) =>
    app.inject({
      method,
      url,
      headers: { host: 'localhost', 'x-postern': '1', cookie },
      payload,
    })
  const patch = async (url: string, body: object) => {
    const answer = await send('PATCH', url, body)
    expect(answer.statusCode, answer.body).toBe(200)
    return answer.json()
  }
  const ready = () => engine.store.prisma.message.count({ where: { accountId, bodyState: 'ready' } })
  const shown = async (path: string) =>
    (await engine.shown(accountId, path)).map(({ subject, flags }) => `${subject} ${flags}`)
  /** How often it was said to the server, over all connections. */
  const said = (pattern: RegExp) => proxy.said('toServer').match(pattern)?.length ?? 0
  const opened = () => said(/(SELECT|EXAMINE|STATUS|MYRIGHTS) "?Newer/g)
  /** A mail that only a look brings, in a mailbox of its own: when it is here, everything was looked at. */
  let looks = 0
  const untilLookedAt = async () => {
    looks++
    dovecot.deliver('pat', 'Sent', mail(100 + looks))
    await until(async () => (await shown('Sent')).length === looks, { what: 'a look at everything' })
  }

  it('has its mailbox, its mails and their texts as before when another program only renames it', async () => {
    const before = await engine.store.prisma.mailbox.findFirstOrThrow({ where: { accountId, path: 'News' } })
    const places = () =>
      engine.store.prisma.placement.findMany({
        where: { mailboxId: before.id },
        orderBy: { id: 'asc' },
        select: { id: true, messageId: true, uid: true },
      })
    const rows = await places()
    expect(rows).toHaveLength(3)
    const { bytesToday } = await engine.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    const fetched = () => said(/FETCH .*(ENVELOPE|BODY\.PEEK\[1\])/g)
    const fetchedBefore = fetched()
    dovecot.doveadm('mailbox', 'rename', '-u', 'pat', 'News', 'Newer/Letters')
    await until(async () => (await engine.mailboxId(accountId, 'Newer/Letters')) === before.id, {
      what: 'the new name',
    })
    await untilLookedAt()
    expect(await places()).toEqual(rows)
    expect(await engine.store.prisma.mailbox.count({ where: { accountId, path: 'News' } })).toBe(0)
    expect(opened()).toBe(0)
    await until(async () => (await ready()) === 6, { what: 'the text of the mail of the look' })
    // Of the one mail that made the look seen, nothing else.
    expect(fetched() - fetchedBefore).toBe(2)
    const after = await engine.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    expect(Number(after.bytesToday - bytesToday)).toBeLessThan(100)
  })

  it('is not opened while it is left out, watched or on a screen, and comes back as it is at the server', async () => {
    const id = await engine.mailboxId(accountId, 'Newer/Letters')
    const { open } = proxy.connections()
    await patch(`/v1/mailboxes/${id}`, { isWatched: true })
    await until(
      async () => proxy.connections().open > open || proxy.said('toServer').includes('SELECT Newer/Letters'),
      { what: 'the watch' },
    )
    await patch(`/v1/mailboxes/${id}`, { isSynced: false })
    await until(async () => proxy.connections().open === 1, { what: 'the end of the watch' })
    const openedBefore = opened()
    const { focus } = createEngine(engine.store)
    await focus(accountId, 'a screen', [id])
    dovecot.deliver('pat', 'Newer.Letters', mail(6))
    dovecot.doveadm('expunge', '-u', 'pat', 'mailbox', 'Newer/Letters', 'header', 'subject', 'Letter 4')
    await untilLookedAt()
    await untilLookedAt()
    expect(opened()).toBe(openedBefore)
    await focus(accountId, 'a screen', [])
    expect(await shown('Newer/Letters')).toEqual(['Letter 3 0', 'Letter 4 0', 'Letter 5 0'])
    const kept = (await engine.shown(accountId, 'Newer/Letters')).find(({ subject }) => subject === 'Letter 3')
    await patch(`/v1/mailboxes/${id}`, { isSynced: true, isWatched: false })
    await until(async () => (await shown('Newer/Letters')).join() === 'Letter 3 0,Letter 5 0,Letter 6 0', {
      what: 'what the server has',
    })
    expect(await engine.shown(accountId, 'Newer/Letters')).toContainEqual(kept)
  })

  it('has no connection while its account is paused, loses nothing, and catches up when it goes on', async () => {
    const messages = await engine.shown(accountId, 'INBOX')
    await patch(`/v1/accounts/${accountId}`, { isPaused: true })
    await until(async () => proxy.connections().open === 0, { what: 'the end of all connections' })
    await engine.untilState(accountId, 'paused')
    const { made } = proxy.connections()
    dovecot.deliver('pat', 'INBOX', mail(7))
    dovecot.doveadm('expunge', '-u', 'pat', 'mailbox', 'INBOX', 'header', 'subject', 'Letter 2')
    // What a person does meanwhile shows, and waits.
    const mailboxId = (await engine.mailboxId(accountId, 'INBOX')).toString()
    const star = await send('POST', '/v1/commands', {
      id: randomUUID(),
      command: {
        kind: 'setFlags',
        target: { kind: 'messages', mailboxId, messageIds: [messages[0]?.messageId.toString()] },
        add: ['flagged'],
      },
    })
    expect(star.statusCode, star.body).toBe(200)
    expect(await shown('INBOX')).toEqual(['Letter 1 4', 'Letter 2 0'])
    await send('POST', `/v1/accounts/${accountId}/sync`, {})
    // The supervisor takes up every account it may; it did so with this one.
    dovecot.addUser('other', 'secret')
    await engine.untilState(await engine.addAccount('other'), 'watching')
    expect(proxy.connections()).toEqual({ made, open: 0 })
    await patch(`/v1/accounts/${accountId}`, { isPaused: false })
    await until(async () => (await shown('INBOX')).join() === 'Letter 1 4,Letter 7 0', {
      what: 'what happened meanwhile',
    })
    await engine.untilState(accountId, 'watching')
    expect(
      dovecot.doveadm('fetch', '-u', 'pat', 'flags', 'mailbox', 'INBOX', 'header', 'subject', 'Letter 1'),
    ).toContain('\\Flagged')
    expect((await engine.shown(accountId, 'INBOX'))[0]?.messageId).toBe(messages[0]?.messageId)
  })
})
