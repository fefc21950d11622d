import { AppError } from '#platform/errors.ts'
import type { RawTx } from './bare-tx.ts'
import type { Store } from './open-store.ts'
import { toStoreError } from './store-error.ts'

/**
 * One worker per account across processes. The row's epoch fences: taking over raises it, and every write of the old
 * owner then fails (see commit.ts). Times are the database's own, so clocks of nodes do not matter.
 *
 * What a worker does at a mail server no transaction can fence, so it also knows until when nobody else can have begun:
 * `goodUntilMs`, on this process's monotonic clock, counted from before the renewal was sent. A process that was stopped
 * or cut off for longer finds it passed before it can act.
 */
export type Lease = { accountId: bigint; epoch: bigint; goodUntilMs: number }

/** How long a lease lives without renewal, and how often it is renewed. */
export const leaseMs = 30_000
export const leaseRenewMs = 10_000

/**
 * An owner by this name keeps a session of that name to the database while it lives (open-store.ts): when it was killed
 * the session is gone with it, and its accounts need not wait for the lease to run out.
 */
export const ownerName = (id: string): string => `${ownerPrefix}${id}`
const ownerPrefix = 'postern-engine-'

/** Throws lease.lost when this lease may have run out: another process may have begun. */
export const requireLease = (lease: Lease): void => {
  if (performance.now() >= lease.goodUntilMs)
    throw new AppError('lease.lost', 'Another process may look after this account by now.')
}

/** Takes free or expired leases, and those of dead owners, of accounts that want a worker. Safe on many nodes at once. */
export const takeLeases = async (store: Store, owner: string, limit: number): Promise<Lease[]> => {
  const goodUntilMs = performance.now() + leaseMs
  const rows = await store.prisma.$queryRaw<{ account_id: bigint; epoch: bigint }[]>`
    UPDATE account_lease l SET owner = ${owner}, epoch = l.epoch + 1, expires_at = now() + ${leaseMs} * interval '1 millisecond'
    WHERE l.account_id IN (
      SELECT c.account_id FROM account_lease c JOIN account a ON a.id = c.account_id
      WHERE (c.expires_at < now() OR (starts_with(c.owner, ${ownerPrefix}) AND c.owner <> ${owner}
          AND NOT EXISTS (SELECT 1 FROM pg_stat_activity s WHERE s.application_name = c.owner)))
        AND a.disconnected_at IS NULL AND (NOT a.is_paused OR a.kind = 'pop3')
      ORDER BY a.id LIMIT ${limit} FOR UPDATE OF c SKIP LOCKED)
    RETURNING l.account_id, l.epoch`.catch((error: unknown) => {
    throw toStoreError(error)
  })
  return rows.map((row) => ({ accountId: row.account_id, epoch: row.epoch, goodUntilMs }))
}

/** Renews own leases; answers those still held. A missing one was taken over: stop at once. */
export const renewLeases = async (store: Store, leases: Lease[]): Promise<Lease[]> => {
  const goodUntilMs = performance.now() + leaseMs
  const rows = await store.prisma.$queryRaw<{ account_id: bigint; epoch: bigint }[]>`
    UPDATE account_lease l SET expires_at = now() + ${leaseMs} * interval '1 millisecond'
    FROM unnest(${leases.map((lease) => lease.accountId)}::bigint[], ${leases.map((lease) => lease.epoch)}::bigint[]) AS own (id, epoch)
    WHERE l.account_id = own.id AND l.epoch = own.epoch
    RETURNING l.account_id, l.epoch`.catch((error: unknown) => {
    throw toStoreError(error)
  })
  const held = new Set(rows.map((row) => row.account_id))
  const kept = leases.filter(({ accountId }) => held.has(accountId))
  for (const lease of kept) lease.goodUntilMs = goodUntilMs
  return kept
}

/**
 * Takes an account away from whoever looks after it: what is being written right now comes to its end first, as that
 * transaction holds the row (commit.ts) and an UPDATE alone would not wait for it; after this one nothing more is.
 */
export const revokeLease = async (tx: RawTx, accountId: bigint): Promise<void> => {
  await tx.$executeRaw`SELECT 1 FROM account_lease WHERE account_id = ${accountId} FOR UPDATE`
  await tx.$executeRaw`UPDATE account_lease SET epoch = epoch + 1, expires_at = 'epoch', owner = '' WHERE account_id = ${accountId}`
}

/** Gives leases back, so that the next process need not wait for them to expire. */
export const releaseLeases = async (store: Store, leases: Lease[]): Promise<void> => {
  await store.prisma.$executeRaw`
    UPDATE account_lease l SET expires_at = 'epoch', owner = ''
    FROM unnest(${leases.map((lease) => lease.accountId)}::bigint[], ${leases.map((lease) => lease.epoch)}::bigint[]) AS own (id, epoch)
    WHERE l.account_id = own.id AND l.epoch = own.epoch`
}
