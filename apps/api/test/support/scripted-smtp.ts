import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Secret } from '#platform/secret.ts'
import { openSmtpSession, type SmtpSession } from '#protocol/smtp/open-session.ts'

/** What it does at a step instead of going on: an answer of its own, or none: the connection ends, or nothing comes. */
export type SmtpTurn = { reply: string } | 'cut' | 'silent'
export type SmtpStepName = 'greeting' | 'ehlo' | 'auth' | 'mail' | 'rcpt' | 'data' | 'content' | 'end' | 'quit'
/** `argument`: the rest of the command. Undefined: as any server does. `content`: as soon as something of the mail has come. */
export type SmtpScript = (step: SmtpStepName, argument: string, session: number) => SmtpTurn | undefined

export type ScriptedSmtp = {
  port: number
  /** Mails whose end has come, dots taken out; and to whom. In doubt is only who sent them. */
  mails: { from: string; to: string[]; octets: Buffer /** As they came, up to the dot. */; wire: Buffer }[]
  /** What came of a mail whose end has not come. */
  broken: Buffer[]
  /** Commands as they came together. RFC 2920. */
  written: string[]
  sessions: () => number
  /** From now on the answer to the end of a mail comes when it is called for. */
  holdEnds: (hold: (answer: () => void) => void) => void
  stop: () => Promise<void>
}

const usual: Record<SmtpStepName, string> = {
  greeting: '220 scripted.example ESMTP',
  ehlo: '',
  auth: '235 2.7.0 ok',
  mail: '250 2.1.0 ok',
  rcpt: '250 2.1.5 ok',
  data: '354 go on',
  content: '',
  end: '250 2.0.0 queued as 1',
  quit: '221 2.0.0 bye',
}

/** A submission server that does what a real one cannot be made to do, at the step a test names. */
export const startScriptedSmtp = async (
  script: SmtpScript = () => undefined,
  extensions: string[] = ['PIPELINING', '8BITMIME', 'SIZE 1000000', 'SMTPUTF8', 'DSN', 'ENHANCEDSTATUSCODES'],
): Promise<ScriptedSmtp> => {
  const mails: ScriptedSmtp['mails'] = []
  const broken: Buffer[] = []
  const written: string[] = []
  const sockets = new Set<Socket>()
  let sessions = 0
  let hold = (answer: () => void) => answer()
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    const session = ++sessions
    let pending = Buffer.alloc(0)
    let content: Buffer | null = null
    let isSilent = false
    let envelope: { from: string; to: string[] } = { from: '', to: [] }
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      if (content) broken.push(content)
    })
    /** False when it took another turn. */
    const take = (step: SmtpStepName, argument = '', reply = usual[step]): boolean => {
      const turn = script(step, argument, session)
      if (turn === 'cut') socket.destroy()
      else if (turn === 'silent') isSilent = true
      else if (turn) socket.write(`${turn.reply}\r\n`)
      else if (reply !== '') socket.write(`${reply}\r\n`)
      return turn === undefined || (typeof turn === 'object' && /^[23]/.test(turn.reply))
    }
    const command = (line: string) => {
      const [verb = '', argument = ''] = [line.slice(0, 4).toUpperCase(), line.slice(5)]
      if (verb === 'HELO') take('ehlo', argument, '250 scripted.example')
      else if (verb === 'EHLO')
        take(
          'ehlo',
          argument,
          ['250-scripted.example', ...extensions.map((one) => `250-${one}`), '250 AUTH PLAIN'].join('\r\n'),
        )
      else if (verb === 'AUTH') take('auth', argument)
      else if (verb === 'MAIL') {
        if (take('mail', argument)) envelope = { from: /<(.*?)>/.exec(argument)?.[1] ?? '', to: [] }
      } else if (verb === 'RCPT') {
        if (take('rcpt', argument)) envelope.to.push(/<(.*?)>/.exec(argument)?.[1] ?? '')
      } else if (verb === 'DATA') {
        if (envelope.to.length === 0) socket.write('503 5.5.1 nobody to send to\r\n')
        else if (take('data')) content = Buffer.alloc(0)
      } else if (verb === 'QUIT') {
        take('quit')
        socket.end()
      } else socket.write('250 ok\r\n')
    }
    const read = (octets: Buffer) => {
      if (!content) written.push(octets.toString())
      if (content) {
        content = Buffer.concat([content, octets])
        if (!take('content')) return
        const end = content.indexOf('\r\n.\r\n')
        if (end < 0) return
        const whole = content.subarray(0, end + 2)
        content = null
        mails.push({
          ...envelope,
          wire: Buffer.from(whole),
          octets: Buffer.from(whole.toString('latin1').replace(/(^|\r\n)\./g, '$1'), 'latin1'),
        })
        hold(() => take('end'))
        return
      }
      pending = Buffer.concat([pending, octets])
      for (let end = pending.indexOf('\r\n'); end >= 0 && !isSilent; end = pending.indexOf('\r\n')) {
        const line = pending.toString('utf8', 0, end)
        pending = pending.subarray(end + 2)
        command(line)
        if (!content) continue
        const rest = pending
        pending = Buffer.alloc(0)
        if (rest.length > 0) read(rest)
        return
      }
    }
    socket.on('data', (octets) => !isSilent && read(Buffer.from(octets)))
    take('greeting')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    mails,
    broken,
    written,
    sessions: () => sessions,
    holdEnds: (how) => {
      hold = how
    },
    stop: async () => {
      const closed = [...sockets].map((socket) => once(socket, 'close'))
      for (const socket of sockets) socket.destroy()
      await Promise.all(closed)
      await new Promise((done) => server.close(done))
    },
  }
}

/** Somebody who is signed in there, and waits no longer for an answer than a test does. */
export const signInAt = ({ port }: Pick<ScriptedSmtp, 'port'>, answerTimeoutMs = 300): Promise<SmtpSession> =>
  openSmtpSession({
    host: 'localhost',
    address: '127.0.0.1',
    port,
    security: 'plain',
    pinnedFingerprint: null,
    username: 'ann',
    password: new Secret('secret'),
    answerTimeoutMs,
  })
