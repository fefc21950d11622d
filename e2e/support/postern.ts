import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Browser, type BrowserContext, chromium } from 'playwright-core'
import { leaveWill } from '../../apps/api/test/support/last-will.ts'

/** A whole Postern as a person runs it: own process, own embedded database, own folder. */
export type RunningPostern = {
  base: string
  /** The API's process; the engine is its child. */
  pid: number
  /** Holds its data, its key and nothing else. */
  home: string
  setupAddress: string | null
  stop: (signal?: NodeJS.Signals) => Promise<void>
  restart: () => Promise<RunningPostern>
  remove: () => Promise<void>
}

const entry = fileURLToPath(new URL('../../apps/api/src/main.ts', import.meta.url))
/** Where the launcher lets Node keep what it compiled (scripts/prepare.mjs). */
const compiled = fileURLToPath(new URL('../../node_modules/.postern/compiled', import.meta.url))

export const startPostern = async (
  certificate: string,
  dir?: string,
  environment: Record<string, string> = {},
): Promise<RunningPostern> => {
  const home = dir ?? (await mkdtemp(join(tmpdir(), 'postern-e2e-')))
  await chmod(home, 0o711)
  const caFile = join(home, 'ca.pem')
  await writeFile(caFile, certificate)
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', '--expose-gc', entry], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_OPTIONS: '',
      NODE_COMPILE_CACHE: compiled,
      VITEST: '',
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: join(home, 'data'),
      DATABASE_URL: '',
      ROLES: '',
      MASTER_KEY_FILE: join(home, 'master.key'),
      CA_FILE: caFile,
      PUBLIC_URL: '',
      LOG_LEVEL: 'warn',
      ...environment,
    },
  })
  child.once('exit', leaveWill(child.pid ?? 0, { folder: home }).revoke)
  const { base, setupAddress } = await untilReady(child)
  const stop = async (signal: NodeJS.Signals = 'SIGTERM') => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await ended
  }
  return {
    base,
    pid: child.pid ?? 0,
    home,
    setupAddress,
    stop,
    restart: () => startPostern(certificate, home, environment),
    remove: () => rm(home, { recursive: true, force: true }),
  }
}

/** Command lines of the processes that work in a folder, by what proc(5) tells of their arguments and environment. */
export const processesIn = (folder: string): string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        const [line = '', surroundings = ''] = ['cmdline', 'environ'].map((file) =>
          readFileSync(`/proc/${pid}/${file}`, 'latin1'),
        )
        return `${line}\0${surroundings}\0`.includes(`${folder}\0`) || line.includes(`${folder}/`)
          ? line.replaceAll('\0', ' ')
          : []
      } catch {
        return [] // it has just ended
      }
    })

const untilReady = (child: ChildProcess): Promise<{ base: string; setupAddress: string | null }> =>
  new Promise((done, fail) => {
    let printed = ''
    const onData = (chunk: Buffer) => {
      printed += chunk.toString()
      const address = /(http:\/\/127\.0\.0\.1:\d+)\/(setup#code=\S+)?\s/.exec(printed)
      if (address?.[1]) done({ base: address[1], setupAddress: address[2] ? `${address[1]}/${address[2]}` : null })
    }
    child.stdout?.on('data', onData)
    child.stderr?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
    child.once('exit', () => fail(new Error(`Postern ended before it was ready: ${printed}`)))
  })

/** A real Chromium. Its own look-ups to the outside are switched off. */
export const openChromium = (more: string[] = []): Promise<Browser> => chromium.launch(launchOptions(more))

/** The same with a profile on disk: only such a one does what browsers do in advance, like looking up names. */
export const openChromiumProfile = (folder: string, more: string[] = []): Promise<BrowserContext> =>
  chromium.launchPersistentContext(folder, launchOptions(more))

const launchOptions = (more: string[]): { executablePath: string; args: string[] } => {
  const path =
    process.env.CHROMIUM_PATH ??
    ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(existsSync)
  if (!path) throw new Error('install chromium, or name it in CHROMIUM_PATH')
  return {
    executablePath: path,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-dev-shm-usage',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--no-first-run',
      ...more,
    ],
  }
}
