import type { EngineTiming } from '#engine/timing.ts'
import { type Dovecot, type DovecotOptions, startDovecot } from './dovecot.ts'
import { type EngineFixture, startEngineFixture } from './engine-fixture.ts'
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts'

/** A mail server, a fault proxy in front of it, and the engine at work. */
export type LiveScene = { dovecot: Dovecot; proxy: FaultProxy; engine: EngineFixture; stop: () => Promise<void> }

export const startLiveScene = async (
  timing: Partial<EngineTiming> = {},
  options: DovecotOptions = {},
): Promise<LiveScene> => {
  const dovecot = await startDovecot(options)
  const proxy = await startFaultProxy(dovecot.imapPort)
  const engine = await startEngineFixture(dovecot, timing)
  engine.start()
  return {
    dovecot,
    proxy,
    engine,
    stop: async () => {
      await engine.stop()
      await proxy.stop()
      await dovecot.stop()
    },
  }
}
