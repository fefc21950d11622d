import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

export type FreshDatabase = { databaseUrl: string; drop: () => Promise<void> }

/**
 * A migrated database of the test's own, or a copy of another that nobody is connected to, as a restored backup is.
 * `drop` ends whatever is still connected to it.
 */
export const freshDatabase = async (copyOf?: FreshDatabase): Promise<FreshDatabase> => {
  const { adminUrl, template: migrated } = inject('postgres')
  const template = copyOf ? new URL(copyOf.databaseUrl).pathname.slice(1) : migrated
  const name = `test_${randomBytes(6).toString('hex')}`
  const asAdmin = async (sql: string) => {
    const client = new pg.Client({ connectionString: adminUrl })
    await client.connect()
    try {
      await client.query(sql)
    } finally {
      await client.end()
    }
  }
  await asAdmin(`CREATE DATABASE ${name} TEMPLATE ${template} STRATEGY file_copy`)
  return {
    databaseUrl: adminUrl.replace(/\/postgres$/, `/${name}`),
    drop: () => asAdmin(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}
