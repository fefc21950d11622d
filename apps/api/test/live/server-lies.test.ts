import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type FaultProxy, type Rule, startFaultProxy } from '../support/fault-proxy.ts'
import { letter } from '../support/letter.ts'
import { until } from '../support/until.ts'

type Lie = {
  title: string
  rules?: Rule[]
  /** Truths that look like lies, set by doveadm before the account is added. */
  before?: string[]
  /** And after its first sync. */
  after?: string[]
  isDistrusted?: boolean
}
/** Says something else wherever the server says it: in SELECT and in STATUS. */
const always = (pattern: RegExp, replacement: string): Rule => ({
  direction: 'toClient',
  line: pattern,
  act: (line) => line.replaceAll(new RegExp(pattern, 'g'), replacement),
})
const swallowed = (line: RegExp): Rule => ({ direction: 'toClient', line, act: 'swallow' })

let isAskedSince = false
const hidesWhatChanged: Rule[] = [
  {
    direction: 'toServer',
    line: /./,
    act: (line) => {
      isAskedSince = line.includes('CHANGEDSINCE')
      return line
    },
  },
  {
    direction: 'toClient',
    line: /^\* \d+ FETCH \(UID \d+ FLAGS/,
    act: (line) => (isAskedSince ? '* OK Nothing to see here.' : line),
  },
]

const lies: Lie[] = [
  { title: 'none at all' },
  { title: 'HIGHESTMODSEQ is always 0', rules: [always(/HIGHESTMODSEQ \d+/, 'HIGHESTMODSEQ 0')] },
  { title: 'HIGHESTMODSEQ never moves', rules: [always(/HIGHESTMODSEQ \d+/, 'HIGHESTMODSEQ 7')], isDistrusted: true },
  {
    title: 'mod-sequences have more bits than there are',
    rules: [always(/(HIGHESTMODSEQ |MODSEQ \()\d+/, '$118446744073709551615')],
  },
  { title: 'what changed is hidden although the counter moved', rules: hidesWhatChanged, isDistrusted: true },
  { title: 'UIDNEXT is left out', rules: [swallowed(/^\* OK \[UIDNEXT /), always(/UIDNEXT \d+ ?/, '')] },
  { title: 'UIDVALIDITY is 0', rules: [always(/UIDVALIDITY \d+/, 'UIDVALIDITY 0')] },
  { title: 'UIDVALIDITY is left out', rules: [swallowed(/^\* OK \[UIDVALIDITY /), always(/UIDVALIDITY \d+ ?/, '')] },
  { title: 'a search for everything finds nothing', rules: [always(/^(\* ESEARCH \(TAG "\w+"\) UID).*/, '$1')] },
  { title: 'a truth: UIDVALIDITY goes back', after: ['--uid-validity', '77'] },
  { title: 'a truth: mod-sequences above 2^53', before: ['--min-highest-modseq', '9007199254740995'] },
  { title: 'a truth: uids near 2^32', before: ['--min-next-uid', '4294967200'] },
]

describe('a server of which all is true but one thing', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  const proxies: FaultProxy[] = []
  beforeAll(async () => {
    dovecot = await startDovecot()
    engine = await startEngineFixture(dovecot)
    engine.start()
  })
  afterAll(async () => {
    await engine.stop()
    for (const proxy of proxies) await proxy.stop()
    await dovecot.stop()
  })

  const letters: [string, number][] = [
    ['\\Seen', 1],
    ['\\Answered', 2],
    ['\\Flagged', 4],
    ['\\Deleted', 8],
  ]
  /** Uid, flags and subject of everything in a mailbox, as the server has it. */
  const onServer = (user: string, mailbox: string): string[] =>
    dovecot
      .doveadm('-f', 'tab', 'fetch', '-u', user, 'uid flags hdr.subject', 'mailbox', mailbox)
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split('\t'))
      .map(([uid, flags, subject]) => {
        const bits = letters.reduce((sum, [name, bit]) => sum + (flags?.includes(name) ? bit : 0), 0)
        return `${uid} ${bits} ${subject}`
      })
  const stored = async (accountId: bigint, path: string): Promise<string[]> => {
    const rows = await engine.store.prisma.$queryRaw<{ uid: bigint; flags: number; subject: string }[]>`
      SELECT p.uid, p.shown_flags::int AS flags, m.subject FROM placement p JOIN message m ON m.id = p.message_id
      JOIN mailbox b ON b.id = p.mailbox_id WHERE b.account_id = ${accountId} AND b.path = ${path} ORDER BY p.uid`
    return rows.map(({ uid, flags, subject }) => `${uid} ${flags} ${subject}`)
  }
  const change = (user: string, mailbox: string, round: number): void => {
    const uids = onServer(user, mailbox).map((row) => row.split(' ')[0] ?? '')
    const [first = '', second = '', third = ''] = uids
    dovecot.doveadm('flags', 'add', '-u', user, '\\Flagged', 'mailbox', mailbox, 'uid', `${second},${uids.at(-1)}`)
    dovecot.doveadm('flags', 'add', '-u', user, '\\Seen', 'mailbox', mailbox, 'uid', third)
    dovecot.doveadm('expunge', '-u', user, 'mailbox', mailbox, 'uid', first)
    dovecot.deliver(user, mailbox, letter(10 * round))
  }
  const mailboxes = ['INBOX', 'Archive']

  it.each(lies.map((lie, index) => ({ ...lie, user: `liar${index}` })))(
    'is followed all the same: $title',
    async ({ user, rules, before, after, isDistrusted }) => {
      dovecot.addUser(user, 'secret')
      for (let n = 1; n <= 5; n++) for (const mailbox of mailboxes) dovecot.deliver(user, mailbox, letter(n))
      if (before)
        for (const mailbox of mailboxes) {
          dovecot.doveadm('mailbox', 'update', '-u', user, ...before, mailbox)
          dovecot.deliver(user, mailbox, letter(6))
        }
      const proxy = await startFaultProxy(dovecot.imapPort)
      proxies.push(proxy)
      const told = (rules ?? []).map((rule) => proxy.add(rule))
      const accountId = await engine.addAccount(user, 'secret', proxy.port)
      await engine.untilState(accountId, 'watching')
      const equal = async (what: string) => {
        const expected = mailboxes.map((mailbox) => onServer(user, mailbox))
        await until(
          async () => {
            expect([await stored(accountId, 'INBOX'), await stored(accountId, 'Archive')]).toEqual(expected)
            return true
          },
          { what },
        )
      }
      await equal('the first sync')
      if (after) dovecot.doveadm('mailbox', 'update', '-u', user, ...after, 'INBOX')
      // One compare of everything, as it happens once a day, and from then on every look.
      for (const mailbox of mailboxes) change(user, mailbox, 1)
      await createEngine(engine.store).requestResync(accountId)
      await equal('the state after a compare')
      for (const mailbox of mailboxes) change(user, mailbox, 2)
      await createEngine(engine.store).requestSync(accountId)
      await equal('the state after a further look')
      const { capabilities } = await engine.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
      for (const lie of told) expect(lie.acted()).toBeGreaterThan(0)
      expect(JSON.stringify(capabilities).includes('"condstoreDistrust":true')).toBe(isDistrusted ?? false)
    },
  )
})
