import { createHash, randomUUID } from 'node:crypto'
import type pg from 'pg'
import { readMark, writeMark } from '#platform/mark-file.ts'
import { addSyncEvent } from './account-state.ts'
import { commit } from './commit.ts'
import { erasing } from './erase-account.ts'
import type { Store } from './open-store.ts'
import { type HoldPlan, planHold } from './plan-hold.ts'
import { toStoreError } from './store-error.ts'

/**
 * A database that was restored from a backup, or copied to another machine, may be older than the maildrops it knows, or
 * not be the only one: removals at the provider wait there for the person's word (ADR 19). It is noticed by a token that
 * stands in the database and in a file beside the master key and is changed again and again; each place has its own.
 */
const settingPrefix = 'mark:'

/** `directory` and `name`: where the file lies, one for each database. */
export type MarkPlace = { directory: string; name: string }
/** `fault`: what was found holds, but there is no new token, such as on a full disk; the next renewal will do. */
export type Renewal = { plan: HoldPlan; held: number; fault: unknown }

/**
 * Compares the two, holds every POP3 account where they differ, and gives both a new token: the file first, which then
 * takes either, so that an end at any point does not look like a restore. Answers what it found, and how many accounts are
 * held that were not. Throws storage.*, and what the file system says.
 */
export const renewMark = async (store: Store, place: MarkPlace): Promise<Renewal> => {
  const client = await store.pool.connect().catch((error: unknown) => {
    throw toStoreError(error)
  })
  let isSound = false
  try {
    // One at a time, file included: two engines of one machine share it.
    await client.query(`SELECT pg_advisory_lock(${lockKey})`)
    const renewal = await renew(store, client, place)
    await client.query(`SELECT pg_advisory_unlock(${lockKey})`)
    isSound = true
    return renewal
  } catch (error) {
    throw toStoreError(error)
  } finally {
    // A lock that may still be held ends with its connection.
    client.release(!isSound)
  }
}

const lockKey = "hashtext('postern.mark')"

const renew = async (store: Store, client: pg.PoolClient, { directory, name }: MarkPlace): Promise<Renewal> => {
  const path = `${directory}/${name}-${await identify(client)}.mark`
  const mark = await readMark(path)
  const found = await lookUp(client, mark?.place ?? null)
  const plan = planHold({ ...found, mark })
  // First: an end after it finds nothing left to hold.
  const held = plan.kind === 'hold' ? await holdRemovals(store, plan.reason) : 0
  const isKnown = plan.reason === 'as it was left' && mark !== null
  const [place, token] = isKnown ? [mark.place, found.token] : [randomUUID(), null]
  const next = randomUUID()
  try {
    await writeMark(path, { place, token, next })
    await client.query(
      'INSERT INTO installation_setting (key, value) VALUES ($1, $2::jsonb) ON CONFLICT (key) DO UPDATE SET value = excluded.value',
      [`${settingPrefix}${place}`, JSON.stringify(next)],
    )
    await writeMark(path, { place, token: next, next: null })
    return { plan, held, fault: null }
  } catch (fault) {
    return { plan, held, fault }
  }
}

/** The same as long as it is the same database of the same cluster, and no other one's. */
const identify = async (client: pg.PoolClient): Promise<string> => {
  const oid = 'SELECT oid::text AS id FROM pg_database WHERE datname = current_database()'
  const { rows } = await client
    .query<{ id: string }>(`SELECT (SELECT system_identifier::text FROM pg_control_system()) || '/' || (${oid}) AS id`)
    // Some providers let nobody ask for the cluster.
    .catch(() => client.query<{ id: string }>(oid))
  return createHash('sha256')
    .update(rows[0]?.id ?? '')
    .digest('hex')
    .slice(0, 16)
}

const lookUp = async (client: pg.PoolClient, place: string | null) => {
  const { rows } = await client.query<{ token: string | null; is_marked: boolean; is_at_work: boolean }>(
    `SELECT (SELECT value #>> '{}' FROM installation_setting WHERE key = $1) AS token,
      EXISTS (SELECT 1 FROM installation_setting WHERE starts_with(key, $2)) AS is_marked,
      EXISTS (SELECT 1 FROM account_lease l JOIN pg_stat_activity s ON s.application_name = l.owner AND s.datname = current_database()
        WHERE l.expires_at > now() AND l.owner <> '') AS is_at_work`,
    [`${settingPrefix}${place ?? ''}`, settingPrefix],
  )
  const [row] = rows
  return { token: row?.token ?? null, isMarked: row?.is_marked ?? false, isAtWork: row?.is_at_work ?? false }
}

const because: Record<Extract<HoldPlan, { kind: 'hold' }>['reason'], string> = {
  older: 'This database is older than the one Postern last worked with here, as after a backup was restored.',
  copied: 'This Postern was copied or moved from another place.',
  unknown: 'This database was restored or copied from another place.',
}

const holdRemovals = (store: Store, reason: keyof typeof because): Promise<number> =>
  commit(
    store,
    { kind: 'system' },
    async (unit) => {
      const held = await unit.tx.$queryRaw<{ id: bigint }[]>`
        UPDATE account SET retrieval = coalesce(retrieval, '{}') || '{"isOnHold": true}' WHERE kind = 'pop3' AND state <> ${erasing}
          AND (retrieval ->> 'isOnHold') IS DISTINCT FROM 'true' RETURNING id`
      const text = `${because[reason]} Nothing is removed at the provider until you say so.`
      for (const { id } of held) {
        await addSyncEvent(unit, id, { kind: 'hold', code: null, text })
        unit.log({ accountId: id }, { kind: 'account', accountId: id.toString() })
      }
      return held.length
    },
    { isVital: true },
  )
