import type { Clock } from '#platform/clock.ts'
import type { Logger } from '#platform/logger.ts'
import type { Store } from '#store/open-store.ts'
import type { BodyReader } from '#sync/body-reader.ts'
import type { ConnectBudget } from './connect-budget.ts'
import type { EngineTiming } from './timing.ts'

/** What the engine is built from; made once in start-engine.ts. */
export type EngineDeps = {
  store: Store
  clock: Clock
  logger: Logger
  masterKey: Buffer
  /** Extra certificate authorities, PEM. */
  ca: string | undefined
  budget: ConnectBudget
  timing: EngineTiming
  /** Apart, so that a mail somebody waits for never stands behind the bulk. */
  readers: { bulk: BodyReader; waiting: BodyReader }
}
