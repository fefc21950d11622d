import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** A submission server that takes everything as fast as it comes, and keeps of a mail when its end came, and its size. */
export type Sink = {
  port: number
  /** By the Message-ID of the mail, with its brackets: when the answer to its end was written (performance.now()). */
  taken: Map<string, { at: number; bytes: number }>
  close: () => Promise<void>
}

const endOfMail = Buffer.from('\r\n.\r\n')
const headBytes = 8192

export const startSink = async (): Promise<Sink> => {
  const taken: Sink['taken'] = new Map()
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    let mail: { head: Buffer; tail: Buffer; bytes: number } | null = null
    const answer = (line: string): string => {
      const verb = line.slice(0, 4).toUpperCase()
      if (verb === 'EHLO')
        return '250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SIZE 100000000\r\n250 AUTH PLAIN'
      if (verb === 'AUTH') return '235 ok'
      if (verb !== 'DATA') return verb === 'QUIT' ? '221 bye' : '250 ok'
      mail = { head: Buffer.alloc(0), tail: Buffer.from('\r\n'), bytes: 0 }
      return '354 go on'
    }
    socket.on('data', (bytes) => {
      if (!mail) {
        for (const line of bytes.toString('latin1').split('\r\n').filter(Boolean)) socket.write(`${answer(line)}\r\n`)
        return
      }
      mail.bytes += bytes.length
      if (mail.head.length < headBytes) mail.head = Buffer.concat([mail.head, bytes.subarray(0, headBytes)])
      const end = Buffer.concat([mail.tail, bytes.subarray(-endOfMail.length)])
      mail.tail = end.subarray(-(endOfMail.length - 1))
      if (!end.includes(endOfMail)) return
      socket.write('250 ok\r\n')
      const id = /^message-id:\s*(<[^>]+>)/im.exec(mail.head.toString('latin1'))?.[1] ?? ''
      taken.set(id, { at: performance.now(), bytes: mail.bytes })
      mail = null
    })
    socket.write('220 sink.example ESMTP\r\n')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    taken,
    close: async () => {
      const closed = [...sockets].map((socket) => once(socket, 'close'))
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
      await new Promise((done) => server.close(done))
    },
  }
}
