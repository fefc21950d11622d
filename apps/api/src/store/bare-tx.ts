import pg from 'pg'
import { newSha256 } from '#platform/sha256.ts'
import { copyChunks, type Octets } from './copy-chunks.ts'
import { actAsOn, askOn, int8, type Statement } from './reader.ts'
import { leaseLost } from './store-error.ts'

/** Statements by tagged templates, as Prisma's transactions and bare ones both take them. */
export type RawTx = {
  $queryRaw: <T>(query: TemplateStringsArray, ...values: unknown[]) => Promise<T>
  /** Answers how many rows were written. */
  $executeRaw: (query: TemplateStringsArray, ...values: unknown[]) => Promise<number>
}

/** One on the driver itself. */
export type BareTx = RawTx & { putChunks: (contents: Octets[]) => Promise<void> }

/** What a transaction of the engine is fenced by, or whom another one acts for. */
export type Fence = { accountId: bigint; epoch: bigint } | { userId: bigint }

const toBigInt = (text: string) => BigInt(text)
/** 64-bit numbers are exact, as they are through Prisma; everything else as the driver reads it. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === int8 ? toBigInt : pg.types.getTypeParser(oid, format)),
}

const textOf = (query: TemplateStringsArray): string =>
  query.reduce((text, part, index) => (index === 0 ? part : `${text}$${index}${part}`), '')

/** A template is the same object each time it is come to. */
const prepared = new WeakMap<TemplateStringsArray, { name: string; text: string }>()
const preparedOf = (query: TemplateStringsArray): { name: string; text: string } => {
  const known = prepared.get(query)
  if (known) return known
  const text = textOf(query)
  const made = { name: newSha256().update(text).digest('base64url').slice(0, 20), text }
  prepared.set(query, made)
  return made
}

const bareOn = (client: pg.PoolClient): BareTx => ({
  $queryRaw: async <T>(query: TemplateStringsArray, ...values: unknown[]) =>
    (await client.query({ text: textOf(query), values, types })).rows as T, // what the statement selects, as with Prisma
  $executeRaw: async (query, ...values) => (await client.query({ text: textOf(query), values, types })).rowCount ?? 0,
  putChunks: (contents) => copyChunks(client, contents),
})

/**
 * One transaction on the driver itself, for bulk work: Prisma turns every parameter into JSON and back, which for
 * thousands of mails costs more than the database does (ADR 0014). Unless it `isDurable` it need not outlive a crash of the
 * database: what it writes is fetched again, cursors included, so nobody waits for the disk. It begins, and learns whether the
 * lease is still held, in one round trip: most transactions of an engine are short. Throws lease.lost.
 */
export const bareTransaction = async <T>(
  pool: pg.Pool,
  fence: Fence,
  work: (tx: BareTx) => Promise<T>,
  { isDurable = false } = {},
): Promise<T> => {
  const client = await pool.connect()
  let isBroken = true
  try {
    await enter(client, fence, isDurable)
    const result = await work(bareOn(client))
    await client.query('COMMIT')
    isBroken = false
    return result
  } catch (error) {
    isBroken = !(await isRolledBack(client))
    throw error
  } finally {
    client.release(isBroken)
  }
}

/** Else the connection is of no more use. */
const isRolledBack = (client: pg.PoolClient): Promise<boolean> =>
  client.query('ROLLBACK').then(
    () => true,
    () => false,
  )

/** One whose statements leave at once and are planned once for each connection. */
export type QuickTx = RawTx & { ask: <Row>(statement: Statement<Row>) => Promise<Row[]> }

const quickOn = (client: pg.PoolClient, noting: <Answer>(asked: Promise<Answer>) => Promise<Answer>): QuickTx => {
  const send = (query: TemplateStringsArray, values: unknown[]) =>
    noting(client.query({ ...preparedOf(query), values }))
  return {
    $queryRaw: async <T>(query: TemplateStringsArray, ...values: unknown[]) => (await send(query, values)).rows as T, // as above
    $executeRaw: async (query, ...values) => (await send(query, values)).rowCount ?? 0,
    ask: (statement) => noting(askOn(client, statement)),
  }
}

/**
 * A transaction of few statements that somebody waits for. What `work` asks for at once goes to the database together, with the
 * beginning, in the order in which it was asked: one round trip. Where one of them fails, so do those behind it, and nothing stays;
 * what is thrown is why the first one failed.
 */
export const quickTransaction = async <T>(
  pool: pg.Pool,
  userId: bigint,
  work: (tx: QuickTx) => Promise<T>,
): Promise<T> => {
  const client = await pool.connect()
  let isBroken = true
  // In the order of the wire. Those behind it only say that the transaction is aborted, and may be heard of before it.
  const failures: unknown[] = []
  const noting = <Answer>(asked: Promise<Answer>): Promise<Answer> =>
    asked.catch((error: unknown) => {
      failures.push(error)
      throw error
    })
  try {
    const begun = Promise.all([noting(client.query('BEGIN')), noting(actAsOn(client, userId))])
    const [, result] = await Promise.all([begun, work(quickOn(client, noting))])
    await client.query('COMMIT')
    isBroken = false
    return result
  } catch (error) {
    isBroken = !(await isRolledBack(client))
    throw failures[0] ?? error
  } finally {
    client.release(isBroken)
  }
}

const enter = async (client: pg.PoolClient, fence: Fence, isDurable: boolean): Promise<void> => {
  const begin = isDurable ? 'BEGIN' : 'BEGIN; SET LOCAL synchronous_commit = off'
  if ('userId' in fence) {
    await client.query(`${begin}; SELECT set_config('app.user_id', '${fence.userId}', true)`)
    return
  }
  const { accountId, epoch } = fence
  const held = `SELECT 1 FROM account_lease WHERE account_id = ${accountId} AND epoch = ${epoch} FOR KEY SHARE`
  const answers: unknown = await client.query(`${begin}; ${held}`)
  const last: unknown = Array.isArray(answers) ? answers.at(-1) : answers
  const isHeld = typeof last === 'object' && last !== null && 'rowCount' in last && last.rowCount === 1
  if (!isHeld) throw leaseLost()
}
