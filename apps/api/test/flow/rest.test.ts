import { randomBytes, randomUUID } from 'node:crypto'
import { type RestName, type RestOperation, rest } from '@postern/shared/rest.ts'
import type { Start } from '@postern/shared/start.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { renewSetupCode } from '#auth/setup-code.ts'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { openStore, type Store } from '#store/open-store.ts'
import { buildTestApp } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'
import { plantDraft } from '../support/planted-draft.ts'
import { validBodies, validQueries } from '../support/valid-bodies.ts'

const password = 'four unrelated words: lantern orbit'
const names = Object.keys(rest) as RestName[] // keys of the table

/** Every operation of the table, against strangers, other people and odd requests. */
describe('the REST interface', () => {
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance
  let owner = ''
  let member = ''
  const ids: Record<string, string> = {}

  beforeAll(async () => {
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 8 })
    const masterKey = randomBytes(32)
    app = await buildTestApp({ store, masterKey, publicUrl: new URL('https://mail.example.org') })
    const code = await renewSetupCode(store)
    owner = cookieOf(await send('POST', '/v1/setup', { code, name: 'Owner', address: 'owner@example.org', password }))
    const invitation = await send('POST', '/v1/invitations', {}, owner)
    const token = String(invitation.json().link).split('token=')[1]
    member = cookieOf(
      await send('POST', '/v1/invitations/accept', { token, name: 'Member', address: 'member@example.org', password }),
    )
    await plantMail(masterKey)
  })
  afterAll(async () => {
    await app.close()
    await store.close()
    await database.drop()
  })

  const send = (
    method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE',
    url: string,
    body?: unknown,
    cookie = '',
    headers: Record<string, string> = {},
  ) =>
    app.inject({
      method,
      url,
      headers: {
        host: 'localhost',
        ...(method === 'GET' ? {} : { 'x-postern': '1' }),
        ...(cookie ? { cookie } : {}),
        ...headers,
      },
      ...(body === undefined ? {} : { payload: body as object }),
    })
  const cookieOf = (response: Awaited<ReturnType<typeof send>>) => {
    expect(response.statusCode).toBe(200)
    const { name, value } = response.cookies[0] ?? { name: '', value: '' }
    return `${name}=${value}`
  }
  const fill = (path: string) => path.replace(/:(\w+)/g, (_, name: string) => ids[name] ?? '1')

  /** An account of the owner with one mail, so that there is something others must not see. */
  const plantMail = async (masterKey: Buffer) => {
    const settings = {
      address: 'owner@example.org',
      name: '',
      kind: 'imap' as const,
      incoming: {
        host: 'mail.example.org',
        port: 993,
        security: 'tls' as const,
        username: 'o',
        pinnedFingerprint: null,
      },
      outgoing: null,
    }
    const accountId =
      (await commit(store, { kind: 'user', userId: 1n }, (unit) =>
        createAccount(unit, {
          userId: 1n,
          settings,
          password: 'canary-password',
          outgoingPassword: null,
          masterKey,
          isPrivateHost: false,
        }),
      )) ?? 0n
    const mailbox = await store.prisma.mailbox.create({
      data: { accountId, path: 'INBOX', name: 'INBOX', role: 'inbox' },
    })
    const thread = await store.prisma.thread.create({ data: { accountId } })
    const message = await store.prisma.message.create({
      data: {
        accountId,
        threadId: thread.id,
        identityKey: randomUUID(),
        subject: 'Secret plans',
        fromAddresses: [{ name: 'Ann', address: 'ann@example.org' }],
        replyTo: [],
        toAddresses: [],
        cc: [],
        bcc: [],
        receivedAt: new Date(),
        sizeBytes: 10n,
        bodyState: 'ready',
      },
    })
    await store.prisma.body.create({ data: { messageId: message.id, accountId, text: 'the secret text' } })
    const part = await store.prisma.part.create({
      data: {
        messageId: message.id,
        accountId,
        position: 0,
        path: '2',
        contentType: 'text/html',
        filename: 'evil.html',
        sizeBytes: 1n,
      },
    })
    await commit(store, { kind: 'system' }, async (unit) => {
      await unit.tx.placement.create({
        data: {
          accountId,
          mailboxId: mailbox.id,
          uid: 1n,
          messageId: message.id,
          threadId: thread.id,
          shownMailboxId: mailbox.id,
          receivedAt: message.receivedAt,
        },
      })
      unit.touchThreads(accountId, [thread.id])
    })
    Object.assign(ids, {
      accountId: String(accountId),
      mailboxId: String(mailbox.id),
      threadId: String(thread.id),
      messageId: String(message.id),
      partId: String(part.id),
    })
    const command = await send(
      'POST',
      '/v1/commands',
      {
        id: randomUUID(),
        command: {
          kind: 'setFlags',
          target: { kind: 'messages', mailboxId: ids.mailboxId, messageIds: [ids.messageId] },
          add: ['flagged'],
        },
      },
      owner,
    )
    expect(command.statusCode).toBe(200)
    ids.commandId = command.json().id
    Object.assign(ids, await plantDraft(store, { userId: 1n, accountId }))
    ids.sessionId = (await send('GET', '/v1/sessions', undefined, owner)).json().sessions[0].id
    ids.invitationId = String((await store.prisma.invitation.findFirstOrThrow()).id)
  }

  it.each(names.filter((name) => rest[name].access !== 'public'))('%s asks strangers to sign in', async (name) => {
    const operation: RestOperation = rest[name]
    const response = await send(operation.method, fill(operation.path), operation.body ? {} : undefined)
    expect([response.statusCode, response.json().error.code]).toEqual([401, 'auth.required'])
  })

  it.each(names.filter((name) => rest[name].access === 'owner'))('%s is for the owner only', async (name) => {
    const operation: RestOperation = rest[name]
    expect(
      (await send(operation.method, fill(operation.path), operation.body ? {} : undefined, member)).statusCode,
    ).toBe(403)
  })

  it.each(names.filter((name) => rest[name].access === 'user' && rest[name].path.includes(':')))(
    "%s answers 404 for another person's ids",
    async (name) => {
      const operation: RestOperation = rest[name]
      const query = validQueries[name] ?? ''
      const response = await send(operation.method, fill(operation.path) + query, validBodies[name], member)
      expect([response.statusCode, response.json().error.code]).toEqual([404, 'not_found'])
      expect(response.body).not.toMatch(/secret/i)
    },
  )

  it('lets nobody act on the mail of others by a command', async () => {
    const command = {
      kind: 'moveToRole',
      role: 'trash',
      target: { kind: 'threads', mailboxId: ids.mailboxId, threadIds: [ids.threadId] },
    }
    expect((await send('POST', '/v1/commands', { id: randomUUID(), command }, member)).statusCode).toBe(404)
    expect(
      (await send('GET', `/v1/changes?stream=account:${ids.accountId}&since=0`, undefined, member)).statusCode,
    ).toBe(404)
    expect((await send('GET', '/v1/search?q=secret', undefined, member)).json().hits).toEqual([])
  })

  it.each(names.filter((name) => rest[name].method !== 'GET'))('%s refuses requests of other sites', async (name) => {
    const operation: RestOperation = rest[name]
    const url = fill(operation.path)
    const forged: Record<string, string>[] = [
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'x-postern': '' },
    ]
    for (const headers of forged) expect((await send(operation.method, url, {}, owner, headers)).statusCode).toBe(403)
  })

  it('refuses unknown host names and other content types, and reads what is wrong in plain words', async () => {
    expect((await send('GET', '/v1/setup', undefined, '', { host: 'evil.example' })).statusCode).toBe(421)
    expect((await send('GET', '/v1/setup', undefined, '', { host: 'mail.example.org' })).statusCode).toBe(200)
    expect(
      (
        await app.inject({
          method: 'POST',
          url: '/v1/session',
          headers: { host: 'localhost', 'x-postern': '1', 'content-type': 'text/plain' },
          payload: '{}',
        })
      ).statusCode,
    ).toBe(415)
    const wrong = await send('POST', '/v1/session', { address: 'not an address', password: '' })
    expect(wrong.json().error).toMatchObject({
      code: 'request.invalid',
      fields: { address: 'is not a mail address', password: 'must not be empty' },
    })
    const port = { host: '', port: 0, security: 'ssl', username: '' }
    const account = { address: 'a@example.org', password: '', incoming: port }
    expect((await send('POST', '/v1/accounts', account, owner)).json().error.fields).toEqual({
      password: 'must not be empty',
      'incoming.host': 'must not be empty',
      'incoming.port': 'must be at least 1',
      'incoming.security': 'must be one of: tls, starttls, plain',
      'incoming.username': 'must not be empty',
    })
    const operations: RestOperation[] = Object.values(rest)
    for (const { method, path } of operations.filter(({ body }) => body !== undefined))
      for (const odd of [{}, [], { nonsense: 1 }]) {
        const { error } = (await send(method, fill(path), odd, owner)).json()
        expect(JSON.stringify(error?.fields ?? {})).not.toMatch(/too (small|big)|invalid|unrecognized|received/i)
      }
  })

  it('slows guessing down without locking the person out elsewhere', async () => {
    const guess = () => send('POST', '/v1/session', { address: 'owner@example.org', password: 'wrong' })
    for (let n = 0; n < 3; n++) expect((await guess()).statusCode).toBe(401)
    const slowed = await guess()
    expect([slowed.statusCode, slowed.headers['retry-after']]).toEqual([429, '1'])
    const elsewhere = await app.inject({
      method: 'POST',
      url: '/v1/session',
      remoteAddress: '127.0.0.9',
      headers: { host: 'localhost', 'x-postern': '1' },
      payload: { address: 'owner@example.org', password },
    })
    expect(elsewhere.statusCode).toBe(200)
  })

  it('gives guesses that come all at once no more tries than those that come one by one', async () => {
    const guess = () => send('POST', '/v1/session', { address: 'nobody@example.org', password: 'wrong' })
    const answers = await Promise.all(Array.from({ length: 12 }, guess))
    expect(answers.filter(({ statusCode }) => statusCode === 401)).toHaveLength(3)
  })

  it('is read by people of whom nothing can be written just now', async () => {
    await store.prisma.$executeRaw`UPDATE session SET last_seen_at = now() - interval '1 hour'`
    await store.prisma.$executeRaw`ALTER TABLE session ADD CONSTRAINT nothing_fits CHECK (id < 0) NOT VALID`
    expect((await send('GET', '/v1/session', undefined, owner)).statusCode).toBe(200)
    await store.prisma.$executeRaw`ALTER TABLE session DROP CONSTRAINT nothing_fits`
  })

  it.each(names.filter((name) => rest[name].path.includes('Id')))(
    '%s takes no number that is too large',
    async (name) => {
      const { method, path } = rest[name]
      const answer = await send(method, path.replace(/:\w+/g, '9'.repeat(19)), undefined, owner)
      expect([answer.statusCode, answer.json().error.code]).toEqual([400, 'request.invalid'])
    },
  )

  it('takes no place in a list that no date has', async () => {
    const list = `/v1/mailboxes/${ids.mailboxId}/threads?after=${'9'.repeat(17)}_1`
    for (const path of [
      list,
      `/v1/search?q=plans&after=${'9'.repeat(17)}_1`,
      `/v1/changes?stream=user:1&since=${'9'.repeat(19)}`,
    ])
      expect((await send('GET', path, undefined, owner)).statusCode).toBe(400)
  })

  it('answers in one form also where there is nothing', async () => {
    expect((await send('GET', '/v1/nothing')).json().error.code).toBe('not_found')
  })

  it('signs out for good', async () => {
    const left = cookieOf(await send('POST', '/v1/session', { address: 'member@example.org', password }))
    expect((await send('GET', '/v1/session', undefined, left)).statusCode).toBe(200)
    const out = await send('DELETE', '/v1/session', undefined, left)
    expect([out.statusCode, out.cookies[0]?.value]).toEqual([204, ''])
    expect((await send('GET', '/v1/session', undefined, left)).statusCode).toBe(401)
  })

  it('ends all other sessions when the password changes', async () => {
    const other = cookieOf(await send('POST', '/v1/session', { address: 'member@example.org', password }))
    const next = 'another sentence nobody would guess 7'
    const old = member
    const before = (await send('GET', '/v1/session', undefined, member)).json().sessionId
    const changed = await send('POST', '/v1/password', { current: password, next }, member)
    member = cookieOf(changed)
    expect((await send('GET', '/v1/session', undefined, other)).statusCode).toBe(401)
    expect((await send('GET', '/v1/session', undefined, old)).statusCode).toBe(401)
    // What is open here goes on, and nobody is asked for the password that was just given.
    expect((await send('GET', '/v1/session', undefined, member)).json().sessionId).toBe(before)
  })

  it('answers the first screen at once: what one has oneself, and where the change log stood', async () => {
    const { mailboxId = '', threadId = '' } = ids
    const own = (await send('GET', '/v1/start', undefined, owner)).json() as Start
    expect(own.accounts).toEqual((await send('GET', '/v1/accounts', undefined, owner)).json().accounts)
    expect(own.session).toEqual((await send('GET', '/v1/session', undefined, owner)).json())
    expect(own.mailboxes.map(({ id }) => id)).toEqual([mailboxId])
    const page = (await send('GET', `/v1/mailboxes/${mailboxId}/threads?limit=60`, undefined, owner)).json()
    expect(own.list).toEqual({ mailboxId, ...page })
    expect(own.list?.rows.map(({ threadId }) => threadId)).toEqual([threadId])
    const streams = await store.prisma.stream.findMany({
      where: { OR: [{ userId: 1n }, { accountId: { not: null } }] },
    })
    expect(Object.values(own.streams).sort()).toEqual(streams.map(({ seq }) => seq.toString()).sort())
    const named = (await send('GET', `/v1/start?mailboxId=${mailboxId}`, undefined, owner)).json()
    expect(named).toEqual(own)
    const other = (await send('GET', `/v1/start?mailboxId=${mailboxId}`, undefined, member)).json() as Start
    expect([other.accounts, other.mailboxes, other.list, other.session.user.name]).toEqual([[], [], null, 'Member'])
    expect(Object.keys(other.streams).every((name) => name.startsWith('user:'))).toBe(true)
  })

  it('repeats nothing when a command comes twice, and tells a different one under the same id', async () => {
    const id = randomUUID()
    const command = {
      kind: 'setFlags',
      target: { kind: 'threads', mailboxId: ids.mailboxId, threadIds: [ids.threadId] },
      add: ['seen'],
    }
    const first = await send('POST', '/v1/commands', { id, command }, owner)
    expect((await send('POST', '/v1/commands', { id, command }, owner)).json()).toEqual(first.json())
    expect(
      (await send('POST', '/v1/commands', { id, command: { ...command, add: ['answered'] } }, owner)).statusCode,
    ).toBe(409)
    expect(await store.prisma.command.count({ where: { id } })).toBe(1)
  })

  it('stores passwords of accounts sealed, those of people as Argon2id, and of sessions only a hash', async () => {
    const [found] = await store.prisma.$queryRaw<{ accounts: string; sessions: string }[]>`
      SELECT (SELECT string_agg(a::text, '') FROM account a) AS accounts, (SELECT string_agg(s::text, '') FROM session s) AS sessions`
    expect(found?.accounts).not.toContain('canary-password')
    expect(found?.accounts).not.toContain(Buffer.from('canary-password').toString('hex'))
    const token = owner.split('=')[1] ?? ''
    expect(token.length).toBeGreaterThan(20)
    for (const form of [token, Buffer.from(token).toString('hex'), Buffer.from(token, 'base64url').toString('hex')])
      expect(found?.sessions).not.toContain(form)
    const people = await store.prisma.appUser.findMany()
    expect(people.map(({ passwordHash }) => passwordHash.slice(0, 10))).toEqual(['$argon2id$', '$argon2id$'])
  })

  it('gives mail out with headers that keep it inert', async () => {
    const list = await send('GET', `/v1/mailboxes/${ids.mailboxId}/threads`, undefined, owner)
    expect(list.json()).toMatchObject({ total: 1, rows: [{ subject: 'Secret plans', isFlagged: true }] })
    expect(list.headers).toMatchObject({ 'cache-control': 'private, no-store', 'x-content-type-options': 'nosniff' })
    expect(
      (await send('GET', `/v1/messages/${ids.messageId}/parts/${ids.partId}/preview`, undefined, owner)).statusCode,
    ).toBe(422)
  })

  it('shows its reference, with everything it needs from here and no rule loosened elsewhere', async () => {
    const page = await send('GET', '/docs/')
    expect(page.headers).toMatchObject({ 'x-content-type-options': 'nosniff' })
    expect(page.headers['content-security-policy']).toContain("connect-src 'self'")
    const [, script = ''] = /<script src="([^"]+)"/.exec(page.body) ?? []
    const { pathname, host } = new URL(script, 'http://localhost/docs/')
    const loaded = await send('GET', pathname)
    expect([page.statusCode, loaded.statusCode, host]).toEqual([200, 200, 'localhost'])
    expect(loaded.body.length).toBeGreaterThan(100_000)
    expect((await send('GET', '/v1/openapi.json')).headers['content-security-policy']).not.toContain('unsafe-eval')
  })
})
