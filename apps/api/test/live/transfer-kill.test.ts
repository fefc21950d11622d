import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type RunningPostern, startPostern } from '../../../../e2e/support/postern.ts'
import { openTestSession } from '../support/app-fixture.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import {
  chooseMoments,
  inEach,
  isFullSweep,
  leastReached,
  type NamedMoment,
  named,
  stepsIn,
  sweepWords,
} from '../support/kill-samples.ts'
import { type MortalEngine, startMortalEngine } from '../support/mortal-engine.ts'
import { until } from '../support/until.ts'

/**
 * kill -9 of the API and of the engine at once, before and after every durable step and every exchange with the mail server
 * while mail is imported: out of an mbox, a Maildir and a single file. Who sends it sends again what was not answered, as
 * the screen does. At the end each mail is there exactly once.
 */
const samples = 4
const answer = z.object({ id: z.string(), state: z.string() })

describe('a kill during an import', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(() => dovecot.stop())

  const letter = (name: string, body = 'Hello') =>
    `From: Zed <zed@example.org>\nSubject: ${name}\nMessage-ID: <${name}@example.org>\n\n${body}\n`

  /** Kills at `worst` too, where only a few moments are tried. */
  const sweep = async (kind: 'pop3' | 'imap', worst: NamedMoment[]) => {
    const user = `killed-${kind}`
    dovecot.addUser(user, 'secret')
    const port = kind === 'pop3' ? dovecot.pop3Port : dovecot.imapPort
    const mortal: MortalEngine = await startMortalEngine({
      user,
      mail: { protocol: kind, port },
      settings: { kind },
    })
    const { store, accountId, points, ownerId, env } = mortal
    const cookie = await openTestSession(store, ownerId)
    const startBoth = (): Promise<RunningPostern> => {
      mortal.start()
      return startPostern(dovecot.certificate, env.DATA_DIR, {
        DATABASE_URL: points.databaseUrl,
        MASTER_KEY_FILE: env.MASTER_KEY_FILE,
        ROLES: 'api',
      })
    }
    let api = startBoth()
    const isQuiet = async () =>
      (await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).state === 'watching'
    await until(isQuiet, { what: 'the first sync', ms: 30_000 })
    const { id: mailboxId } = await store.prisma.mailbox.findFirstOrThrow({ where: { accountId, role: 'archive' } })

    /** Once more whenever nobody answered. */
    const ask = async (method: 'GET' | 'POST', path: string, body?: string, type = 'application/json') => {
      const give = async () => {
        const { base } = await api
        const headers = { cookie, 'x-postern': '1', ...(body === undefined ? {} : { 'content-type': type }) }
        const response = await fetch(`${base}${path}`, { method, headers, ...(body === undefined ? {} : { body }) })
        if (response.status !== 200) throw new Error(`${path}: ${response.status} ${await response.text()}`)
        return answer.parse(await response.json())
      }
      return await until(() => give().catch(() => null), { ms: 60_000, what: path })
    }
    /** A whole import; `names` of its mails, one of them so large that it is staged in pieces. */
    const importAll = async (run: string): Promise<string[]> => {
      const name = (n: number) => `${run}-${n}`
      const { id } = await ask('POST', `/v1/mailboxes/${mailboxId}/imports`, '{}')
      const send = (file: string, content: string, type = 'message/rfc822') =>
        ask('POST', `/v1/transfers/${id}/content?name=${encodeURIComponent(file)}`, content, type)
      const large = letter(name(3), `${'x'.repeat(70)}\n`.repeat(31_000))
      const mbox = [letter(name(1)), letter(name(2)), large, letter(name(4))]
      const fromLine = 'From zed@example.org Fri Jul  8 12:08:34 2011'
      await send('old.mbox', mbox.map((mail) => `${fromLine}\n${mail}\n`).join(''), 'application/mbox')
      await send('Maildir/cur/1.host:2,S', letter(name(5)))
      await send('Maildir/new/2.host', letter(name(6)))
      await send('one.eml', letter(name(7)))
      await ask('POST', `/v1/transfers/${id}/finish`)
      await until(async () => (await ask('GET', `/v1/transfers/${id}`)).state === 'done', { ms: 60_000, what: run })
      return [1, 2, 3, 4, 5, 6, 7].map(name)
    }
    const shown = async (run: string): Promise<string[]> => {
      const rows = await store.prisma.$queryRaw<{ subject: string }[]>`
        SELECT m.subject FROM placement p JOIN message m ON m.id = p.message_id
        WHERE p.shown_mailbox_id = ${mailboxId} AND m.subject LIKE ${`${run}-%`} ORDER BY m.subject`
      return rows.map(({ subject }) => subject)
    }
    const atServer = (run: string): string[] =>
      dovecot
        .doveadm('fetch', '-u', user, 'hdr.subject', 'mailbox', 'Archive', 'header', 'subject', `${run}-`)
        .match(/\S+-\d+/g)
        ?.sort() ?? []

    let runs = 0
    const through = async (moment: Parameters<typeof points.arm>[0]) => {
      const run = `${kind}${++runs}`
      points.arm(moment, () => {
        mortal.kill()
        void api.then((running) => running.stop('SIGKILL'))
        api = startBoth()
        return 'end'
      })
      const names = await importAll(run)
      await until(async () => (await shown(run)).length >= names.length && (await isQuiet()), { ms: 60_000, what: run })
      const told = points.disarm()
      expect(await shown(run)).toEqual(names)
      if (kind === 'imap') expect(atServer(run)).toEqual(names)
      return told
    }
    try {
      // What is done once only, such as reading the rights of a mailbox, is no moment of an import; nor is what runs beside it.
      await through(0)
      const moments = inEach([named((await through(0)).passed), named((await through(0)).passed)])
      const chosen = [...chooseMoments(moments, samples), ...(isFullSweep ? [] : worst)]
      const missed: string[] = []
      for (const moment of chosen) {
        const { reached } = await through(moment)
        if (reached === null) missed.push(`${moment.name}, number ${moment.nth}`)
      }
      const survived = chosen.length - missed.length
      console.log(
        `import, ${kind === 'pop3' ? 'kept here' : 'by APPEND'}: N = ${stepsIn(moments)}, before and after each; kill points survived ${survived} of ${chosen.length} tried, of ${moments.length} in all (${sweepWords}); did not come: ${JSON.stringify(missed)}`,
      )
      expect(survived).toBeGreaterThanOrEqual(leastReached(chosen.length))
      return moments.map(({ name }) => name)
    } finally {
      await api.then((open) => open.stop('SIGKILL')).catch(() => undefined)
      await mortal.stop()
    }
  }

  it('loses nothing and brings nothing twice where the mailbox is kept here', async () => {
    const names = await sweep('pop3', [])
    expect(names.filter((name) => name.startsWith('after COMMIT')).length).toBeGreaterThan(10)
  }, 3_600_000)

  it('loses nothing and brings nothing twice where the mail goes to an IMAP server', async () => {
    const names = await sweep('imap', [{ name: 'after APPEND', nth: 3 }])
    expect(names.filter((name) => name === 'after APPEND')).toHaveLength(7)
  }, 3_600_000)
})
