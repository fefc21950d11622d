// `npm run reset-password`: a new password for an owner who cannot sign in.
import { generateClient, install, runEntry } from './prepare.mjs'

install()
generateClient()
runEntry('apps/api/src/cli/reset-password.ts', process.argv.slice(2))
