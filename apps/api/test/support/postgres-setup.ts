import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import type { TestProject } from 'vitest/node'
import { startEmbeddedPostgres } from '#store/embedded-postgres.ts'
import { migrate } from '#store/migrate.ts'
import { leaveWill } from './last-will.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** A server whose database `template` has every migration applied. */
    postgres: { adminUrl: string; template: string }
  }
}

const template = 'postern_template'
const migrationsDir = fileURLToPath(new URL('../../../../prisma/migrations', import.meta.url))

/** As a long life leaves them: ids of several octets, of any value, none that two tables have in common. People are few. */
const setIdsApart = `
  SELECT setval(format('%I.%I', schemaname, sequencename), 5_000_000_000 + 10_000_019 * row_number() OVER (ORDER BY sequencename) + 200)
  FROM pg_sequences WHERE data_type = 'bigint'::regtype AND sequencename <> 'app_user_id_seq'`

const query = async (connectionString: string, sql: string): Promise<void> => {
  const client = new pg.Client({ connectionString })
  await client.connect()
  await client.query(sql)
  await client.end()
}

/** One real PostgreSQL for the whole run; tests copy the template (see fresh-database.ts). */
const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const dataDir = await mkdtemp(join(tmpdir(), 'postern-test-pg-'))
  const server = await startEmbeddedPostgres({
    dataDir,
    database: template,
    settings: { fsync: 'off', max_connections: '300' },
  })
  const will = leaveWill(server.pid, { folder: dataDir, signal: 'INT' })
  await migrate(server.databaseUrl, migrationsDir)
  const adminUrl = server.databaseUrl.replace(`/${template}`, '/postgres')
  await query(server.databaseUrl, setIdsApart)
  await query(adminUrl, `ALTER DATABASE ${template} IS_TEMPLATE true`)
  project.provide('postgres', { adminUrl, template })
  return async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
    will.revoke()
  }
}

export { setup }
