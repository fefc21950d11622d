import type { Server as HttpServer } from 'node:http'
import { type Change, focusRequest, resumeRequest } from '@postern/shared/changes.ts'
import { Server, type Socket } from 'socket.io'
import { type Claim, requireKnownHost, requireOwnOrigin } from '#auth/request-guard.ts'
import type { ChangeFact } from '#events/change-facts.ts'
import type { Logger } from '#platform/logger.ts'
import { changeChannel, engineChannel, sessionsEndedNotice } from '#store/notify.ts'
import type { Store, Tx } from '#store/open-store.ts'
import { markPresent, presenceSignMs } from '#store/presence.ts'
import { findStreamEnd, readChanges } from '#store/read-changes.ts'
import type { Ask } from '#store/reader.ts'
import { isLiveSession, type SessionUser } from '#store/sessions.ts'
import { ScreenFocus } from './screen-focus.ts'

/**
 * Pushes the change log to the browsers that may see it. A socket follows its person's stream and those of their
 * accounts; a batch is read and presented once per stream, not per socket. Delivery is at most once: a client that missed
 * something says where it stands (`resume`) and gets the rest, or `reset`.
 */
export type RealtimeDeps = {
  store: Store
  logger: Logger
  publicUrl: URL | null
  authenticate: (cookieHeader: string | undefined) => Promise<SessionUser | null>
  claimOf: (headers: Record<string, string | string[] | undefined>, isEncrypted: boolean) => Claim
  present: (
    ask: Ask,
    stream: { accountId: bigint | null; userId: bigint | null },
    facts: ChangeFact[],
  ) => Promise<Change[]>
  onFocus: (accountId: bigint, screen: string, mailboxIds: bigint[]) => Promise<void>
}

const lookEveryMs = 5000
const batchLimit = 500
const maxBehind = 5000

type Tail = {
  name: string
  accountId: bigint | null
  userId: bigint | null
  streamId: bigint
  seq: bigint
  sockets: Set<Socket>
  /** Follow it, and know nothing of it yet. */
  newcomers: Set<Socket>
  isReading: boolean
  isHinted: boolean
}

type Missed = { isReset: boolean; seq: string; changes: Change[] }

