import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SMTPServer } from 'smtp-server'
import { type Dovecot, startDovecot } from '../apps/api/test/support/dovecot.ts'
import { composeMail } from './compose-mail.ts'
import { maildropMails, sampleMails } from './sample-mails.ts'
import { people } from './sample-texts.ts'
import { startPictures } from './sender-pictures.ts'

/**
 * `npm run demo`: a mail server of its own with sample mail, an SMTP server that delivers into it, and a Postern with a
 * ready owner and two accounts, one over IMAP and one over POP3. Everything lives in a temporary folder and is gone when
 * it ends. The senders' pictures lie on a server of the demo too: their name has a public address, whose packets end here,
 * so that the product's own rules stay.
 */
const port = Number(process.env.PORT || 3000)
const user = 'robin'
const mailPassword = 'demo mail password'
const owner = { name: 'Robin Ashdown', address: 'robin@demo.example', password: `demo only ${crypto.randomUUID()}` }
/** Read over POP3, and kept here. */
const older = { name: 'Robin Ashdown', address: 'robin@harbour.example', user: 'robin-harbour' }
const base = `http://127.0.0.1:${port}`
const letterEveryMs = 45_000
const senderNetwork = new URL('../apps/api/test/support/sender-network.ts', import.meta.url)
const notUsed = ['DATA_DIR', 'MASTER_KEY_FILE', 'DATABASE_URL', 'PUBLIC_URL', 'CA_FILE', 'HOST'] as const

