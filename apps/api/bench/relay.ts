import { connect, createServer, type Socket } from 'node:net'

/**
 * A wire between Postern and a mail server without TLS that notes when a session leaves IDLE and when it is back in it:
 * what a round of "is anything new" takes on a live connection, without asking the product for its own opinion.
 */
export type Wire = { port: number; close: () => Promise<void> }
export type Relay = Wire & {
  /** The next round: milliseconds from DONE to the IDLE after it. */
  nextRound: () => Promise<number>
}

export const startRelay = async (serverPort: number): Promise<Relay> => {
  const open = new Set<Socket>()
  const waiting: ((ms: number) => void)[] = []
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: serverPort })
    let leftIdleAt: number | undefined
    client.setNoDelay(true)
    upstream.setNoDelay(true)
    client.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      if (/(^|\n)DONE\r\n/i.test(text)) leftIdleAt = performance.now()
      if (/(^|\n)\S+ IDLE\r\n/i.test(text) && leftIdleAt !== undefined) {
        const ms = performance.now() - leftIdleAt
        for (const tell of waiting.splice(0)) tell(ms)
        leftIdleAt = undefined
      }
    })
    client.pipe(upstream)
    upstream.pipe(client)
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        open.delete(socket)
        client.destroy()
        upstream.destroy()
      })
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    nextRound: () => new Promise((done) => waiting.push(done)),
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}

/** A wire that may be slow: what the server says passes at this pace, and the server has to wait. */
export const startWire = async (
  serverPort: number,
  {
    bytesPerSecond = Number.POSITIVE_INFINITY,
    onConnect = () => {},
  }: { bytesPerSecond?: number; onConnect?: () => void },
): Promise<Wire> => {
  const open = new Set<Socket>()
  const server = createServer({ noDelay: true }, (client) => {
    onConnect()
    const upstream = connect({ host: '127.0.0.1', port: serverPort, noDelay: true })
    client.pipe(upstream)
    upstream.on('data', (chunk: Buffer) => {
      client.write(chunk)
      if (bytesPerSecond === Number.POSITIVE_INFINITY) return
      upstream.pause()
      setTimeout(() => upstream.resume(), (chunk.length / bytesPerSecond) * 1000)
    })
    upstream.on('end', () => client.end())
    for (const socket of [client, upstream]) {
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => open.delete(socket))
    }
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    close: async () => {
      for (const socket of open) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}
