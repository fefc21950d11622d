import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { time } from './figures.ts'
import { mailPassword } from './gateway.ts'

/**
 * The peers that fetch from maildrops: mpop into a Maildir and fetchmail into one file, both leaving the mail where it is.
 * Milliseconds of the whole process: whoever runs them from cron pays for its start each time.
 */
export type MaildropPeer = {
  /** Everything, as for the first time. */
  download: (user: string) => Promise<number>
  /** Once more. */
  look: (user: string) => Promise<number>
}

export const prepareMpop = async (dir: string, port: number): Promise<MaildropPeer> => {
  requirePeer('mpop')
  const fetch = async (user: string) => {
    const home = join(dir, `mpop-${user}`)
    const config = join(home, 'mpoprc')
    await writeConfig(
      config,
      `account default\nhost 127.0.0.1\nport ${port}\nuser ${user}\npassword ${mailPassword}\nauth user\ntls off
keep on\nuidls_file ${home}/uidls\ndelivery maildir ${home}/mail\n`,
    )
    return time(() => run('mpop', ['-q', '-C', config]))
  }
  return {
    download: async (user) => {
      const home = join(dir, `mpop-${user}`)
      await rm(home, { recursive: true, force: true })
      for (const name of ['cur', 'new', 'tmp']) await mkdir(join(home, 'mail', name), { recursive: true })
      return fetch(user)
    },
    look: fetch,
  }
}

export const prepareFetchmail = async (dir: string, port: number): Promise<MaildropPeer> => {
  requirePeer('fetchmail')
  const fetch = async (user: string) => {
    const home = join(dir, `fetchmail-${user}`)
    const config = join(home, 'fetchmailrc')
    await writeConfig(
      config,
      `set no bouncemail\nset idfile "${home}/ids"\nset pidfile "${home}/pid"
poll 127.0.0.1 protocol pop3 port ${port} uidl auth password user "${user}" password "${mailPassword}" keep sslproto "" bsmtp "${home}/mails"\n`,
    )
    // 1: there was nothing new.
    return time(() => run('fetchmail', ['-s', '-f', config]).catch(allow(1)))
  }
  return {
    download: async (user) => {
      const home = join(dir, `fetchmail-${user}`)
      await rm(home, { recursive: true, force: true })
      await mkdir(home, { recursive: true })
      return fetch(user)
    },
    look: fetch,
  }
}

const run = (program: string, args: string[]) => promisify(execFile)(program, args, { timeout: 120_000 })

const allow =
  (code: number) =>
  (error: unknown): void => {
    if (!(error instanceof Error && 'code' in error && error.code === code)) throw error
  }

const requirePeer = (program: string): void => {
  if (!['/usr/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, program))))
    throw new Error(`install ${program} (Debian name): it is the peer here`)
}

/** Passwords in files that others may read are refused. */
const writeConfig = async (path: string, text: string): Promise<void> => {
  await writeFile(path, text)
  await chmod(path, 0o600)
}
