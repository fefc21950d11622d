import { randomBytes } from 'node:crypto'
import { accountSettings, checkEvent } from '@postern/shared/accounts.ts'
import { identityList } from '@postern/shared/identities.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { writeOwnerPolicy } from '#store/owner-policy.ts'
import { openRelay, readRelay } from '#store/relay.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { allowPlain, type Person, relayAt, relayPassword, startPerson } from '../support/relay-owner.ts'
import { type ScriptedSmtp, type SmtpStepName, type SmtpTurn, startScriptedSmtp } from '../support/scripted-smtp.ts'
import { type Sender, startSender } from '../support/sending-scene.ts'

/** Who sets the relay, who sees what of it, and what may be asked of it. */
describe('the relay of the owner', () => {
  const masterKey = randomBytes(32)
  const apps: FastifyInstance[] = []
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let owner: Person
  let member: Person
  let sender: Sender
  let accountId: bigint
  let smtp: ScriptedSmtp
  let logins: string[]
  let isRefused = false
  let refusesAt: (step: SmtpStepName) => SmtpTurn | undefined = () => undefined

  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 5 })
    const join = async (role: 'owner' | 'member') => {
      const data = { address: `${role}@example.org`, name: role, role, passwordHash: '-' }
      const { id } = await store.prisma.appUser.create({ data })
      await store.prisma.stream.create({ data: { userId: id } })
      const person = await startPerson(store, { userId: id, masterKey })
      apps.push(person.app)
      return { id, ask: person.ask }
    }
    owner = (await join('owner')).ask
    const { id: userId, ask } = await join('member')
    member = ask
    sender = await startSender(store, userId)
    const incoming = { host: 'mail.example.org', port: 993, security: 'tls', username: 'm' }
    const settings = accountSettings.parse({ address: 'm@example.org', incoming })
    const wanted = { userId, settings, password: 'p', outgoingPassword: null, masterKey, isPrivateHost: false }
    accountId = (await commit(store, { kind: 'user', userId }, (unit) => createAccount(unit, wanted))) ?? 0n
    logins = []
    smtp = await startScriptedSmtp((step, argument) => {
      if (step !== 'auth') return refusesAt(step)
      logins.push(Buffer.from(argument.split(' ')[1] ?? '', 'base64').toString())
      return isRefused ? { reply: `535 5.7.8 not you: ${argument}` } : undefined
    })
    await allowPlain(store, [smtp.port])
  })
  afterEach(async () => {
    isRefused = false
    refusesAt = () => undefined
    await store.prisma.relay.deleteMany()
    await store.prisma.account.updateMany({ data: { usesRelay: false } })
  })
  afterAll(async () => {
    await sender.stop()
    for (const app of apps) await app.close()
    await smtp.stop()
    await store.close()
    await database.drop()
  })

  const set = async (more: Parameters<typeof relayAt>[1] = {}) => {
    const { status, body } = await owner('PUT', '/owner/relay', relayAt(smtp, more))
    expect([status, body]).toEqual([200, expect.anything()])
    return body.relay
  }
  const useRelay = () => member('PATCH', `/accounts/${accountId}`, { usesRelay: true })

  it('is set and seen by the owner alone; others see that there is one, and for which domains', async () => {
    for (const [method, path, body] of [
      ['GET', '/owner/relay'],
      ['PUT', '/owner/relay', relayAt(smtp)],
      ['POST', '/owner/relay-checks', { outgoing: relayAt(smtp).outgoing, password: 'p' }],
      ['DELETE', '/owner/relay'],
    ] as const)
      expect((await member(method, path, body)).body.error.code).toBe('auth.forbidden')
    expect((await member('GET', '/relay')).body).toEqual({ relay: null })
    const rules = { domains: ['@Example.ORG', 'bücher.example'], carriesOthers: false, mailsPerHour: 5 }
    expect(await set(rules)).toEqual({
      ...relayAt(smtp, { ...rules, domains: ['example.org', 'bücher.example'] }),
      password: undefined,
      problem: null,
      accounts: 0,
      waiting: 0,
    })
    const seen = await member('GET', '/relay')
    expect(seen.body).toEqual({ relay: { domains: ['example.org', 'bücher.example'], carriesOthers: false } })
    await owner('DELETE', '/owner/relay')
    expect((await member('GET', '/relay')).body).toEqual({ relay: null })
  })

  it('is tried before it is kept, and its password is sealed, never told, and sent to no other server', async () => {
    isRefused = true
    const refused = await owner('PUT', '/owner/relay', relayAt(smtp))
    expect([refused.status, refused.body.error.code]).toEqual([422, 'login.failed'])
    expect(await readRelay(store.prisma)).toBeNull()
    isRefused = false
    logins.length = 0
    await set()
    expect(logins).toEqual([`\0relay-login\0${relayPassword}`])
    const row = await store.prisma.relay.findFirstOrThrow()
    expect(Buffer.from(row.credential).includes(relayPassword)).toBe(false)
    expect(openRelay(row, masterKey).password.reveal()).toBe(relayPassword)
    expect(() => openRelay({ ...row, dataKey: row.credential }, masterKey)).toThrow(/cannot be opened/)
    const elsewhere = await startScriptedSmtp()
    await allowPlain(store, [smtp.port, elsewhere.port])
    const { password: _, ...bare } = relayAt(elsewhere)
    expect((await owner('PUT', '/owner/relay', bare)).body.error.code).toBe('account.password_needed')
    expect(elsewhere.sessions()).toBe(0)
    await elsewhere.stop()
    // What is no server is changed without it, and without a login.
    const { password: __, ...same } = relayAt(smtp, { recipientsPerMail: 3 })
    expect((await owner('PUT', '/owner/relay', same)).body.relay).toMatchObject({ recipientsPerMail: 3 })
    expect(openRelay(await store.prisma.relay.findFirstOrThrow(), masterKey).password.reveal()).toBe(relayPassword)
    expect(logins).toHaveLength(1)
    for (const text of [refused.text, (await owner('GET', '/owner/relay')).text])
      expect(text).not.toMatch(
        new RegExp(`${relayPassword}|${Buffer.from(`\0relay-login\0${relayPassword}`).toString('base64')}`),
      )
  })

  it('is not reached without encryption unless its host is listed, and names domains only', async () => {
    await allowPlain(store, [])
    const denied = (await owner('PUT', '/owner/relay', relayAt(smtp))).body.error
    expect(denied).toMatchObject({
      code: 'account.plaintext_denied',
      hint: expect.stringContaining(`list localhost:${smtp.port} in the settings, under “Allowed hosts”`),
    })
    // It is told to the one who can.
    expect(denied.hint).not.toMatch(/the owner can/i)
    await allowPlain(store, [smtp.port])
    for (const more of [{ domains: ['example.org/x'] }, { domains: [], carriesOthers: false }])
      expect((await owner('PUT', '/owner/relay', relayAt(smtp, more))).body.error.fields).toHaveProperty('domains')
  })

  it.each(['not a domain', 'domain', 'example.org, else.example', '192.0.2.7'])(
    'is not set for a line that is no domain, which is named: %s',
    async (line) => {
      const sessions = smtp.sessions()
      const { status, body } = await owner('PUT', '/owner/relay', relayAt(smtp, { domains: ['example.org', line] }))
      expect([status, body.error.code]).toEqual([400, 'request.invalid'])
      expect(body.error.fields).toEqual({ domains: `hold “${line}”, which is no domain such as example.org` })
      expect([await readRelay(store.prisma), smtp.sessions()]).toEqual([null, sessions])
    },
  )

  it('is at a host that is listed as a host and its port: another line is refused, and named', async () => {
    const listed = { plaintextHosts: ['LocalHost:25', '[FD00::2]:25'], privateHosts: ['mail.home.example:143'] }
    const kept = { ...listed, plaintextHosts: ['localhost:25', 'fd00::2:25'] }
    expect((await owner('PUT', '/owner/policy', listed)).body).toEqual(kept)
    for (const line of ['bad host:xx', 'bad', 'mail.example.org:0'])
      for (const field of ['plaintextHosts', 'privateHosts'] as const) {
        const { status, body } = await owner('PUT', '/owner/policy', { ...listed, [field]: [...listed[field], line] })
        expect([status, body.error.code]).toEqual([400, 'request.invalid'])
        expect(body.error.fields).toEqual({
          [field]: `hold “${line}”, which is no host:port such as mail.example.org:25`,
        })
      }
    expect((await owner('GET', '/owner/policy')).body).toEqual(kept)
    // Stored before lines were looked at.
    const before = { plaintextHosts: ['bad', 'host:xx'], privateHosts: [] }
    await store.prisma.$transaction((tx) => writeOwnerPolicy(tx, before))
    expect((await owner('GET', '/owner/policy')).body).toEqual(before)
    await allowPlain(store, [smtp.port])
  })

  describe('that trusts by address', () => {
    const trusting = (more: Parameters<typeof relayAt>[1] = {}) => {
      const { outgoing, password: _, ...rules } = relayAt(smtp, more)
      return { ...rules, outgoing: { ...outgoing, username: '' } }
    }

    it('is set without a login, and what it had before is forgotten', async () => {
      await set()
      logins.length = 0
      const { status, body } = await owner('PUT', '/owner/relay', trusting())
      expect([status, body.relay]).toMatchObject([200, { outgoing: { username: '' } }])
      const row = await store.prisma.relay.findFirstOrThrow()
      expect(openRelay(row, masterKey).password.reveal()).toBe('')
      const [before, changed] = [smtp.sessions(), trusting({ recipientsPerMail: 3 })]
      expect((await owner('PUT', '/owner/relay', changed)).body.relay).toMatchObject({ recipientsPerMail: 3 })
      expect([logins, smtp.sessions()]).toEqual([[], before])
      // Nor does it stand in for a password that is needed.
      const { password: __, ...bare } = relayAt(smtp)
      expect((await owner('PUT', '/owner/relay', bare)).body.error.code).toBe('account.password_needed')
    })

    it('is refused with half a login, in words', async () => {
      const { outgoing } = trusting()
      const half = {
        'outgoing.username': { outgoing, password: 'p' },
        password: { outgoing: { ...outgoing, username: 'relay-login' } },
      }
      const { outgoing: _, ...rules } = trusting()
      const wanted = [
        ['outgoing.username', 'POST', '/owner/relay-checks', half['outgoing.username']],
        ['password', 'POST', '/owner/relay-checks', half.password],
        ['outgoing.username', 'PUT', '/owner/relay', { ...rules, ...half['outgoing.username'] }],
      ] as const
      for (const [field, method, path, body] of wanted)
        expect((await owner(method, path, body)).body.error).toMatchObject({
          code: 'request.invalid',
          fields: { [field]: expect.stringMatching(/^is needed (with a password|with a user name)/) },
        })
    })

    it('is tried without a login, which says plainly where the server wants one', async () => {
      const run = async () => {
        const { text } = await owner('POST', '/owner/relay-checks', { outgoing: trusting().outgoing })
        return text
          .trim()
          .split('\n')
          .map((line) => checkEvent.parse(JSON.parse(line)))
      }
      logins.length = 0
      const events = await run()
      expect(events.at(-1)).toMatchObject({ kind: 'done', ok: true })
      expect(events.at(-2)).toMatchObject({ step: 'login', state: 'ok', note: expect.stringMatching(/without/) })
      const refusals = [
        ['mail', '530 5.7.0 Authentication required'],
        ['rcpt', '454 4.7.1 <postmaster@example.com>: Relay access denied'],
        ['rcpt', '550 relay not permitted'],
        ['rcpt', "553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)"],
      ] as const
      for (const [at, reply] of refusals) {
        refusesAt = (step) => (step === at ? { reply } : undefined)
        expect((await run()).slice(-2)).toMatchObject([
          {
            kind: 'failed',
            step: 'login',
            code: 'login.method',
            message: 'The sending server takes no mail from here without a user name and a password.',
            serverText: reply,
          },
          { kind: 'done', ok: false },
        ])
      }
      // It has gone: nothing is known, and nobody waits for what it takes.
      refusesAt = (step) => (step === 'mail' ? { reply: '421 4.7.0 not for you' } : undefined)
      expect((await run()).slice(-2)).toMatchObject([
        { kind: 'failed', step: 'login', code: 'connect.closed' },
        { kind: 'done', ok: false },
      ])
      // About that recipient, and nothing else.
      refusesAt = (step) => (step === 'rcpt' ? { reply: '550 5.1.10 example.com takes no mail' } : undefined)
      expect((await run()).at(-1)).toMatchObject({ kind: 'done', ok: true })
      expect([logins, smtp.mails]).toEqual([[], []])
    })
  })

  it('is tried step by step, with its own steps alone', async () => {
    const { outgoing, password } = relayAt(smtp)
    const run = async () => {
      const { text } = await owner('POST', '/owner/relay-checks', { outgoing, password })
      expect(text).not.toContain(relayPassword)
      return text
        .trim()
        .split('\n')
        .map((line) => checkEvent.parse(JSON.parse(line)))
    }
    const events = await run()
    expect(events.at(-1)).toMatchObject({ kind: 'done', ok: true })
    expect(events.flatMap((event) => (event.kind === 'step' && event.state === 'ok' ? event.step : []))).toEqual([
      'resolve',
      'connect',
      'greeting',
      'login',
    ])
    isRefused = true
    expect((await run()).slice(-2)).toMatchObject([
      { kind: 'failed', server: 'outgoing', step: 'login', code: 'login.failed' },
      { kind: 'done', ok: false },
    ])
  })

  it('is chosen by an account, which can send then as whomever it carries, to as many as it takes', async () => {
    expect((await useRelay()).body.error.code).toBe('relay.missing')
    const canSend = async () => {
      const { identities } = identityList.parse((await member('GET', '/identities')).body)
      return identities.map((identity) => identity.canSend)
    }
    await set({ recipientsPerMail: 2 })
    expect(await canSend()).toEqual([false])
    expect((await useRelay()).body).toMatchObject({ usesRelay: true, outgoing: null })
    expect(await canSend()).toEqual([true])
    // Carried, but not by the owner's word.
    const isNamed = async () => {
      const { identities } = identityList.parse((await member('GET', '/identities')).body)
      return identities.map((identity) => identity.isNamed)
    }
    expect(await isNamed()).toEqual([true])
    await set({ domains: ['mail.example.org'] })
    expect([await canSend(), await isNamed()]).toEqual([[true], [false]])
    // As each relay said when it was tried.
    const limit = async () =>
      (await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).maxMessageBytes
    await set({ recipientsPerMail: 2 })
    expect(await limit()).toBe(1_000_000n)
    await owner('DELETE', '/owner/relay')
    expect(await limit()).toBeNull()
    await set({ recipientsPerMail: 2 })
    const to = ['a', 'b', 'c'].map((name) => ({ name: '', address: `${name}@example.org` }))
    const many = await sender.send(await sender.write(accountId, { to }))
    expect(many.body).toMatchObject({ error: { code: 'request.invalid', fields: { to: 'are more than 2' } } })
    const few = await sender.send(await sender.write(accountId, { to: to.slice(1) }))
    expect(few.status).toBe(200)
    expect((await owner('GET', '/owner/relay')).body.relay).toMatchObject({ accounts: 1, waiting: 1 })
    await set({ domains: ['else.example'], carriesOthers: false })
    expect(await canSend()).toEqual([false])
    const refused = await sender.send(await sender.write(accountId))
    expect(refused.body).toMatchObject({
      error: { message: expect.stringMatching(/does not carry mail from this sender/) },
    })
  })
})
