import { spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificate } from './certificates.ts'
import { type Dovecot, freePorts, idsOf, startDovecot, stopGroup, untilListening } from './dovecot.ts'
import { leaveWill } from './last-will.ts'
import { until } from './until.ts'

/**
 * A Postfix of our own that takes mail of those who sign in, by the passwords of a Dovecot of our own, and delivers it into that:
 * to whoever has a mailbox at example.org. It has to be started by root, as any Postfix.
 */
export type Postfix = {
  dovecot: Dovecot
  /** STARTTLS, which it insists on. */
  submissionPort: number
  /** TLS at once. */
  submissionsPort: number
  certificate: string
  /** A mailbox, and a login. */
  addUser: (user: string, password?: string) => void
  /** What is said of one of these, from now on. */
  refuse: (user: string, reply: string) => void
  log: () => string
  stop: () => Promise<void>
}

export const maxMailBytes = 8_000_000

export const startPostfix = async (): Promise<Postfix> => {
  const master = '/usr/lib/postfix/sbin/master'
  if (!existsSync(master)) throw new Error('install postfix')
  if (process.getuid?.() !== 0) throw new Error('Postfix can be started by root only: run these tests as root')
  const dir = mkdtempSync(join(tmpdir(), 'postern-postfix-'))
  chmodSync(dir, 0o755)
  const refused = new Map<string, string>()
  const table = await startTable((user) => refused.get(user))
  const [authPort = 0, submissionPort = 0, submissionsPort = 0] = await freePorts(3)
  const dovecot = await startDovecot({ settings: passwordService(authPort) })
  for (const name of ['etc', 'spool', 'data']) mkdirSync(join(dir, name))
  const { uid, gid } = idsOf('postfix')
  chownSync(join(dir, 'data'), uid, gid)
  const certificate = makeCertificate(dir)
  const at = (name: string) => join(dir, 'etc', name)
  writeFileSync(at('mailboxes'), '')
  const base = dovecot
    .maildir('.')
    .replace(/\/\.\/Maildir$/, '')
    .replace(/\/Maildir$/, '')
  writeFileSync(
    at('main.cf'),
    mainConfiguration(dir, { authPort, tablePort: table.port, mailDir: base, owner: dovecot.owner }),
  )
  writeFileSync(at('master.cf'), services({ submissionPort, submissionsPort }))
  const child = spawn('/usr/sbin/postfix', ['-c', join(dir, 'etc'), 'start-fg'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const will = leaveWill(child.pid ?? 0, { folder: dir })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  const log = () => `${said}${existsSync(join(dir, 'log')) ? readFileSync(join(dir, 'log'), 'utf8') : ''}`
  await untilListening(child, [submissionPort, submissionsPort], log)
  // What was started is a script; the server below it has a session of its own, and outlives it.
  const masterPid = Number(readFileSync(join(dir, 'spool/pid/master.pid'), 'utf8'))
  const masterWill = leaveWill(masterPid)
  const mailboxes: string[] = []
  return {
    dovecot,
    submissionPort,
    submissionsPort,
    certificate,
    addUser: (user, password = 'secret') => {
      dovecot.addUser(user, password)
      mailboxes.push(`${user}@example.org ${user}/Maildir/`)
      writeFileSync(at('mailboxes'), `${mailboxes.join('\n')}\n`)
    },
    refuse: (user, reply) => void refused.set(user, reply),
    log,
    stop: async () => {
      process.kill(masterPid, 'SIGTERM')
      await until(async () => !existsSync(`/proc/${masterPid}`), { what: 'the end of Postfix' })
      masterWill.revoke()
      await stopGroup(child)
      rmSync(dir, { recursive: true, force: true })
      will.revoke()
      await table.stop()
      await dovecot.stop()
    },
  }
}

/** Asked for each recipient anew, whereas a table in a file is read once for each session. Its protocol: tcp_table(5). */
const startTable = async (answer: (user: string) => string | undefined) => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (line) => {
      const [, user = ''] = /^get ([^@\s]+)@example\.org\s*$/.exec(line.toString()) ?? []
      const found = answer(user)
      socket.write(found === undefined ? '500 no\n' : `200 ${found.replaceAll(' ', '%20')}\n`)
    })
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

const passwordService = (port: number): string => `
service auth {
  inet_listener {
    address = 127.0.0.1
    port = ${port}
  }
}
auth_mechanisms = plain login
`

const mainConfiguration = (
  dir: string,
  {
    authPort,
    tablePort,
    mailDir,
    owner,
  }: { authPort: number; tablePort: number; mailDir: string; owner: { uid: number; gid: number } },
): string => `
compatibility_level = 3.6
queue_directory = ${dir}/spool
data_directory = ${dir}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${dir}/log
maillog_file_prefixes = ${dir}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
default_transport = error:5.4.4 nobody sends mail out of a test
relay_transport = error:5.4.4 nobody sends mail out of a test
message_size_limit = ${maxMailBytes}
mailbox_size_limit = 0
virtual_mailbox_limit = 0
virtual_mailbox_domains = example.org
virtual_mailbox_base = ${mailDir}
virtual_mailbox_maps = texthash:${dir}/etc/mailboxes
virtual_minimum_uid = ${Math.min(100, owner.uid)}
virtual_uid_maps = static:${owner.uid}
virtual_gid_maps = static:${owner.gid}
smtpd_tls_cert_file = ${dir}/cert.pem
smtpd_tls_key_file = ${dir}/key.pem
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:${authPort}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access tcp:127.0.0.1:${tablePort}, reject_unlisted_recipient, permit_sasl_authenticated, reject
smtpd_delay_reject = yes
smtpd_error_sleep_time = 0
smtpd_client_connection_rate_limit = 0
smtputf8_enable = yes
`

/** Whoever reads the table of mailboxes does so anew for each connection: tests add some. */
const services = ({ submissionPort, submissionsPort }: { submissionPort: number; submissionsPort: number }): string => `
127.0.0.1:${submissionPort} inet n - n - - smtpd
  -o max_use=1
  -o smtpd_tls_security_level=encrypt
127.0.0.1:${submissionsPort} inet n - n - - smtpd
  -o max_use=1
  -o smtpd_tls_wrappermode=yes
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
  -o max_use=1
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
  -o max_use=1
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
showq unix n - n - - showq
`
