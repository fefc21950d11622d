import { randomBytes, randomUUID } from 'node:crypto'
import { accountSettings } from '@postern/shared/accounts.ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { takeUpAgain } from '#store/disconnected.ts'
import { queueMail } from '../support/queued-mail.ts'
import { type OutboxApi, startOutboxApi } from './outbox-fixture.ts'

describe('an account that is disconnected', () => {
  let fixture: OutboxApi
  beforeAll(async () => {
    fixture = await startOutboxApi()
  })
  afterAll(() => fixture.stop())

  it('keeps no password, nothing that one belonged to, and no change that would need one', async () => {
    const { accountId } = await fixture.makeAccount(1)
    const { prisma } = fixture.store
    await prisma.stream.create({ data: { userId: fixture.userId } })
    const outgoing = { host: 'smtp.example.org', port: 465, security: 'tls', username: 'ann' }
    const sealed = Buffer.from('sealed')
    await prisma.accountLease.create({ data: { accountId, expiresAt: new Date(0) } })
    await prisma.account.update({
      where: { id: accountId },
      data: {
        kind: 'imap',
        credential: sealed,
        outgoing,
        outgoingCredential: sealed,
        switchTo: {
          incoming: { ...outgoing, host: 'pop.example.org', port: 995 },
          isPrivateHost: false,
          bringsInbox: false,
        },
        switchCredential: sealed,
        switching: { to: 'pop3', total: 1, found: 0, brought: 0, isTold: false },
      },
    })
    expect((await fixture.send('DELETE', `/accounts/${accountId}?mode=disconnect`)).statusCode).toBe(204)
    expect(await prisma.account.findUniqueOrThrow({ where: { id: accountId } })).toMatchObject({
      state: 'disconnected',
      credential: new Uint8Array(),
      outgoing: null,
      outgoingCredential: null,
      switchTo: null,
      switchCredential: null,
      switching: null,
    })
  })

  it('is not taken for another one when it was connected by another name of its server meanwhile', async () => {
    const { store, userId } = fixture
    const { accountId } = await fixture.makeAccount(1)
    const address = 'twice@example.org'
    const incoming = { host: 'imap.example.org', port: 993, security: 'tls' as const, username: 'twice' }
    await store.prisma.account.update({ where: { id: accountId }, data: { address, incoming } })
    const settings = accountSettings.parse({ address, incoming: { ...incoming, host: 'mail.example.org' } })
    const secrets = { password: 'p', outgoingPassword: null, masterKey: randomBytes(32), isPrivateHost: false }
    const before = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    const made = await commit(store, { kind: 'user', userId }, (unit) =>
      createAccount(unit, { userId, settings, ...secrets, rejoin: accountId }),
    )
    expect(made).toBeNull()
    expect(await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).toEqual(before)
  })

  it.each(['connected', 'added'])('sends nothing by itself that was due when it is %s again', async (how) => {
    const { store, userId } = fixture
    const { accountId } = await fixture.makeAccount(1)
    const address = `${how}@example.org`
    const incoming = { host: 'mail.example.org', port: 993, security: 'tls' as const, username: how }
    await store.prisma.account.update({ where: { id: accountId }, data: { address, incoming } })
    await store.prisma.accountLease.create({ data: { accountId, expiresAt: new Date(0) } })
    const left: { id: string; state: string }[] = []
    for (const state of ['queued', 'deferred', 'leased', 'connected', 'committing', 'sent']) {
      const id = randomUUID()
      await queueMail(store, { userId, accountId }, { id, to: ['bob@example.org'] })
      await store.prisma.submissionBatch.updateMany({ where: { submissionId: id }, data: { state } })
      left.push({ id, state })
    }
    // Of those that were to go later, one whose time has not come, and one whose time came while the account was away.
    const [ahead, missed] = [randomUUID(), randomUUID()]
    for (const id of [ahead, missed]) {
      const notBefore = new Date(Date.now() + (id === ahead ? 86_400_000 : -1000))
      await queueMail(store, { userId, accountId }, { id, to: ['bob@example.org'], notBefore })
      const schedule = { wallTime: notBefore.toISOString().slice(0, 16), zone: 'UTC' }
      await store.prisma.submission.update({ where: { id }, data: { schedule } })
    }
    await fixture.send('DELETE', `/accounts/${accountId}?mode=disconnect`)
    const row = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
    const settings = accountSettings.parse({ address, incoming })
    const secrets = { password: 'p', outgoingPassword: null, masterKey: randomBytes(32), isPrivateHost: false }
    await commit(store, { kind: 'user', userId }, async (unit) => {
      if (how === 'connected') await takeUpAgain(unit, row, { isMoved: false })
      else expect(await createAccount(unit, { userId, settings, ...secrets, rejoin: accountId })).toBe(accountId)
    })
    for (const { id, state } of left) {
      const { state: now } = await store.prisma.submissionBatch.findFirstOrThrow({ where: { submissionId: id } })
      const { finishedAt } = await store.prisma.submission.findUniqueOrThrow({ where: { id } })
      const isOver = state !== 'committing' && state !== 'sent'
      expect([state, now, finishedAt !== null]).toEqual([state, isOver ? 'failed' : state, isOver])
    }
    const states = await store.prisma.submissionBatch.findMany({ where: { submissionId: { in: [ahead, missed] } } })
    expect(new Map(states.map(({ submissionId, state }) => [submissionId, state]))).toEqual(
      new Map([
        [ahead, 'queued'],
        [missed, 'failed'],
      ]),
    )
    expect((await fixture.send('GET', `/submissions/${ahead}`)).json()).toMatchObject({
      state: 'scheduled',
      problem: null,
    })
    const one = (await fixture.send('GET', `/submissions/${left[0]?.id}`)).json()
    expect(one).toMatchObject({ state: 'failed', problem: { message: expect.stringMatching(/was disconnected/) } })
    expect((await fixture.send('POST', `/submissions/${left[0]?.id}/retry`)).json().state).not.toBe('failed')
  })
})
