import { createServer, type Socket } from 'node:net'

/** `next` takes the line that follows, for dialogues such as AUTH. */
export type Deed = (socket: Socket, args: string, next: (take: (line: string) => unknown) => void) => unknown
/** What a server does to each command by name; whatever is not named is answered as a small, honest server would. */
export type Script = { greeting?: (socket: Socket) => unknown; mails?: (string | Buffer)[]; on?: Record<string, Deed> }
export type ScriptedPop3 = {
  port: number
  /** Every line that came, as sent. */
  said: string[]
  /** The same by what came together. */
  segments: string[]
  /** So many connections stand. */
  open: () => number
  stop: () => Promise<void>
}

export const listing = (...lines: string[]): string => `+OK\r\n${lines.map((line) => `${line}\r\n`).join('')}.\r\n`
export const capable = (...lines: string[]): Deed => {
  return (socket) => socket.write(listing('TOP', 'UIDL', 'RESP-CODES', ...lines))
}
export const refuse = (text: string): Deed => {
  return (socket) => socket.write(`-ERR ${text}\r\n`)
}
const ok: Deed = (socket) => socket.write('+OK\r\n')

/** A mail as a multi-line answer: the last line ended, dots doubled. RFC 1939 3. */
export const answerOf = (mail: string | Buffer): Buffer => {
  const text = Buffer.from(mail).toString('latin1')
  const whole = text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`
  return Buffer.from(`+OK\r\n${whole.replace(/(^|\r\n)\./g, '$1..')}.\r\n`, 'latin1')
}

const honest = (mails: (string | Buffer)[]): Record<string, Deed> => {
  const numbered = (row: (mail: string | Buffer, n: number) => string): Deed => {
    return (socket) => socket.write(listing(...mails.map((mail, i) => row(mail, i + 1))))
  }
  const give: Deed = (socket, args) => {
    const mail = mails[Number.parseInt(args, 10) - 1]
    socket.write(mail === undefined ? '-ERR no such message\r\n' : answerOf(mail))
  }
  const bytes = mails.reduce((sum, mail) => sum + Buffer.byteLength(mail), 0)
  return {
    CAPA: capable('USER', 'PIPELINING', 'SASL PLAIN'),
    AUTH: (socket, _args, next) => {
      socket.write('+ \r\n')
      next(() => socket.write('+OK\r\n'))
    },
    STAT: (socket) => socket.write(`+OK ${mails.length} ${bytes}\r\n`),
    LIST: numbered((mail, n) => `${n} ${Buffer.byteLength(mail)}`),
    UIDL: numbered((_mail, n) => `${n} uid-${n}`),
    RETR: give,
    TOP: give,
    QUIT: (socket) => socket.end('+OK\r\n'),
  }
}

/** A POP3 server that does what a real one cannot be made to do. */
export const startScriptedPop3 = async (script: Script): Promise<ScriptedPop3> => {
  const sockets = new Set<Socket>()
  const said: string[] = []
  const segments: string[] = []
  const usual = honest(script.mails ?? [])
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    let pending = ''
    let taker: ((line: string) => unknown) | undefined
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      segments.push(bytes.toString('utf8'))
      const lines = (pending + bytes.toString('utf8')).split('\r\n')
      pending = lines.pop() ?? ''
      for (const line of lines) {
        said.push(line)
        const take = taker
        taker = undefined
        if (take) {
          take(line)
          continue
        }
        const [name = '', ...words] = line.split(' ')
        const deed = script.on?.[name] ?? usual[name] ?? ok
        deed(socket, words.join(' '), (next) => {
          taker = next
        })
      }
    })
    if (script.greeting) script.greeting(socket)
    else socket.write('+OK ready\r\n')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    said,
    segments,
    open: () => sockets.size,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}
