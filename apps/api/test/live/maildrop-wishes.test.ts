import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { commit } from '#store/commit.ts'
import { takeLeases } from '#store/lease.ts'
import { wantRest, wantRests } from '#store/maildrop-parts.ts'
import { releaseCopies } from '#store/maildrop-wishes.ts'
import { answerOf, listing, refuse, startScriptedPop3 } from '../support/scripted-pop3.ts'
import { until } from '../support/until.ts'
import { type Maildrop, type MaildropScene, startMaildropScene } from './maildrop-fixture.ts'

const mail = (n: number) =>
  `From: ann@example.org\r\nSubject: Letter ${n}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello ${n}\r\n`
const huge = `From: zoe@example.org\r\nSubject: huge\r\n\r\nthe end of a long story\r\n${`${'y'.repeat(70)}\r\n`.repeat(30_000)}`
const afterDownload = { kind: 'afterDownload' as const }
const none = { mails: 0, bytes: 0 }

describe('what a person wants of a maildrop', () => {
  let scene: MaildropScene
  beforeAll(async () => {
    scene = await startMaildropScene()
  })
  afterAll(() => scene.stop())

  const open = (user: string, mails: string[]) => {
    scene.dovecot.addUser(user, 'secret')
    for (const text of mails) scene.dovecot.deliver(user, 'INBOX', text)
    return scene.drops.open(user, scene.proxy.port)
  }
  const wish = <T>(work: Parameters<typeof commit<T>>[2]) => commit(scene.drops.store, { kind: 'system' }, work)
  const pushed = async ({ accountId }: Maildrop) =>
    (await scene.drops.store.prisma.stream.findUniqueOrThrow({ where: { accountId } })).seq

  it('is counted, and a look that finds nothing new writes nothing and tells nobody', async () => {
    const drop = await open('counts', [mail(1), mail(2), huge])
    const settings = { maxBytes: 4096, policy: afterDownload, isOnHold: true }
    const look = await drop.look({ settings })
    const facts = { messages: 3, waiting: 2, copies: 0, headersOnly: 1, hasUniqueIds: true, hasTop: true }
    expect(look.facts).toMatchObject(facts)
    expect(await drop.facts()).toEqual(look.facts)
    expect(look.facts.bytes).toBeGreaterThan(2_000_000)
    const versions = () =>
      scene.drops.store.prisma.$queryRaw`SELECT xmin::text, ctid::text FROM account WHERE id = ${drop.accountId}
        UNION ALL SELECT xmin::text, ctid::text FROM pop_ledger WHERE account_id = ${drop.accountId}`
    const before = [await versions(), await pushed(drop)]
    const again = await drop.look({ settings })
    expect(again.facts).toEqual({ ...look.facts, listedAt: again.facts.listedAt })
    expect([await versions(), await pushed(drop)]).toEqual(before)
    // Without the hold they go, and the counts say so at once.
    expect(await drop.look({ settings: { ...settings, isOnHold: false } })).toMatchObject({ removed: 2 })
    expect(await drop.facts()).toMatchObject({ messages: 1, waiting: 0, headersOnly: 1 })
  })

  it('removes copies on a word only, and only those of which the same octets are here', async () => {
    const drop = await open('copies', [1, 2, 3, 4].map(mail))
    const settings = { policy: afterDownload }
    await drop.look({ settings: { policy: { kind: 'keep' } } })
    // The server gives every mail another unique-id, as after a migration.
    const renamed = scene.proxy.add({ direction: 'toClient', line: /^\d+ [0-9a-f]{16}$/, act: (line) => `${line}new` })
    expect(await drop.look({ settings })).toMatchObject({ stored: 0, copies: 4, removed: 0 })
    expect(await drop.look({ settings })).toMatchObject({ removed: 0, facts: { copies: 4, waiting: 0 } })
    const damaged = await scene.drops.store.prisma.message.findFirstOrThrow({
      where: { accountId: drop.accountId, subject: 'Letter 3' },
    })
    const { blobId } = await scene.drops.store.prisma.rawSource.findUniqueOrThrow({ where: { messageId: damaged.id } })
    await scene.drops.store.prisma.blobChunk.updateMany({ where: { blobId }, data: { bytes: Buffer.from('torn') } })
    expect(await wish((unit) => releaseCopies(unit, drop.accountId))).toBe(4)
    expect(await drop.facts()).toMatchObject({ copies: 0, waiting: 4 })
    expect(await wish((unit) => releaseCopies(unit, drop.accountId))).toBe(0)
    const { storedBytes } = await scene.drops.store.prisma.account.findUniqueOrThrow({ where: { id: drop.accountId } })
    expect(await drop.look({ settings })).toMatchObject({ removed: 3, facts: { messages: 1 } })
    const left = scene.dovecot.doveadm('fetch', '-u', 'copies', 'hdr.subject', 'mailbox', 'INBOX', 'all')
    expect(left.match(/Letter \d/g)).toEqual(['Letter 3'])
    // The server has it as it came: it is fetched anew into the very message, and may go after that.
    const retrs = scene.asked('RETR')
    expect(await drop.look({ settings })).toMatchObject({
      stored: 0,
      completed: 1,
      removed: 0,
      facts: { waiting: 1, headersOnly: 0 },
    })
    expect((await drop.sources()).get('Letter 3')?.toString()).toBe(mail(3))
    expect(await drop.look({ settings })).toMatchObject({ removed: 1, facts: { messages: 0, waiting: 0 } })
    expect(scene.asked('RETR') - retrs).toBe(1)
    renamed.remove()
    expect(await drop.shown()).toEqual([1, 2, 3, 4].map((n) => `Letter ${n}`))
    expect(await scene.drops.store.prisma.message.count({ where: { accountId: drop.accountId } })).toBe(4)
    expect(await scene.drops.store.prisma.account.findUnique({ where: { id: drop.accountId } })).toMatchObject({
      storedBytes,
    })
  })

  it('fetches the rest of a mail into the very message, wherever that was moved and flagged, and once', async () => {
    const drop = await open('rest', [huge, mail(1)])
    const { store } = scene.drops
    const capped = { maxBytes: 4096 }
    await drop.look({ settings: capped })
    const where = { accountId: drop.accountId, subject: 'huge' }
    const before = await store.prisma.message.findFirstOrThrow({ where })
    expect(before).toMatchObject({ isHeaderOnly: true, bodyState: 'absent' })
    const archive = await store.prisma.mailbox.findFirstOrThrow({
      where: { accountId: drop.accountId, role: 'archive' },
    })
    const place = { mailboxId: archive.id, shownMailboxId: archive.id, uid: 1n, flags: 4, shownFlags: 4 }
    await store.prisma.placement.updateMany({ where: { messageId: before.id }, data: place })
    // A larger limit alone fetches no old ones.
    expect(await drop.look()).toMatchObject({ stored: 0, facts: { headersOnly: 1 } })
    await wish((unit) => wantRest(unit, drop.accountId, before.id))
    const cut = scene.proxy.add({ direction: 'toClient', afterBytes: 1_000_000, act: 'close', times: 1 })
    await expect(drop.look({ settings: capped })).rejects.toThrow()
    expect(cut.acted()).toBe(1)
    expect(await store.prisma.message.findFirstOrThrow({ where })).toEqual(before)
    const seq = await pushed(drop)
    expect(await drop.look({ settings: capped })).toMatchObject({
      stored: 0,
      completed: 1,
      copies: 0,
      facts: { headersOnly: 0 },
    })
    await drop.read()
    const after = await store.prisma.message.findMany({ where })
    expect(after).toMatchObject([
      {
        id: before.id,
        threadId: before.threadId,
        receivedAt: before.receivedAt,
        isHeaderOnly: false,
        bodyState: 'ready',
      },
    ])
    expect(after[0]?.preview).toMatch(/^the end of a long story/)
    expect(Number(after[0]?.sizeBytes)).toBe(huge.length)
    expect(await store.prisma.placement.findMany({ where: { messageId: before.id } })).toMatchObject([place])
    expect((await drop.sources()).get('huge')?.toString()).toBe(huge)
    expect(await pushed(drop)).toBeGreaterThan(seq)
    const retrs = scene.asked('RETR')
    expect(await drop.look({ settings: { ...capped, policy: afterDownload } })).toMatchObject({ stored: 0, removed: 2 })
    expect(scene.asked('RETR')).toBe(retrs)
    expect(scene.onServer('rest')).toBe(0)
    await expect(wish((unit) => wantRest(unit, drop.accountId, before.id))).rejects.toMatchObject({
      code: 'message.gone',
    })
  })

  it('fetches the rest of all that fit on one word, and removes none before it is here whole, wherever that is cut', async () => {
    const heavy = (name: string) => huge.replace('zoe', name).slice(0, 600_000)
    const drop = await open('rests', [huge, heavy('yve'), heavy('xia'), mail(1)])
    const capped = { maxBytes: 4096, policy: afterDownload }
    await drop.look({ settings: capped })
    expect(await drop.facts()).toMatchObject({
      messages: 4,
      headersOnly: 3,
      fitting: { mails: 0 },
      coming: { mails: 0 },
    })
    const raised = { ...capped, maxBytes: 1_000_000 }
    // A larger limit alone fetches no old ones, and says how many there are.
    expect(await drop.look({ settings: raised })).toMatchObject({ stored: 0, completed: 0, removed: 1 })
    const fitting = { mails: 2, bytes: heavy('yve').length + heavy('xia').length }
    expect((await drop.facts()).fitting).toEqual(fitting)
    expect(await wish((unit) => wantRests(unit, drop.accountId))).toEqual(fitting)
    expect(await wish((unit) => wantRests(unit, drop.accountId))).toEqual(none)
    expect(await drop.facts()).toMatchObject({ fitting: none, coming: fitting, came: none })
    const cut = scene.proxy.add({ direction: 'toClient', afterBytes: 900_000, act: 'close', times: 1 })
    await expect(drop.look({ settings: raised })).rejects.toThrow()
    expect([cut.acted(), scene.onServer('rests')]).toEqual([1, 3])
    const half = { mails: 1, bytes: fitting.bytes / 2 }
    expect(await drop.facts()).toMatchObject({ headersOnly: 2, coming: half, came: half })
    expect(await drop.look({ settings: raised })).toMatchObject({ completed: 1, removed: 1 })
    expect(await drop.facts()).toMatchObject({ messages: 2, headersOnly: 1, coming: none, came: fitting })
    expect(await drop.look({ settings: raised })).toMatchObject({ completed: 0, removed: 1 })
    expect(await drop.look({ settings: raised })).toMatchObject({ removed: 0, facts: { messages: 1, headersOnly: 1 } })
    expect(await drop.states()).toEqual({ gone: 3, fetched: 1 })
    expect(await drop.shown()).toEqual(['Letter 1', 'huge', 'huge', 'huge'])
  })

  it('knows a mail of which only the header is here after every unique-id has changed, and after its rest came', async () => {
    const drop = await open('parts', [huge])
    const settings = { maxBytes: 4096 }
    await drop.look({ settings })
    const rename = (to: string) =>
      scene.proxy.add({ direction: 'toClient', line: /^\d+ [0-9a-f]{16}$/, act: (line) => `${line}${to}` })
    const first = rename('a')
    expect(await drop.look({ settings })).toMatchObject({ stored: 0, copies: 1 })
    const { id } = await scene.drops.store.prisma.message.findFirstOrThrow({ where: { accountId: drop.accountId } })
    await wish((unit) => wantRest(unit, drop.accountId, id))
    expect(await drop.look({ settings })).toMatchObject({ stored: 0, completed: 1 })
    first.remove()
    const second = rename('b')
    expect(await drop.look({ settings })).toMatchObject({ stored: 0, copies: 1 })
    second.remove()
    expect(await drop.shown()).toEqual(['huge'])
  })

  it('shows a mail once when every unique-id has changed under another size limit, higher or lower', async () => {
    const rename = (to: string) =>
      scene.proxy.add({ direction: 'toClient', line: /^\d+ [0-9a-f]{16}$/, act: (line) => `${line}${to}` })
    for (const [user, before, after] of [
      ['raised', { maxBytes: 4096 }, {}],
      ['lowered', {}, { maxBytes: 4096 }],
    ] as const) {
      const drop = await open(user, [mail(1), huge])
      await drop.look({ settings: before })
      const { id } = await scene.drops.store.prisma.message.findFirstOrThrow({
        where: { accountId: drop.accountId, subject: 'huge' },
      })
      // A new one, of the same size.
      scene.dovecot.deliver(user, 'INBOX', huge.replace('zoe', 'zed'))
      const renamed = rename('a')
      const look = await drop.look({ settings: { ...after, policy: afterDownload } })
      expect(look.facts).toMatchObject({ messages: 3, headersOnly: user === 'raised' ? 0 : 1 })
      expect(await drop.shown()).toEqual(['Letter 1', 'huge', 'huge'])
      expect(await scene.drops.store.prisma.message.count({ where: { id, isHeaderOnly: false } })).toBe(1)
      // Nothing of it goes by itself, and nothing comes again.
      const again = await drop.look({ settings: { ...after, policy: afterDownload } })
      expect(again).toMatchObject({ stored: 0, copies: 0, removed: user === 'raised' ? 1 : 0 })
      renamed.remove()
    }
  })

  it('gets large mails whole where the server cannot give a header alone, and remembers that it cannot', async () => {
    const on = { CAPA: (socket: Socket) => socket.write(listing('USER', 'SASL PLAIN', 'UIDL')), TOP: refuse('what?') }
    const server = await startScriptedPop3({ mails: [huge, mail(1), huge.replace('zoe', 'zed')], on })
    const drop = await scene.drops.open('all-or-nothing', server.port)
    const settings = { maxBytes: 4096 }
    expect(await drop.look({ settings })).toMatchObject({ stored: 3, facts: { headersOnly: 0, hasTop: false } })
    // One was tried; a server that counts errors sees no second.
    expect(server.said.filter((line) => line.startsWith('TOP'))).toEqual(['TOP 3 0'])
    expect(await drop.look({ settings })).toMatchObject({ stored: 0, facts: { hasTop: false } })
    expect(server.said.filter((line) => line.startsWith('TOP'))).toHaveLength(1)
    await server.stop()
  })

  it('counts what was asked for while the server was listing', async () => {
    const mails = [huge, mail(1)]
    let mayList = Promise.resolve()
    // In the order in which they were asked for.
    const list = (socket: Socket, fact: (mail: string, n: number) => string) => {
      mayList = mayList.then(
        () => void socket.write(listing(...mails.map((mail, n) => `${n + 1} ${fact(mail, n + 1)}`))),
      )
    }
    const server = await startScriptedPop3({
      mails,
      on: {
        LIST: (socket) => list(socket, (mail) => `${mail.length}`),
        UIDL: (socket) => list(socket, (_mail, n) => `uid-${n}`),
      },
    })
    const drop = await scene.drops.open('asked-meanwhile', server.port)
    const settings = { maxBytes: 4096 }
    expect(await drop.look({ settings })).toMatchObject({ facts: { messages: 2, headersOnly: 1, coming: none } })
    // Elsewhere one was removed, and nothing is to be done.
    mails.pop()
    const clicked = Promise.withResolvers<void>()
    mayList = clicked.promise
    const reads = vi.spyOn(scene.drops.store, 'readTogether')
    const look = drop.look({ settings })
    await until(async () => reads.mock.settledResults.some(({ type }) => type === 'fulfilled'), { what: 'the ledger' })
    reads.mockRestore()
    const asked = await wish((unit) => wantRests(unit, drop.accountId, { isBeyondLimit: true }))
    expect(asked.mails).toBe(1)
    clicked.resolve()
    expect((await look).facts).toMatchObject({ messages: 1, coming: asked })
    expect(await drop.facts()).toMatchObject({ messages: 1, coming: asked })
    await server.stop()
  })

  it('starts clean when it ends between the login and the first listing, and fetches nothing that was stored again', async () => {
    const drop = await open('cuts', [1, 2, 3].map(mail))
    const settings = { policy: afterDownload }
    const retrs = scene.asked('RETR')
    for (const line of [/^STAT/, /^DELE/, /^QUIT/]) {
      const cut = scene.proxy.add({ direction: 'toServer', line, act: 'close', times: 1 })
      const end = await drop.look({ settings }).then(
        () => 'whole',
        () => 'cut',
      )
      expect([end, cut.acted(), scene.onServer('cuts')]).toEqual(['cut', 1, 3])
      cut.remove()
      if (`${line}` === '/^STAT/') {
        expect(await drop.states()).toEqual({})
        await drop.look({ settings })
      }
    }
    expect(await drop.look({ settings })).toMatchObject({ stored: 0, removed: 3 })
    expect(scene.asked('RETR') - retrs).toBe(3)
    expect(await drop.states()).toEqual({ gone: 3 })
    expect(await drop.shown()).toEqual(['Letter 1', 'Letter 2', 'Letter 3'])
  })

  it('stays to be removed while the server says that it did not remove all', async () => {
    let refusals = 1
    const server = await startScriptedPop3({
      mails: [1, 2].map(mail),
      on: {
        QUIT: (socket) => {
          // RFC 1939 6: some of them may be gone; nobody says which.
          const isRefused = server.said.includes('DELE 1') && refusals-- > 0
          if (isRefused) refuse('some deleted messages not removed')(socket, '', () => undefined)
          else socket.write('+OK\r\n')
          socket.end()
        },
      },
    })
    const drop = await scene.drops.open('refusing', server.port)
    const settings = { policy: afterDownload }
    await drop.look({ settings })
    expect(await drop.look({ settings })).toMatchObject({ removed: 0, facts: { messages: 2, waiting: 2 } })
    expect(await drop.states()).toEqual({ dele_sent: 2 })
    expect(await drop.look({ settings })).toMatchObject({ removed: 2, facts: { messages: 0, waiting: 0 } })
    expect(await drop.states()).toEqual({ gone: 2 })
    expect(server.said.filter((line) => line.startsWith('RETR'))).toHaveLength(2)
    await server.stop()
  })

  it('is heard while a look still fetches: another policy, or a hold', async () => {
    const drop = await open('changed', [1, 2].map(mail))
    await drop.look()
    for (const [n, retrieval] of [
      [3, { policy: { kind: 'keep' } }],
      [4, { policy: afterDownload, isOnHold: true }],
    ] as const) {
      scene.dovecot.deliver('changed', 'INBOX', mail(n))
      const onProgress = async () => {
        await scene.drops.store.prisma.account.update({ where: { id: drop.accountId }, data: { retrieval } })
      }
      expect(await drop.look({ settings: { policy: afterDownload }, onProgress })).toMatchObject({
        stored: 1,
        removed: 0,
      })
    }
    expect(await drop.states()).toEqual({ fetched: 4 })
    expect(await drop.look({ settings: { policy: afterDownload } })).toMatchObject({ removed: 4 })
  })

  it('keeps what came before the connection ended', async () => {
    let cuts = 1
    const mails = [1, 2, 3].map(mail)
    const server = await startScriptedPop3({
      mails,
      on: {
        RETR: (socket, args) => {
          if (args === '1' && cuts-- > 0) socket.destroy()
          else socket.write(answerOf(mails[Number(args) - 1] ?? ''))
        },
      },
    })
    const drop = await scene.drops.open('cut', server.port)
    await expect(drop.look()).rejects.toMatchObject({ code: 'connect.closed' })
    expect(await drop.shown()).toEqual(['Letter 2', 'Letter 3'])
    expect(await drop.look()).toMatchObject({ stored: 1, facts: { messages: 3 } })
    expect(server.said.filter((line) => line === 'RETR 3')).toHaveLength(1)
    await server.stop()
  })

  it('shows what came while the next mail keeps it waiting', async () => {
    const mails = [1, 2, 3].map(mail)
    let turn = Promise.resolve()
    const server = await startScriptedPop3({
      mails,
      on: {
        RETR: async (socket, args) => {
          const [before, { promise, resolve: end }] = [turn, Promise.withResolvers<void>()]
          turn = promise
          await before
          const answer = answerOf(mails[Number(args) - 1] ?? '')
          const half = args === '2' ? answer.length / 2 : 0
          socket.write(answer.slice(0, half))
          if (half > 0) await until(async () => (await drop.shown()).includes('Letter 3'), { what: 'the mail before' })
          socket.write(answer.slice(half))
          end()
        },
      },
    })
    const drop = await scene.drops.open('slow', server.port)
    expect(await drop.look()).toMatchObject({ stored: 3 })
    const sources = await drop.sources()
    expect([...sources].map(([subject, octets]) => [subject, octets.toString()]).sort()).toEqual(
      mails.map((text, n) => [`Letter ${n + 1}`, text]),
    )
    await server.stop()
  })

  it('is done by one owner: the lease refuses a second, and what the first was about to do once it was taken over', async () => {
    const drop = await open('owners', [1, 2, 3].map(mail))
    const retrs = scene.asked('RETR')
    const taken = async () => (await takeLeases(scene.drops.store, 'other', 100)).map(({ accountId }) => accountId)
    expect(await taken()).not.toContain(drop.accountId)
    await drop.look()
    scene.dovecot.deliver('owners', 'INBOX', mail(4))
    await scene.drops.store.prisma.accountLease.update({
      where: { accountId: drop.accountId },
      data: { expiresAt: new Date(0) },
    })
    expect(await taken()).toContain(drop.accountId)
    await expect(drop.look()).rejects.toMatchObject({ code: 'lease.lost' })
    expect(scene.asked('RETR') - retrs).toBe(3)
    expect(await drop.shown()).toHaveLength(3)
  })
})
