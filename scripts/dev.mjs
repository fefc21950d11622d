// `npm run dev`: the API from the source, and the web app rebuilt by hand with `npm run dev -- web` when it changes.
import { buildWeb, generateClient, install, runEntry } from './prepare.mjs'

install()
generateClient()
buildWeb()
runEntry('apps/api/src/main.ts', [], { LOG_LEVEL: process.env.LOG_LEVEL ?? 'debug' })
