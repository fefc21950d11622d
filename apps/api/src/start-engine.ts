import { getPriority } from 'node:os'
import { ConnectBudget } from '#engine/connect-budget.ts'
import { startSupervisor } from '#engine/supervisor.ts'
import { engineTiming } from '#engine/timing.ts'
import { systemClock } from '#platform/clock.ts'
import type { Logger } from '#platform/logger.ts'
import { defaultMasterKeyPath, openMasterKey } from '#platform/secret-box.ts'
import { readAuthorities } from '#platform/trust.ts'
import { openStore } from '#store/open-store.ts'
import { BodyReader } from '#sync/body-reader.ts'
import type { Config } from './config.ts'
import { startRestoreWatch } from './start-restore-watch.ts'

type EngineStart = { config: Config; databaseUrl: string; logger: Logger; owner: string }

/** The engine role of a process: store, supervisor, workers. */
export const startEngineRole = async ({
  config,
  databaseUrl,
  logger,
  owner,
}: EngineStart): Promise<{ stop: () => Promise<void> }> => {
  const keyPath = config.masterKeyFile ?? defaultMasterKeyPath(config.dataDir)
  const masterKey = openMasterKey(keyPath)
  const ca = await readAuthorities(config.caFile)
  // As low as this process itself was put (start-postern.ts).
  const store = await openStore({ databaseUrl, poolSize: 12, sessionName: owner, niceness: getPriority() })
  // Before any account has a worker.
  const restores = await startRestoreWatch(store, { logger, keyPath, dataDir: config.dataDir }).catch(
    async (error: unknown) => {
      await store.close()
      throw error
    },
  )
  const readers = { bulk: new BodyReader(logger), waiting: new BodyReader(logger) }
  const supervisor = startSupervisor(
    { store, clock: systemClock, logger, masterKey, ca, budget: new ConnectBudget(), timing: engineTiming, readers },
    owner,
  )
  return {
    stop: async () => {
      await supervisor.stop()
      await Promise.all([readers.bulk.close(), readers.waiting.close(), restores.stop()])
      await store.close()
    },
  }
}
