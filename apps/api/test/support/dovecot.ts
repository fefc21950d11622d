import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { type CertificateKind, fingerprintOf, makeCertificate, signCertificate } from './certificates.ts'
import { leaveWill } from './last-will.ts'

/**
 * A Dovecot of our own: its own directory, ports and processes. As root its mail belongs to Debian's `dovecot` user; as a
 * normal user everything belongs to that user.
 */
export type Dovecot = {
  host: '127.0.0.1'
  imapPort: number
  imapsPort: number
  pop3Port: number
  pop3sPort: number
  certificate: string
  /** SHA-256 of the certificate, lower-case hex. */
  fingerprint: string
  /** Who owns the mail. */
  owner: { uid: number; gid: number }
  addUser: (user: string, password: string) => void
  maildir: (user: string) => string
  /** Puts a mail into a mailbox as a delivery would; with flags or a date it lands in cur/. */
  deliver: (
    user: string,
    mailbox: string,
    raw: Buffer | string,
    extra?: { flags?: string[]; receivedAt?: Date },
  ) => void
  doveadm: (...args: string[]) => string
  /** The mails in a mailbox, or those of them that a search finds. */
  count: (user: string, mailbox: string, ...query: string[]) => number
  /** Another key and certificate from now on, for new connections; those that stand are cut. Answers its fingerprint. */
  renewCertificate: (kind?: CertificateKind) => Promise<string>
  log: () => string
  stop: () => Promise<void>
}

export type DovecotOptions = {
  /** Lines for the end of the configuration. */
  settings?: string
  /** Lines inside the inbox namespace. */
  namespace?: string
  /** Mailboxes with a use that are there from the start; all that have one, unless said otherwise. */
  ownMailboxes?: string[]
  connectionsPerUser?: number
}

const flagLetters: Record<string, string> = {
  '\\Draft': 'D',
  '\\Flagged': 'F',
  '\\Answered': 'R',
  '\\Seen': 'S',
  '\\Deleted': 'T',
}

export const startDovecot = async (options: DovecotOptions = {}): Promise<Dovecot> => {
  const binary = ['/usr/sbin/dovecot', '/usr/local/sbin/dovecot'].find(existsSync)
  if (!binary) throw new Error('install dovecot-imapd dovecot-pop3d')
  const dir = mkdtempSync(join(tmpdir(), 'postern-dovecot-'))
  chmodSync(dir, 0o755)
  const isRoot = process.getuid?.() === 0
  const owner = isRoot ? idsOf('dovecot') : { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const [imapPort = 0, imapsPort = 0, pop3Port = 0, pop3sPort = 0] = await freePorts(4)
  for (const name of ['run', 'state', 'mail', 'users']) mkdirSync(join(dir, name), { mode: 0o755 })
  chownSync(join(dir, 'mail'), owner.uid, owner.gid)
  const certificate = makeCertificate(dir)
  writeFileSync(
    join(dir, 'dovecot.conf'),
    configuration(dir, { imapPort, imapsPort, pop3Port, pop3sPort }, isRoot, options),
  )
  const child = spawn(binary, ['-F', '-c', join(dir, 'dovecot.conf')], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const will = leaveWill(child.pid ?? 0, { folder: dir })
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  await untilListening(child, [imapPort, imapsPort, pop3Port, pop3sPort], () => `${complaint}\n${readLog(dir)}`)

  const doveadm: Dovecot['doveadm'] = (...args) =>
    execFileSync('doveadm', ['-c', join(dir, 'dovecot.conf'), ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const maildir = (user: string) => join(dir, 'mail', user, 'Maildir')
  let count = 0
  let passwordChanges = 0
  return {
    host: '127.0.0.1',
    imapPort,
    imapsPort,
    pop3Port,
    pop3sPort,
    certificate,
    fingerprint: fingerprintOf(certificate),
    owner,
    addUser: (user, password) => {
      // A file of its own each: Dovecot notices changes of a shared one only by the second.
      const path = join(dir, 'users', user)
      const isNew = !existsSync(path)
      writeFileSync(
        path,
        `${user}:{PLAIN}${password}::::::
`,
        { mode: 0o644 },
      )
      if (isNew) return
      const later = Date.now() / 1000 + 60 + passwordChanges++
      utimesSync(path, later, later)
      // It looks at a file at most once in a second of the clock: only the next one is sure to see the change.
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1020 - (Date.now() % 1000))
    },
    maildir,
    deliver: (user, mailbox, raw, extra = {}) => {
      const box = join(maildir(user), mailbox === 'INBOX' ? '' : `.${mailbox}`)
      for (const path of [
        join(dir, 'mail', user),
        maildir(user),
        box,
        ...['tmp', 'new', 'cur'].map((name) => join(box, name)),
      ]) {
        if (existsSync(path)) continue
        mkdirSync(path, { recursive: true, mode: 0o700 })
        chownSync(path, owner.uid, owner.gid)
      }
      const receivedAt = extra.receivedAt ?? new Date()
      const isPlain = !extra.flags && !extra.receivedAt
      const letters = (extra.flags ?? [])
        .map((flag) => flagLetters[flag] ?? '')
        .sort()
        .join('')
      const name = `${Math.floor(receivedAt.getTime() / 1000)}.M${Date.now() % 1_000_000}P${process.pid}Q${count++}.test`
      const draft = join(box, 'tmp', name)
      writeFileSync(draft, raw, { mode: 0o600 })
      chownSync(draft, owner.uid, owner.gid)
      utimesSync(draft, receivedAt, receivedAt)
      renameSync(draft, isPlain ? join(box, 'new', name) : join(box, 'cur', `${name}:2,${letters}`))
    },
    doveadm,
    count: (name, mailbox, ...query) =>
      doveadm('search', '-u', name, 'mailbox', mailbox, ...(query.length > 0 ? query : ['all']))
        .split('\n')
        .filter(Boolean).length,
    renewCertificate: async (kind = 'own') => {
      const fingerprint = fingerprintOf(kind === 'own' ? makeCertificate(dir) : signCertificate(dir, kind))
      doveadm('reload')
      await untilShown(imapsPort, fingerprint)
      try {
        doveadm('kick', '*')
      } catch {
        // It fails when nobody is there.
      }
      return fingerprint
    },
    log: () => readLog(dir),
    stop: async () => {
      await stopGroup(child)
      rmSync(dir, { recursive: true, force: true })
      will.revoke()
    },
  }
}

export const idsOf = (user: string): { uid: number; gid: number } => {
  const id = (flag: string) => Number(execFileSync('id', [flag, user], { encoding: 'utf8' }).trim())
  return { uid: id('-u'), gid: id('-g') }
}

const readLog = (dir: string): string =>
  existsSync(join(dir, 'dovecot.log')) ? readFileSync(join(dir, 'dovecot.log'), 'utf8') : ''

/** Processes that were there before a reload answer for a moment yet. */
const untilShown = async (port: number, fingerprint: string): Promise<void> => {
  for (let tries = 0; tries < 100; tries++) {
    const shown = await new Promise<string>((done) => {
      const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
        done(fingerprintOf(socket.getPeerCertificate().raw))
        socket.destroy()
      })
      socket.once('error', () => done(''))
    })
    if (shown === fingerprint) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error('Dovecot does not show its new certificate')
}

export const freePorts = async (count: number): Promise<number[]> => {
  const probes = await Promise.all(
    Array.from({ length: count }, async () => {
      const probe = createServer()
      await new Promise<void>((done) => probe.listen(0, '127.0.0.1', done))
      return probe
    }),
  )
  const ports = probes.map((probe) => {
    const address = probe.address()
    return typeof address === 'object' && address ? address.port : 0
  })
  await Promise.all(probes.map((probe) => new Promise((done) => probe.close(done))))
  return ports
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port })
    const finish = (answer: boolean) => {
      socket.destroy()
      done(answer)
    }
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
  })

