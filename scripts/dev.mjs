// `npm run dev`: as `npm start`, with a talkative log.
import { buildWeb, generateClient, install, runEntry } from './prepare.mjs'

install()
generateClient()
buildWeb()
runEntry('apps/api/src/main.ts', [], { LOG_LEVEL: process.env.LOG_LEVEL ?? 'debug' })
