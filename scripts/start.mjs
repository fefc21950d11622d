// `npm start`: from a fresh clone to a running Postern; the second time only starts it.
import { buildWeb, generateClient, install, runEntry } from './prepare.mjs'

install()
generateClient()
buildWeb()
runEntry('apps/api/src/main.ts')
