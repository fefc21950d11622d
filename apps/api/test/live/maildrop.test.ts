import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit } from '#store/commit.ts'
import { releaseDeletedHere } from '#store/maildrop-wishes.ts'
import { answerOf, capable, type Script, startScriptedPop3 } from '../support/scripted-pop3.ts'
import { until } from '../support/until.ts'
import { type MaildropScene, startMaildropScene, startMaildrops } from './maildrop-fixture.ts'

const name = (n: number) => `Letter ${String(n).padStart(2, '0')}`
const many = (count: number) => Array.from({ length: count }, (_, n) => name(n + 1))
const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: ${name(n)}\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\n..\r\n.Hello ${n}\r\n`

describe('a maildrop', () => {
  let scene: MaildropScene
  beforeAll(async () => {
    scene = await startMaildropScene()
  })
  afterAll(() => scene.stop())

  const fill = (user: string, count: number) => {
    scene.dovecot.addUser(user, 'secret')
    for (let n = 1; n <= count; n++) scene.dovecot.deliver(user, 'INBOX', mail(n))
  }

  it('is fetched once, byte for byte, and then only looked at', async () => {
    fill('once', 12)
    const large = `Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(45_000)}`
    scene.dovecot.deliver('once', 'INBOX', large)
    const drop = await scene.drops.open('once', scene.proxy.port)
    expect(await drop.look()).toMatchObject({ messages: 13, stored: 13, copies: 0, removed: 0 })
    const sources = await drop.sources()
    expect(sources.size).toBe(13)
    for (let n = 1; n <= 12; n++) expect(sources.get(name(n))?.toString()).toBe(mail(n))
    expect(sources.get('large')?.equals(Buffer.from(large))).toBe(true)
    const before = scene.asked('RETR')
    scene.dovecot.deliver('once', 'INBOX', mail(20))
    expect(await drop.look()).toMatchObject({ messages: 14, stored: 1 })
    expect(await drop.look()).toMatchObject({ messages: 14, stored: 0 })
    expect(scene.asked('RETR')).toBe(before + 1)
    expect(await drop.shown()).toEqual([...many(12), name(20), 'large'])
    expect(scene.onServer('once')).toBe(14)
  })

  it('has mails of one second in the order in which they came', async () => {
    fill('tied', 9)
    const drop = await scene.drops.open('tied', scene.dovecot.pop3Port)
    await drop.look()
    const inOrder = { where: { accountId: drop.accountId }, orderBy: { id: 'asc' as const } }
    const { message, placement } = scene.drops.store.prisma
    const rows = await message.findMany(inOrder)
    expect(rows.map(({ subject }) => subject)).toEqual(many(9))
    expect((await placement.findMany(inOrder)).map(({ messageId }) => messageId)).toEqual(rows.map(({ id }) => id))
  })

  it('is read like any other mail: texts, attachments of any size, words to search by', async () => {
    scene.dovecot.addUser('read', 'secret')
    const attached = (name: string, bytes: number, text: string) =>
      [
        `From: Zoë <zoe@example.org>\r\nSubject: ${name}\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b`,
        `Content-Type: text/plain; charset=utf-8\r\n\r\n${text}\r\n--b`,
        `Content-Type: application/pdf; name=${name}.pdf\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64`,
        '',
        Buffer.alloc(bytes, 'pdf').toString('base64').replace(/.{76}/g, '$&\r\n'),
        '--b--',
        '',
      ].join('\r\n')
    scene.dovecot.deliver('read', 'INBOX', attached('small', 3000, 'the quick brown fox'))
    scene.dovecot.deliver('read', 'INBOX', attached('large', 6_000_000, 'jumps over the lazy dog'))
    scene.dovecot.deliver('read', 'INBOX', mail(1))
    const drop = await scene.drops.open('read', scene.dovecot.pop3Port)
    await drop.look()
    await drop.read()
    const rows = await scene.drops.store.prisma.message.findMany({
      where: { accountId: drop.accountId },
      orderBy: { subject: 'asc' },
    })
    expect(rows).toMatchObject([
      { subject: name(1), bodyState: 'ready', hasAttachment: false },
      { subject: 'large', bodyState: 'ready', hasAttachment: true, preview: 'jumps over the lazy dog' },
      { subject: 'small', bodyState: 'ready', hasAttachment: true, preview: 'the quick brown fox' },
    ])
    const parts = await scene.drops.store.prisma.part.findMany({
      where: { accountId: drop.accountId },
      orderBy: { sizeBytes: 'asc' },
    })
    expect(parts).toMatchObject([
      { filename: 'small.pdf', sizeBytes: 3000n, path: 'parsed:0' },
      { filename: 'large.pdf', sizeBytes: 6_000_000n },
    ])
    const found = await scene.drops.store.prisma.$queryRaw<{ subject: string }[]>`
      SELECT m.subject FROM message_search s JOIN message m ON m.id = s.message_id
      WHERE s.account_id = ${drop.accountId} AND s.vector @@ 'lazy & zoe'::tsquery`
    expect(found).toEqual([{ subject: 'large' }])
  })

  it('loses and doubles nothing wherever the connection ends', async () => {
    fill('cut', 30)
    const drop = await scene.drops.open('cut', scene.proxy.port)
    const settings = { policy: { kind: 'afterDownload' as const } }
    const cuts = [
      { direction: 'toServer' as const, line: /^(STAT|UIDL)/ },
      { direction: 'toClient' as const, line: /^\.\.Hello 2[0-9]$/ },
      { direction: 'toClient' as const, line: /^\.\.Hello 1[0-9]$/ },
      { direction: 'toServer' as const, line: /^QUIT/ },
      { direction: 'toServer' as const, line: /^DELE/ },
      { direction: 'toServer' as const, line: /^QUIT/ },
      { direction: 'toClient' as const, line: /^\+OK (Logging out|Bye)/i },
    ]
    const acted: number[] = []
    for (const cut of cuts) {
      const rule = scene.proxy.add({ ...cut, act: 'close', times: 1 })
      await drop.look({ settings }).catch(() => undefined)
      acted.push(rule.acted())
      rule.remove()
      const shown = await drop.shown()
      expect(new Set(shown).size).toBe(shown.length)
      expect(scene.onServer('cut') + shown.length).toBeGreaterThanOrEqual(30)
    }
    expect(acted).toEqual([1, 1, 1, 1, 1, 1, 1])
    await drop.look({ settings })
    await drop.look({ settings })
    expect(await drop.shown()).toEqual(many(30))
    expect(await drop.states()).toEqual({ gone: 30 })
    expect(scene.onServer('cut')).toBe(0)
  })

  it('removes at the server a look later, by the numbers of that look, and only what is stored as it came', async () => {
    fill('remove', 6)
    const drop = await scene.drops.open('remove', scene.proxy.port)
    const settings = { policy: { kind: 'afterDownload' as const } }
    expect(await drop.look({ settings })).toMatchObject({ stored: 6, removed: 0 })
    // Another program takes the first away: every number shifts.
    scene.dovecot.doveadm('expunge', '-u', 'remove', 'mailbox', 'INBOX', 'header', 'subject', name(1))
    const damaged = await scene.drops.store.prisma.message.findFirstOrThrow({
      where: { accountId: drop.accountId, subject: name(4) },
    })
    const { blobId } = await scene.drops.store.prisma.rawSource.findUniqueOrThrow({ where: { messageId: damaged.id } })
    await scene.drops.store.prisma.blobChunk.updateMany({ where: { blobId }, data: { bytes: Buffer.from('torn') } })
    scene.dovecot.deliver('remove', 'INBOX', mail(7))
    expect(await drop.look({ settings })).toMatchObject({ stored: 1, removed: 4 })
    const left = scene.dovecot.doveadm('fetch', '-u', 'remove', 'hdr.subject', 'mailbox', 'INBOX', 'all')
    expect(left.match(/Letter \d\d/g)?.sort()).toEqual([name(4), name(7)])
    expect(await drop.shown()).toEqual(many(7))
  })

  it('is read anew when it came again because what was stored was damaged', async () => {
    fill('healed', 1)
    const drop = await scene.drops.open('healed', scene.proxy.port)
    const settings = { policy: { kind: 'afterDownload' as const } }
    await drop.look({ settings })
    await scene.drops.store.prisma.blobChunk.updateMany({
      where: {
        blobId: (await scene.drops.store.prisma.rawSource.findFirstOrThrow({ where: { accountId: drop.accountId } }))
          .blobId,
      },
      data: { bytes: Buffer.from(mail(1).replace('Hello', 'tornword')) },
    })
    await drop.read()
    const told = async () => {
      const rows = await scene.drops.store.prisma.$queryRaw<
        { preview: string; text: string; torn: boolean; whole: boolean }[]
      >`
        SELECT m.preview, b.text, s.vector @@ 'tornword'::tsquery AS torn, s.vector @@ 'hello'::tsquery AS whole FROM message m
        JOIN body b ON b.message_id = m.id JOIN message_search s ON s.message_id = m.id WHERE m.account_id = ${drop.accountId}`
      return rows
    }
    expect(await told()).toMatchObject([{ preview: expect.stringContaining('tornword'), torn: true, whole: false }])
    expect(await drop.look({ settings })).toMatchObject({ removed: 0 })
    expect(await drop.look({ settings })).toMatchObject({ stored: 0, completed: 1 })
    await drop.read()
    const [healed, ...others] = await told()
    expect(others).toEqual([])
    expect(healed).toMatchObject({ torn: false, whole: true })
    expect(`${healed?.preview} ${healed?.text}`).not.toContain('tornword')
  })

  it('stays at the server when it was deleted here alone, whatever policy comes later', async () => {
    fill('alone', 3)
    const drop = await scene.drops.open('alone', scene.proxy.port)
    await drop.look()
    const { prisma } = scene.drops.store
    const { id: messageId } = await prisma.message.findFirstOrThrow({
      where: { accountId: drop.accountId, subject: name(2) },
    })
    await commit(scene.drops.store, { kind: 'system' }, async (unit) => {
      await unit.tx.placement.deleteMany({ where: { messageId } })
      await unit.tx.message.update({ where: { id: messageId }, data: { orphanedAt: new Date() } })
      await releaseDeletedHere(unit, drop.accountId, [messageId])
    })
    for (const policy of [
      { kind: 'newest', count: 1 },
      { kind: 'whenDeletedHere' },
      { kind: 'afterDownload' },
    ] as const)
      await drop.look({ settings: { policy } })
    expect(await drop.look({ settings: { policy: { kind: 'afterDownload' } } })).toMatchObject({
      messages: 1,
      facts: { waiting: 0 },
    })
    expect(scene.onServer('alone')).toBe(1)
    expect(await drop.shown()).toEqual([name(1), name(3)])
  })

  it('leaves the newest there by the Date header where no Received line says when a mail came', async () => {
    scene.dovecot.addUser('dated', 'secret')
    for (const [n, day] of [25, 21, 24, 22].entries())
      scene.dovecot.deliver('dated', 'INBOX', mail(n).replace('Mon, 23 Nov 2026', `${day} Nov 2025`))
    const drop = await scene.drops.open('dated', scene.dovecot.pop3Port)
    const settings = { policy: { kind: 'newest' as const, count: 2 } }
    await drop.look({ settings })
    expect(await drop.look({ settings })).toMatchObject({ removed: 2 })
    const left = scene.dovecot.doveadm('fetch', '-u', 'dated', 'hdr.date', 'mailbox', 'INBOX', 'all')
    expect(left.match(/\d+ Nov/g)).toEqual(['25 Nov', '24 Nov'])
  })

  it('fetches only the header of what is larger than the person wants, and never removes that', async () => {
    fill('cap', 2)
    scene.dovecot.deliver('cap', 'INBOX', `Subject: huge\r\n\r\n${'y'.repeat(70)}\r\n`.repeat(200))
    const drop = await scene.drops.open('cap', scene.proxy.port)
    const settings = { maxBytes: 4096, policy: { kind: 'afterDownload' as const } }
    expect(await drop.look({ settings })).toMatchObject({ stored: 3 })
    expect(await drop.look({ settings })).toMatchObject({ removed: 2 })
    expect(await drop.shown()).toEqual([name(1), name(2), 'huge'])
    expect(scene.onServer('cap')).toBe(1)
  })
})

describe('a maildrop of a server with faults', () => {
  let drops: Awaited<ReturnType<typeof startMaildrops>>
  beforeAll(async () => {
    drops = await startMaildrops()
  })
  afterAll(() => drops.stop())

  const mails = [1, 2, 3, 4].map(mail)
  const script = (on: Script['on'] = {}, kept = mails) => startScriptedPop3({ mails: kept, on })
  const rows = (...lines: string[]) => `+OK\r\n${lines.map((line) => `${line}\r\n`).join('')}.\r\n`
  const uidl = (prefix: string, count = mails.length): NonNullable<Script['on']> => ({
    UIDL: (socket) => socket.write(rows(...Array.from({ length: count }, (_, n) => `${n + 1} ${prefix}${n + 1}`))),
  })
  const retrs = (server: { said: string[] }) => server.said.filter((line) => line.startsWith('RETR')).length

  /** Looks at several servers in turn, as if they were one. */
  const through = async (user: string, servers: Awaited<ReturnType<typeof script>>[], settings = {}) => {
    const drop = await drops.open(user, servers[0]?.port ?? 0)
    const looks = []
    for (const { port } of servers) looks.push(await drop.look({ port, settings }))
    for (const server of servers) await server.stop()
    return { drop, looks }
  }

  it('shows nothing twice when every unique-id has changed, and removes none of these by itself', async () => {
    // As many as are written ahead of their rows.
    const count = 24
    const kept = Array.from({ length: count }, (_, n) => mail(n + 1))
    const servers = []
    for (const prefix of ['old', 'new', 'new']) servers.push(await script(uidl(prefix, count), kept))
    const { drop, looks } = await through('renamed', servers, { policy: { kind: 'afterDownload' } })
    expect(looks).toMatchObject([{ stored: count }, { stored: 0, copies: count }, { stored: 0, copies: 0, removed: 0 }])
    expect(await drop.shown()).toEqual(many(count))
    expect(await drops.store.prisma.blob.count({ where: { accountId: drop.accountId } })).toBe(count)
    expect(retrs(servers[2] as { said: string[] })).toBe(0)
  })

  it('downloads nothing again when a server lists nothing once', async () => {
    const none = { ...uidl('a', 0), STAT: write('+OK 0 0'), LIST: write('+OK\r\n.') }
    const servers = [await script(uidl('a')), await script(none), await script(uidl('a'))]
    const { drop, looks } = await through('glitch', servers)
    expect(looks).toMatchObject([{ stored: 4 }, { messages: 0 }, { messages: 4, stored: 0, copies: 0 }])
    expect(retrs(servers[2] as { said: string[] })).toBe(0)
    expect(await drop.shown()).toEqual(many(4))
  })

  it('keeps every mail of a unique-id that is given to all of them, and a new one under an old id', async () => {
    const same = { UIDL: write(rows('1 same', '2 same', '3 same', '4 same').trimEnd()) }
    const reused = [mail(1), mail(2), mail(3), mail(77)]
    const servers = [await script(same), await script(uidl('a')), await script(uidl('a'), reused)]
    const { drop } = await through('same', servers)
    expect(await drop.shown()).toEqual([...many(4), name(77)])
  })

  it('does not remove a mail that was given the name and the size of another one, also where there is no TOP', async () => {
    const [, second, third] = mails
    for (const [user, on] of [
      ['inherited', {}],
      ['inheritednotop', { CAPA: write('-ERR unknown command'), TOP: write('-ERR unknown command') }],
    ] as const) {
      const servers = [await script(on), await script(on, [mail(5), second ?? '', third ?? '', mail(6)])]
      const left = { ...on, UIDL: write(rows('1 uid-1', '2 uid-4').trimEnd()) }
      for (const _look of [3, 4]) servers.push(await script(left, [mail(5), mail(6)]))
      const { drop, looks } = await through(user, servers, { policy: { kind: 'afterDownload' } })
      expect(looks).toMatchObject([
        { stored: 4, removed: 0 },
        { stored: 0, removed: 2, facts: { messages: 2, notYet: 2 } },
        { stored: 2, copies: 0, removed: 0 },
        { stored: 0, removed: 2, facts: { messages: 0, waiting: 0 } },
      ])
      expect(servers[1]?.said.filter((line) => line.startsWith('DELE'))).toEqual(['DELE 2', 'DELE 3'])
      expect(await drop.shown()).toEqual(many(6))
    }
  })

  it('removes a mail whose header is written anew each time it is given', async () => {
    const written = (boundary: string) =>
      mail(1).replace('\r\n\r\n', `\r\nMessage-ID: <1@example.org>\r\nX-Boundary: ${boundary}\r\n\r\n`)
    const servers = [await script({}, [written('one')]), await script({}, [written('two')])]
    const { looks } = await through('anew', servers, { policy: { kind: 'afterDownload' } })
    expect(looks).toMatchObject([{ stored: 1 }, { stored: 0, removed: 1 }])
  })

  it('knows mails by what is in them where there is no UIDL, and where there is no TOP either', async () => {
    const refuse = write('-ERR unknown command')
    const withoutUidl = { CAPA: write(rows('TOP', 'PIPELINING').trimEnd()), UIDL: refuse }
    const withoutBoth = { CAPA: refuse, UIDL: refuse, TOP: refuse }
    for (const [user, on] of [
      ['nouidl', withoutUidl],
      ['notop', withoutBoth],
    ] as const) {
      const servers = [await script(on), await script(on), await script(on, [...mails.slice(1), mail(5)])]
      const { drop, looks } = await through(user, servers)
      const facts = { hasUniqueIds: false, hasTop: on === withoutUidl }
      expect(looks).toMatchObject([
        { stored: 4, facts },
        { stored: 0, facts },
        { stored: 1, facts },
      ])
      expect(await drop.facts()).toMatchObject(facts)
      expect(await drop.shown()).toEqual(many(5))
    }
  })

  it('is not shown while other octets of it are staged than came, and comes again', async () => {
    const large = `Subject: large\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(45_000)}`
    const answer = answerOf(large)
    let tears = 1
    const tear = () => drops.store.prisma.$executeRaw`
      UPDATE blob_chunk c SET bytes = set_byte(c.bytes, 100, 0) FROM blob b WHERE b.id = c.blob_id AND b.account_id = ${drop.accountId} AND c.n = 0`
    const on: Script['on'] = {
      RETR: async (socket) => {
        socket.write(answer.subarray(0, -100))
        if (tears-- > 0) await until(async () => (await tear()) > 0, { what: 'the first piece' })
        socket.write(answer.subarray(-100))
      },
    }
    const server = await script(on, [large])
    const drop = await drops.open('torn', server.port)
    await expect(drop.look()).rejects.toMatchObject({ code: 'internal' })
    expect([await drop.shown(), await drop.states()]).toEqual([[], { listed: 1 }])
    expect(await drop.look()).toMatchObject({ stored: 1 })
    expect((await drop.sources()).get('large')?.equals(Buffer.from(large))).toBe(true)
    await server.stop()
  })

  it('is safe on disk before the next mail is asked for where the server hides what was retrieved', async () => {
    const stored: number[] = []
    const server = await script({
      CAPA: capable('PIPELINING', 'EXPIRE 0'),
      RETR: async (socket, args) => {
        stored.push((await drop.shown()).length)
        socket.write(`+OK\r\n${(mails[Number(args) - 1] ?? '').replace(/^\./gm, '..')}.\r\n`)
      },
    })
    const drop = await drops.open('expire', server.port)
    await drop.look()
    await server.stop()
    expect(stored).toEqual([0, 1, 2, 3])
  })
})

const write =
  (text: string) =>
  (socket: { write: (text: string) => unknown }): unknown =>
    socket.write(`${text}\r\n`)
