import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
})
