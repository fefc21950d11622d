import type { Socket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { allOf, usePop3 } from '#test/support/pop3-fixture.ts'
import { capable, listing, refuse, type Script } from '#test/support/scripted-pop3.ts'
import { parseCapabilities } from './capabilities.ts'
import { type CheckProgress, checkPop3Login } from './check-login.ts'
import { deleteMessages, resetMaildrop } from './delete-messages.ts'
import { keepAlive } from './keep-alive.ts'
import { listMaildrop } from './list-maildrop.ts'
import type { SessionOptions } from './open-session.ts'
import { leaveSession, quitSession } from './quit-session.ts'
import { retrieveMessages, retrieveTops } from './retrieve-messages.ts'

const { open, optionsFor, said } = usePop3()
const old: Script['on'] = { CAPA: refuse('what?') }
/** Writes as long as somebody reads. */
const pour = async (socket: Socket, piece: string, times: number): Promise<void> => {
  for (let n = 0; n < times && !socket.destroyed; n++)
    if (!socket.write(piece)) await new Promise<void>((go) => socket.once('drain', go).once('close', go))
}

describe('a maildrop', () => {
  it('is listed in one go, each row that makes sense', async () => {
    const session = await open({
      on: {
        STAT: (socket) => socket.write('+OK 6 1234 octets\r\n'),
        UIDL: (socket) =>
          socket.write(
            listing('1 same', '2 same', '', 'x y', '3', '0 zero', '4 with space ', '5 \x01', `6 ${'u'.repeat(300)}`),
          ),
        LIST: (socket) =>
          socket.write(listing('1 10', '4 40 and more', '2 -1', '3 99999999999999999999', '5 5', '5 6')),
      },
    })
    const { entries, stated } = await listMaildrop(session)
    expect(stated).toEqual({ messages: 6, sizeBytes: 1234 })
    expect(entries.map(({ number, uniqueId, sizeBytes }) => [number, uniqueId, sizeBytes])).toEqual([
      [1, 'same', 10],
      [2, 'same', null],
      [3, null, null],
      [4, 'with space', 40],
      [5, null, 5],
      [6, null, null],
    ])
  })

  it('of a server without CAPA, UIDL and TOP is listed, read and emptied, and the session says what is missing', async () => {
    const session = await open({ mails: ['one', 'two'], on: { ...old, UIDL: refuse('what?'), TOP: refuse('what?') } })
    expect(session.capabilities).toMatchObject({ isListed: false, uniqueIds: null, top: null, pipelining: false })
    const { entries } = await listMaildrop(session)
    expect(entries.map(({ uniqueId, sizeBytes }) => [uniqueId, sizeBytes])).toEqual([
      [null, 3],
      [null, 3],
    ])
    expect(await allOf(retrieveTops(session, [1], { lines: 0 }))).toEqual([[1, 'message.unavailable']])
    expect(session.capabilities).toMatchObject({ uniqueIds: false, top: false })
    await listMaildrop(session)
    expect(said().filter((line) => line === 'UIDL')).toHaveLength(1)
    expect(await allOf(retrieveMessages(session, [1, 2]))).toEqual(['one\r\n', 'two\r\n'])
    expect(await deleteMessages(session, [1, 2])).toEqual([
      { number: 1, error: null },
      { number: 2, error: null },
    ])
    expect(await quitSession(session)).toEqual({ kind: 'ended' })
  })

  it('of a server that can do it without listing it is known by unique-ids', async () => {
    const session = await open({ mails: ['one'], on: old })
    expect((await listMaildrop(session)).entries[0]?.uniqueId).toBe('uid-1')
    expect(await allOf(retrieveTops(session, [1], { lines: 0 }))).toEqual(['one\r\n'])
    expect(session.capabilities).toMatchObject({ uniqueIds: true, top: true })
  })

  it('that is empty, or in trouble, says nothing about what the server can do', async () => {
    const empty = await open({ on: { ...old, UIDL: refuse('no messages'), LIST: refuse('no messages') } })
    expect(await listMaildrop(empty)).toEqual({ entries: [], stated: { messages: 0, sizeBytes: 0 } })
    expect(empty.capabilities.uniqueIds).toBeNull()
    for (const text of ['[SYS/TEMP] later', 'later']) {
      const troubled = await open({ mails: ['one'], on: { UIDL: refuse(text) } })
      await expect(listMaildrop(troubled)).rejects.toMatchObject({ code: 'mailbox.unavailable' })
      expect(troubled.isOpen()).toBe(true)
      expect(await allOf(retrieveMessages(troubled, [1]))).toEqual(['one\r\n'])
    }
  })

  it('that is without end is cut off', async () => {
    const rows = (from: number) => Array.from({ length: 1000 }, (_, i) => `${from + i} u\r\n`).join('')
    const session = await open({
      on: {
        CAPA: capable('USER'),
        UIDL: async (socket) => {
          socket.write('+OK\r\n')
          for (let n = 0; n < 600; n++) await pour(socket, rows(n * 1000 + 1), 1)
        },
      },
    })
    await expect(listMaildrop(session)).rejects.toMatchObject({
      code: 'connect.protocol',
      message: 'The server lists far more messages than a mailbox can hold.',
    })
    expect(session.isOpen()).toBe(false)
    const long = await open({ on: { LIST: (socket) => pour(socket, `+OK\r\n1 ${'1'.repeat(5000)}`, 1) } })
    await expect(listMaildrop(long)).rejects.toMatchObject({ code: 'connect.protocol' })
    const endless = await open({ on: { STAT: (socket) => pour(socket, 'A'.repeat(65_536), 500) } })
    await expect(listMaildrop(endless)).rejects.toMatchObject({ code: 'connect.protocol' })
  })
})

describe('a session', () => {
  it.each([
    ['SSH-2.0-x\r\n', 'connect.protocol', 'This port speaks SSH, not POP3.'],
    ['* OK IMAP4rev1\r\n', 'connect.protocol', 'This port speaks IMAP, not POP3.'],
    ['220 mail ESMTP\r\n', 'connect.protocol', 'This port speaks SMTP, not POP3.'],
    ['+OKAY\r\n', 'connect.protocol', 'The server answered in a way we do not understand.'],
    ['-ERR go away\r\n', 'connect.closed', 'The server turns us away.'],
  ])('that is greeted by %j says so', async (greeting, code, message) => {
    await expect(open({ greeting: (socket) => socket.end(greeting) })).rejects.toMatchObject({ code, message })
  })

  it('that is never greeted, or greeted without end, ends', async () => {
    await expect(open({ greeting: () => undefined }, { silenceMs: 50 })).rejects.toMatchObject({
      code: 'connect.timeout',
      message: 'The server said nothing.',
    })
    await expect(open({ greeting: (socket) => pour(socket, 'A'.repeat(65_536), 500) })).rejects.toMatchObject({
      code: 'connect.protocol',
    })
  })

  it('believes no answer that came before its command', async () => {
    const early = await open({ on: { NOOP: (socket) => socket.write('+OK\r\n+OK 5 5\r\n') } })
    await keepAlive(early)
    await expect(listMaildrop(early)).rejects.toMatchObject({ code: 'connect.protocol' })
    const bored = await open({ on: { NOOP: (socket) => socket.end('+OK\r\n-ERR Disconnected for inactivity.\r\n') } })
    await keepAlive(bored)
    await bored.closed
    await expect(keepAlive(bored)).rejects.toMatchObject({
      code: 'connect.closed',
      detail: { serverText: 'Disconnected for inactivity.' },
    })
  })

  it('removes only by QUIT, tells when not all went, and asks first whether it may', async () => {
    let mayAct = true
    const guard = () => {
      if (!mayAct) throw new Error('not ours')
    }
    const session = await open(
      { mails: ['a', 'b'], on: { QUIT: refuse('some deleted messages not removed') } },
      { mayAct: guard },
    )
    expect(await deleteMessages(session, [1])).toEqual([{ number: 1, error: null }])
    await resetMaildrop(session)
    expect(session.marked.size).toBe(0)
    await deleteMessages(session, [2])
    mayAct = false
    await expect(deleteMessages(session, [1])).rejects.toThrow('not ours')
    await expect(quitSession(session)).rejects.toThrow('not ours')
    mayAct = true
    expect(await quitSession(session)).toMatchObject({ kind: 'notAllRemoved', error: { code: 'mailbox.refused' } })
    expect(said().filter((line) => /^(DELE|QUIT|RSET)/.test(line))).toEqual(['DELE 1', 'RSET', 'DELE 2', 'QUIT'])
    await session.closed
  })

  it('tells a refused deletion from one that nobody can know about', async () => {
    const session = await open({
      mails: ['a', 'b'],
      on: { DELE: (socket, args) => socket.write(args === '1' ? '-ERR no\r\n' : '+OK\r\n') },
    })
    expect(await deleteMessages(session, [1, 2])).toMatchObject([
      { number: 1, error: { code: 'mailbox.refused', detail: { serverText: 'no' } } },
      { number: 2, error: null },
    ])
    expect([...session.marked]).toEqual([2])
    const gone = await open({ mails: ['a'], on: { QUIT: (socket) => socket.destroy() } })
    await deleteMessages(gone, [1])
    await expect(quitSession(gone)).rejects.toMatchObject({ code: 'connect.closed' })
  })

  it('left politely never removes anything', async () => {
    const marked = await open({ mails: ['a'] })
    await deleteMessages(marked, [1])
    await leaveSession(marked)
    expect(said()).not.toContain('QUIT')
    const clean = await open({ mails: ['a'] })
    await leaveSession(clean)
    await leaveSession(clean)
    expect(said().at(-1)).toBe('QUIT')
  })

  it('refuses line breaks in whatever is sent', async () => {
    const session = await open({})
    for (const evil of ['NOOP\r\nDELE 1', 'NOOP\n', 'NOOP\0'])
      await expect(session.channel.alone(async () => session.channel.send('STAT', evil))).rejects.toMatchObject({
        code: 'request.invalid',
      })
    await keepAlive(session)
    expect(said().at(-1)).toBe('NOOP')
    expect(said()).not.toContain('STAT')
  })

  it('is tried step by step', async () => {
    const told: CheckProgress[] = []
    const check = async (script: Script, more: Partial<SessionOptions> = {}) =>
      checkPop3Login({ ...(await optionsFor(script)), ...more, until: 'list' }, (progress) => told.push(progress))
    expect(await check({ mails: ['a', 'b'] })).toMatchObject({
      kind: 'ok',
      capabilities: { uniqueIds: true },
      stated: { messages: 2 },
    })
    const steps = told.filter(({ state }) => state === 'ok').map(({ step }) => step)
    expect(steps).toEqual(['connect', 'greeting', 'login', 'list'])
    expect(said().at(-1)).toBe('QUIT')
    const failed = (step: string, code: string) => ({ kind: 'failed', step, error: { code } })
    expect(await check({ on: { CAPA: capable('USER'), PASS: refuse('no') } })).toMatchObject(
      failed('login', 'login.failed'),
    )
    expect(await check({ greeting: (socket) => socket.end('HTTP/1.1 400\r\n') })).toMatchObject(
      failed('greeting', 'connect.protocol'),
    )
    expect(await check({}, { port: 1 })).toMatchObject(failed('connect', 'connect.refused'))
    expect(await check({ on: { STAT: refuse('[SYS/TEMP] x') } })).toMatchObject(failed('list', 'mailbox.unavailable'))
    expect(await check({ on: { STLS: refuse('x') } }, { security: 'starttls' })).toMatchObject(
      failed('tls', 'tls.starttls_missing'),
    )
  })
})

describe('capabilities', () => {
  it('are read with their parameters, whatever else the server says', () => {
    const read = (...lines: string[]) => parseCapabilities(lines)
    expect(
      read('TOP', 'uidl', 'RESP-CODES', 'LOGIN-DELAY 900 USER', 'PIPELINING', 'STLS', 'UTF8 USER', 'X-ODD', ''),
    ).toEqual({
      isListed: true,
      top: true,
      uniqueIds: true,
      pipelining: true,
      stls: true,
      user: false,
      mechanisms: [],
      utf8: true,
      expire: null,
      loginDelay: { seconds: 900, differsByUser: true },
      implementation: null,
    })
    expect(read('EXPIRE NEVER').expire).toEqual({ afterDays: null, differsByUser: false })
    expect(read('EXPIRE 0').expire).toEqual({ afterDays: 0, differsByUser: false })
    expect(read('EXPIRE 5 USER').expire).toEqual({ afterDays: 5, differsByUser: true })
    for (const odd of ['EXPIRE', 'EXPIRE soon', 'EXPIRE -1', 'LOGIN-DELAY', 'LOGIN-DELAY 99999999999'])
      expect(read(odd)).toMatchObject({ expire: null, loginDelay: null })
    expect(read('IMPLEMENTATION Shlemazle-Plotz-v302\x07').implementation).toBe('Shlemazle-Plotz-v302')
    expect(read('SASL cram-md5 PLAIN').mechanisms).toEqual(['CRAM-MD5', 'PLAIN'])
  })
})
