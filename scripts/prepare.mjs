// What every command needs before it can run: packages, the Prisma client, the built web app. Plain JavaScript for
// Node >= 20.19 without any package, because it runs before anything is installed. Unchanged things are not redone.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '')
const stampDir = join(root, 'node_modules', '.postern')
const oldestNode = [20, 19]
/** From here on Node runs our TypeScript as it is. */
const ownRuntime = [24, 4]

const isAtLeast = (version, [major, minor]) => {
  const [a, b] = version.split('.').map(Number)
  return a > major || (a === major && b >= minor)
}

/** Ends the process with one line. */
export const fail = (line) => {
  console.error(line)
  process.exit(1)
}

const hashOf = (paths) => {
  // Not Node's version: the first start runs on the machine's, npm runs the later ones on the one it installed.
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`)
  const add = (path) => {
    const full = join(root, path)
    if (!existsSync(full)) return
    if (statSync(full).isDirectory()) {
      for (const name of readdirSync(full).sort()) add(join(path, name))
      return
    }
    hash.update(path).update('\0').update(readFileSync(full)).update('\0')
  }
  for (const path of paths) add(path)
  return hash.digest('hex')
}

/** Runs `work` unless the named inputs are as they were when it last succeeded. */
const once = (name, inputs, isThere, work) => {
  const stamp = join(stampDir, name)
  const now = hashOf(inputs)
  if (isThere() && existsSync(stamp) && readFileSync(stamp, 'utf8') === now) return
  // A build that is cut off must not look finished.
  rmSync(stamp, { force: true })
  work()
  mkdirSync(stampDir, { recursive: true })
  writeFileSync(stamp, now)
}

const run = (command, args, options = {}) => {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], ...options })
  if (result.error) fail(`${command} could not be started: ${result.error.message}`)
  if (result.status !== 0) fail(`${[command, ...args].join(' ')} failed; its own words are above.`)
}

/** The Node that runs Postern: this one if it is recent enough, else the one that came with the packages. */
export const runtime = () => {
  if (isAtLeast(process.versions.node, ownRuntime)) return process.execPath
  const bundled = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
  if (!existsSync(bundled))
    fail(`Postern needs Node ${ownRuntime.join('.')} or newer on this system; this is ${process.version}.`)
  return bundled
}

/** Our own environment, with the runtime and the packages' commands first. */
export const environment = (more = {}) => ({
  ...process.env,
  PATH: `${join(root, 'node_modules', '.bin')}${process.platform === 'win32' ? ';' : ':'}${process.env.PATH ?? ''}`,
  NEXT_TELEMETRY_DISABLED: '1',
  CHECKPOINT_DISABLE: '1',
  ...more,
})

export const install = () => {
  if (!isAtLeast(process.versions.node, oldestNode))
    fail(`Postern needs Node ${oldestNode.join('.')} or newer; this is ${process.version}.`)
  once(
    'installed',
    // It names every package of every workspace; what else stands in package.json installs nothing.
    ['package-lock.json'],
    () => existsSync(join(root, 'node_modules', 'fastify')),
    () => {
      console.log('Installing packages ...')
      run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
        // Prisma's native engines are not used (ADR 0002); the variable keeps its install step from fetching one.
        env: { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' },
        shell: process.platform === 'win32',
      })
    },
  )
}

export const generateClient = () =>
  once(
    'prisma-client',
    ['prisma/schema.prisma', 'node_modules/prisma/package.json'],
    () => existsSync(join(root, 'apps/api/src/store/generated/client.ts')),
    () => {
      console.log('Generating the database client ...')
      run(runtime(), [join('node_modules', 'prisma', 'build', 'index.js'), 'generate'], {
        stdio: ['ignore', 'ignore', 'inherit'],
        env: environment({ PRISMA_SCHEMA_ENGINE_BINARY: process.execPath }),
      })
    },
  )

export const buildWeb = () =>
  once(
    'web',
    [
      'apps/web/src',
      'apps/web/public',
      'apps/web/scripts',
      'apps/web/next.config.mjs',
      'apps/web/postcss.config.mjs',
      'apps/web/package.json',
      'packages/shared/src',
      'package-lock.json',
    ],
    () => existsSync(join(root, 'apps/web/out/index.html')),
    () => {
      console.log('Building the web app ...')
      run(runtime(), [join(root, 'node_modules', 'next', 'dist', 'bin', 'next'), 'build'], {
        cwd: join(root, 'apps/web'),
        env: environment(),
      })
      run(runtime(), [join('apps', 'web', 'scripts', 'after-build.mjs')], { env: environment() })
    },
  )

/**
 * Runs a TypeScript entry under the chosen runtime and ends with its exit code. The channel tells the child when this
 * process dies, however it dies; signals are passed on, and a child that hears Ctrl-C twice counts it once.
 */
export const runEntry = (entry, args = [], more = {}) => {
  const child = spawn(runtime(), ['--disable-warning=ExperimentalWarning', '--expose-gc', join(root, entry), ...args], {
    cwd: process.cwd(),
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    // Compiled once: starts sooner, and a process that finds everything there never loads the TypeScript compiler (18 MiB).
    env: environment({
      NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE ?? join(stampDir, 'compiled'),
      ...more,
    }),
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  // npm runs us in a shell that passes no signal on: when it is gone, npm was told to stop.
  const shell = process.ppid
  if (process.env.npm_lifecycle_event !== undefined) {
    const look = setInterval(() => {
      if (process.ppid === shell) return
      // Once: a later signal forces the end.
      clearInterval(look)
      child.kill('SIGTERM')
    }, 500)
    look.unref()
  }
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
}
