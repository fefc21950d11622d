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
    dovecot.addUser('ann', 'secret')
    for (let n = 1; n <= 3; n++) dovecot.deliver('ann', 'INBOX', letter(n))
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

  it('adds the same mailbox beside it when a person wants that', async () => {
    const pop3 = { address: 'ann@example.org', kind: 'pop3', incoming: incoming(dovecot.pop3sPort), password: 'secret' }
    expect((await post('/v1/accounts', pop3)).status).toBe(409)
    expect((await post('/v1/accounts', { ...pop3, beside: true })).status).toBe(200)
  })
})
