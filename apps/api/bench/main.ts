import { childrenOf } from './gateway.ts'
import { firstSync } from './scenarios/first-sync.ts'
import { idleAccounts } from './scenarios/idle-accounts.ts'
import { maildrop } from './scenarios/maildrop.ts'
import { push } from './scenarios/push.ts'
import { lists, openings, searches } from './scenarios/read-mail.ts'
import { resync } from './scenarios/resync.ts'
import { send } from './scenarios/send.ts'
import { warmStart } from './scenarios/start.ts'
import { web } from './scenarios/web.ts'
import { openWorld, type Scenario } from './world.ts'

/**
 * `npm run bench [-- NAME...]`: the running product, over HTTP and socket.io, beside floors and peers of the same run on the
 * same mail server. One JSON object a line; what went wrong goes to the other stream. NAME is a scenario or the name of a
 * figure. BENCH_INBOX makes the corpus smaller.
 */
const scenarios: Scenario[] = [
  firstSync,
  lists,
  searches,
  openings,
  push,
  resync,
  warmStart,
  web,
  idleAccounts,
  maildrop,
  send,
]

const isWanted = ({ name, figures }: Scenario, wanted: string[]): boolean =>
  wanted.length === 0 || wanted.some((word) => word === name || figures.includes(word))

const wanted = process.argv.slice(2).filter((word) => !word.startsWith('-'))
const chosen = scenarios.filter((scenario) => isWanted(scenario, wanted))
if (chosen.length === 0) {
  console.error(
    `There is no such scenario. Known: ${scenarios.flatMap(({ name, figures }) => [name, ...figures]).join(' ')}`,
  )
  process.exit(1)
}
const world = await openWorld((figure) => console.log(JSON.stringify(figure)))
/** Broken off, too, no server is left behind. */
const breakOff = async (): Promise<void> => {
  await world.close()
  // One that was just starting is nobody's yet.
  for (const pid of childrenOf(process.pid)) process.kill(pid, 'SIGTERM')
  process.exit(1)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void breakOff())
let failures = 0
try {
  for (const scenario of chosen) {
    try {
      await scenario.run(world)
    } catch (error) {
      failures++
      console.error(`${scenario.name}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
} finally {
  await world.close()
}
process.exit(failures === 0 ? 0 : 1)
