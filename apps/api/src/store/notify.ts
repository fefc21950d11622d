import pg from 'pg'

/**
 * LISTEN/NOTIFY as a hint, never as the truth: whoever listens also looks by itself every few seconds. Notices are sent
 * after commit, because a NOTIFY inside a transaction takes a database-wide lock at commit.
 */
/** Payload: the wire name of a stream that grew, `account:<id>` or `user:<id>`. */
export const changeChannel = 'postern_changes'
/** A payload of its own on that channel: some sessions are over, their sockets end now. */
export const sessionsEndedNotice = 'sessions-ended'
/** Payload: `<accountId>` when its worker has something to look at; other payloads belong to engine/. */
export const engineChannel = 'postern_engine'
/** A payload of its own on that channel: somebody was removed, and what is stored of them goes. */
export const eraseNotice = 'erase'
/** A payload of its own on that channel: the owner's relay is another one now, or gone. */
export const relayNotice = 'relay'
/** A payload on that channel: the account was edited, paused, removed or changed its protocol; its worker starts anew. */
export const restartNotice = (accountId: bigint): string => `${restartPrefix}${accountId}`
export const restartPrefix = 'restart:'
type Channel = typeof changeChannel | typeof engineChannel

export type Notifier = {
  /** Calls back with each payload. `onGap` is called after a lost connection: look for yourself. */
  listen: (channel: Channel, onPayload: (payload: string) => void, onGap: () => void) => () => void
  /** Sends payloads soon, each distinct one once per turn; a failure is not an error, only a later look. */
  notify: (channel: Channel, payload: string) => void
  close: () => Promise<void>
}

const reconnectDelayMs = 1000

export const createNotifier = async (databaseUrl: string, sessionName = 'postern-notify'): Promise<Notifier> => {
  const listeners = new Set<{ channel: Channel; onPayload: (payload: string) => void; onGap: () => void }>()
  const waiting = new Map<Channel, Set<string>>()
  let client: pg.Client | undefined
  let flushing = false
  let isClosed = false
  let retry: NodeJS.Timeout | undefined

  const connect = async (): Promise<void> => {
    const next = new pg.Client({ connectionString: databaseUrl, keepAlive: true, application_name: sessionName })
    next.on('error', () => lose(next))
    next.on('end', () => lose(next))
    next.on('notification', ({ channel, payload }) => {
      for (const listener of listeners) if (listener.channel === channel) listener.onPayload(payload ?? '')
    })
    await next.connect()
    await next.query(`LISTEN ${changeChannel}; LISTEN ${engineChannel}`)
    client = next
  }

  const lose = (lost: pg.Client): void => {
    if (client !== lost || isClosed) return
    client = undefined
    scheduleReconnect()
  }

  const scheduleReconnect = (): void => {
    if (isClosed || retry) return
    retry = setTimeout(() => {
      retry = undefined
      connect().then(
        () => {
          for (const listener of listeners) listener.onGap()
        },
        () => scheduleReconnect(),
      )
    }, reconnectDelayMs)
  }

  const flush = async (): Promise<void> => {
    flushing = true
    try {
      while (waiting.size > 0 && client) {
        const channels: string[] = []
        const payloads: string[] = []
        for (const [channel, set] of waiting) {
          for (const payload of set) {
            channels.push(channel)
            payloads.push(payload)
          }
        }
        waiting.clear()
        await client.query('SELECT pg_notify(c, p) FROM unnest($1::text[], $2::text[]) AS t (c, p)', [
          channels,
          payloads,
        ])
      }
    } finally {
      // In one turn with the last look: a notice given between the two would stay until the next one.
      flushing = false
    }
  }

  await connect()
  return {
    listen: (channel, onPayload, onGap) => {
      const listener = { channel, onPayload, onGap }
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    notify: (channel, payload) => {
      const set = waiting.get(channel) ?? new Set()
      waiting.set(channel, set.add(payload))
      // A lost notice costs the listener's next own look, nothing else.
      if (!flushing) flush().catch(() => undefined)
    },
    close: async () => {
      isClosed = true
      clearTimeout(retry)
      await client?.end()
    },
  }
}
