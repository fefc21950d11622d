import pg from 'pg'
import type { Prisma } from './generated/client.ts'
import { openPool } from './open-pool.ts'
import { toStoreError } from './store-error.ts'

/**
 * What a person waits for: opening a list, a conversation, a search. Statements of one request go out together, prepared
 * once per connection, and cost one round trip; Prisma's transactions cost one for BEGIN, the person's id, each query and
 * COMMIT, and plan every query anew (ADR 13). Only reads: everything that writes goes through commit.ts.
 */
export type Statement<Row> = {
  /** Stands for one SQL text whose plan serves all values; null: planned anew each time. */
  name: string | null
  sql: Prisma.Sql
  /** Never there: ties the rows to their type. */
  row?: Row
}

/** One round trip for all of it; rows in the order of the statements, none for one that is not wanted. */
export type Ask = <Rows extends unknown[]>(
  statements: [...{ [Key in keyof Rows]: Statement<Rows[Key]> | null }],
) => Promise<{ [Key in keyof Rows]: Rows[Key][] }>

export const int8 = 20

/**
 * Connections on which statements do not wait for each other's answers. Values come as Prisma gives them: ids do not fit a number.
 * Never in the binary format: the driver makes text of every value first, by which any octet above 0x7f is lost.
 */
export const openQuickPool = (config: pg.PoolConfig): pg.Pool =>
  openPool({
    ...config,
    pipeline: true,
    application_name: 'postern-quick',
    types: { getTypeParser: (oid: number) => (oid === int8 ? BigInt : pg.types.getTypeParser(oid, 'text')) },
  })

export const actAsOn = (client: pg.PoolClient, userId: bigint): Promise<unknown> =>
  client.query({
    name: 'act-as',
    text: `SELECT set_config('app.user_id', $1, true)`,
    values: [userId.toString()],
  })

export const askOn = async <Row>(client: pg.PoolClient, statement: Statement<Row> | null): Promise<Row[]> => {
  if (statement === null) return []
  const { name, sql } = statement
  const query = { ...(name === null ? {} : { name }), text: sql.text, values: sql.values }
  return (await client.query(query)).rows as Row[] // the statement's author says what comes
}

export type Reader = {
  /** In one transaction that carries the person's id to the database. */
  readAs: <Rows extends unknown[]>(
    userId: bigint,
    statements: [...{ [Key in keyof Rows]: Statement<Rows[Key]> | null }],
  ) => Promise<{ [Key in keyof Rows]: Rows[Key][] }>
  /** For nobody in particular, each statement by itself: what the change log is read for serves everybody who follows it. */
  readTogether: Ask
  /** Before anybody is known. */
  readOne: <Row>(statement: Statement<Row>) => Promise<Row[]>
}

export const createReader = (pool: pg.Pool): Reader => {
  /** Everything `send` asks for leaves at once; a connection on which something failed is not used again. */
  const together = async <T>(send: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
    let client: pg.PoolClient | undefined
    let isSound = false
    try {
      client = await pool.connect()
      const result = await send(client)
      isSound = true
      return result
    } catch (error) {
      throw toStoreError(error)
    } finally {
      client?.release(!isSound)
    }
  }
  return {
    readAs: (userId, statements) =>
      together(async (client) => {
        const opened = [client.query('BEGIN READ ONLY'), actAsOn(client, userId)]
        const asked = statements.map((statement) => askOn<unknown>(client, statement))
        const done = await Promise.allSettled([...opened, ...asked, client.query('COMMIT')])
        for (const outcome of done) if (outcome.status === 'rejected') throw outcome.reason
        // One list of rows for each statement, as its type says.
        return (await Promise.all(asked)) as never
      }),
    readTogether: (statements) =>
      together(async (client) => {
        const asked = statements.map((statement) => askOn<unknown>(client, statement))
        for (const outcome of await Promise.allSettled(asked)) if (outcome.status === 'rejected') throw outcome.reason
        return (await Promise.all(asked)) as never // as above
      }),
    readOne: (statement) => together((client) => askOn(client, statement)),
  }
}
