// `npm test`: everything, against real servers and a real browser. Installs what Debian can give, names what it cannot.
// The last line is `N passed, N failed`.
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildWeb, environment, fail, generateClient, install, root, runtime } from './prepare.mjs'

const tiers = process.argv.slice(2).filter((arg) => !arg.startsWith('-'))
const wanted = tiers.length > 0 ? tiers : ['unit', 'flow', 'live', 'browser']
const known = {
  dovecot: ['/usr/sbin/dovecot', '/usr/local/sbin/dovecot'],
  chromium: ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'],
}
const needs = [
  {
    tier: 'live',
    isThere: () => known.dovecot.some(existsSync) && existsSync('/usr/lib/dovecot/pop3'),
    packages: ['dovecot-imapd', 'dovecot-pop3d'],
  },
  { tier: 'live', isThere: () => existsSync('/usr/lib/postfix/sbin/master'), packages: ['postfix'] },
  { tier: 'live', isThere: () => existsSync('/usr/bin/faketime'), packages: ['faketime'] },
  { tier: 'browser', isThere: () => known.dovecot.some(existsSync), packages: ['dovecot-imapd', 'dovecot-pop3d'] },
  {
    tier: 'browser',
    isThere: () => process.env.CHROMIUM_PATH !== undefined || known.chromium.some(existsSync),
    packages: ['chromium', 'fonts-liberation'],
  },
]

const installSystemPackages = () => {
  const missing = [
    ...new Set(needs.filter((need) => wanted.includes(need.tier) && !need.isThere()).flatMap((need) => need.packages)),
  ]
  if (missing.length === 0) return
  const isDebianRoot = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (!isDebianRoot) fail(`Missing for the tests: install ${missing.join(' ')} (Debian names) and run them again.`)
  const apt = (args) =>
    spawnSync('apt-get', args, {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    }).status === 0
  console.log(`Installing ${missing.join(' ')} ...`)
  const parts = ['install', '-y', '-qq', '--no-install-recommends', ...missing]
  if (!apt(['update', '-qq']) || !apt(parts))
    fail(`apt-get could not install ${missing.join(' ')}; install them by hand and run the tests again.`)
}

/** Lines of two tiers come mixed; each says whose it is. */
const forward = (from, to, tier) => {
  createInterface({ input: from }).on('line', (line) => to.write(`${tier.padEnd(7)} | ${line}\n`))
}

const runTier = async (tier, outputFile) => {
  console.log(`\n# ${tier}`)
  const args = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    tier,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${outputFile}`,
  ]
  const child = spawn(runtime(), args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: environment() })
  forward(child.stdout, process.stdout, tier)
  forward(child.stderr, process.stderr, tier)
  const [status] = await once(child, 'close')
  if (!existsSync(outputFile)) return { passed: 0, failed: 1 }
  const report = JSON.parse(readFileSync(outputFile, 'utf8'))
  const skipped = report.numPendingTests + report.numTodoTests
  if (skipped > 0) console.error(`${tier}: ${skipped} tests were skipped; that counts as failed.`)
  // A set-up or a file that breaks outside any test must not look green.
  const failed = Math.max(report.numFailedTests + skipped, status === 0 ? 0 : 1)
  return { passed: report.numPassedTests, failed: report.numTotalTests === 0 ? Math.max(failed, 1) : failed }
}

installSystemPackages()
install()
generateClient()
if (wanted.includes('browser')) buildWeb()
const work = mkdtempSync(join(tmpdir(), 'postern-test-'))

const runInTurn = async (tiersInTurn) => {
  const counts = []
  for (const tier of tiersInTurn) counts.push(await runTier(tier, join(work, `${tier}.json`)))
  return counts
}

// The browser and the servers behind it wait for each other most of the time, and so do the tests over Dovecot: beside
// each other they take little longer than the longer one alone. Every tier has servers of its own.
const lanes = [wanted.filter((tier) => tier !== 'browser'), wanted.filter((tier) => tier === 'browser')]
const counts = (await Promise.all(lanes.map(runInTurn))).flat()
rmSync(work, { recursive: true, force: true })
const passed = counts.reduce((sum, tier) => sum + tier.passed, 0)
const failed = counts.reduce((sum, tier) => sum + tier.failed, 0)
console.log(`\n${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
