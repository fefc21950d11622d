// `npm run bench [-- NAME...]`: measures against a mail server and a database of its own; one JSON object a line.
import { existsSync } from 'node:fs'
import { buildWeb, fail, generateClient, install, runEntry } from './prepare.mjs'

if (!existsSync('/usr/sbin/dovecot') && !existsSync('/usr/local/sbin/dovecot'))
  fail('The bench needs a mail server: install dovecot-imapd dovecot-pop3d (Debian names) and run it again.')
install()
generateClient()
buildWeb()
runEntry('apps/api/bench/main.ts', process.argv.slice(2))
