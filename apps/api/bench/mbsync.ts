import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { time } from './figures.ts'
import { mailPassword } from './gateway.ts'

/** The peer that copies whole mailboxes: mbsync (Debian: isync), without waiting for the disk after each mail. */
export type Mbsync = { run: () => Promise<number> }

export const prepareMbsync = async (dir: string, imapPort: number, user: string): Promise<Mbsync> => {
  if (!['/usr/bin/mbsync', '/usr/local/bin/mbsync'].some(existsSync))
    throw new Error('install isync (Debian name): it is the peer here')
  const home = join(dir, 'mbsync')
  await mkdir(join(home, 'mail'), { recursive: true })
  const config = join(home, 'mbsyncrc')
  await writeFile(
    config,
    `FSync no
IMAPAccount bench
Host 127.0.0.1
Port ${imapPort}
User ${user}
Pass "${mailPassword}"
SSLType None
AuthMechs LOGIN

IMAPStore far
Account bench

MaildirStore near
Path ${home}/mail/
Inbox ${home}/mail/INBOX
SubFolders Verbatim

Channel bench
Far :far:
Near :near:
Patterns *
Create Near
Sync Pull
SyncState *
`,
  )
  return { run: () => time(() => promisify(execFile)('mbsync', ['-q', '-c', config, 'bench'], { timeout: 240_000 })) }
}
