import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { brotliDecompress, gunzip } from 'node:zlib'
import type { Account } from '@postern/shared/accounts.ts'
import type { ChangeBatch } from '@postern/shared/changes.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import pg from 'pg'
import { io, type Socket } from 'socket.io-client'
import { type RunningPostern, startPostern } from '../../../e2e/support/postern.ts'

/** A running Postern as `npm start` runs it, its owner signed in, spoken to as a browser does: HTTP and socket.io. */
export type Reply = { ms: number; bytes: number; body: Buffer }
export type Gateway = {
  base: string
  /** Holds its data and its key. */
  home: string
  cookie: string
  /** `body`: what JSON can hold, or octets as they are. */
  ask: (method: string, path: string, body?: unknown) => Promise<Reply>
  get: <T>(path: string) => Promise<T>
  /** `sendsAt`: port of its submission server, without TLS. */
  addAccount: (user: string, server: MailServer, sendsAt?: number) => Promise<Account>
  /** The same account at another port of the server. */
  moveAccount: (account: Account, port: number) => Promise<void>
  mailboxes: (accountId: string) => Promise<Mailbox[]>
  /** A socket that follows everything of the owner, from the present on. */
  openSocket: (onBatch: (batch: ChangeBatch) => void) => Promise<Socket>
  /** The built-in database, for floors on the same server. */
  databaseUrl: (database: string) => string
  /** Proportional set size of API and engine together, in KiB. */
  pss: () => { api: number; engine: number }
  /** CPU time of API and engine together so far, in milliseconds. */
  cpuMs: () => number
  /** The same of everything that runs, the database included. */
  allCpuMs: () => number
  /** Resident memory of the API alone, in KiB. */
  apiRss: () => number
  /** Resident memory of the engine and whatever it started, in KiB. */
  engineRss: () => number
  stop: () => Promise<void>
  restart: () => Promise<Gateway>
  remove: () => Promise<void>
}
export type MailServer = { port: number; security: 'plain' | 'tls'; kind?: 'imap' | 'pop3' }

export const mailPassword = 'bench mail password'
const owner = { name: 'Bench', address: 'bench@example.org', password: 'four unrelated words: lantern orbit' }

export const startGateway = async (certificate: string): Promise<Gateway> => {
  const postern = await startPostern(certificate)
  const code = /code=(\S+)/.exec(postern.setupAddress ?? '')?.[1]
  const answer = await fetch(`${postern.base}/v1/setup`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-postern': '1' },
    body: JSON.stringify({ code, ...owner }),
  })
  if (!answer.ok) throw new Error(`the owner was not made: ${await answer.text()}`)
  return speakTo(postern, (answer.headers.getSetCookie()[0] ?? '').split(';')[0] ?? '')
}

