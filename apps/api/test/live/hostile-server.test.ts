import type { Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { letter } from '../support/letter.ts'
import { opened, type Script, type ScriptedImap, smallInbox, startScriptedImap } from '../support/scripted-imap.ts'
import { until } from '../support/until.ts'

/** Writes pieces as long as somebody takes them. */
const pour = async (socket: Socket, pieces: Iterable<string>): Promise<void> => {
  for (const piece of pieces) {
    if (socket.destroyed) return
    if (!socket.write(piece)) await new Promise<void>((go) => socket.once('drain', go).once('close', go))
  }
}
function* repeat(piece: string, times: number): Generator<string> {
  for (let n = 0; n < times; n++) yield piece
}
const untagged = (command: string, piece: string, times: number): Script => ({
  on: {
    [command]: (socket, tag) => pour(socket, repeat(piece, times)).then(() => socket.write(`${tag} OK x\r\n`)),
  },
})
const rows = (row: string) => row.repeat(1000)

const scripts: Record<string, Script> = {
  'never greets': { greeting: () => undefined },
  'greets with noise': {
    greeting: (socket) => socket.write(Buffer.from(Array.from({ length: 5000 }, (_, n) => n % 251))),
  },
  'never ends its greeting': { greeting: (socket) => pour(socket, repeat('A'.repeat(65_536), 2000)) },
  'says goodbye at once': { greeting: (socket) => socket.end('* BYE [UNAVAILABLE] Not today.\r\n') },
  'says goodbye after the login': {
    on: { LOGIN: (socket, tag) => socket.end(`${tag} OK x\r\n* BYE Too many connections\r\n`) },
  },
  'answers under other tags': {
    on: { LIST: (socket) => pour(socket, repeat(rows('zz OK x\r\n'), 50)).then(() => socket.end()) },
  },
  'lists a million mailboxes': untagged(
    'LIST',
    Array.from({ length: 1000 }, (_, n) => `* LIST () "/" box${n}\r\n`).join(''),
    1000,
  ),
  'announces four gigabytes': { on: { LIST: (socket) => socket.write('* LIST () "/" {4294967295}\r\nabc') } },
  'opens parentheses without end': {
    on: { LIST: (socket) => pour(socket, repeat(`* LIST ${'('.repeat(60_000)}`, 200)) },
  },
  'claims four billion messages': {
    on: { SELECT: (socket, tag) => socket.write(`* 4294967295 EXISTS\r\n${tag} OK x\r\n`) },
  },
  'lets four billion messages vanish': untagged('SELECT', `${opened}${'* VANISHED 1:4294967295\r\n'.repeat(50)}`, 1),
  'says a million things nobody asked for': untagged(
    'SELECT',
    rows('* 1 FETCH (FLAGS (\\Seen))\r\n* 2 RECENT\r\n'),
    500,
  ),
  'fetches a million rows': untagged(
    'FETCH',
    rows('* 1 FETCH (UID 1 FLAGS () ENVELOPE (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL))\r\n'),
    1000,
  ),
  'fetches what makes no sense': untagged(
    'FETCH',
    '* 1 FETCH (UID 99999999999999 FLAGS NIL ENVELOPE "x" BODYSTRUCTURE ((((((NIL)))))) INTERNALDATE "never")\r\n* FETCH\r\n* 1 FETCH\r\n',
    3,
  ),
  'hangs up in the middle of a line': { on: { LIST: (socket) => socket.end('* LIST (\\HasNoChil') } },
  'names rights and mailboxes of the strangest kind': {
    on: {
      LIST: (socket, tag) =>
        socket.write(
          `* LIST (\\A) NIL "&AAA-__proto__"\r\n* LIST NIL NIL NIL\r\n* LIST () "/" "&&&"\r\n${smallInbox}${tag} OK x\r\n`,
        ),
      MYRIGHTS: (socket, tag) => socket.write(`* MYRIGHTS INBOX ${'"'}${'z'.repeat(5000)}"\r\n${tag} OK x\r\n`),
    },
  },
}

describe('servers that want to do harm', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  const servers: ScriptedImap[] = []
  let neighbour: bigint
  beforeAll(async () => {
    dovecot = await startDovecot()
    engine = await startEngineFixture(dovecot, {
      silenceMs: 3000,
      idleRenewMs: 2000,
      backoff: { baseMs: 500, capMs: 5000 },
    })
    engine.start()
    dovecot.addUser('neighbour', 'secret')
    dovecot.deliver('neighbour', 'INBOX', letter(1))
    neighbour = await engine.addAccount('neighbour')
    await engine.untilState(neighbour, 'watching')
  })
  afterAll(async () => {
    await engine.stop()
    for (const server of servers) await server.stop()
    await dovecot.stop()
  })

  /** What is shown of an account that came to rest: it watches, or it says why not. */
  const explained = async (id: bigint) => {
    const { state, problem } = await engine.store.prisma.account.findUniqueOrThrow({ where: { id } })
    return state === 'watching' || problem !== null ? { state, problem } : null
  }
  const attack = async (title: string): Promise<bigint> => {
    const server = await startScriptedImap(scripts[title] ?? {})
    servers.push(server)
    return engine.addAccount(`hostile${server.port}`, 'secret', server.port)
  }
  const pause = async (id: bigint) => {
    await engine.store.prisma.account.update({ where: { id }, data: { isPaused: true } })
    createEngine(engine.store).accountChanged(id)
  }
  let delivered = 1
  const expectNewsNextDoor = async () => {
    delivered++
    dovecot.deliver('neighbour', 'INBOX', letter(delivered))
    await until(async () => (await engine.shown(neighbour, 'INBOX')).length === delivered, { what: 'mail next door' })
  }
  const floods = Object.keys(scripts).filter((title) => title.includes('million') || title.includes('other tags'))
  const others = Object.keys(scripts).filter((title) => !floods.includes(title))

  it('are explained in plain words, all together, and mail next door goes on coming', async () => {
    const ids = await Promise.all(others.map(attack))
    for (let n = 0; n < 3; n++) await expectNewsNextDoor()
    for (const [index, id] of ids.entries()) {
      const { state, problem } = await until(() => explained(id), { what: `words for: ${others[index]}`, ms: 40_000 })
      if (state !== 'watching')
        expect(problem).toMatchObject({
          code: expect.stringMatching(/^connect\./),
          message: expect.stringMatching(/^[A-Z].+\.$/),
        })
    }
    await expectNewsNextDoor()
    for (const id of ids) await pause(id)
  })

  it.each(floods)('fill no memory and stop nobody: %s', async (title) => {
    const before = process.memoryUsage.rss()
    let peak = before
    const measuring = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }, 20)
    const id = await attack(title)
    await until(
      async () =>
        !['new', 'connecting'].includes((await engine.store.prisma.account.findUniqueOrThrow({ where: { id } })).state),
    )
    await expectNewsNextDoor()
    await until(() => explained(id), { what: 'words', ms: 40_000 })
    clearInterval(measuring)
    await pause(id)
    // The attacker lives in this process too, and so does what it pours.
    expect(Math.round((peak - before) / 1024 / 1024)).toBeLessThan(400)
  })
})
