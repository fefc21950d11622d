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
  const client = new pg.Client({ connectionString: adminUrl })
  await client.connect()
  await client.query(`ALTER DATABASE ${template} IS_TEMPLATE true`)
  await client.end()
  project.provide('postgres', { adminUrl, template })
  return async () => {
    await server.stop()
    await rm(dataDir, { recursive: true, force: true })
    will.revoke()
  }
}

export { setup }
