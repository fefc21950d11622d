import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { freshDatabase } from '../support/fresh-database.ts'

const migrationSql = fileURLToPath(new URL('../../../../scripts/migration-sql.mjs', import.meta.url))

/** Whatever hangs on a table, each as one line. Functions and triggers are not Prisma's business. */
const catalogue = `
  SELECT format('column %s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' not null' ELSE '' END,
      coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) AS line
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
  UNION ALL
  SELECT format('index on %s%s%s: %s', c.relname, CASE WHEN i.indisprimary THEN ' primary' WHEN i.indisunique THEN ' unique' ELSE '' END,
      CASE WHEN i.indpred IS NULL THEN '' ELSE ' partial' END, substring(pg_get_indexdef(i.indexrelid) FROM 'USING (.*)$'))
    FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL
  SELECT format('constraint on %s: %s', c.relname, pg_get_constraintdef(o.oid))
    FROM pg_constraint o JOIN pg_class c ON c.oid = o.conrelid WHERE c.relnamespace = 'public'::regnamespace AND o.contype IN ('f', 'c')`

/** What Prisma's schema cannot say, so that only the migrations have it. */
const onlyInSql = /^index on \w+( unique)? partial: |: gin \(/

describe('the schema and the migrations', () => {
  let migrated: Awaited<ReturnType<typeof freshDatabase>>
  const name = `test_${randomBytes(6).toString('hex')}`
  const { adminUrl } = inject('postgres')
  const asAdmin = (sql: string) => query(adminUrl, sql)
  beforeAll(async () => {
    migrated = await freshDatabase()
    await asAdmin(`CREATE DATABASE ${name} TEMPLATE template0`)
  })
  afterAll(async () => {
    await asAdmin(`DROP DATABASE ${name} WITH (FORCE)`)
    await migrated.drop()
  })

  it('make the same tables', async () => {
    const declaredUrl = adminUrl.replace(/\/postgres$/, `/${name}`)
    const env = { ...process.env, DATABASE_URL: declaredUrl }
    const sql = execFileSync(process.execPath, [migrationSql], { env, encoding: 'utf8' })
    await query(declaredUrl, sql)
    const declared = await lines(declaredUrl)
    const actual = await lines(migrated.databaseUrl)
    expect(declared.length).toBeGreaterThan(200)
    expect(declared.filter((line) => !actual.includes(line))).toEqual([])
    expect(actual.filter((line) => !declared.includes(line) && !onlyInSql.test(line))).toEqual([])
  })
})

const query = async (databaseUrl: string, sql: string): Promise<{ line: string }[]> => {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  try {
    return (await client.query<{ line: string }>(sql)).rows
  } finally {
    await client.end()
  }
}

const lines = async (databaseUrl: string): Promise<string[]> =>
  (await query(databaseUrl, catalogue))
    .map(({ line }) => line)
    .filter((line) => !line.includes('_prisma_migrations'))
    .sort()
