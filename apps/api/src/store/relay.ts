import type { ServerSettings } from '@postern/shared/accounts.ts'
import { relayServer } from '@postern/shared/relay.ts'
import type { Secret } from '#platform/secret.ts'
import { openSealedPassword, sealNewPassword } from './account-credentials.ts'
import type { AccountProblem } from './account-state.ts'
import { type CommitScope, commit, type Unit } from './commit.ts'
import { Prisma, type Relay } from './generated/client.ts'
import type { Store, Tx } from './open-store.ts'
import type { Statement } from './reader.ts'

/** The owner's relay: the server by which accounts send that choose it. There is one, or none. */
export type RelayRow = Relay

export const readRelay = (tx: Tx): Promise<RelayRow | null> => tx.relay.findFirst()

export type RelayWishes = {
  outgoing: ServerSettings
  /** Null: the one that is stored. Empty: nobody signs in there. */
  password: string | null
  /** As `domainKept` of mail/own-address.ts makes them. */
  domains: string[]
  carriesOthers: boolean
  recipientsPerMail: number | null
  mailsPerHour: number | null
  /** What it takes in one mail, as it said when it was tried; null: it does not say. Absent: it is the server that it was. */
  maxMessageBytes?: number | null | undefined
}

/** Sets it, or changes it; what it did not take, or could not be reached for, goes at once. */
export const storeRelay = async (
  unit: Unit,
  { password, maxMessageBytes, ...wishes }: RelayWishes,
  { masterKey, setBy }: { masterKey: Buffer; setBy: bigint },
): Promise<void> => {
  const { tx } = unit
  const sealed = password === null ? {} : sealNewPassword(masterKey, password, place)
  const facts = { ...wishes, setBy, changedAt: new Date(), problem: Prisma.DbNull }
  const { count } = await tx.relay.updateMany({ data: { ...facts, ...sealed } })
  if (count === 0) {
    const empty = new Uint8Array()
    await tx.relay.create({ data: { ...facts, dataKey: empty, credential: empty, ...sealed } })
  }
  if (maxMessageBytes !== undefined) await storeLimit(tx, maxMessageBytes)
  await tx.$executeRaw`
    UPDATE submission_batch b SET due_at = now() FROM account a
    WHERE a.id = b.account_id AND a.uses_relay AND b.state = 'deferred' AND b.error_code IS NOT NULL AND b.due_at > now()`
  await tell(unit)
}

/** Whoever was to send by it waits, or takes a server of their own. */
export const removeRelay = async (unit: Unit): Promise<void> => {
  await unit.tx.relay.deleteMany()
  await unit.tx.relayTurn.deleteMany()
  await storeLimit(unit.tx, null)
  await tell(unit)
}

/** Of those who send by it: whoever writes is to know before they attach too much. */
const storeLimit = async (tx: Tx, bytes: number | null): Promise<void> => {
  await tx.account.updateMany({ where: { usesRelay: true }, data: { maxMessageBytes: bytes } })
}

const tell = async (unit: Unit): Promise<void> => {
  const accounts = await unit.tx.account.findMany({
    where: { usesRelay: true, disconnectedAt: null },
    select: { id: true },
  })
  for (const { id } of accounts) unit.log({ accountId: id }, { kind: 'identities', accountId: id.toString() })
  await tellOwner(unit)
}

const tellOwner = async ({ tx, log }: Unit): Promise<void> => {
  const owners = await tx.appUser.findMany({ where: { role: 'owner' }, select: { id: true } })
  for (const { id } of owners) log({ userId: id }, { kind: 'relay' })
}

const place = { table: 'relay', rowId: '1', userId: '' }

/** Throws config.invalid, as `openCredential` of account-credentials.ts. */
export const openRelay = (row: RelayRow, masterKey: Buffer): { server: ServerSettings; password: Secret } => ({
  server: relayServer.parse(row.outgoing),
  password: openSealedPassword(masterKey, row, place),
})

/** How many send by it, and how much waits for it. */
export const countRelayed = async (tx: Tx): Promise<{ accounts: number; waiting: number }> => {
  const [row] = await tx.$queryRaw<{ accounts: number; waiting: number }[]>`
    SELECT count(*)::int AS accounts, coalesce(sum((SELECT count(*) FROM submission s WHERE s.account_id = a.id AND s.finished_at IS NULL)), 0)::int AS waiting
    FROM account a WHERE a.uses_relay AND a.disconnected_at IS NULL`
  return row ?? { accounts: 0, waiting: 0 }
}

/**
 * What somebody who signed in there, or could not, has found out; null: all is well. False: the relay is another one by now, or
 * gone, and nothing is known about that.
 */
