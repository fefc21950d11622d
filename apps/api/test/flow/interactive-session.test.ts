import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { systemClock } from '#platform/clock.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type ScriptedImap, startScriptedImap } from '../support/scripted-imap.ts'

describe('the session for what people wait for', () => {
  let engine: EngineFixture
  let server: ScriptedImap
  const isLeaving = Promise.withResolvers<void>()
  let passedMs = 0
  beforeAll(async () => {
    // A server that takes leave slowly: whoever comes meanwhile meets a session that is no use any more.
    server = await startScriptedImap({ on: { LOGOUT: () => isLeaving.resolve() } })
    engine = await startEngineFixture({ certificate: '', imapsPort: 0 })
    engine.deps.clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + passedMs }
  })
  afterAll(async () => {
    await engine.stop()
    await server.stop()
  })

  it('serves who comes while it is being closed', async () => {
    engine.start()
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