export const untilListening = async (child: ChildProcess, ports: number[], complaint: () => string): Promise<void> => {
  const deadline = Date.now() + 30_000
  while (Date.now() < deadline && child.exitCode === null) {
    if ((await Promise.all(ports.map(isListening))).every(Boolean)) return
    await new Promise((done) => setTimeout(done, 30))
  }
  await stopGroup(child)
  throw new Error(`The server did not start: ${complaint()}`)
}

export const stopGroup = async (child: ChildProcess): Promise<void> => {
  if (child.pid === undefined || child.exitCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  process.kill(child.pid, 'SIGTERM')
  const timer = setTimeout(() => {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
  }, 5000)
  await ended
  clearTimeout(timer)
}

const configuration = (
  dir: string,
  ports: { imapPort: number; imapsPort: number; pop3Port: number; pop3sPort: number },
  isRoot: boolean,
  options: DovecotOptions,
): string => `
base_dir = ${dir}/run
state_dir = ${dir}/state
instance_name = postern-${ports.imapPort}
log_path = ${dir}/dovecot.log
listen = 127.0.0.1
protocols = imap pop3
first_valid_uid = 1
${isRoot ? 'default_internal_user = dovecot\ndefault_login_user = dovenull\ndefault_internal_group = dovecot\nmail_uid = dovecot\nmail_gid = dovecot' : `default_internal_user = ${process.env.USER ?? 'nobody'}\ndefault_login_user = ${process.env.USER ?? 'nobody'}`}
disable_plaintext_auth = no
auth_failure_delay = 0
ssl = yes
ssl_cert = <${dir}/cert.pem
ssl_key = <${dir}/key.pem
mail_location = maildir:${dir}/mail/%u/Maildir
mail_home = ${dir}/mail/%u
mail_plugins = quota acl
mailbox_list_index = yes
maildir_stat_dirs = yes
mail_max_userip_connections = ${options.connectionsPerUser ?? 2000}
passdb {
  driver = passwd-file
  args = scheme=PLAIN username_format=%u ${dir}/users/%u
}
userdb {
  driver = static
  args = uid=${isRoot ? 'dovecot' : (process.getuid?.() ?? 0)} gid=${isRoot ? 'dovecot' : (process.getgid?.() ?? 0)} home=${dir}/mail/%u
}
namespace inbox {
  inbox = yes
  ${options.namespace ?? 'separator = /'}
${(options.ownMailboxes ?? ['Drafts', 'Sent', 'Junk', 'Trash', 'Archive']).map((name) => `  mailbox ${name} {\n    auto = subscribe\n    special_use = \\${name}\n  }`).join('\n')}
}
service anvil {
  client_limit = 8000
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service auth {
  client_limit = 8000
}
service stats {
  client_limit = 8000
}
service imap-login {
  inet_listener imap {
    port = ${ports.imapPort}
  }
  inet_listener imaps {
    port = ${ports.imapsPort}
    ssl = yes
  }
  service_count = 0
  process_min_avail = 1
  client_limit = 5000
}
service pop3-login {
  inet_listener pop3 {
    port = ${ports.pop3Port}
  }
  inet_listener pop3s {
    port = ${ports.pop3sPort}
    ssl = yes
  }
  service_count = 0
  client_limit = 2000
}
service imap {
  process_limit = 3000
  service_count = 100
}
service pop3 {
  process_limit = 200
}
protocol imap {
  mail_plugins = quota acl imap_quota imap_acl
}
plugin {
  quota = count:User quota
  quota_vsizes = yes
  acl = vfile
}
${options.settings ?? ''}
`
