import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { systemClock } from '#platform/clock.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type Deed, opened, type ScriptedImap, smallInbox, startScriptedImap } from '../support/scripted-imap.ts'
import { until } from '../support/until.ts'

const size = 200_000_000
const envelope = `FLAGS () RFC822.SIZE ${size} ENVELOPE (NIL "Large" NIL NIL NIL NIL NIL NIL NIL "<l@example.org>")`
const structure = `BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" ${size} 1)`
/** Which says how large it is and gives five bytes of it. */
const oneLargeMail: Record<string, Deed> = {
  LIST: (socket, tag) =>
    socket.write(
      `* LIST () "/" INBOX\r\n* STATUS INBOX (MESSAGES 1 UNSEEN 1 UIDNEXT 2 UIDVALIDITY 1 HIGHESTMODSEQ 5)\r\n${tag} OK x\r\n`,
    ),
  SELECT: (socket, tag) =>
    socket.write(`${opened.replace('3 EXISTS', '1 EXISTS').replace('UIDNEXT 4', 'UIDNEXT 2')}${tag} OK x\r\n`),
  SEARCH: (socket, tag) => socket.write(`* ESEARCH (TAG "${tag}") UID ALL 1\r\n${tag} OK x\r\n`),
  FETCH: (socket, tag, args) => {
    const facts = args.includes('ENVELOPE') ? `${envelope} ${structure}` : `RFC822.SIZE ${size} BODY[]<0> {5}\r\nhello`
    socket.write(`* 1 FETCH (UID 1 MODSEQ (5) ${facts})\r\n${tag} OK x\r\n`)
  },
}

describe('the session for what people wait for', () => {
  let engine: EngineFixture
  let server: ScriptedImap
  const isLeaving = Promise.withResolvers<void>()
  let passedMs = 0
  beforeAll(async () => {
    // A server that takes leave slowly: whoever comes meanwhile meets a session that is no use any more.
    server = await startScriptedImap({
      on: {
        ...oneLargeMail,
        LOGOUT: () => isLeaving.resolve(),
      },
    })
    engine = await startEngineFixture({ certificate: '', imapsPort: 0 })
    engine.deps.clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs }
  })
  afterAll(async () => {
    await engine.stop()
    await server.stop()
  })

  it('refuses what is too large, instead of passing its beginning off as the whole', async () => {
    engine.start()
    const accountId = await engine.addAccount('large', 'secret', server.port)
    await engine.untilState(accountId, 'watching')
    const [mail] = await engine.shown(accountId, 'INBOX')
    await expect(createEngine(engine.store).openSource(accountId, mail?.messageId ?? 0n)).rejects.toMatchObject({
      code: 'message.too_large',
      message: expect.stringContaining('128 MB'),
    })
  })

  it('serves who comes while it is being closed', async () => {
    const accountId = await engine.addAccount('u', 'secret', server.port)
    await engine.untilState(accountId, 'watching')
    const api = createEngine(engine.store)
    await expect(api.openBody(accountId, 998n)).rejects.toMatchObject({ code: 'message.gone' })
    passedMs = 61_000
    await api.focus(accountId, 'a screen', [999n])
    await api.focus(accountId, 'a screen', [])
    await isLeaving.promise
    await expect(api.openBody(accountId, 999n)).rejects.toMatchObject({ code: 'message.gone' })
  }, 60_000)
})

const empty = opened.replace('3 EXISTS', '0 EXISTS').replace('UIDNEXT 4', 'UIDNEXT 1')
const twoMailboxes: Record<string, Deed> = {
  LIST: (socket, tag) =>
    socket.write(
      `${smallInbox.replace('MESSAGES 3 UNSEEN 3 UIDNEXT 4', 'MESSAGES 0 UNSEEN 0 UIDNEXT 1')}* LIST () "/" Shared\r\n* STATUS Shared (MESSAGES 0 UNSEEN 0 UIDNEXT 1 UIDVALIDITY 1 HIGHESTMODSEQ 5)\r\n${tag} OK x\r\n`,
    ),
  SELECT: (socket, tag) => socket.write(`${empty}${tag} OK x\r\n`),
}