const postern = async (dir: string, certificate: string): Promise<{ child: ChildProcess; code: string }> => {
  const caFile = join(dir, 'ca.pem')
  await writeFile(caFile, certificate)
  const entry = fileURLToPath(new URL('../apps/api/src/main.ts', import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      ...process.env,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import=${senderNetwork.href}`,
      HOST: '127.0.0.1',
      PORT: String(port),
      DATA_DIR: join(dir, 'data'),
      DATABASE_URL: '',
      MASTER_KEY_FILE: join(dir, 'master.key'),
      CA_FILE: caFile,
      PUBLIC_URL: '',
      LOG_LEVEL: process.env.LOG_LEVEL ?? 'warn',
    },
  })
  const code = await new Promise<string>((done, fail) => {
    let printed = ''
    child.stdout?.on('data', (chunk: Buffer) => {
      printed += chunk.toString()
      const found = /#code=(\S+)/.exec(printed)
      if (found?.[1]) done(found[1])
    })
    child.once('exit', () => fail(new Error('Postern did not start; its own words are above.')))
  })
  return { child, code }
}

const post = async (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> => {
  const response = await fetch(`${base}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-postern': '1', ...headers },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return response
}

const cookieOf = (response: Response): string => (response.headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''

/** A visitor comes into the first inbox there is, and a maildrop has one at once. */
const untilInbox = async ({ id }: { id: string }, cookie: string): Promise<void> => {
  for (;;) {
    const answer = await fetch(`${base}/v1/accounts/${id}/mailboxes`, { headers: { cookie } })
    const { mailboxes } = (await answer.json()) as { mailboxes: { role: string | null }[] } // as the API says
    if (mailboxes.some(({ role }) => role === 'inbox')) return
    await new Promise((done) => setTimeout(done, 100))
  }
}

const main = async (): Promise<void> => {
  const dir = await mkdtemp(join(tmpdir(), 'postern-demo-'))
  // As root the database runs under another user, who has to get in.
  await chmod(dir, 0o711)
  const dovecot = await startDovecot()
  try {
    await run(dir, dovecot)
  } catch (error) {
    await dovecot.stop()
    throw error
  }
}

const run = async (dir: string, dovecot: Dovecot): Promise<void> => {
  dovecot.addUser(user, mailPassword)
  dovecot.addUser(older.user, mailPassword)
  for (const raw of maildropMails(new Date(), older)) dovecot.deliver(older.user, 'INBOX', raw)
  const pictures = await startPictures()
  for (const mail of sampleMails(new Date(), `http://sender.example:${pictures.port}`))
    dovecot.deliver(user, mail.mailbox, mail.raw, { flags: mail.flags, receivedAt: mail.receivedAt })
  const smtp = await startSmtp((raw, recipients) =>
    dovecot.deliver(recipients.includes(older.address) ? older.user : user, 'INBOX', raw),
  )
  const { child, code } = await postern(dir, dovecot.certificate)
  const cookie = cookieOf(await post('/v1/setup', { code, ...owner }))
  // Without TLS, which an owner has to allow for the one server that it is.
  await fetch(`${base}/v1/owner/policy`, {
    method: 'PUT',
    headers: { 'x-postern': '1', 'content-type': 'application/json', cookie },
    body: JSON.stringify({ plaintextHosts: [`localhost:${smtp.port}`], privateHosts: [] }),
  })
  const outgoing = { host: 'localhost', port: smtp.port, security: 'plain', username: user }
  const first = await post(
    '/v1/accounts',
    {
      address: owner.address,
      password: mailPassword,
      incoming: { host: 'localhost', port: dovecot.imapsPort, security: 'tls', username: user },
      outgoing,
    },
    { cookie },
  )
  await untilInbox((await first.json()) as { id: string }, cookie)
  await post(
    '/v1/accounts',
    {
      address: older.address,
      kind: 'pop3',
      password: mailPassword,
      incoming: { host: 'localhost', port: dovecot.pop3sPort, security: 'tls', username: older.user },
      outgoing,
    },
    { cookie },
  )
  // Nobody's device: it has done its work.
  await fetch(`${base}/v1/session`, { method: 'DELETE', headers: { 'x-postern': '1', cookie } })
  const door = await openDoor()
  const letters = setInterval(() => dovecot.deliver(user, 'INBOX', newLetter()), letterEveryMs)
  const ignored = notUsed.filter((name) => process.env[name])
  if (ignored.length > 0)
    console.log(`\nNot used by the demo, which keeps everything in a folder of its own: ${ignored.join(', ')}`)
  console.log(`
The demo is ready.

  Web mail      ${base}/
  signs you in  http://127.0.0.1:${door.port}/
  or with       ${owner.address}
  password      ${owner.password}

  Another mail program: IMAP at 127.0.0.1, port ${dovecot.imapsPort} (TLS, a certificate of its own)
  user          ${user}
  password      ${mailPassword}

The second account, ${older.address}, is a maildrop that is read over POP3 (port ${dovecot.pop3sPort}, user ${older.user},
the same password). A new letter comes to the first every ${letterEveryMs / 1000} seconds. Mail sent to 127.0.0.1:${smtp.port} (SMTP) arrives as well:
that for ${older.address} in the second, any other in the first. Ctrl-C ends it all.
`)

  let isStopping = false
  const stop = async () => {
    if (isStopping) return
    isStopping = true
    clearInterval(letters)
    door.close()
    smtp.close()
    pictures.close()
    if (child.exitCode === null) {
      const ended = new Promise((done) => child.once('exit', done))
      child.kill('SIGTERM')
      await ended
    }
    await dovecot.stop()
    await rm(dir, { recursive: true, force: true })
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop())
  process.on('disconnect', () => void stop())
  child.once('exit', () => void stop())
}

/** Takes mail for anybody, and says to whom it is addressed. */
const startSmtp = async (
  deliver: (raw: Buffer, recipients: string[]) => void,
): Promise<{ port: number; close: () => void }> => {
  const server = new SMTPServer({
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    onAuth: (_auth, _session, done) => done(null, { user: 'demo' }),
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        deliver(
          Buffer.concat(chunks),
          envelope.rcptTo.map(({ address }) => address),
        )
        done()
      })
    },
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.server.address()
  return { port: typeof address === 'object' && address ? address.port : 0, close: () => server.close() }
}

/** A door beside the house: signs in and sends on. Cookies belong to the host, not to a port. */
const openDoor = async (): Promise<{ port: number; close: () => void }> => {
  const server = createServer(({ headers }, response) => {
    const { address, password } = owner
    // The device that comes in is the visitor's.
    post('/v1/session', { address, password }, { 'user-agent': headers['user-agent'] ?? '' }).then(
      (answer) => response.writeHead(302, { 'set-cookie': answer.headers.getSetCookie(), location: `${base}/` }).end(),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const at = server.address()
  return { port: typeof at === 'object' && at ? at.port : 0, close: () => server.close() }
}

let letter = 0
const newLetter = (): Buffer => {
  const from = people[letter++ % people.length] ?? people[0]
  const lines = [
    'The post has just been here.',
    'Are you watching the list? This came by itself.',
    'No answer needed, only a sign of life.',
  ]
  return composeMail({
    from,
    to: [{ name: owner.name, address: owner.address }],
    subject: `A letter at ${new Date().toLocaleTimeString()}`,
    date: new Date(),
    messageId: `${crypto.randomUUID()}@demo.example`,
    references: [],
    parts: [{ kind: 'text', text: `Hello Robin,\n\n${lines[letter % lines.length]}\n\n-- \n${from.name}` }],
    headers: {},
  })
}

await main()
