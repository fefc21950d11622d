import pg from 'pg'
import { AppError } from '#platform/errors.ts'

const neededExtensions = ['pg_trgm', 'unaccent', 'btree_gin']
const oldestVersion = 150_000

/**
 * Looks whether a database given by the owner can carry Postern: version, encoding, extensions, and that no transaction
 * pooler sits in between (LISTEN would be lost). Throws config.invalid with what to do.
 */
export const checkDatabase = async (databaseUrl: string): Promise<void> => {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'postern-check',
    connectionTimeoutMillis: 10_000,
  })
  await client.connect()
  try {
    const { rows } = await client.query<{ version: number; encoding: string; extensions: string[] }>(
      `SELECT current_setting('server_version_num')::int AS version, current_setting('server_encoding') AS encoding,
        ARRAY(SELECT name::text FROM pg_available_extensions WHERE name = ANY ($1)) AS extensions`,
      [neededExtensions],
    )
    const found = rows[0]
    if (!found) throw new Error('no answer to the version query')
    if (found.version < oldestVersion)
      throw unfit(
        'PostgreSQL 15 or newer is needed.',
        'Upgrade the server, or leave DATABASE_URL empty to use the built-in one.',
      )
    if (found.encoding !== 'UTF8')
      throw unfit(`The database's encoding is ${found.encoding}.`, 'Create it with ENCODING UTF8.')
    const missing = neededExtensions.filter((name) => !found.extensions.includes(name))
    if (missing.length > 0)
      throw unfit(`The server lacks the extensions ${missing.join(', ')}.`, "Install PostgreSQL's contrib package.")
    await refusePooler(client)
  } finally {
    await client.end()
  }
}

const refusePooler = async (client: pg.Client): Promise<void> => {
  await client.query('LISTEN postern_probe')
  const { rows } = await client.query<{ channel: string }>('SELECT pg_listening_channels() AS channel')
  if (!rows.some((row) => row.channel === 'postern_probe'))
    throw unfit(
      'DATABASE_URL goes through a transaction pooler.',
      'Point it at the server itself or at a session pooler.',
    )
}

const unfit = (message: string, hint: string): AppError => new AppError('config.invalid', message, { hint })
