import { PrismaPg } from '@prisma/adapter-pg'
import type pg from 'pg'
import type { RawTx } from './bare-tx.ts'
import { type RequireRoom, watchRoom } from './free-room.ts'
import { type Prisma, PrismaClient } from './generated/client.ts'
import { giveWay } from './give-way.ts'
import { createNotifier, type Notifier } from './notify.ts'
import { openPool } from './open-pool.ts'
import { createReader, openQuickPool, type Reader } from './reader.ts'
import { toStoreError } from './store-error.ts'

/** A handle inside one transaction. Everything a folder above writes or reads goes through one of these. */
export type Tx = Prisma.TransactionClient

export type Store = Pick<Reader, 'readAs' | 'readTogether' | 'readOne'> & {
  prisma: PrismaClient
  /** The connections below Prisma; only `commitBulk` and `renewMark` take one for themselves. */
  pool: pg.Pool
  /** Those on which statements leave together: only the reads below and `commitTogether` take one. */
  quickPool: pg.Pool
  notifier: Notifier
  /** Reads on behalf of a person, in one transaction that carries their id (`app.user_id`) to the database. */
  read: <T>(userId: bigint, work: (tx: Tx) => Promise<T>) => Promise<T>
  /** Reads of the engine and of what runs before anybody is known. */
  readSystem: <T>(work: (tx: Tx) => Promise<T>) => Promise<T>
  /** Asked before anything that may be large is written. Throws storage.full. */
  requireRoom: RequireRoom
  close: () => Promise<void>
}

export type StoreOptions = {
  databaseUrl: string
  poolSize: number
  /** The name under which the listening connection is seen: an engine's sign of life (lease.ts). */
  sessionName?: string
  /** How far the database's work for this store gives way to that for others, where it can (give-way.ts). */
  niceness?: number
}

/** Opens the pool and the listening connection. Throws storage.unavailable when Postgres does not answer. */
export const openStore = async ({ databaseUrl, poolSize, sessionName, niceness }: StoreOptions): Promise<Store> => {
  // Awaited by the pool, so that no statement of somebody else's comes in between.
  const manners: pg.PoolConfig = niceness === undefined ? {} : { onConnect: (client) => giveWay(client, niceness) }
  const pool = openPool({ connectionString: databaseUrl, max: poolSize, ...manners })
  const prisma = new PrismaClient({
    adapter: new PrismaPg(pool, { disposeExternalPool: true }),
    transactionOptions: { maxWait: 10_000, timeout: 60_000 },
  })
  const notifier = await createNotifier(databaseUrl, sessionName).catch(async (error: unknown) => {
    await prisma.$disconnect()
    if (!pool.ended) await pool.end()
    throw toStoreError(error)
  })
  const requireRoom = await watchRoom(databaseUrl)
  const quickPool = openQuickPool({ connectionString: databaseUrl, max: poolSize, ...manners })
  const reader = createReader(quickPool)
  const readSystem: Store['readSystem'] = async (work) => {
    try {
      return await work(prisma)
    } catch (error) {
      throw toStoreError(error)
    }
  }
  const read: Store['read'] = async (userId, work) => {
    try {
      return await prisma.$transaction(async (tx) => {
        await actAs(tx, userId)
        return await work(tx)
      })
    } catch (error) {
      throw toStoreError(error)
    }
  }
  const close = async () => {
    await notifier.close()
    await quickPool.end()
    await prisma.$disconnect()
    // Prisma ends it only if it ever used it.
    if (!pool.ended) await pool.end()
  }
  return {
    prisma,
    pool,
    quickPool,
    notifier,
    read,
    readSystem,
    readAs: reader.readAs,
    readTogether: reader.readTogether,
    readOne: reader.readOne,
    requireRoom,
    close,
  }
}

/** Lets row-level security know for whom this transaction acts. */
export const actAs = async (tx: RawTx, userId: bigint): Promise<void> => {
  await tx.$executeRaw`SELECT set_config('app.user_id', ${userId.toString()}, true)`
}
