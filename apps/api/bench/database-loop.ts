import type { FetchMessageObject } from 'imapflow'
import pg from 'pg'
import { envelopeQuery, openBare } from './bare-imap.ts'

/**
 * The floor of the envelope sync: the same envelopes read by imapflow and stored by unnest in batches of 1,000 into one
 * table of the same database server. No threads, no lists, no counts, no search.
 */
const batchSize = 1000

export const runDatabaseLoop = async (imapPort: number, adminUrl: string): Promise<number> => {
  const admin = new pg.Client({ connectionString: adminUrl })
  await admin.connect()
  await admin.query('DROP DATABASE IF EXISTS bench_floor')
  await admin.query('CREATE DATABASE bench_floor')
  const database = new pg.Client({ connectionString: adminUrl.replace(/\/[^/]*$/, '/bench_floor') })
  await database.connect()
  await database.query(`CREATE TABLE message (uid bigint PRIMARY KEY, subject text NOT NULL, message_id text, refs text,
    from_addresses jsonb NOT NULL, to_addresses jsonb NOT NULL, sent_at timestamptz, received_at timestamptz NOT NULL, size_bytes bigint NOT NULL,
    flags text NOT NULL, structure jsonb NOT NULL);
    CREATE INDEX ON message (received_at DESC, uid DESC)`)
  const startedAt = performance.now()
  const client = await openBare(imapPort, 'alice')
  let batch: FetchMessageObject[] = []
  for await (const message of client.fetch('1:*', envelopeQuery, { uid: true })) {
    batch.push(message)
    if (batch.length < batchSize) continue
    await store(database, batch)
    batch = []
  }
  await store(database, batch)
  const ms = performance.now() - startedAt
  await client.logout()
  await database.end()
  await admin.query('DROP DATABASE bench_floor')
  await admin.end()
  return ms
}

const store = async (database: pg.Client, batch: FetchMessageObject[]): Promise<void> => {
  await database.query(
    `INSERT INTO message SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::jsonb[], $7::timestamptz[],
      $8::timestamptz[], $9::bigint[], $10::text[], $11::jsonb[]) ON CONFLICT DO NOTHING`,
    [
      batch.map(({ uid }) => uid),
      batch.map(({ envelope }) => envelope?.subject ?? ''),
      batch.map(({ envelope }) => envelope?.messageId ?? null),
      batch.map(({ headers }) => headers?.toString() ?? ''),
      batch.map(({ envelope }) => JSON.stringify(envelope?.from ?? [])),
      batch.map(({ envelope }) => JSON.stringify(envelope?.to ?? [])),
      batch.map(({ envelope }) => envelope?.date ?? null),
      batch.map(({ internalDate }) => internalDate ?? new Date(0)),
      batch.map(({ size }) => size ?? 0),
      batch.map(({ flags }) => [...(flags ?? [])].join(' ')),
      batch.map(({ bodyStructure }) => JSON.stringify(bodyStructure ?? {})),
    ],
  )
}
