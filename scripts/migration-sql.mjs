// Prints the SQL that makes an empty database look like prisma/schema.prisma. Used when writing a migration; Prisma's
// own CLI would download a native engine for this, the WASM engine comes with npm. DATABASE_URL: any empty database.
import fs from 'node:fs'
import { createRequire } from 'node:module'

const databaseUrl = process.env.DATABASE_URL
if (!databaseUrl) throw new Error('set DATABASE_URL to an empty database')
const require = createRequire(new URL('../apps/api/package.json', import.meta.url))
const enginePath = require.resolve('@prisma/schema-engine-wasm/schema_engine_bg')
const engineModule = await import(enginePath)
const wasm = new WebAssembly.Module(fs.readFileSync(enginePath.replace(/\.js$/, '.wasm')))
const instance = new WebAssembly.Instance(wasm, { './schema_engine_bg.js': engineModule })
engineModule.__wbg_set_wasm(instance.exports)
instance.exports.__wbindgen_start?.()
globalThis.PRISMA_WASM_PANIC_REGISTRY = { set_message: (message) => console.error(message) }

const path = 'prisma/schema.prisma'
const content = fs.readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
const { bindMigrationAwareSqlAdapterFactory } = await import(require.resolve('@prisma/driver-adapter-utils'))
const { PrismaPg } = await import(require.resolve('@prisma/adapter-pg'))
const adapter = bindMigrationAwareSqlAdapterFactory(new PrismaPg({ connectionString: databaseUrl }))
const engine = await engineModule.SchemaEngine.new({ datamodels: [[path, content]] }, () => {}, adapter)
const result = await engine.diff({
  from: { tag: 'empty' },
  to: { tag: 'schemaDatamodel', files: [{ path, content }], configDir: '.' },
  script: true,
  shadowDatabaseUrl: null,
  exitCode: null,
  filters: { externalTables: [], externalEnums: [] },
})
console.log(result.stdout)
process.exit(0)
