import { createServer, connect as netConnect, type Server, type Socket } from 'node:net'
import { watchHttp } from './watch-http.ts'
import { watchImap } from './watch-imap.ts'
import { watchPop3 } from './watch-pop3.ts'
import { watchPostgres } from './watch-postgres.ts'
import { watchSmtp } from './watch-smtp.ts'
import type { Pass, Tell, Watch } from './watched-wire.ts'

/** The k-th from `arm` on, one by its name, or the nth of a name. */
export type Moment = number | RegExp | { name: string; nth: number }

/**
 * Stands between an engine and its two peers, or between the API, who asks it and its database, and knows the moments at which a
 * kill matters: before and after every exchange and every durable commit. Armed for one of them, `onReach` is called there, before
 * anything passes. When it answers `end`, nothing does any more, in neither direction.
 */
export type KillPoints = {
  mailPort: number
  databaseUrl: string
  arm: (moment: Moment, onReach: () => 'end' | 'go on') => void
  /** Ends the armed state; answers which moments passed since `arm` and which one was reached, if any. */
  disarm: () => { passed: string[]; reached: string | null }
  /** Sessions with the mail server that are open now. */
  mailSessions: () => number
  stop: () => Promise<void>
}

export type Peers = {
  mail: { protocol: 'imap' | 'pop3' | 'smtp' | 'http'; port: number }
  databaseUrl: string
  /** Told of everything in its order. */
  tell?: Tell
}

export const startKillPoints = async ({ mail, databaseUrl, tell = () => undefined }: Peers): Promise<KillPoints> => {
  let passed: string[] = []
  let armed: { moment: Moment; onReach: () => 'end' | 'go on' } | undefined
  let reached: string | null = null
  let isOver = false
  const pairs = new Map<[Socket, Socket], number>()
  const isReached = (moment: Moment, what: string): boolean => {
    if (typeof moment === 'number') return passed.length === moment
    if (moment instanceof RegExp) return moment.test(what)
    return what === moment.name && passed.filter((name) => name === what).length === moment.nth
  }
  const pass: Pass = (what) => {
    passed.push(what)
    if (!armed || !isReached(armed.moment, what)) return true
    const { onReach } = armed
    armed = undefined
    reached = what
    isOver = onReach() === 'end'
    return !isOver
  }
  /** After the last bytes before the end, as those of a process that is killed still leave. */
  const endIfOver = () => {
    if (!isOver) return
    isOver = false
    for (const pair of pairs.keys()) for (const socket of pair) socket.destroy()
  }
  let sessions = 0
  const door = async (port: number, watch: (session: number) => Watch): Promise<Server> => {
    const server = createServer((client) => {
      const upstream = netConnect({ host: '127.0.0.1', port })
      const pair: [Socket, Socket] = [client, upstream]
      const { toServer, toClient } = watch(sessions++)
      pairs.set(pair, port)
      for (const socket of pair)
        socket
          .on('error', () => undefined)
          .on('close', () => {
            pairs.delete(pair)
            for (const end of pair) end.destroy()
          })
      client.on('data', (bytes) => {
        upstream.write(toServer(bytes))
        endIfOver()
      })
      upstream.on('data', (bytes) => {
        client.write(toClient(bytes))
        endIfOver()
      })
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return server
  }
  const postgres = new URL(databaseUrl)
  const watches = {
    imap: () => watchImap(pass),
    pop3: (session: number) => watchPop3(pass, session, tell),
    smtp: (session: number) => watchSmtp(pass, session, tell),
    http: () => watchHttp(pass),
  }
  const doors = [
    await door(mail.port, watches[mail.protocol]),
    await door(Number(postgres.port), () => watchPostgres(pass, tell)),
  ] as const
  const portOf = (server: Server): number => {
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }
  postgres.port = String(portOf(doors[1]))
  return {
    mailPort: portOf(doors[0]),
    databaseUrl: postgres.toString(),
    arm: (moment, onReach) => {
      passed = []
      reached = null
      armed = { moment, onReach }
    },
    disarm: () => {
      armed = undefined
      return { passed: [...passed], reached }
    },
    mailSessions: () => [...pairs.values()].filter((port) => port === mail.port).length,
    stop: async () => {
      for (const pair of pairs.keys()) for (const socket of pair) socket.destroy()
      await Promise.all(doors.map((server) => new Promise((done) => server.close(done))))
    },
  }
}
