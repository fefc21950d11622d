import { isAscii } from 'node:buffer'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MessageBody } from '@postern/shared/messages.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeCharset } from '#mail/decode-part.ts'
import { htmlToText } from '#mail/html-to-text.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { type CorpusMail, readCorpus, wordsOf } from '../support/corpus.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { oddMails, poisonMails } from '../support/odd-mails.ts'
import { until } from '../support/until.ts'

/** Odd mail all the way: a real server's view of it, our engine, our API. */
describe('odd mail through Dovecot, the engine and the API', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  let app: FastifyInstance
  let cookie = ''
  beforeAll(async () => {
    dovecot = await startDovecot()
    engine = await startEngineFixture(dovecot)
    engine.start()
    app = await buildTestApp({ store: engine.store, masterKey: engine.deps.masterKey, ca: dovecot.certificate })
    cookie = await openTestSession(engine.store, engine.userId)
  })
  afterAll(async () => {
    await app?.close()
    await engine?.stop()
    await dovecot?.stop()
  })

  const get = async (url: string) => {
    const answer = await app.inject({ method: 'GET', url, headers: { host: 'localhost', cookie } })
    expect([url, answer.statusCode, answer.statusCode === 200 ? '' : answer.body]).toEqual([url, 200, ''])
    return answer
  }
  const day = 86_400_000
  const firstDay = Date.UTC(2020, 0, 1)
  /** Delivers mails a day apart, so that each is known by its date, and waits for all bodies. */
  const receive = async (user: string, mails: { raw: Buffer | string }[]): Promise<bigint[]> => {
    dovecot.addUser(user, 'secret')
    for (const [index, { raw }] of mails.entries())
      dovecot.deliver(user, 'INBOX', raw, { receivedAt: new Date(firstDay + index * day) })
    const accountId = await engine.addAccount(user)
    await until(
      async () =>
        (await engine.store.prisma.message.count({ where: { accountId } })) === mails.length &&
        (await engine.store.prisma.message.count({ where: { accountId, bodyState: 'absent' } })) === 0,
      { ms: 50_000, what: 'all bodies' },
    )
    const rows = await engine.store.prisma.message.findMany({ where: { accountId }, orderBy: { receivedAt: 'asc' } })
    expect(rows.map(({ receivedAt }) => (receivedAt.getTime() - firstDay) / day)).toEqual([...mails.keys()])
    return rows.map(({ id }) => id)
  }
  const bodyOf = async (id: bigint): Promise<MessageBody> => (await get(`/v1/messages/${id}/body`)).json()
  const shownText = (body: MessageBody) => `${body.text}\n${body.html === null ? '' : htmlToText(body.html)}`

  it('shows the words of every odd mail', async () => {
    const names = Object.keys(oddMails)
    const ids = await receive(
      'odd',
      names.map((name) => ({ raw: oddMails[name] ?? '' })),
    )
    const lost: string[] = []
    for (const [index, id] of ids.entries())
      if (!/He.?llo|just a line/.test(shownText(await bodyOf(id)))) lost.push(names[index] ?? '')
    console.log(`${names.length} odd mails of our own`)
    expect(lost).toEqual([])
  })

  it('keeps mail that means to break it, and what comes before and after', async () => {
    const names = Object.keys(poisonMails)
    const good = 'Subject: good\r\n\r\nHello, good day'
    const delays = monitorEventLoopDelay({ resolution: 10 })
    delays.enable()
    const ids = await receive(
      'poison',
      [good, ...names.map((name) => poisonMails[name]?.() ?? ''), good].map((raw) => ({ raw })),
    )
    delays.disable()
    const states: string[] = []
    for (const [index, id] of ids.entries()) {
      const body = await bodyOf(id)
      states.push(
        `${names[index - 1] ?? 'good'}: ${body.state}, ${body.text.length} characters, ${body.parts.length} parts`,
      )
      expect(body.parts.length).toBeLessThanOrEqual(1000)
      expect(body.state).not.toBe('unparsable')
      expect(`${body.text}${body.html ?? ''}${body.parts.length || ''}`).not.toBe('')
      // Whatever became of it, the whole is there.
      expect((await get(`/v1/messages/${id}/source`)).rawPayload.length).toBeGreaterThan(20)
      await get(`/v1/messages/${id}/headers`)
    }
    console.log(
      `${states.join('\n')}\nlongest stop of the process while reading them: ${Math.round(delays.max / 1e6)} ms`,
    )
    expect(states.filter((state) => state.includes('good: ready, 15 characters'))).toHaveLength(2)
    const accounts = await engine.store.prisma.account.findMany({ select: { state: true } })
    expect(accounts.map(({ state }) => state)).toEqual(accounts.map(() => 'watching'))
  })

  it('loses no text and no byte of the public test mails', async () => {
    const corpus = await readCorpus()
    const ids = corpus.length > 0 ? await receive('corpus', corpus) : []
    const lost: string[] = []
    let files = 0
    for (const [index, id] of ids.entries()) {
      const mail = corpus[index] as CorpusMail // one id for each
      const body = await bodyOf(id)
      const got: Buffer[] = []
      for (const part of body.parts) got.push((await get(`/v1/messages/${id}/parts/${part.id}`)).rawPayload)
      // Texts and messages inside may be attachments here, where another parser shows them; they can be read there.
      const readable = wordsOf([shownText(body), ...got.map((bytes) => decodeCharset(bytes, ''))].join('\n'))
      const isMissing = (text: string) => [...wordsOf(text)].some((word) => !readable.has(word))
      const isText = body.text.trim() !== '' || body.html !== null
      const isHere = (file: Buffer) =>
        got.some((bytes) => bytes.equals(file)) || (isAscii(file) && !isMissing(file.toString()))
      if (!isText && mail.texts.length > 0 && got.length === 0) lost.push(`${mail.name}: nothing is shown`)
      if (mail.texts.some(isMissing)) lost.push(`${mail.name}: words`)
      if (!mail.files.every(isHere)) lost.push(`${mail.name}: bytes`)
      files += mail.files.length
    }
    console.log(`${corpus.length} public test mails, ${files} files in them`)
    expect(lost).toEqual(corpus.length > 0 ? Object.keys(readDifferently) : [])
  })
})

