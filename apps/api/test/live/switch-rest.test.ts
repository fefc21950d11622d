import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { openCredential } from '#store/account-credentials.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { letter } from '../support/letter.ts'
import { refuse, startScriptedPop3 } from '../support/scripted-pop3.ts'
import { until } from '../support/until.ts'

describe('changing the protocol of an account by the API', () => {
  let dovecot: Dovecot
  let fixture: EngineFixture
  let app: FastifyInstance
  let cookie = ''
  beforeAll(async () => {
    dovecot = await startDovecot()
    for (const user of ['ann', 'bob', 'cal', 'dan']) dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 3; n++) dovecot.deliver('ann', 'INBOX', letter(n))
    dovecot.deliver('bob', 'INBOX', letter(9))
    // Mails to all of them: alone they are no proof.
    for (const user of ['bob', 'dan']) dovecot.deliver(user, 'INBOX', letter(1))
    for (let n = 11; n <= 14; n++) dovecot.deliver('dan', n < 13 ? 'INBOX' : 'Archive', letter(n))
    fixture = await startEngineFixture(dovecot)
    fixture.start()
    const { store, deps, userId } = fixture
    app = await buildTestApp({ store, masterKey: deps.masterKey, ca: dovecot.certificate })
    cookie = await openTestSession(store, userId)
  })
  afterAll(async () => {
    await app.close()
    await fixture.stop()
    await dovecot.stop()
  })
  const send = async (method: 'POST' | 'PATCH', url: string, payload: object) => {
    const headers = { host: 'localhost', 'x-postern': '1', cookie }
    const answer = await app.inject({ method, url, payload, headers })
    return { status: answer.statusCode, body: answer.json() }
  }
  const post = (url: string, payload: object) => send('POST', url, payload)
  const incoming = (port: number, username = 'ann') => ({ host: 'localhost', port, security: 'tls', username })
  const there = (user: string) => [dovecot.doveadm('mailbox', 'list', '-u', user), dovecot.count(user, 'INBOX')]
  const refusal = (message: string) => ({
    code: 'request.conflict',
    message,
    hint: expect.stringContaining('Check the user name.'),
  })
  const anotherName = refusal(
    'There is no mail to compare, and the user name is another one: it may be another mailbox.',
  )
  const account = (id: string) => fixture.store.prisma.account.findUniqueOrThrow({ where: { id: BigInt(id) } })

  it('tries the login first, names the account that is here already, and changes it', async () => {
    const pop3 = { address: 'ann@example.org', kind: 'pop3', incoming: incoming(dovecot.pop3sPort), password: 'secret' }
    const { body: added } = await post('/v1/accounts', pop3)
    await fixture.untilState(BigInt(added.id), 'watching')
    const imap = { ...pop3, kind: 'imap', incoming: incoming(dovecot.imapsPort) }
    for (const same of [imap, { ...imap, address: 'other@example.org' }]) {
      const { status, body } = await post('/v1/accounts', same)
      expect([status, body.error.code, body.error.accountId]).toEqual([409, 'account.exists', added.id])
    }
    const url = `/v1/accounts/${added.id}/switch`
    const wrong = await post(url, { kind: 'imap', incoming: imap.incoming, password: 'wrong' })
    expect([wrong.status, wrong.body.error.code]).toEqual([422, 'login.failed'])
    const nowhere = await post(url, { kind: 'imap', incoming: incoming(dovecot.pop3sPort), password: 'secret' })
    expect(nowhere.status).toBe(502)
    // The login of somebody else is right, and the mailbox is not.
    const before = [there('bob'), await account(added.id)]
    const stranger = await post(url, { kind: 'imap', incoming: incoming(dovecot.imapsPort, 'bob'), password: 'secret' })
    const another = 'Most of the newest mails at your provider are not in that mailbox: it looks like another one.'
    expect([stranger.status, stranger.body.error]).toMatchObject([409, refusal(another)])
    expect([there('bob'), await account(added.id)]).toEqual(before)
    expect(await account(added.id)).toMatchObject({ kind: 'pop3', switching: null, state: 'watching' })

    const right = { kind: 'imap', incoming: { ...imap.incoming, host: '127.0.0.1' }, password: 'secret' }
    await fixture.store.prisma.account.update({ where: { id: BigInt(added.id) }, data: { outgoing: incoming(587) } })
    // Of two that come at once one is too late; what it would have done is done.
    const answers = await Promise.all([post(url, right), post(url, right)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const { body } = answers.find(({ status }) => status === 200) ?? { body: null }
    expect(body).toMatchObject({ id: added.id, kind: 'imap', retrieval: null, switching: { total: 3 } })
    await fixture.untilState(BigInt(added.id), 'watching')
    const changed = await account(added.id)
    expect(changed).toMatchObject({ kind: 'imap', switching: null })
    // At another provider: it sends by the password it had, which is all that server knows.
    const { dataKey, outgoingCredential: credential, userId } = changed
    if (credential === null) throw new Error('it would send by the password of another provider')
    const owner = { accountId: changed.id, userId }
    const masterKey = fixture.deps.masterKey
    expect(openCredential(masterKey, { dataKey, credential }, 'outgoing_credential', owner).reveal()).toBe('secret')
    expect((await fixture.shown(BigInt(added.id), 'INBOX')).map(({ subject }) => subject).sort()).toEqual([
      'Letter 1',
      'Letter 2',
      'Letter 3',
    ])
  })

  it('adds the same mailbox beside it when a person wants that, and does not let that one become the same account', async () => {
    const pop3 = { address: 'ann@example.org', kind: 'pop3', incoming: incoming(dovecot.pop3sPort), password: 'secret' }
    expect((await post('/v1/accounts', pop3)).status).toBe(409)
    const { status, body: beside } = await post('/v1/accounts', { ...pop3, beside: true })
    expect(status).toBe(200)
    await fixture.untilState(BigInt(beside.id), 'watching')
    const at = { ...incoming(dovecot.imapsPort, 'Ann'), host: '127.0.0.1' }
    const imap = { kind: 'imap', incoming: at, password: 'secret' }
    const { body } = await post(`/v1/accounts/${beside.id}/switch`, imap)
    const shown = await fixture.store.prisma.account.findFirstOrThrow({ where: { kind: 'imap' } })
    expect([body.error.code, body.error.accountId]).toEqual(['account.exists', shown.id.toString()])
    expect(await account(beside.id)).toMatchObject({ kind: 'pop3', switching: null })
  })

  it('leaves nothing at the provider when a name is refused there', async () => {
    dovecot.addUser('eve', 'secret')
    const pop3 = { address: 'eve@example.org', kind: 'pop3', incoming: incoming(dovecot.pop3sPort, 'eve') }
    const { body: added } = await post('/v1/accounts', { ...pop3, password: 'secret' })
    await fixture.untilState(BigInt(added.id), 'watching')
    const make = async (path: string) => {
      const answer = await post(`/v1/accounts/${added.id}/mailboxes`, { name: path, parentId: null })
      expect(answer.status).toBe(200)
    }
    for (const name of ['Projects', '(odd)', '.hidden']) await make(name)
    const before = dovecot.doveadm('mailbox', 'list', '-u', 'eve')
    const imap = { kind: 'imap', incoming: incoming(dovecot.imapsPort, 'eve'), password: 'secret' }
    const { status, body } = await post(`/v1/accounts/${added.id}/switch`, imap)
    expect([status, body.error.message]).toEqual([
      expect.any(Number),
      'The server does not let the mailbox .hidden be made.',
    ])
    expect(dovecot.doveadm('mailbox', 'list', '-u', 'eve')).toBe(before)
  })

  it('goes by the user name where the provider has no mail', async () => {
    const pop3 = { address: 'cal@example.org', kind: 'pop3', incoming: incoming(dovecot.pop3sPort, 'cal') }
    const { body: added } = await post('/v1/accounts', { ...pop3, password: 'secret' })
    await fixture.untilState(BigInt(added.id), 'watching')
    const become = (user: string) => {
      const imap = { kind: 'imap', incoming: incoming(dovecot.imapsPort, user), password: 'secret' }
      return post(`/v1/accounts/${added.id}/switch`, imap)
    }
    const before = there('bob')
    expect((await become('bob')).body.error).toMatchObject(anotherName)
    expect(there('bob')).toEqual(before)
    expect((await become('cal')).status).toBe(200)
  })

  it('does not change to the maildrop of another mailbox', async () => {
    const imap = { address: 'dan@example.org', incoming: incoming(dovecot.imapsPort, 'dan'), password: 'secret' }
    const { body: added } = await post('/v1/accounts', imap)
    const accountId = BigInt(added.id)
    await fixture.untilState(accountId, 'watching')
    const become = (user: string, password = 'secret') =>
      post(`/v1/accounts/${added.id}/switch`, {
        kind: 'pop3',
        incoming: incoming(dovecot.pop3sPort, user),
        password,
      })
    expect((await become('dan', 'wrong')).body.error.code).toBe('login.failed')
    const another = 'Most of the newest mails at your provider are not in this account: it looks like another one.'
    expect(await become('bob')).toMatchObject({ status: 409, body: { error: refusal(another) } })
    // Empty: the user name has to do.
    expect(await become('cal')).toMatchObject({ status: 409, body: { error: anotherName } })
    // Ann's is here by POP3 already.
    expect((await become('ann')).body.error.code).toBe('account.exists')
    expect(await account(added.id)).toMatchObject({ kind: 'imap', switching: null, switchTo: null })

    const scripted = await startScriptedPop3({ mails: [letter(1), letter(99)], on: { TOP: refuse('unknown command') } })
    const proof = {
      accountId,
      incoming: { ...incoming(scripted.port), security: 'plain' as const, pinnedFingerprint: null },
      password: 'secret',
      policy: { allowPrivate: true, privateHosts: [] },
      ca: undefined,
    }
    const { proveMaildrop } = createEngine(fixture.store)
    await expect(proveMaildrop({ ...proof, isSameName: false })).rejects.toMatchObject({ code: 'request.conflict' })
    expect(await proveMaildrop({ ...proof, isSameName: true })).toEqual({ messages: 2, unknown: 0, outside: 0 })
    await scripted.stop()

    // One of its mails is not here: the inbox is fetched whole as well, since more may differ.
    const pause = (isPaused: boolean) => send('PATCH', `/v1/accounts/${added.id}`, { isPaused })
    await pause(true)
    dovecot.deliver('dan', 'INBOX', letter(15))
    const switching = { to: 'pop3', total: 5 }
    expect(await become('dan')).toMatchObject({ status: 200, body: { kind: 'imap', switching } })
    await pause(false)
    await until(async () => (await account(added.id)).kind === 'pop3', { what: 'the change' })
  })
})