export const startRealtime = (
  http: HttpServer,
  deps: RealtimeDeps,
): { close: () => Promise<void>; connections: () => number } => {
  const io = new Server(http, {
    transports: ['websocket'],
    maxHttpBufferSize: 64 * 1024,
    serveClient: false,
    allowRequest: (request, answer) => {
      try {
        const claim = deps.claimOf(request.headers, 'encrypted' in request.socket)
        requireKnownHost(claim.host, deps.publicUrl)
        requireOwnOrigin(claim, deps.publicUrl)
        deps.authenticate(request.headers.cookie).then(
          (user) => answer(user ? null : 'auth.required', user !== null),
          () => answer('internal', false),
        )
      } catch {
        answer('request.origin_refused', false)
      }
    },
  })
  const tails = new Map<string, Tail>()
  const ask = deps.store.readTogether
  const focus = new ScreenFocus(deps)

  const openTail = async (name: string, tx: Tx): Promise<Tail | null> => {
    const known = tails.get(name)
    if (known) return known
    const [kind, id = '0'] = name.split(':')
    const owner = kind === 'user' ? { userId: BigInt(id) } : { accountId: BigInt(id) }
    const end = await findStreamEnd(tx, owner)
    if (!end) return null
    const again = tails.get(name)
    if (again) return again
    const tail: Tail = {
      name,
      accountId: kind === 'user' ? null : BigInt(id),
      userId: kind === 'user' ? BigInt(id) : null,
      ...end,
      sockets: new Set(),
      newcomers: new Set(),
      isReading: false,
      isHinted: false,
    }
    tails.set(name, tail)
    return tail
  }

  const read = async (tail: Tail): Promise<void> => {
    if (tail.isReading) {
      tail.isHinted = true
      return
    }
    tail.isReading = true
    try {
      do {
        tail.isHinted = false
        await readOnce(tail)
      } while (tail.isHinted)
    } catch (error) {
      deps.logger.warn({ err: error, stream: tail.name }, 'a stream was not read; the next look will')
    } finally {
      tail.isReading = false
    }
  }

  const readOnce = async (tail: Tail): Promise<void> => {
    // In turn with the changes: a state that was read before one of them is never sent after it.
    for (const socket of tail.newcomers) {
      await sendPresent(socket, tail)
      tail.newcomers.delete(socket)
    }
    for (let more = true; more && tail.sockets.size > 0; ) {
      const page = await readChanges(ask, tail.streamId, tail.seq, batchLimit)
      const changes = await deps.present(ask, tail, page.facts)
      more = page.hasMore
      if (page.seq === tail.seq) return
      tail.seq = page.seq
      for (const socket of tail.sockets)
        socket.emit('changes', { stream: tail.name, seq: page.seq.toString(), changes })
      if (tail.userId !== null && changes.some(({ kind }) => kind === 'account')) await followNewAccounts(tail)
    }
  }

  /** A person added an account: their sockets follow it too. */
  const followNewAccounts = async (tail: Tail): Promise<void> => {
    for (const socket of tail.sockets) await follow(socket, {}, { isLate: true })
  }

  const streamsOf = async (tx: Tx, userId: bigint): Promise<string[]> => {
    const accounts = await tx.account.findMany({ where: { userId, disconnectedAt: null }, select: { id: true } })
    return [`user:${userId}`, ...accounts.map(({ id }) => `account:${id}`)]
  }

  /** Joins every stream of the person; answers where each stands and which are too far behind. */
  const follow = async (
    socket: Socket,
    since: Record<string, string>,
    { isLate = false } = {},
  ): Promise<{ streams: Record<string, string>; reset: string[] }> => {
    const user = userOf(socket)
    const streams: Record<string, string> = {}
    const reset: string[] = []
    for (const name of await deps.store.readSystem((tx) => streamsOf(tx, user.userId))) {
      const joined = await join(socket, name, since[name])
      if (!joined) continue
      const { tail, isNew, missed } = joined
      if (isLate && isNew) tail.newcomers.add(socket)
      if (missed?.isReset) reset.push(name)
      else if (missed && missed.changes.length > 0)
        socket.emit('changes', { stream: name, seq: missed.seq, changes: missed.changes })
      streams[name] = missed && !missed.isReset ? missed.seq : tail.seq.toString()
      void read(tail)
    }
    return { streams, reset }
  }

  type Joined = { tail: Tail; isNew: boolean; missed: Missed | null }
  /**
   * From here on the tail tells the socket of what comes. While its past was read the stream may have gone on, its last
   * other follower may have left, and the socket itself may have ended. Null: there is nothing, or nobody, to follow.
   */
  const join = async (socket: Socket, name: string, since: string | undefined): Promise<Joined | null> => {
    for (let missed: Missed | null = null; ; ) {
      const tail = await deps.store.readSystem((tx) => openTail(name, tx))
      const isNew = tail !== null && !tail.sockets.has(socket)
      if (tail && isNew && since !== undefined)
        while (missed === null || BigInt(missed.seq) < tail.seq) missed = await catchUp(tail, BigInt(since))
      if (!tail || !socket.connected) return null
      if (tails.get(name) !== tail) continue
      tail.sockets.add(socket)
      return { tail, isNew, missed }
    }
  }

  /** What came before the socket followed this account: its state and its tree, as they are now. */
  const sendPresent = async (socket: Socket, tail: Tail): Promise<void> => {
    const { accountId } = tail
    if (accountId === null) return
    const rows = await deps.store.readSystem((tx) =>
      tx.mailbox.findMany({ where: { accountId }, select: { id: true } }),
    )
    const mailboxIds = rows.map(({ id }) => id.toString())
    const changes = await deps.present(ask, tail, [
      { kind: 'account', accountId: accountId.toString() },
      { kind: 'mailboxes', mailboxIds, removed: [] },
    ])
    socket.emit('changes', { stream: tail.name, seq: tail.seq.toString(), changes })
  }

  const catchUp = async (tail: Tail, since: bigint): Promise<Missed> => {
    const page = await readChanges(ask, tail.streamId, since, maxBehind)
    if (page.isReset || page.hasMore) return { isReset: true, seq: tail.seq.toString(), changes: [] }
    return { isReset: false, seq: page.seq.toString(), changes: await deps.present(ask, tail, page.facts) }
  }

  const leave = (socket: Socket): void => {
    for (const [name, tail] of tails) {
      tail.sockets.delete(socket)
      tail.newcomers.delete(socket)
      if (tail.sockets.size === 0) tails.delete(name)
    }
  }

  io.on('connection', async (socket) => {
    const user = await deps.authenticate(socket.handshake.headers.cookie).catch(() => undefined)
    if (user === undefined) return cut(socket)
    if (user === null) return signOut(socket)
    socket.data.user = user
    // The engine looks at all mailboxes of those who look at them.
    markPresent(deps.store, [user.userId]).then(
      () => deps.store.notifier.notify(engineChannel, 'present'),
      () => undefined,
    )
    socket.on('disconnect', () => {
      leave(socket)
      focus.end(socket.id, user.userId)
    })
    socket.on('resume', (body: unknown, reply: unknown) => {
      const parsed = resumeRequest.safeParse(body)
      if (!parsed.success || typeof reply !== 'function') return
      follow(socket, parsed.data.since).then(
        (answer) => reply(answer),
        (error: unknown) => {
          deps.logger.warn({ err: error }, 'a socket could not resume')
          cut(socket)
        },
      )
    })
    socket.on('focus', (body: unknown) => {
      const parsed = focusRequest.safeParse(body)
      if (parsed.success) focus.show(socket.id, user.userId, parsed.data.mailboxIds.map(BigInt))
    })
    // Listeners stand: the client may speak now.
    socket.emit('ready')
  })

  const unlisten = deps.store.notifier.listen(
    changeChannel,
    (payload) => {
      if (payload === sessionsEndedNotice) void lookNow()
      const tail = tails.get(payload)
      if (tail) void read(tail)
    },
    () => {
      for (const tail of tails.values()) void read(tail)
    },
  )
  /** Looks by itself, and ends sockets whose session is over. */
  const look = async (): Promise<void> => {
    for (const tail of tails.values()) void read(tail)
    for (const socket of await io.fetchSockets()) {
      const user = socket.data.user as SessionUser | undefined // set by us at connection
      if (!user || (await deps.store.readSystem((tx) => isLiveSession(tx, user.sessionId)))) continue
      signOut(socket)
    }
  }
  let signedAt = Date.now()
  /** One statement for everybody who is there. */
  const signPresence = async (): Promise<void> => {
    if (Date.now() - signedAt < presenceSignMs) return
    signedAt = Date.now()
    const present = [...io.sockets.sockets.values()].flatMap(({ data }) => (data.user as SessionUser | undefined) ?? []) // set by us at connection
    await markPresent(deps.store, [...new Set(present.map(({ userId }) => userId))])
  }
  const lookNow = () =>
    Promise.all([look(), signPresence()]).catch((error: unknown) => deps.logger.debug({ err: error }, 'a look failed'))
  const timer = setInterval(lookNow, lookEveryMs)

  return {
    connections: () => io.engine.clientsCount,
    close: async () => {
      clearInterval(timer)
      unlisten()
      io.disconnectSockets(true)
      io.engine.close()
    },
  }
}

/** The client sees its line break, and comes back by itself. */
const cut = (socket: Socket): void => socket.conn.close()
/** The client stays away until somebody signs in. */
const signOut = (socket: { emit: (event: 'signedOut') => unknown; disconnect: (isClosed: true) => unknown }): void => {
  socket.emit('signedOut')
  socket.disconnect(true)
}
const userOf = (socket: Socket): SessionUser => socket.data.user as SessionUser // set at connection, before any listener
