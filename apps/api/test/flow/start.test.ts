import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { hashPassword } from '#auth/passwords.ts'
import { newToken, tokenHash } from '#auth/session-tokens.ts'
import { signIn } from '#auth/sign-in.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { findSession } from '#store/sessions.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { until } from '../support/until.ts'

const entries = {
  main: fileURLToPath(new URL('../../src/main.ts', import.meta.url)),
  resetPassword: fileURLToPath(new URL('../../src/cli/reset-password.ts', import.meta.url)),
}
type Program = { child: ChildProcess; printed: () => string; ended: Promise<number | null> }

/** The programs as they are run from outside, with a database of the test's own. */
describe('starting Postern', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let home: string
  const programs: Program[] = []
  const servers: Server[] = []
  beforeAll(async () => {
    database = await freshDatabase()
    home = await mkdtemp(join(tmpdir(), 'postern-start-'))
  })
  afterEach(async () => {
    for (const { child, ended } of programs.splice(0)) {
      child.kill('SIGTERM')
      await ended
    }
    for (const server of servers.splice(0)) server.close()
  })
  afterAll(async () => {
    await database.drop()
    await rm(home, { recursive: true, force: true })
  })

  const run = (
    entry: string,
    env: Record<string, string>,
    args: string[] = [],
    options: { detached?: boolean } = {},
  ): Program => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...args], {
      ...options,
      stdio: ['pipe', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        PORT: '0',
        ROLES: 'api',
        DATABASE_URL: database.databaseUrl,
        DATA_DIR: join(home, 'data'),
        MASTER_KEY_FILE: join(home, 'master.key'),
        LOG_LEVEL: 'silent',
        ...env,
      },
    })
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream?.on('data', (chunk: Buffer) => {
        printed += chunk.toString()
      })
    const program = {
      child,
      printed: () => printed,
      ended: new Promise<number | null>((done) => child.once('close', (code) => done(code))),
    }
    programs.push(program)
    return program
  }
  const listen = async (server: Server, port = 0): Promise<number> => {
    servers.push(server)
    await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  const withUrl = (parts: Partial<Pick<URL, 'port' | 'password' | 'pathname'>>): string =>
    Object.assign(new URL(database.databaseUrl), parts).toString()

  it('says in one line that its port is taken, and what to do', async () => {
    const port = await listen(createServer())
    const { ended, printed } = run(entries.main, { PORT: String(port) })
    expect(await ended).toBe(1)
    expect(printed()).toBe(
      `Port ${port} is taken by another program.\nStop that program, or choose another port: PORT=${port + 1} npm start\n`,
    )
  })

  it.each([
    ['a wrong password', { password: 'canary-wrong' }, /refuses the user or the password of DATABASE_URL/],
    ['an unknown database', { pathname: '/canary_nowhere' }, /that DATABASE_URL names does not exist/],
  ])('names %s in DATABASE_URL at once, without repeating it', async (_, parts, words) => {
    const { ended, printed } = run(entries.main, { DATABASE_URL: withUrl(parts) })
    expect(await ended).toBe(1)
    expect(printed()).toMatch(words)
    expect(printed().trim().split('\n')).toHaveLength(2)
    expect(printed()).not.toMatch(/canary/)
  })

  it('waits for a database that comes up later', async () => {
    const { hostname, port } = new URL(database.databaseUrl)
    const closed = createServer()
    const later = await listen(closed)
    await new Promise((done) => closed.close(done))
    const { printed } = run(entries.main, { DATABASE_URL: withUrl({ port: String(later) }) })
    await until(async () => printed().includes('Waiting for the database'), { what: 'the notice' })
    const door = createServer((socket) => {
      const inner = connect(Number(port), hostname)
      socket.pipe(inner).pipe(socket)
      for (const end of [socket, inner]) end.on('error', () => undefined).on('close', () => inner.destroy())
    })
    await listen(door, later)
    await until(async () => printed().includes('Postern is ready'), { what: 'the greeting' })
    expect(printed().match(/Waiting/g)).toHaveLength(1)
  })

  describe('with the built-in database', () => {
    // A directory of its own: as root the database has another user, who may not enter `home`.
    let data: string
    let root: string
    beforeAll(async () => {
      data = await mkdtemp(join(tmpdir(), 'postern-data-'))
      root = join(data, 'postgres')
    })
    afterAll(() => rm(data, { recursive: true, force: true }))
    const start = (options: { detached?: boolean } = {}) =>
      run(entries.main, { DATABASE_URL: '', DATA_DIR: data }, [], options)
    const isThere = (pid: number) => {
      try {
        return process.kill(pid, 0)
      } catch {
        return false
      }
    }

    it('begins anew after being killed in the middle of making it', async () => {
      const { child, ended } = start({ detached: true })
      await until(
        async () => (await readdir(root).catch(() => [])).some((name) => existsSync(join(root, name, 'PG_VERSION'))),
        { what: 'the beginning of a cluster' },
      )
      process.kill(-(child.pid ?? 0), 'SIGKILL')
      await ended
      const again = start()
      await until(async () => again.printed().includes('Postern is ready'), { what: 'the greeting', ms: 40_000 })
      expect(await readdir(root)).toEqual(['cluster', 'password', 'server.log'])
    }, 60_000)

    it('leaves no database running when it is told to end while it starts', async () => {
      const { child, ended, printed } = start()
      const [pid = ''] = await until(
        async () => (await readFile(join(root, 'cluster', 'postmaster.pid'), 'utf8').catch(() => '')).match(/^\d+/),
        { what: 'the database' },
      )
      expect(printed()).toBe('')
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
      expect(isThere(Number(pid))).toBe(false)
    })
  })

  it('holds removals at POP3 providers when the engine finds an older database than it left', async () => {
    const store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 2 })
    const bytes = new Uint8Array()
    const { id } = await store.prisma.account.create({
      data: {
        userId: 0n,
        kind: 'pop3',
        address: 'held@example.org',
        incoming: {},
        isPaused: true,
        dataKey: bytes,
        credential: bytes,
      },
    })
    await store.prisma.stream.create({ data: { accountId: id } })
    const mark = () => store.prisma.installationSetting.findFirst({ where: { key: { startsWith: 'mark:' } } })
    const isHeld = async () => {
      const { retrieval } = await store.prisma.account.findUniqueOrThrow({ where: { id } })
      return JSON.stringify(retrieval ?? {}).includes('"isOnHold":true')
    }
    const first = run(entries.main, { ROLES: 'engine' })
    const dumped = await until(mark, { what: 'the first mark' })
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    const left = await mark()
    expect(left?.value).not.toBe(dumped.value)
    expect(await isHeld()).toBe(false)
    await store.prisma.installationSetting.update({ where: { key: dumped.key }, data: { value: dumped.value ?? '' } })
    run(entries.main, { ROLES: 'engine' })
    await until(isHeld, { what: 'the hold' })
    await store.close()
  })

  it('is asked to end once when the shell of npm is gone', async () => {
    const launcher = fileURLToPath(new URL('../../../../scripts/prepare.mjs', import.meta.url))
    const program = `import(${JSON.stringify(launcher)}).then((p) => p.runEntry('apps/api/test/support/count-signals.ts'))`
    // The second command keeps the shell from becoming the first one.
    const shell = spawn('sh', ['-c', '"$0" -e "$1"; :', process.execPath, program], {
      env: { PATH: process.env.PATH, npm_lifecycle_event: 'start' },
    })
    let printed = ''
    shell.stdout.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
    })
    await until(async () => printed.includes('ready'), { what: 'the program' })
    shell.kill('SIGKILL')
    await until(async () => printed.includes('asked'), { what: 'its end' })
    expect(printed).toContain('asked 1\n')
  })

  describe('npm run reset-password', () => {
    let store: Store
    let userId = 0n
    const address = 'locked-out@example.org'
    const visitor = { address: '127.0.0.1', userAgent: '' }
    beforeAll(async () => {
      store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 2 })
      const passwordHash = await hashPassword('forgotten long ago')
      userId = (await store.prisma.appUser.create({ data: { address, name: 'Lea', role: 'owner', passwordHash } })).id
    })
    afterAll(() => store.close())

    it('makes a new password that signs in, and ends every session', async () => {
      const token = newToken()
      const expiresAt = new Date(Date.now() + 60_000)
      await store.prisma.session.create({ data: { userId, tokenHash: tokenHash(token), expiresAt } })
      const { ended, printed } = run(entries.resetPassword, {}, ['--generate'])
      expect(await ended).toBe(0)
      const [, whose, password = ''] = /The password of (\S+) is changed: (\S+)/.exec(printed()) ?? []
      expect(whose).toBe(address)
      expect(await findSession(store, tokenHash(token))).toBeNull()
      expect((await signIn(store, { address, password }, visitor)).userId).toBe(userId)
    })

    it('takes one that is typed, does not print it, and refuses a weak one', async () => {
      const typed = run(entries.resetPassword, {}, [address])
      typed.child.stdin?.end('canary lantern orbit seventeen\n')
      expect(await typed.ended).toBe(0)
      expect(typed.printed()).not.toContain('canary')
      expect(await signIn(store, { address, password: 'canary lantern orbit seventeen' }, visitor)).toBeTruthy()
      const weak = run(entries.resetPassword, {}, [address])
      weak.child.stdin?.end('password1\n')
      expect(await weak.ended).toBe(1)
      expect(weak.printed()).not.toContain('password1')
    })

    it('says when nobody has that address', async () => {
      const { ended, printed } = run(entries.resetPassword, {}, ['nobody@example.org', '--generate'])
      expect(await ended).toBe(1)
      expect(printed()).toContain('There is no such person on this Postern.')
    })
  })
})
