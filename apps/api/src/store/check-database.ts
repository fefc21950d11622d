import pg from 'pg'
import { AppError, isAppError } from '#platform/errors.ts'
import { sqlState, toStoreError } from './store-error.ts'

const neededExtensions = ['pg_trgm', 'unaccent', 'btree_gin']
const oldestVersion = 150_000
/** A database that starts beside us (containers, a booting machine) is waited for this long. */
const patienceMs = 30_000
const retryEveryMs = 250

/**
 * Looks whether a database given by the owner can carry Postern: version, encoding, extensions, and that no transaction
 * pooler sits in between (LISTEN would be lost). Throws config.invalid with what to do, storage.unavailable when no
 * server comes up in time.
 */
export const checkDatabase = async (databaseUrl: string, onWait: () => void = () => undefined): Promise<void> => {
  const client = await connectPatiently(databaseUrl, onWait)
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

/** `onWait` is told once, before the first wait. */
const connectPatiently = async (databaseUrl: string, onWait: () => void): Promise<pg.Client> => {
  const deadline = Date.now() + patienceMs
  for (let tries = 0; ; tries++) {
    try {
      return await connect(databaseUrl)
    } catch (error) {
      const problem = explain(error)
      if (problem.code !== 'storage.unavailable' || Date.now() > deadline) throw problem
      if (tries === 0) onWait()
      await new Promise((done) => setTimeout(done, retryEveryMs))
    }
  }
}

const connect = async (databaseUrl: string): Promise<pg.Client> => {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'postern-check',
    connectionTimeoutMillis: 10_000,
  })
  // What ends the connection later is met by the query that runs into it.
  client.on('error', () => undefined)
  await client.connect()
  return client
}

/** Why the database of DATABASE_URL cannot be entered. Its value is never repeated: it holds a password. */
const explain = (error: unknown): AppError => {
  const known = toStoreError(error)
  const state = sqlState(error)
  if (state?.startsWith('28'))
    return unfit(
      'The database refuses the user or the password of DATABASE_URL.',
      'Check both, and pg_hba.conf.',
      error,
    )
  if (state === '3D000')
    return unfit(
      'The database that DATABASE_URL names does not exist.',
      'Create it: CREATE DATABASE ... ENCODING UTF8',
      error,
    )
  if (isAppError(known) || isNameUnknown(error))
    return new AppError('storage.unavailable', 'No database answers at DATABASE_URL.', {
      hint: 'Check its host and port, and that the server runs; or leave it empty to use the built-in database.',
      cause: error,
    })
  return unfit('DATABASE_URL cannot be used.', 'It looks like postgresql://user:password@host:5432/database', error)
}

/** The name service of containers learns names only while they start. */
const isNameUnknown = (error: unknown): boolean =>
  /^(ENOTFOUND|EAI_AGAIN)$/.test(String((error as { code?: unknown })?.code)) // read-only look at an unknown error

const refusePooler = async (client: pg.Client): Promise<void> => {
  await client.query('LISTEN postern_probe')
  const { rows } = await client.query<{ channel: string }>('SELECT pg_listening_channels() AS channel')
  if (!rows.some((row) => row.channel === 'postern_probe'))
    throw unfit(
      'DATABASE_URL goes through a transaction pooler.',
      'Point it at the server itself or at a session pooler.',
    )
}

const unfit = (message: string, hint: string, cause?: unknown): AppError =>
  new AppError('config.invalid', message, { hint, cause })
