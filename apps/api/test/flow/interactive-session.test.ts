import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { systemClock } from '#platform/clock.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type Deed, opened, type ScriptedImap, startScriptedImap } from '../support/scripted-imap.ts'

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