export const noteRelayProblem = (
  store: Store,
  changedAt: Date,
  problem: Omit<AccountProblem, 'since'> | null,
): Promise<boolean> =>
  commit(
    store,
    system,
    async (unit) => {
      const known = await unit.tx.relay.findFirst({ where: { changedAt } })
      if (!known) return false
      if (problem === null && known.problem === null) return true
      // Since when is asked by every process (`msSinceProblem`), each with a clock of its own. Null with anything is null.
      await unit.tx.$executeRaw`
        UPDATE relay SET problem = ${problem === null ? null : JSON.stringify(problem)}::jsonb
          || jsonb_build_object('since', ${sinceText(Prisma.sql`now()`)}) WHERE changed_at = ${changedAt}`
      // Those that were parked with the one that was let in.
      if (problem === null)
        await unit.tx.$executeRaw`
          UPDATE submission_batch SET due_at = now() WHERE state = 'deferred' AND error_code = 'relay.refused' AND due_at > now()`
      await tellOwner(unit)
      return true
    },
    { isVital: true },
  )

/** How long it has let nobody in, by the clock of the database; null: it does, or is gone. */
export const msSinceProblem = async (tx: Tx): Promise<number | null> => {
  const [row] = await tx.$queryRaw<{ ms: number | null }[]>`
    SELECT (extract(epoch FROM now() - (problem ->> 'since')::timestamptz) * 1000)::float8 AS ms FROM relay`
  return row?.ms ?? null
}

/**
 * Whether the caller is the one who tries a relay that has let nobody in for `afterMs`: for `forMs` no other one does. True, too,
 * when it does let somebody in by now, or is another one.
 */
export const takeRelayTry = (
  store: Store,
  changedAt: Date,
  { afterMs, forMs }: { afterMs: number; forMs: number },
): Promise<boolean> =>
  commit(
    store,
    system,
    async ({ tx }) => {
      const [row] = await tx.$queryRaw<{ is_due: boolean }[]>`
        SELECT (problem ->> 'since')::timestamptz <= now() - ${afterMs}::float8 * interval '1 ms' AS is_due FROM relay
        WHERE changed_at = ${changedAt} AND problem IS NOT NULL FOR UPDATE`
      if (!row?.is_due) return row === undefined
      await tx.$executeRaw`
        UPDATE relay SET problem = problem || jsonb_build_object('since', ${sinceText(Prisma.sql`now() - ${afterMs - forMs}::float8 * interval '1 ms'`)})
        WHERE changed_at = ${changedAt}`
      return true
    },
    { isVital: true },
  )

const sinceText = (at: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`to_char((${at}) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`

/**
 * A turn of a person at a relay that takes so many mails an hour; the same mail has one for an hour. Milliseconds until there is
 * one; null: it is taken.
 */
export const takeRelayTurn = (
  store: Store,
  { userId, submissionId }: { userId: bigint; submissionId: string },
  mailsPerHour: number,
): Promise<number | null> =>
  commit(store, system, async ({ tx }) => {
    // The accounts of a person send side by side.
    await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended('postern.relay ' || ${userId}::text, 0))`
    await tx.$executeRaw`DELETE FROM relay_turn WHERE user_id = ${userId} AND at <= clock_timestamp() - interval '1 hour'`
    await tx.$executeRaw`
      INSERT INTO relay_turn (user_id, submission_id, at) SELECT ${userId}, ${submissionId}::uuid, clock_timestamp()
      WHERE (SELECT count(*) FROM relay_turn WHERE user_id = ${userId}) < ${mailsPerHour}::int ON CONFLICT DO NOTHING`
    const [row] = await tx.$queryRaw<{ has_turn: boolean; ms: number }[]>`
      SELECT bool_or(submission_id = ${submissionId}::uuid) AS has_turn, (extract(epoch FROM min(at) + interval '1 hour' - clock_timestamp()) * 1000)::float8 AS ms
      FROM relay_turn WHERE user_id = ${userId}`
    return row?.has_turn ? null : Math.max(1000, row?.ms ?? 0)
  })

const system: CommitScope = { kind: 'system' }

/** Why nothing goes out from an address: its account has no server, the relay is gone, or it does not carry the domain. */
export type SendingBar = 'no_server' | 'no_relay' | 'not_carried'

/** The same of an address of account `a`, by the relay `r` (LEFT JOIN relay r ON true); null: it goes. */
export const sendingBar = (address: Prisma.Sql): Prisma.Sql => Prisma.sql`
  CASE WHEN NOT a.uses_relay THEN CASE WHEN a.outgoing IS NULL THEN 'no_server' END WHEN r.id IS NULL THEN 'no_relay'
    WHEN NOT r.carries_others AND lower(substring(${address} FROM '[^@]*$')) <> ALL (r.domains) THEN 'not_carried' END`

/** Whether that address is one of a domain that the relay may speak for; by a server of its own, it is. */
export const isNamed = (address: Prisma.Sql): Prisma.Sql => Prisma.sql`
  (NOT a.uses_relay OR r.id IS NULL OR lower(substring(${address} FROM '[^@]*$')) = ANY (r.domains))`

/** To the owner alone: whether the relay lets nobody in. */
export const relayStateFor = (userId: bigint): Statement<{ isRefused: boolean }> => ({
  name: 'relay.state',
  sql: Prisma.sql`
    SELECT EXISTS (SELECT 1 FROM relay WHERE problem IS NOT NULL) AND EXISTS (SELECT 1 FROM app_user WHERE id = ${userId} AND role = 'owner') AS "isRefused"`,
})
