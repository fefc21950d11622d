// `npm run demo`: a living mailbox in a minute, without giving a password.
import { existsSync } from 'node:fs'
import { buildWeb, fail, generateClient, install, runEntry } from './prepare.mjs'

if (!existsSync('/usr/sbin/dovecot') && !existsSync('/usr/local/sbin/dovecot'))
  fail(
    'The demo brings sample mail on a mail server of its own: install dovecot-imapd dovecot-pop3d (Debian names) and run it again.',
  )
install()
generateClient()
buildWeb()
runEntry('demo/main.ts')
