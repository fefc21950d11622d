import { createServer, connect as netConnect, type Socket } from 'node:net'

/**
 * A TCP proxy in front of a mail server that does what real networks and real servers do and a well-behaved one cannot be
 * made to: ends connections at a chosen byte or line, stalls, cuts everything to single bytes, changes what is said.
 */
export type Direction = 'toServer' | 'toClient'

export type Rule = {
  /** From whom the line or the bytes come that set it off. */
  direction: Direction
  /** The line that sets it off; without its CRLF. */
  line?: RegExp
  /** The tagged answer to a command that fits. Needs `direction: 'toClient'`. */
  answerTo?: RegExp
  /** Exactly so many bytes of this direction pass before it acts. */
  afterBytes?: number
  /** Drop the connection, before the line passes. FIN or RST. */
  act:
    | 'close'
    | 'reset'
    /** Nothing passes any more in either direction, yet both sockets stay open and read. */
    | 'stall'
    /** From here on every byte of this direction is a segment of its own. */
    | 'split'
    /** The line is left out. */
    | 'swallow'
    /** What the line becomes; may hold several lines, or be the same. */
    | ((line: string) => string)
    | { delayMs: number }
  /** How often it acts, over all connections. Default: once for drops and stalls, without end for the others. */
  times?: number
}

export type FaultProxy = {
  port: number
  add: (rule: Rule) => { remove: () => void; acted: () => number }
  /** How fast bytes of this direction pass from now on, over each connection. */
  throttle: (direction: Direction, bytesPerSecond: number) => void
  /** Takes every rule and throttle back; what stalled stays stalled. */
  clear: () => void
  /** How many connections there were, and how many stand. */
  connections: () => { made: number; open: number }
  /** Everything that passed, as latin1; the connections one after another. */
  said: (direction: Direction) => string
  stop: () => Promise<void>
}

type Speeds = Record<Direction, number>
type Live = { rule: Rule; left: number; acted: number }
type Pair = { client: Socket; server: Socket; isStalled: boolean; recorded: Record<Direction, Buffer[]> }

/** A record is only for looking at afterwards: a throttled or huge transfer must not fill the memory. */
const maxRecordedBytes = 4 * 1024 * 1024

const leastPauseMs = 5

