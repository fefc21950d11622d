import type { Engine } from '#engine/engine.ts'
import type { TextRecords } from '#platform/dns-records.ts'
import type { Logger } from '#platform/logger.ts'
import type { Store } from '#store/open-store.ts'
import type { Router } from './rest-route.ts'

/** What every feature is built from; made once in app.ts. */
export type FeatureDeps = {
  router: Router
  store: Store
  engine: Engine
  logger: Logger
  masterKey: Buffer
  /** Signs image addresses; new at every start. */
  signingKey: Buffer
  ca: string | undefined
  /** Where keys of signatures are looked up. */
  texts: TextRecords
  publicUrl: URL | null
  version: string
}
