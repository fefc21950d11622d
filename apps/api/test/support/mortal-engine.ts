import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { accountSettings } from '@postern/shared/accounts.ts'
import type { z } from 'zod'
import { openMasterKey } from '#platform/secret-box.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { type RoleProcess, startEngineProcess } from './engine-process.ts'
import { freshDatabase } from './fresh-database.ts'
import { type KillPoints, type Peers, startKillPoints } from './kill-points.ts'

/** One account, one database of its own, and an engine process that is killed at chosen moments and started again. */
export type MortalEngine = {
  store: Store
  ownerId: bigint
  accountId: bigint
  /** One more account, spoken to in plain text behind the door unless `settings` say otherwise. */
  add: (user: string, settings?: Settings) => Promise<bigint>
  points: KillPoints
  /** Without a door in between. */
  databaseUrl: string
  env: { DATA_DIR: string; MASTER_KEY_FILE: string }
  child: () => ChildProcess | undefined
  printed: () => string
  start: () => void
  kill: () => void
  /** By SIGTERM, in order. */
  end: () => Promise<void>
  /** Everything is gone afterwards. */
  stop: () => Promise<void>
}

type Settings = Partial<z.input<typeof accountSettings>>
export type MortalOptions = Pick<Peers, 'mail' | 'tell'> & {
  user: string
  settings?: Settings
  /** What its process has beside what it needs. */
  environment?: Record<string, string>
}

export const startMortalEngine = async ({
  user,
  mail,
  tell,
  settings,
  environment = {},
}: MortalOptions): Promise<MortalEngine> => {
  const { databaseUrl, drop } = await freshDatabase()
  const store = await openStore({ databaseUrl, poolSize: 4 })
  const dir = mkdtempSync(join(tmpdir(), 'postern-sweep-'))
  const masterKeyFile = join(dir, 'master.key')
  const masterKey = openMasterKey(masterKeyFile)
  const points = await startKillPoints({ mail, databaseUrl, ...(tell ? { tell } : {}) })
  const owner = await store.prisma.appUser.create({
    data: { address: 'owner@example.org', name: 'Owner', role: 'owner', passwordHash: '-' },
  })
  await store.prisma.stream.create({ data: { userId: owner.id } })
  const add = async (name: string, more: Settings = {}): Promise<bigint> => {
    const id = await commit(store, { kind: 'user', userId: owner.id }, (unit) =>
      createAccount(unit, {
        userId: owner.id,
        settings: accountSettings.parse({
          address: `${name}@example.org`,
          incoming: { host: 'localhost', port: points.mailPort, security: 'plain', username: name },
          ...more,
        }),
        password: 'secret',
        outgoingPassword: null,
        masterKey,
        isPrivateHost: true,
      }),
    )
    if (id === null) throw new Error('the account exists already')
    return id
  }
  const accountId = await add(user, settings)
  let engine: RoleProcess | undefined
  const env = { DATA_DIR: dir, MASTER_KEY_FILE: masterKeyFile }
  return {
    store,
    ownerId: owner.id,
    accountId,
    add,
    points,
    databaseUrl,
    env,
    child: () => engine?.child,
    printed: () => engine?.printed() ?? '',
    start: () => {
      engine = startEngineProcess({ ...environment, ...env, DATABASE_URL: points.databaseUrl })
    },
    kill: () => void engine?.child.kill('SIGKILL'),
    end: async () => {
      engine?.child.kill('SIGTERM')
      await engine?.ended
      engine = undefined
    },
    stop: async () => {
      engine?.child.kill('SIGKILL')
      await engine?.ended
      await points.stop()
      await store.close()
      await drop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
