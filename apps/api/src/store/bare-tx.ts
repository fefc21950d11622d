import pg from 'pg'

/** Statements by tagged templates, as Prisma's transactions and bare ones both take them. */
export type RawTx = {
  $queryRaw: <T>(query: TemplateStringsArray, ...values: unknown[]) => Promise<T>
  /** Answers how many rows were written. */
  $executeRaw: (query: TemplateStringsArray, ...values: unknown[]) => Promise<number>
}

const int8 = 20
const toBigInt = (text: string) => BigInt(text)
/** 64-bit numbers are exact, as they are through Prisma; everything else as the driver reads it. */
const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) => (oid === int8 ? toBigInt : pg.types.getTypeParser(oid, format)),
}

const textOf = (query: TemplateStringsArray): string =>
  query.reduce((text, part, index) => (index === 0 ? part : `${text}$${index}${part}`), '')

const rawOn = (client: pg.PoolClient): RawTx => ({
  $queryRaw: async <T>(query: TemplateStringsArray, ...values: unknown[]) =>
    (await client.query({ text: textOf(query), values, types })).rows as T, // what the statement selects, as with Prisma
  $executeRaw: async (query, ...values) => (await client.query({ text: textOf(query), values, types })).rowCount ?? 0,
})

/**
 * One transaction on the driver itself, for bulk work: Prisma turns every parameter into JSON and back, which for
 * thousands of mails costs more than the database does (ADR 0014). Unless it `isDurable` it need not outlive a crash of the
 * database: what it writes is fetched again, cursors included, so nobody waits for the disk.
 */
export const bareTransaction = async <T>(
  pool: pg.Pool,
  work: (tx: RawTx) => Promise<T>,
  { isDurable = false } = {},
): Promise<T> => {
  const client = await pool.connect()
  let isBroken = true
  try {
    await client.query(isDurable ? 'BEGIN' : 'BEGIN; SET LOCAL synchronous_commit = off')
    const result = await work(rawOn(client))
    await client.query('COMMIT')
    isBroken = false
    return result
  } catch (error) {
    isBroken = await client.query('ROLLBACK').then(
      () => false,
      () => true,
    )
    throw error
  } finally {
    client.release(isBroken)
  }
}
