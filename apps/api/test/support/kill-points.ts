import { createServer, connect as netConnect, type Server, type Socket } from 'node:net'

/**
 * Stands between an engine and its two peers and knows the moments at which a kill matters: before and after every
 * exchange with the mail server and every durable commit. Armed for the k-th moment from then on, or for one by its name,
 * `onReach` is called there, before anything passes. When it answers `end`, nothing does any more, in neither direction.
 */
export type KillPoints = {
  imapPort: number
  databaseUrl: string
  arm: (moment: number | RegExp, onReach: () => 'end' | 'go on') => void
  /** Ends the armed state; answers how many moments passed since `arm` and which one was reached, if any. */
  disarm: () => { passed: number; reached: string | null }
  /** Sessions with the mail server that are open now. */
  imapSessions: () => number
  stop: () => Promise<void>
}

/** Bytes to pass on; what is left out was stopped. */
type Watch = { toServer: (bytes: Buffer) => Buffer; toClient: (bytes: Buffer) => Buffer }
type Pass = (what: string) => boolean

export const startKillPoints = async (ports: { imap: number; databaseUrl: string }): Promise<KillPoints> => {
  let passed = 0
  let armed: { moment: number | RegExp; onReach: () => 'end' | 'go on' } | undefined
  let reached: string | null = null
  const pairs = new Map<[Socket, Socket], number>()
  /** False when everything ends here. */
  const pass: Pass = (what) => {
    passed++
    if (!armed) return true
    const { moment, onReach } = armed
    if (typeof moment === 'number' ? passed !== moment : !moment.test(what)) return true
    armed = undefined
    reached = what
    if (onReach() === 'go on') return true
    for (const pair of pairs.keys()) for (const socket of pair) socket.destroy()
    return false
  }
  const door = async (port: number, watch: (pass: Pass) => Watch): Promise<Server> => {
    const server = createServer((client) => {
      const upstream = netConnect({ host: '127.0.0.1', port })
      const pair: [Socket, Socket] = [client, upstream]
      const { toServer, toClient } = watch(pass)
      pairs.set(pair, port)
      for (const socket of pair)
        socket
          .on('error', () => undefined)
          .on('close', () => {
            pairs.delete(pair)
            for (const end of pair) end.destroy()
          })
      client.on('data', (bytes) => upstream.write(toServer(bytes)))
      upstream.on('data', (bytes) => client.write(toClient(bytes)))
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return server
  }
  const postgres = new URL(ports.databaseUrl)
  const doors = [await door(ports.imap, watchImap), await door(Number(postgres.port), watchPostgres)] as const
  const portOf = (server: Server): number => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  postgres.port = String(portOf(doors[1]))
  return {
    imapPort: portOf(doors[0]),
    databaseUrl: postgres.toString(),
    arm: (moment, onReach) => {
      passed = 0
      reached = null
      armed = { moment, onReach }
    },
    disarm: () => {
      armed = undefined
      return { passed, reached }
    },
    imapSessions: () => [...pairs.values()].filter((port) => port === ports.imap).length,
    stop: async () => {
      for (const pair of pairs.keys()) for (const socket of pair) socket.destroy()
      await Promise.all(doors.map((server) => new Promise((done) => server.close(done))))
    },
  }
}

const nothing = Buffer.alloc(0)

/** A command before the server reads it, its tagged answer before the client does. */
const watchImap = (pass: Pass): Watch => {
  const open = new Map<string, string>()
  let rest = ''
  return {
    toServer: (bytes) => {
      for (const line of bytes.toString('latin1').split('\r\n')) {
        const [, tag, command] = /^([0-9A-F]+) ((?:UID )?[A-Z]+)/.exec(line) ?? []
        if (!tag || !command) continue
        if (!pass(`before ${command}`)) return nothing
        open.set(tag, command)
      }
      return bytes
    },
    toClient: (bytes) => {
      const lines = (rest + bytes.toString('latin1')).split('\r\n')
      rest = lines.at(-1)?.slice(0, 100) ?? ''
      for (const line of lines.slice(0, -1)) {
        const [, tag = ''] = /^([0-9A-F]+) (?:OK|NO|BAD)\b/.exec(line) ?? []
        const command = open.get(tag)
        if (command === undefined) continue
        open.delete(tag)
        if (!pass(`after ${command}`)) return nothing
      }
      return bytes
    },
  }
}

const isWrite = (sql: string): boolean =>
  /^\s*(INSERT|UPDATE|DELETE|WITH)\b/i.test(sql) && /\b(INSERT|UPDATE|DELETE)\b/.test(sql)
/** Written again and again without a reason of their own: killing there is killing between two others. */
const isRoutine = (sql: string): boolean => /account_lease|engine_request/.test(sql)

/** COMMIT, and single writes outside a transaction, before the server reads them and before their answer is heard. */
const watchPostgres = (pass: Pass): Watch => {
  const statements = new Map<string, string>()
  const toServer = new Messages({ startsBare: true })
  const toClient = new Messages({ startsBare: false })
  let isIdle = true
  let awaited: string | undefined
  let lastWrite = ''
  const durable = (sql: string): string | undefined => {
    if (/^\s*COMMIT\b/i.test(sql)) return `COMMIT of ${lastWrite}`
    if (isWrite(sql)) lastWrite = sql.trim().slice(0, 60)
    return isIdle && isWrite(sql) && !isRoutine(sql) ? sql.trim().slice(0, 40) : undefined
  }
  const onQuery = (sql: string): boolean => {
    const name = durable(sql)
    if (name === undefined) return true
    if (!pass(`before ${name}`)) return false
    awaited = name
    return true
  }
  return {
    toServer: (bytes) =>
      toServer.passOn(bytes, (type, body) => {
        if (type === 'Q') return onQuery(text(body, 0))
        if (type === 'P') {
          const name = text(body, 0)
          statements.set(name, text(body, Buffer.byteLength(name) + 1))
        }
        if (type !== 'B') return true
        return onQuery(statements.get(text(body, Buffer.byteLength(text(body, 0)) + 1)) ?? '')
      }),
    toClient: (bytes) =>
      toClient.passOn(bytes, (type, body) => {
        if (type === 'Z') isIdle = body.toString('latin1') === 'I'
        if (type !== 'C' || awaited === undefined) return true
        const name = awaited
        awaited = undefined
        return pass(`after ${name}`)
      }),
  }
}

const text = (body: Buffer, from: number): string => body.toString('utf8', from, body.indexOf(0, from))

/** Cuts a stream into protocol messages: a type byte (the very first one has none) and a length. */
class Messages {
  #rest: Buffer = nothing
  #isBare: boolean

  constructor({ startsBare }: { startsBare: boolean }) {
    this.#isBare = startsBare
  }

  /** Whole messages up to the first that `judge` stops. */
  passOn(bytes: Buffer, judge: (type: string, body: Buffer) => boolean): Buffer {
    this.#rest = Buffer.concat([this.#rest, bytes])
    let end = 0
    for (;;) {
      const head = this.#isBare ? 0 : 1
      if (this.#rest.length < end + head + 4) break
      const next = end + head + this.#rest.readUInt32BE(end + head)
      if (this.#rest.length < next) break
      const type = this.#isBare ? '' : String.fromCharCode(this.#rest[end] ?? 0)
      if (!judge(type, this.#rest.subarray(end + head + 4, next))) break
      this.#isBare = false
      end = next
    }
    const whole = this.#rest.subarray(0, end)
    this.#rest = this.#rest.subarray(end)
    return whole
  }
}
