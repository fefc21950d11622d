import pg from 'pg'
import type { Store } from './open-store.ts'
import { toStoreError } from './store-error.ts'

/**
 * One worker per account across processes. The row's epoch fences: taking over raises it, and every write of the old
 * owner then fails (see commit.ts). Times are the database's own, so clocks of nodes do not matter.
 */
export type Lease = { accountId: bigint; epoch: bigint }

/** How long a lease lives without renewal, and how often it is renewed. */
export const leaseMs = 30_000
export const leaseRenewMs = 10_000

/** Takes free or expired leases (at most `limit`) of accounts that want a worker. Safe to run on many nodes at once. */
export const takeLeases = async (store: Store, owner: string, limit: number): Promise<Lease[]> => {
  const rows = await store.prisma.$queryRaw<{ account_id: bigint; epoch: bigint }[]>`
    UPDATE account_lease l SET owner = ${owner}, epoch = l.epoch + 1, expires_at = now() + ${leaseMs} * interval '1 millisecond'
    WHERE l.account_id IN (
      SELECT c.account_id FROM account_lease c JOIN account a ON a.id = c.account_id
      WHERE c.expires_at < now() AND a.disconnected_at IS NULL AND NOT a.is_paused
      ORDER BY a.id LIMIT ${limit} FOR UPDATE OF c SKIP LOCKED)
    RETURNING l.account_id, l.epoch`.catch((error: unknown) => {
    throw toStoreError(error)
  })
  return rows.map((row) => ({ accountId: row.account_id, epoch: row.epoch }))
}

/** Renews own leases; answers those still held. A missing one was taken over: stop at once. */
export const renewLeases = async (store: Store, leases: Lease[]): Promise<Lease[]> => {
  const rows = await store.prisma.$queryRaw<{ account_id: bigint; epoch: bigint }[]>`
    UPDATE account_lease l SET expires_at = now() + ${leaseMs} * interval '1 millisecond'
    FROM unnest(${leases.map((lease) => lease.accountId)}::bigint[], ${leases.map((lease) => lease.epoch)}::bigint[]) AS own (id, epoch)
    WHERE l.account_id = own.id AND l.epoch = own.epoch
    RETURNING l.account_id, l.epoch`.catch((error: unknown) => {
    throw toStoreError(error)
  })
  return rows.map((row) => ({ accountId: row.account_id, epoch: row.epoch }))
}

/** Gives leases back, so that the next process need not wait for them to expire. */
export const releaseLeases = async (store: Store, leases: Lease[]): Promise<void> => {
  await store.prisma.$executeRaw`
    UPDATE account_lease l SET expires_at = 'epoch', owner = ''
    FROM unnest(${leases.map((lease) => lease.accountId)}::bigint[], ${leases.map((lease) => lease.epoch)}::bigint[]) AS own (id, epoch)
    WHERE l.account_id = own.id AND l.epoch = own.epoch`
}

/** Frees what dead processes left: those of one owner, or all when nobody else can be there. The epoch still fences. */
export const freeDeadLeases = async (databaseUrl: string, owner: string | null): Promise<void> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    await client.query(
      "UPDATE account_lease SET expires_at = 'epoch', owner = '' WHERE owner <> '' AND ($1::text IS NULL OR owner = $1)",
      [owner],
    )
  } finally {
    await client.end()
  }
}
