import { expect } from 'vitest'
import { createRequest } from '#store/engine-requests.ts'
import type { Dovecot } from '../support/dovecot.ts'
import { judgeMaildrop, sha256, type Verdict } from '../support/judge-maildrop.ts'
import type { Moment } from '../support/kill-points.ts'
import { letter } from '../support/letter.ts'
import { startMortalEngine } from '../support/mortal-engine.ts'
import { findUnsound } from '../support/sound-store.ts'
import { until } from '../support/until.ts'
import type { Seen } from '../support/watched-wire.ts'

/** What must be zero however often the engine dies. */
export type Sums = Omit<Verdict, 'deles'> & {
  lost: number
  doubled: number
  /** Rows of the ledger that do not know that their mail was removed. */
  astray: number
}

/** Long enough for a machine with much else to do; nothing here waits that long by design. */
const settleWithinMs = 90_000
/** A kill costs a look or two; what needs more does not come to rest. */
const mostLooks = 5

const latin1 = (text: string) => Buffer.from(text, 'latin1')
const odd = [
  'Subject: dots\r\n\r\n.\r\n..\r\n.x\r\n',
  'Subject: octets\r\n\r\na\0b \xe9\xff\x80\r\n',
  'Subject: bare LF\n\nline\n.\nline\n',
  'Subject: no end\r\n\r\nlast line',
  'Subject: no body\r\n\r\n',
]
const twin = latin1(letter(8))
const large = latin1(
  `Subject: large\r\n\r\n${Array.from({ length: 24_000 }, (_, n) => `${n} ${'x'.repeat(64)}`).join('\r\n')}\r\n`,
)
/** Seven small ones, one that is stored in pieces, and twins. */
const atFirst = [latin1(letter(1)), ...odd.map(latin1), latin1(letter(7)), large, twin, twin]

/** As it leaves Dovecot: every line ends with CR LF, the last one too. */
const sent = (mail: Buffer): Buffer =>
  latin1(`${mail.toString('latin1').replace(/\r?\n/g, '\r\n').replace(/\r\n$/, '')}\r\n`)

export type MaildropRun = {
  /** The whole run: what is there is fetched, then removed; what comes meanwhile as well. With a kill, if one is given. */
  through: (moment: Moment | null) => Promise<{ passed: string[]; reached: string | null }>
  /** Everything came to its end, and one more look changes nothing. */
  expectAtEnd: () => Promise<Sums>
  printed: () => string
  stop: () => Promise<void>
}

export const startMaildropRun = async (dovecot: Dovecot, user: string): Promise<MaildropRun> => {
  const seen: Seen[] = []
  const mortal = await startMortalEngine({
    user,
    mail: { protocol: 'pop3', port: dovecot.pop3Port },
    tell: (event) => void seen.push(event),
    settings: { kind: 'pop3', retrieval: { policy: { kind: 'afterDownload' }, everyMinutes: 1440 } },
  })
  const { store, accountId, points } = mortal
  const wanted: Buffer[] = []
  const put = (...mails: Buffer[]) => {
    for (const mail of mails) dovecot.deliver(user, 'INBOX', mail)
    wanted.push(...mails)
  }
  let isDead = false
  const shownBefore = new Set<bigint>()

  /** The stored octets of each mail in the inbox, and its place. */
  const inbox = () =>
    store.prisma.$queryRaw<{ id: bigint; hash: string }[]>`
      SELECT p.id, encode(sha256(string_agg(c.bytes, ''::bytea ORDER BY c.n)), 'hex') AS hash
      FROM placement p JOIN mailbox b ON b.id = p.shown_mailbox_id LEFT JOIN raw_source r ON r.message_id = p.message_id
      LEFT JOIN blob_chunk c ON c.blob_id = r.blob_id WHERE b.account_id = ${accountId} AND b.role = 'inbox' GROUP BY p.id ORDER BY p.id`
  /** At any time: nothing is shown that did not come, or more often than it came; and what was shown stays. */
  const compare = async (): Promise<{ lost: number; doubled: number }> => {
    const rows = await inbox()
    const ids = new Set(rows.map(({ id }) => id))
    for (const id of shownBefore) expect(ids).toContain(id)
    for (const id of ids) shownBefore.add(id)
    const left = wanted.map((mail) => sha256(sent(mail)))
    let doubled = 0
    for (const { hash } of rows) {
      const at = left.indexOf(hash)
      if (at < 0) doubled++
      else left.splice(at, 1)
    }
    return { lost: left.length, doubled }
  }
  const expectNoneTwice = async () => expect(await compare()).toMatchObject({ doubled: 0 })

  const isAtRest = async (since: Date): Promise<boolean> => {
    const { state, lastSyncedAt } = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    if (state !== 'watching' || lastSyncedAt === null || lastSyncedAt < since) return false
    return (await store.prisma.message.count({ where: { accountId, bodyState: 'absent' } })) === 0
  }
  const ask = async (): Promise<Date> => {
    const since = new Date()
    if (mortal.child()) await createRequest(store, accountId, { kind: 'sync' })
    else mortal.start()
    return since
  }
  /** A look, to its end; killed in the middle, the next one after it. */
  const look = async () => {
    let since = await ask()
    await until(
      async () => {
        if (isDead) {
          isDead = false
          await expectNoneTwice()
          put(latin1(letter(20)))
          mortal.start()
          since = await ask()
        }
        return isAtRest(since)
      },
      { ms: settleWithinMs, what: `a look (${mortal.printed()})` },
    )
    await expectNoneTwice()
  }
  const onServer = (): number =>
    dovecot.doveadm('search', '-u', user, 'mailbox', 'INBOX', 'all').split('\n').filter(Boolean).length
  /** Of what is not gone by our own doing. */
  const rowsLeft = (isMissing: boolean) =>
    store.prisma.popLedger.count({
      where: { accountId, state: { not: 'gone' }, missingSince: isMissing ? { not: null } : null },
    })
  const snapshot = async () => ({
    inbox: await inbox(),
    ledger: await store.prisma.popLedger.findMany({ where: { accountId }, orderBy: { id: 'asc' } }),
    messages: await store.prisma.message.findMany({ where: { accountId }, orderBy: { id: 'asc' } }),
    blobs: await store.prisma.blob.count({ where: { isWhole: true } }),
  })

  put(...atFirst)
  return {
    printed: mortal.printed,
    stop: mortal.stop,
    through: async (moment) => {
      points.arm(moment ?? 0, () => {
        mortal.kill()
        isDead = true
        return 'end'
      })
      await look()
      // Another program takes one away and brings one: all the numbers are others now.
      dovecot.doveadm('expunge', '-u', user, 'mailbox', 'INBOX', 'header', 'subject', 'Letter 1')
      put(latin1(letter(9)))
      for (let looks = 0; looks < 3; looks++) await look()
      return points.disarm()
    },
    expectAtEnd: async () => {
      for (let looks = 0; onServer() > 0 || (await rowsLeft(false)) > 0; looks++) {
        expect(looks).toBeLessThan(mostLooks)
        await look()
      }
      const before = await snapshot()
      await look()
      expect(await snapshot()).toEqual(before)
      expect(await findUnsound(store)).toEqual([])
      const { deles, ...wire } = judgeMaildrop(seen)
      expect(deles).toBeGreaterThanOrEqual(wanted.length - 1)
      // Another program took one away, unless that was removed before.
      const astray = Math.max(0, (await rowsLeft(true)) - 1)
      return { ...wire, astray, ...(await compare()) }
    },
  }
}