export const startFaultProxy = async (port: number): Promise<FaultProxy> => {
  const pairs: Pair[] = []
  let rules: Live[] = []
  const speeds: Speeds = { toServer: Number.POSITIVE_INFINITY, toClient: Number.POSITIVE_INFINITY }
  const server = createServer((client) => {
    const upstream = netConnect({ host: '127.0.0.1', port, noDelay: true })
    client.setNoDelay(true)
    const pair: Pair = { client, server: upstream, isStalled: false, recorded: { toServer: [], toClient: [] } }
    pairs.push(pair)
    const commands = new Map<string, string>()
    const flows = {
      toServer: new Flow('toServer', pair, () => rules, speeds, commands),
      toClient: new Flow('toClient', pair, () => rules, speeds, commands),
    }
    client.on('data', (bytes) => flows.toServer.take(bytes))
    upstream.on('data', (bytes) => flows.toClient.take(bytes))
    for (const [from, to, flow] of [
      [client, upstream, flows.toServer],
      [upstream, client, flows.toClient],
    ] as const) {
      from.on('error', () => to.destroy())
      from.on('end', () => flow.finish())
      from.on('close', () => {
        if (!pair.isStalled) flow.finish()
      })
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    add: (rule) => {
      refuseIdle(rule)
      const isOnce = typeof rule.act === 'string' && rule.act !== 'split' && rule.act !== 'swallow'
      const live: Live = { rule, left: rule.times ?? (isOnce ? 1 : Number.POSITIVE_INFINITY), acted: 0 }
      rules.push(live)
      return {
        remove: () => {
          rules = rules.filter((other) => other !== live)
        },
        acted: () => live.acted,
      }
    },
    throttle: (direction, bytesPerSecond) => {
      speeds[direction] = bytesPerSecond
    },
    clear: () => {
      rules = []
      speeds.toServer = Number.POSITIVE_INFINITY
      speeds.toClient = Number.POSITIVE_INFINITY
    },
    connections: () => ({ made: pairs.length, open: pairs.filter(({ client }) => !client.destroyed).length }),
    said: (direction) =>
      pairs.map(({ recorded }) => Buffer.concat(recorded[direction]).toString('latin1')).join('\n--\n'),
    stop: async () => {
      for (const { client, server: upstream } of pairs) {
        client.destroy()
        upstream.destroy()
      }
      await new Promise((done) => server.close(done))
    },
  }
}

/** A rule that nothing can set off would make a test of nothing. */
const refuseIdle = ({ direction, line, answerTo, afterBytes, act }: Rule): void => {
  if (!line && !answerTo && afterBytes === undefined)
    throw new Error('A rule needs the line, the answer or the byte that sets it off.')
  if (answerTo && direction !== 'toClient') throw new Error('Answers go to the client.')
  if (afterBytes !== undefined && (act === 'swallow' || typeof act === 'function'))
    throw new Error('Only lines are left out or changed.')
}

/** One direction of one connection: bytes come in, become lines where a rule wants lines, and go out. */
class Flow {
  readonly #direction: Direction
  readonly #pair: Pair
  readonly #rules: () => Live[]
  readonly #speeds: Speeds
  /** Commands of the client by tag, to know which answer belongs to which. */
  readonly #commands: Map<string, string>
  #pending: Buffer = Buffer.alloc(0)
  #passed = 0
  /** Rules about a byte act once in each connection. */
  readonly #cuts = new Set<Live>()
  #recordedBytes = 0
  #owedMs = 0
  #isSplit = false
  #sending: Promise<void> = Promise.resolve()

  constructor(direction: Direction, pair: Pair, rules: () => Live[], speeds: Speeds, commands: Map<string, string>) {
    this.#direction = direction
    this.#pair = pair
    this.#rules = rules
    this.#speeds = speeds
    this.#commands = commands
  }

  take(bytes: Buffer): void {
    if (this.#pair.isStalled) return
    this.#pending = this.#pending.length === 0 ? bytes : Buffer.concat([this.#pending, bytes])
    for (;;) {
      const end = this.#pending.indexOf('\n')
      if (end < 0) break
      const line = this.#pending.subarray(0, end + 1)
      this.#pending = this.#pending.subarray(end + 1)
      this.#line(line)
      if (this.#pair.isStalled || this.#pair.client.destroyed) return
    }
    // Without a rule about lines nothing is held back, so that a literal passes as it comes.
    if (!this.#own().some(({ rule }) => rule.line || rule.answerTo)) this.#flush()
  }

  finish(): void {
    this.#flush()
    const to = this.#target()
    this.#sending = this.#sending.then(() => void to.end())
  }

  #flush(): void {
    const rest = this.#pending
    this.#pending = Buffer.alloc(0)
    if (rest.length > 0) this.#pass(rest)
  }

  #own(): Live[] {
    return this.#rules().filter(({ rule, left }) => rule.direction === this.#direction && left > 0)
  }

  #target(): Socket {
    return this.#direction === 'toServer' ? this.#pair.server : this.#pair.client
  }

  #line(bytes: Buffer): void {
    const line = bytes.toString('latin1').replace(/\r?\n$/, '')
    const [tag = '', ...rest] = line.split(' ')
    if (this.#direction === 'toServer') this.#commands.set(tag, rest.join(' '))
    const live = this.#own().find(
      ({ rule }) =>
        rule.line?.test(line) ||
        (rule.answerTo && tag !== '*' && tag !== '+' && rule.answerTo.test(this.#commands.get(tag) ?? '')),
    )
    if (!live) {
      this.#pass(bytes)
      return
    }
    const { act } = live.rule
    live.left--
    live.acted++
    if (act === 'swallow') return
    if (typeof act === 'function') this.#pass(Buffer.from(`${act(line)}\r\n`, 'latin1'))
    else {
      this.#act(act)
      if (act === 'split' || typeof act === 'object') this.#pass(bytes)
    }
  }

  #act(act: Exclude<Rule['act'], 'swallow' | ((line: string) => string)>): void {
    const { client, server } = this.#pair
    if (act === 'stall') this.#pair.isStalled = true
    else if (act === 'split') this.#isSplit = true
    else if (act === 'close' || act === 'reset') {
      // What passed before is delivered first; nothing after it.
      this.#pair.isStalled = true
      this.#sending = this.#sending.then(() => {
        server.destroy()
        if (act === 'reset') client.resetAndDestroy()
        else client.end(() => client.destroy())
      })
    } else {
      const { delayMs } = act
      this.#sending = this.#sending.then(() => new Promise((done) => setTimeout(done, delayMs)))
    }
  }

  #pass(bytes: Buffer): void {
    const cut = this.#own().find(
      (live) =>
        !this.#cuts.has(live) && this.#passed + bytes.length > (live.rule.afterBytes ?? Number.POSITIVE_INFINITY),
    )
    const before = cut ? Math.max(0, (cut.rule.afterBytes ?? 0) - this.#passed) : bytes.length
    this.#send(bytes.subarray(0, before))
    this.#passed += before
    if (!cut) return
    this.#cuts.add(cut)
    cut.left--
    cut.acted++
    const { act } = cut.rule
    if (act !== 'swallow' && typeof act !== 'function') this.#act(act)
    if (!this.#pair.isStalled) this.#pass(bytes.subarray(before))
  }

  /** Timers are too coarse for single lines: what these are owed is waited for together. */
  async #pace(ms: number): Promise<void> {
    this.#owedMs += ms
    if (this.#owedMs < leastPauseMs) return
    const pauseMs = this.#owedMs
    this.#owedMs = 0
    await new Promise((done) => setTimeout(done, pauseMs))
  }

  #send(bytes: Buffer): void {
    if (bytes.length === 0) return
    const to = this.#target()
    const isSplit = this.#isSplit
    this.#sending = this.#sending.then(async () => {
      if (this.#recordedBytes < maxRecordedBytes) this.#pair.recorded[this.#direction].push(bytes)
      this.#recordedBytes += bytes.length
      for (let at = 0; at < bytes.length && !to.destroyed; ) {
        const speed = this.#speeds[this.#direction]
        const part = bytes.subarray(at, at + (isSplit ? 1 : Math.min(bytes.length, Math.ceil(speed / 20))))
        at += part.length
        to.write(part)
        if (Number.isFinite(speed)) await this.#pace((part.length / speed) * 1000)
        // The next turn of the loop: else the kernel would join the segments again.
        else if (at < bytes.length) await new Promise(setImmediate)
      }
    })
  }
}
