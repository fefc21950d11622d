import { describe, expect, it } from 'vitest'
import { allOf, contentOf, usePop3 } from '#test/support/pop3-fixture.ts'
import { answerOf, capable, type Script } from '#test/support/scripted-pop3.ts'
import { keepAlive } from './keep-alive.ts'
import type { Pop3Session } from './open-session.ts'
import { type RetrieveLimits, retrieveMessages } from './retrieve-messages.ts'

const { open } = usePop3()
const retrieve = (session: Pop3Session, wanted: Iterable<number>, limits?: RetrieveLimits) =>
  allOf(retrieveMessages(session, wanted, limits))
const mails = Array.from({ length: 200 }, (_, n) => `Subject: ${n}\r\n\r\n.${'x'.repeat(n)}\r\n`)
const numbers = mails.map((_, i) => i + 1)

describe('retrieving', () => {
  it('keeps the order over errors in the middle of a pipeline', async () => {
    const session = await open({
      on: {
        RETR: (socket, args) => {
          const n = Number(args)
          socket.write(n % 3 === 0 ? `-ERR ${n % 2 ? '[SYS/TEMP] ' : ''}not ${n}\r\n` : answerOf(mails[n - 1] ?? ''))
        },
      },
    })
    expect(await retrieve(session, numbers)).toEqual(
      numbers.map((n) => (n % 3 === 0 ? [n, n % 2 ? 'mailbox.unavailable' : 'message.unavailable'] : mails[n - 1])),
    )
    expect(session.isOpen()).toBe(true)
  })

  it('sends ahead only where the server says so and the caller lets it, and never more than a window', async () => {
    const mostUnanswered = async (script: Script, limits?: RetrieveLimits): Promise<number> => {
      let unanswered = 0
      let most = 0
      const session = await open({
        on: {
          ...script.on,
          RETR: (socket, args) => {
            most = Math.max(most, ++unanswered)
            // By then all is counted that came in one go.
            setImmediate(() => {
              unanswered--
              socket.write(answerOf(mails[Number(args) - 1] ?? ''))
            })
          },
        },
      })
      expect(await retrieve(session, numbers, limits)).toEqual(mails)
      return most
    }
    expect(await mostUnanswered({})).toBe(64)
    expect(await mostUnanswered({}, { ahead: 5 })).toBe(5)
    expect(await mostUnanswered({}, { ahead: 1 })).toBe(1)
    expect(await mostUnanswered({ on: { CAPA: capable('USER') } })).toBe(1)
  })

  it('ends by giving no more numbers, with the session whole', async () => {
    const session = await open({ mails })
    let taken = 0
    function* some() {
      for (let n = 1; taken < 70; n++) yield n
    }
    const found: number[] = []
    for await (const item of retrieveMessages(session, some())) {
      if (item.kind === 'message') await contentOf(item.content)
      found.push(item.number)
      taken++
    }
    expect(found).toEqual(Array.from({ length: found.length }, (_, i) => i + 1))
    expect(found.length).toBeLessThan(70 + 64)
    await keepAlive(session)
  })

  it('left in the middle ends the session: in a message, before it, or with answers owed', async () => {
    const inside = await open({ mails: [`${'x'.repeat(300_000)}\r\n`, 'b'] })
    for await (const item of retrieveMessages(inside, [1])) {
      if (item.kind !== 'message') continue
      for await (const piece of item.content) {
        expect(piece.length).toBeGreaterThan(0)
        break
      }
      expect(inside.isOpen()).toBe(false)
      break
    }
    await expect(keepAlive(inside)).rejects.toMatchObject({ code: 'connect.closed' })
    const unread = await open({ mails })
    const run = retrieveMessages(unread, [1, 2])
    await run.next()
    await expect(run.next()).rejects.toMatchObject({ code: 'connect.closed' })
    const owing = await open({ mails })
    for await (const item of retrieveMessages(owing, [1, 2])) {
      if (item.kind === 'message') await contentOf(item.content)
      break
    }
    expect(owing.isOpen()).toBe(false)
  })

  it('left between two messages keeps the session where nothing was sent ahead', async () => {
    const session = await open({ mails })
    for await (const item of retrieveMessages(session, [1, 2], { ahead: 1 })) {
      if (item.kind === 'message') await contentOf(item.content)
      break
    }
    expect(await retrieve(session, [2])).toEqual([mails[1]])
  })

  it('refuses a second operation while one is under way', async () => {
    const session = await open({ mails })
    const run = retrieveMessages(session, [1])
    const first = await run.next()
    await expect(keepAlive(session)).rejects.toMatchObject({ code: 'internal' })
    expect(first.value?.kind === 'message' && (await contentOf(first.value.content))).toBe(mails[0])
    expect((await run.next()).done).toBe(true)
    await keepAlive(session)
  })

  it.each([
    ['in the middle', 'Subject: x\r\n\r\nhal'],
    ['before the end', 'Subject: x\r\n\r\nwhole\r\n'],
    ['within the end', 'Subject: x\r\n\r\nwhole\r\n.\r'],
  ])('never takes a message for whole that the server closed %s', async (_where, part) => {
    const session = await open({ on: { RETR: (socket) => socket.end(`+OK\r\n${part}`) } })
    await expect(retrieve(session, [1])).rejects.toMatchObject({ code: 'connect.closed' })
  })

  it('waits no longer than the silence that was agreed on', async () => {
    const session = await open({ on: { RETR: (socket) => socket.write('+OK\r\nSubject: x\r\n') } }, { silenceMs: 50 })
    await expect(retrieve(session, [1])).rejects.toMatchObject({ code: 'connect.timeout' })
    const dripping: Script = {
      on: {
        NOOP: (socket) => {
          const timer = setInterval(() => socket.write('+'), 10)
          socket.once('close', () => clearInterval(timer))
        },
      },
    }
    await expect(keepAlive(await open(dripping, { silenceMs: 100 }))).rejects.toMatchObject({ code: 'connect.timeout' })
  })

  it('stops at the limit of a message', async () => {
    const session = await open({ mails: ['x'.repeat(1000)] })
    expect(await retrieve(session, [1], { maxBytes: 1002 })).toHaveLength(1)
    await expect(retrieve(session, [1], { maxBytes: 1001 })).rejects.toMatchObject({ code: 'message.too_large' })
    expect(session.isOpen()).toBe(false)
  })

  it('makes the server wait for a reader that is slow', async () => {
    let written = 0
    const session = await open({
      on: {
        RETR: async (socket) => {
          socket.write('+OK\r\n')
          const line = `${'x'.repeat(65_534)}\r\n`
          for (let n = 0; n < 1024 && !socket.destroyed; n++) {
            if (!socket.write(line)) await new Promise<void>((go) => socket.once('drain', go).once('close', go))
            written += line.length
          }
        },
      },
    })
    for await (const item of retrieveMessages(session, [1])) {
      if (item.kind === 'refused') expect.fail('refused')
      for await (const piece of item.content) {
        expect(piece.length).toBeLessThanOrEqual(256 * 1024)
        // As long as nothing more goes through.
        for (let before = -1; before < written; await new Promise((done) => setTimeout(done, 50))) before = written
        break
      }
      break
    }
    // What the sockets of the kernel hold, never the 64 MB.
    expect(written).toBeLessThan(16 * 1024 * 1024)
  })
})
