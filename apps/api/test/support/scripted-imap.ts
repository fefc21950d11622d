import { createServer, type Socket } from 'node:net'

const capability = '* CAPABILITY IMAP4rev1 IDLE CONDSTORE LIST-EXTENDED LIST-STATUS ESEARCH ACL UIDPLUS\r\n'
export const smallInbox =
  '* LIST () "/" INBOX\r\n* STATUS INBOX (MESSAGES 3 UNSEEN 3 UIDNEXT 4 UIDVALIDITY 1 HIGHESTMODSEQ 5)\r\n'
export const opened =
  '* 3 EXISTS\r\n* OK [UIDVALIDITY 1] x\r\n* OK [UIDNEXT 4] x\r\n* OK [HIGHESTMODSEQ 5] x\r\n* OK [PERMANENTFLAGS (\\*)] x\r\n'

export type Deed = (socket: Socket, tag: string, args: string, isUid: boolean) => unknown
/** What a server does to each command by name; whatever is not named is answered as a small, honest server would. */
export type Script = { greeting?: (socket: Socket) => unknown; on?: Record<string, Deed> }
const honest: Record<string, Deed> = {
  CAPABILITY: (socket, tag) => socket.write(`${capability}${tag} OK x\r\n`),
  LOGIN: (socket, tag) => socket.write(`${tag} OK x\r\n`),
  LIST: (socket, tag) => socket.write(`${smallInbox}${tag} OK x\r\n`),
  SELECT: (socket, tag) => socket.write(`${opened}${tag} OK [READ-WRITE] x\r\n`),
  IDLE: (socket) => socket.write('+ idling\r\n'),
}

export type ScriptedImap = { port: number; stop: () => Promise<void> }

/** A mail server that does what a real one cannot be made to do. Knows just enough IMAP to be connected to. */
export const startScriptedImap = async (script: Script): Promise<ScriptedImap> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    let pending = ''
    /** A command whose last word comes as a literal. */
    let held = ''
    let idleTag: string | undefined
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      pending += bytes.toString('latin1')
      const lines = pending.split('\r\n')
      pending = lines.pop() ?? ''
      for (const piece of lines) {
        const line = held + piece
        const literal = /\{\d+(\+?)\}$/.exec(line)
        held = literal ? line.slice(0, literal.index) : ''
        if (literal?.[1] === '') socket.write('+ go on\r\n')
        if (literal) continue
        const [tag = '', first = '', ...words] = line.split(' ')
        const isUid = first.toUpperCase() === 'UID'
        const name = (isUid ? (words.shift() ?? '') : first).toUpperCase()
        if (tag.toUpperCase() === 'DONE') {
          if (idleTag) socket.write(`${idleTag} OK x\r\n`)
          continue
        }
        if (name === 'IDLE') idleTag = tag
        const deed = script.on?.[name] ?? honest[name] ?? ((to: Socket) => to.write(`${tag} OK x\r\n`))
        deed(socket, tag, words.join(' '), isUid)
      }
    })
    if (script.greeting) script.greeting(socket)
    else socket.write('* OK ready\r\n')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    stop: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => server.close(done))
    },
  }
}