/** What is not lost but read differently: on purpose, by the server, or by the parser that it is compared with. */
const readDifferently: Record<string, string> = {
  'mime-mailparser/fixtures__large_text.eml: words': 'longer than what is shown of one text; the screen says so',
  'mime-mime4j/mimetools-testmsgs__multi-frag.msg: bytes':
    'its last boundary is damaged, so that the file goes on to the next',
  'mime-mime4j/testmsgs__malformedHeaderStartsBody-nocrlfcrlf.msg: words':
    'a line without colon counts as header until a blank line',
  'mime-mimekit/messages__feedback-report.txt: words':
    'the comparing parser writes the date of the attached header anew',
  'mime-mimekit/messages__issue1130.txt: words':
    'format=flowed: the comparing parser joins lines, here they stay as sent',
  'mime-ruby-mail/error_emails__content_transfer_encoding_empty.eml: words':
    'one word of noise bytes, by another table',
  'mime-ruby-mail/mime_emails__raw_email4.eml: words': 'the comparing parser shows a boundary',
  'mime-stalwart/malformed__011.eml: bytes': 'one boundary begins like another: three texts here, one file there',
  'mime-stalwart/malformed__017.eml: bytes': 'no semicolon before the boundary: shown from its source',
  'mime-stalwart/malformed__022.eml: bytes': 'a broken attached mail ends at the boundary here, after it there',
  'mime-stalwart/thirdparty__015.eml: bytes': 'three attached mails here, one that holds the others there',
}