const speakTo = (postern: RunningPostern, cookie: string): Gateway => {
  const { base, pid, home } = postern
  const agent = new Agent({ keepAlive: true })
  const ask: Gateway['ask'] = async (method, path, body) => {
    const startedAt = performance.now()
    const { status, encoding, raw } = await exchange(agent, `${base}${path}`, method, cookie, body)
    const ms = performance.now() - startedAt
    const decoded = await decode(raw, encoding)
    if (status >= 300) throw new Error(`${method} ${path} answered ${status}: ${decoded.toString()}`)
    return { ms, bytes: raw.length, body: decoded }
  }
  const get = async <T>(path: string): Promise<T> => JSON.parse((await ask('GET', path)).body.toString()) as T // our own API, by its contracts
  const pids = () => ({ api: pid, engine: childrenOf(pid).find(isEngine) ?? 0 })
  const allowPlaintext = (...ports: number[]) =>
    ask('PUT', '/v1/owner/policy', { plaintextHosts: ports.map((port) => `localhost:${port}`), privateHosts: [] })
  return {
    base,
    home,
    cookie,
    ask,
    get,
    addAccount: async (user, { port, security, kind = 'imap' }, sendsAt) => {
      const plain = [...(security === 'plain' ? [port] : []), ...(sendsAt === undefined ? [] : [sendsAt])]
      if (plain.length > 0) await allowPlaintext(...plain)
      const { body } = await ask('POST', '/v1/accounts', {
        address: `${user}@example.org`,
        password: mailPassword,
        kind,
        incoming: { host: 'localhost', port, security, username: user },
        outgoing:
          sendsAt === undefined ? null : { host: 'localhost', port: sendsAt, security: 'plain', username: user },
      })
      return JSON.parse(body.toString()) as Account // as above
    },
    moveAccount: async ({ id, incoming }, port) => {
      await allowPlaintext(port)
      await ask('PATCH', `/v1/accounts/${id}`, { incoming: { ...incoming, port }, password: mailPassword })
    },
    mailboxes: async (accountId) =>
      (await get<{ mailboxes: Mailbox[] }>(`/v1/accounts/${accountId}/mailboxes`)).mailboxes,
    openSocket: (onBatch) => follow(base, cookie, onBatch),
    databaseUrl: (database) => {
      const cluster = join(home, 'data', 'postgres', 'cluster')
      const port = readFileSync(join(cluster, 'postmaster.pid'), 'utf8').split('\n')[3]
      const password = readFileSync(join(home, 'data', 'postgres', 'password'), 'utf8').trim()
      return `postgresql://postern:${password}@127.0.0.1:${port}/${database}`
    },
    pss: () => ({ api: pssOf(pids().api), engine: pssOf(pids().engine) }),
    cpuMs: () => cpuOf(pids().api) + cpuOf(pids().engine),
    allCpuMs: () => sum(treeOf(pid).map(cpuOf)),
    apiRss: () => rssOf(pid),
    engineRss: () => sum(treeOf(pids().engine).map(rssOf)),
    stop: () => {
      agent.destroy()
      return postern.stop()
    },
    restart: async () => speakTo(await postern.restart(), cookie),
    remove: () => postern.remove(),
  }
}

const exchange = (
  agent: Agent,
  url: string,
  method: string,
  cookie: string,
  body: unknown,
): Promise<{ status: number; encoding: string; raw: Buffer }> =>
  new Promise((done, fail) => {
    const headers = { cookie, 'x-postern': '1', 'accept-encoding': 'gzip, deflate, br' }
    const isOctets = body instanceof Uint8Array
    const type = isOctets ? 'application/octet-stream' : 'application/json'
    const call = request(url, {
      agent,
      method,
      headers: body === undefined ? headers : { ...headers, 'content-type': type },
    })
    call.once('error', fail)
    call.once('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.once('error', fail)
      response.once('end', () =>
        done({
          status: response.statusCode ?? 0,
          encoding: response.headers['content-encoding'] ?? '',
          raw: Buffer.concat(chunks),
        }),
      )
    })
    call.end(body === undefined || isOctets ? body : JSON.stringify(body))
  })

const decode = async (raw: Buffer, encoding: string): Promise<Buffer> => {
  if (encoding === 'gzip') return promisify(gunzip)(raw)
  return encoding === 'br' ? promisify(brotliDecompress)(raw) : raw
}

const follow = (base: string, cookie: string, onBatch: (batch: ChangeBatch) => void): Promise<Socket> =>
  new Promise((done, fail) => {
    const socket = io(base, { transports: ['websocket'], extraHeaders: { cookie }, forceNew: true })
    socket.on('changes', onBatch)
    socket.once('connect_error', fail)
    socket.once('ready', () => socket.emit('resume', { since: {} }, () => done(socket)))
  })

export const isWatching = async (gateway: Gateway, accountId: string): Promise<boolean> =>
  (await gateway.get<Account>(`/v1/accounts/${accountId}`)).state === 'watching'

/** With a connection to the built-in database, for what the API does not tell. */
export const withDatabase = async <T>(gateway: Gateway, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: gateway.databaseUrl('postern') })
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

/** The processes that a process has started. */
export const childrenOf = (pid: number): number[] =>
  readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  )
const treeOf = (pid: number): number[] => [pid, ...childrenOf(pid).flatMap(treeOf)]
const sum = (values: number[]): number => values.reduce((all, value) => all + value, 0)
const isEngine = (pid: number): boolean => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('main.ts')
const pssOf = (pid: number): number =>
  Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1])

const rssOf = (pid: number): number => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

/** utime and stime of proc(5) with those of children that have ended, in the kernel's hundredths of a second. */
const cpuOf = (pid: number): number => {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return fields.slice(11, 15).reduce((all, field) => all + Number(field), 0) * 10
}
