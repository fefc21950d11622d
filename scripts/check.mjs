// `npm run check`: types, lint and format, guards (import table, sizes, ...), unit tests.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { environment, generateClient, install, root, runtime } from './prepare.mjs'

install()
generateClient()
const tool = (path) => join(root, 'node_modules', ...path.split('/'))
const steps = [
  ['types (api, shared)', tool('typescript/bin/tsc'), ['-p', 'tsconfig.json']],
  ['types (web)', tool('typescript/bin/tsc'), ['-p', 'apps/web/tsconfig.json', '--incremental', 'false']],
  ['lint and format', tool('@biomejs/biome/bin/biome'), ['ci', '--error-on-warnings', '.']],
  ['guards and unit tests', tool('vitest/vitest.mjs'), ['run', '--project', 'unit']],
]
for (const [name, command, args] of steps) {
  console.log(`\n# ${name}`)
  const { status } = spawnSync(runtime(), [command, ...args], { cwd: root, stdio: 'inherit', env: environment() })
  if (status !== 0) {
    console.error(`\n${name}: not right`)
    process.exit(1)
  }
}
console.log('\nall right')
