import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { letter } from '../support/letter.ts'

describe('changing an account to IMAP by the API', () => {
  let dovecot: Dovecot
  let fixture: EngineFixture
  let app: FastifyInstance
  let cookie = ''
  beforeAll(async () => {
    dovecot = await startDovecot()
    for (const user of ['ann', 'bob', 'cal']) dovecot.addUser(user, 'secret')
    for (let n = 1; n <= 3; n++) dovecot.deliver('ann', 'INBOX', letter(n))
    dovecot.deliver('bob', 'INBOX', letter(9))
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
  const post = async (url: string, payload: object) => {
    const headers = { host: 'localhost', 'x-postern': '1', cookie }
    const answer = await app.inject({ method: 'POST', url, payload, headers })
    return { status: answer.statusCode, body: answer.json() }
  }
  const incoming = (port: number, username = 'ann') => ({ host: 'localhost', port, security: 'tls', username })
  const there = (user: string) => [dovecot.doveadm('mailbox', 'list', '-u', user), dovecot.count(user, 'INBOX')]
  const anotherMailbox = {
    code: 'request.conflict',
    message: 'None of the mails at your provider was found in that mailbox: it looks like another one.',
    hint: expect.stringContaining('Check the user name.'),
  }
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
    expect([stranger.status, stranger.body.error]).toMatchObject([409, anotherMailbox])
    expect([there('bob'), await account(added.id)]).toEqual(before)
    expect(await account(added.id)).toMatchObject({ kind: 'pop3', switching: null, state: 'watching' })

    const right = { kind: 'imap', incoming: imap.incoming, password: 'secret' }
    // Of two that come at once one is too late; what it would have done is done.
    const answers = await Promise.all([post(url, right), post(url, right)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    const { body } = answers.find(({ status }) => status === 200) ?? { body: null }
    expect(body).toMatchObject({ id: added.id, kind: 'imap', retrieval: null, switching: { total: 3 } })
    await fixture.untilState(BigInt(added.id), 'watching')
    expect(await account(added.id)).toMatchObject({ kind: 'imap', switching: null })
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
    const imap = { kind: 'imap', incoming: incoming(dovecot.imapsPort, 'Ann'), password: 'secret' }
    const { body } = await post(`/v1/accounts/${beside.id}/switch`, imap)
    const shown = await fixture.store.prisma.account.findFirstOrThrow({ where: { kind: 'imap' } })
    expect([body.error.code, body.error.accountId]).toEqual(['account.exists', shown.id.toString()])
    expect(await account(beside.id)).toMatchObject({ kind: 'pop3', switching: null })
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
    expect((await become('bob')).body.error).toMatchObject(anotherMailbox)
    expect(there('bob')).toEqual(before)
    expect((await become('cal')).status).toBe(200)
  })
})
