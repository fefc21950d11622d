import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { AppError } from '#platform/errors.ts'

/**
 * Applies Prisma's migration files without Prisma's native engine: one advisory lock, each migration in one transaction
 * together with its row in Prisma's own table, so that a kill at any point is harmless and Prisma's tools still agree.
 */
type MigrationFile = { name: string; sql: string; checksum: string }

const lockKey = 7_268_211_043n // any constant; the same on every node

/** Answers the names it applied. Throws config.invalid when the data is newer than this program or a file was edited. */
export const migrate = async (databaseUrl: string, migrationsDir: string): Promise<string[]> => {
  const files = await readMigrations(migrationsDir)
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'postern-migrate' })
  await client.connect()
  try {
    await client.query('SELECT pg_advisory_lock($1)', [lockKey])
    await client.query(`CREATE TABLE IF NOT EXISTS _prisma_migrations (
      id varchar(36) PRIMARY KEY, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
      logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`)
    const { rows } = await client.query<{ migration_name: string; checksum: string }>(
      'SELECT migration_name, checksum FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL',
    )
    const applied = new Map(rows.map((row) => [row.migration_name, row.checksum]))
    refuseForeignData(files, applied)
    const missing = files.filter((file) => !applied.has(file.name))
    for (const file of missing) await applyMigration(client, file)
    return missing.map((file) => file.name)
  } finally {
    // Ending the session frees the advisory lock.
    await client.end()
  }
}

const readMigrations = async (dir: string): Promise<MigrationFile[]> => {
  const entries = await readdir(dir, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  return Promise.all(
    names.sort().map(async (name) => {
      const sql = await readFile(join(dir, name, 'migration.sql'), 'utf8')
      return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
    }),
  )
}

const refuseForeignData = (files: MigrationFile[], applied: Map<string, string>): void => {
  const known = new Map(files.map((file) => [file.name, file.checksum]))
  for (const [name, checksum] of applied) {
    if (!known.has(name))
      throw new AppError('config.invalid', 'This database was written by a newer Postern.', {
        hint: `Start the version that made it, or a later one (unknown migration ${name}).`,
      })
    if (known.get(name) !== checksum)
      throw new AppError(
        'config.invalid',
        `The migration ${name} was changed after it had been applied to this database.`,
        {
          hint: 'Restore the original file; changes belong into a new migration.',
        },
      )
  }
}

const applyMigration = async (client: pg.Client, file: MigrationFile): Promise<void> => {
  await client.query('BEGIN')
  try {
    await client.query(file.sql)
    await client.query(
      `INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
       VALUES ($1, $2, now(), $3, now(), 1)`,
      [randomUUID(), file.checksum, file.name],
    )
    await client.query('COMMIT')
  } catch (error) {
    await client.query('ROLLBACK')
    throw error
  }
}
