// `npm run containers`: builds docker-compose.yml with podman, starts it, examines what runs and takes it down again,
// volumes and images of its own project included. Needs podman and podman-compose; plain JavaScript, as all scripts.
//   -- --local-images   for a machine without an image registry (Debian, as root): see local-images.mjs
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:net'
import { makeLocalImages } from './local-images.mjs'
import { fail, root } from './prepare.mjs'

const project = 'postern-check'
const containers = { database: `${project}_database_1`, postern: `${project}_postern_1` }
const readyWithinMs = 90_000
const person = { name: 'Owner', address: 'owner@example.org', password: 'four unrelated words: lantern orbit' }

const freePort = () =>
  new Promise((done) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => done(port))
    })
  })

let environment = process.env
/** Runs a command to its end and answers what it printed; a failure shows everything. */
const run = (command, args, { isShown = false } = {}) => {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: environment,
    maxBuffer: 64 * 1024 * 1024,
    stdio: ['ignore', isShown ? 'inherit' : 'pipe', isShown ? 'inherit' : 'pipe'],
  })
  if (error) throw new Error(`${command} could not be started: ${error.message}`)
  if (status !== 0) throw new Error(`${[command, ...args].join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}`)
  return (stdout ?? '').trim()
}
const compose = (...args) => run('podman-compose', ['-p', project, ...args])
const inside = (container, ...args) => run('podman', ['exec', container, ...args])

const check = (what, isRight, seen) => {
  if (!isRight) throw new Error(`not right: ${what} (${seen})`)
  console.log(`  ${what}: ${seen}`)
}
const until = async (what, probe) => {
  const from = Date.now()
  for (let last = ''; ; ) {
    try {
      const found = await probe()
      if (found) return { found, ms: Date.now() - from }
    } catch (error) {
      last = error.message
    }
    if (Date.now() - from > readyWithinMs) throw new Error(`${what} did not come: ${last}`)
    await new Promise((done) => setTimeout(done, 200))
  }
}

const ask = async (base, path, { body, cookie = '' } = {}) => {
  const response = await fetch(`${base}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'x-postern': '1', cookie, ...(body ? { 'content-type': 'application/json' } : { accept: 'text/html' }) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  return { status: response.status, headers: response.headers, text: await response.text() }
}

const bringUp = async (base) => {
  compose('up', '-d')
  const { ms } = await until('/readyz', async () => (await ask(base, '/readyz')).status === 200)
  check('answers /readyz', true, `after ${ms} ms`)
}

const examineContainers = async () => {
  const uid = inside(containers.postern, 'id', '-u')
  check('Postern is not root', uid === '10001', `uid ${uid}`)
  const users = run('podman', ['top', containers.database, 'huser', 'user', 'comm']).split('\n').slice(1)
  check(
    'Postgres is not root',
    users.every((line) => !/^\S+\s+root\b/.test(line)),
    users[0],
  )
  for (const container of Object.values(containers)) {
    await until(`health of ${container}`, () => run('podman', ['healthcheck', 'run', container]) !== undefined)
    check(`health check of ${container}`, true, 'healthy')
  }
  const key = inside(containers.postern, 'stat', '-c', '%a %u', '/keys/master.key')
  check('the master key lies apart from the data', key === '400 10001', `/keys/master.key, mode and owner ${key}`)
  const attempt = spawnSync('podman', ['exec', containers.postern, 'touch', '/app/x'], { env: environment })
  check('the program cannot be changed from inside', attempt.status !== 0, 'read-only')
  const capabilities = inside(containers.postern, 'grep', 'CapEff', '/proc/1/status').split(/\s+/)[1]
  check('no capabilities', /^0+$/.test(capabilities), capabilities)
}

const examinePages = async (base) => {
  const page = await ask(base, '/')
  const policy = page.headers.get('content-security-policy') ?? ''
  check('serves the web app', page.status === 200 && page.text.includes('<html'), `${page.text.length} characters`)
  check('with its content security policy', policy.includes("default-src 'self'"), policy.slice(0, 40))
}

const becomeOwner = async (base) => {
  const { found } = await until('the one-time code', () =>
    /#code=(\S+)/.exec(run('podman', ['logs', containers.postern])),
  )
  const answer = await ask(base, '/v1/setup', { body: { code: found[1], ...person } })
  check('makes an owner by the printed code', answer.status === 200, `status ${answer.status}`)
  return (answer.headers.getSetCookie()[0] ?? '').split(';')[0]
}

const examine = async (base) => {
  const from = Date.now()
  run('podman-compose', ['-p', project, 'build'], { isShown: true })
  console.log(`built in ${Math.round((Date.now() - from) / 1000)} s`)
  await bringUp(base)
  await examineContainers()
  await examinePages(base)
  const cookie = await becomeOwner(base)
  const keyBefore = inside(containers.postern, 'sha256sum', '/keys/master.key')
  compose('down')
  await bringUp(base)
  const session = await ask(base, '/v1/session', { cookie })
  check(
    'keeps its data through down and up',
    session.status === 200 && session.text.includes(person.address),
    'signed in',
  )
  check('and its key', inside(containers.postern, 'sha256sum', '/keys/master.key') === keyBefore, 'the same')
  const size = run('podman', ['image', 'inspect', '--format', '{{.Size}}', `localhost/${project}_postern`])
  console.log(`  image: ${Math.round(Number(size) / 1e6)} MB`)
}

const takeDown = () => {
  for (const args of [
    ['podman-compose', '-p', project, 'down', '-v'],
    ['podman', 'rmi', '-f', `localhost/${project}_postern`],
  ])
    spawnSync(args[0], args.slice(1), { cwd: root, env: environment, stdio: 'ignore' })
}

for (const tool of ['podman', 'podman-compose'])
  if (spawnSync(tool, ['--version'], { stdio: 'ignore' }).error) fail(`Install ${tool} and run this again.`)
const port = await freePort()
environment = {
  ...process.env,
  // HEALTHCHECK is kept in this format only.
  BUILDAH_FORMAT: 'docker',
  POSTGRES_PASSWORD: randomBytes(16).toString('hex'),
  PORT: String(port),
}
const local = process.argv.includes('--local-images') ? makeLocalImages() : undefined
environment = { ...environment, ...local?.environment }
let problem
try {
  await local?.make()
  await examine(`http://127.0.0.1:${port}`)
  console.log('\nall right')
} catch (error) {
  problem = error
  spawnSync('podman', ['logs', '--tail', '50', containers.postern], { env: environment, stdio: 'inherit' })
} finally {
  takeDown()
  local?.remove()
}
if (problem) fail(problem.message)