describe('a mailbox open on a screen', () => {
  let engine: EngineFixture
  const servers: ScriptedImap[] = []
  const pauses: number[] = []
  beforeAll(async () => {
    engine = await startEngineFixture({ certificate: '', imapsPort: 0 }, { focusTurnMs: 20 })
    // Waits are noted, and short.
    const sleep = (ms: number, signal?: AbortSignal) => {
      pauses.push(ms)
      return systemClock.sleep(Math.min(ms, 5), signal)
    }
    engine.deps.clock = { ...systemClock, sleep }
    engine.start()
  })
  afterAll(async () => {
    await engine.stop()
    for (const server of servers) await server.stop()
  })
  const add = async (user: string, on: Record<string, Deed>) => {
    const server = await startScriptedImap({ on: { ...twoMailboxes, ...on } })
    servers.push(server)
    const accountId = await engine.addAccount(user, 'secret', server.port)
    await engine.untilState(accountId, 'watching')
    return { accountId, mailboxId: await engine.mailboxId(accountId, 'Shared') }
  }

  it('that may no longer be read costs no further login, and nobody else what they wait for', async () => {
    let logins = 0
    let refusals = 0
    const isAsked = Promise.withResolvers<void>()
    const mayRefuse = Promise.withResolvers<void>()
    let isWithdrawn = false
    const { accountId, mailboxId } = await add('guest', {
      LOGIN: (socket, tag) => socket.write(`${tag} OK ${++logins}\r\n`),
      SELECT: async (socket, tag, args) => {
        if (!isWithdrawn || !args.includes('Shared')) return socket.write(`${empty}${tag} OK x\r\n`)
        isAsked.resolve()
        await mayRefuse.promise
        refusals++
        return socket.write(`${tag} NO [NOPERM] Not for you.\r\n`)
      },
    })
    isWithdrawn = true
    const api = createEngine(engine.store)
    await api.focus(accountId, 'a screen', [mailboxId])
    await isAsked.promise
    const asked = expect(api.openBody(accountId, 998n)).rejects.toMatchObject({ code: 'message.gone' })
    const where = { accountId, kind: 'body', state: 'running' }
    await until(async () => (await engine.store.prisma.engineRequest.count({ where })) === 1, { what: 'the request' })
    mayRefuse.resolve()
    await asked
    // Its screen says so each minute; closed and opened anew it is tried anew, by the session that is there.
    for (let times = 2; times < 5; times++) {
      await api.focus(accountId, 'a screen', [])
      await api.focus(accountId, 'a screen', [mailboxId])
      await until(async () => refusals >= times, { what: `refusal ${times}` })
    }
    expect(logins).toBe(2)
  })

  it('that may not be read leaves the only connection as it is where the provider allows no second one', async () => {
    let logins = 0
    let refusals = 0
    const { accountId, mailboxId } = await add('single', {
      LOGIN: (socket, tag) => {
        if (++logins === 1) socket.write(`${tag} OK x\r\n`)
        else socket.end(`${tag} NO [LIMIT] One is enough.\r\n`)
      },
      SELECT: (socket, tag, args) => {
        if (!args.includes('Shared')) return socket.write(`${empty}${tag} OK x\r\n`)
        refusals++
        return socket.write(`${tag} NO [NOPERM] Not for you.\r\n`)
      },
    })
    // What the first look wrote down of it may be out of date.
    const data = { rights: null }
    await engine.store.prisma.mailbox.update({ where: { id: mailboxId }, data })
    const before = refusals
    await createEngine(engine.store).focus(accountId, 'a screen', [mailboxId])
    await until(async () => refusals > before, { what: 'the refusal' })
    await expect(createEngine(engine.store).openBody(accountId, 998n)).rejects.toMatchObject({ code: 'message.gone' })
    const { state } = await engine.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    expect([state, logins]).toEqual(['watching', 2])
  })

  it('is heard again ever more slowly at a provider that closes what listens to it', async () => {
    let logins = 0
    const { accountId, mailboxId } = await add('second', {
      LOGIN: (socket, tag) => {
        // The first is the main session.
        if (++logins > 1) socket.destroy()
        else socket.write(`${tag} OK x\r\n`)
      },
    })
    pauses.length = 0
    await createEngine(engine.store).focus(accountId, 'a screen', [mailboxId])
    await until(async () => logins > 12, { what: 'twelve attempts' })
    // Twelve pauses, each anywhere up to its limit; the last limit is five minutes.
    expect(pauses.filter((ms) => ms > 2000).length).toBeGreaterThan(3)
  })
})
