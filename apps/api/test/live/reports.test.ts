import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { queueMail } from '../support/queued-mail.ts'
import { deliveryReport } from '../support/report-mails.ts'
import { type OutboxFixture, startOutboxFixture, type Worker } from './outbox-fixture.ts'

/** Reports of delivery as they come, through a real server's view of them. */
describe('reports', () => {
  let dovecot: Dovecot
  let fixture: OutboxFixture
  let app: FastifyInstance
  let cookie = ''
  beforeAll(async () => {
    dovecot = await startDovecot()
    fixture = await startOutboxFixture()
    app = await buildTestApp({ store: fixture.store })
    cookie = await openTestSession(fixture.store, fixture.userId)
  })
  afterAll(async () => {
    await app?.close()
    await fixture?.stop()
    await dovecot?.stop()
  })

  const messageOf = (accountId: bigint, subject: string) =>
    fixture.store.prisma.message.findFirstOrThrow({ where: { accountId, subject } })
  const reportsAt = async (worker: Worker, subject: string) => {
    const { threadId } = await messageOf(worker.accountId, subject)
    const answer = await app.inject({ url: `/v1/threads/${threadId}/reports`, headers: { cookie } })
    expect(answer.statusCode).toBe(200)
    return answer.json().reports
  }
  const sent = (id: string, from: string) =>
    `From: ${from}@example.org\r\nTo: bob@example.net\r\nSubject: Plans ${id}\r\nMessage-ID: <${id}@example.org>\r\n\r\nHi Bob\r\n`

  it('come to the mail they are about and into its conversation, and say what the server said', async () => {
    dovecot.addUser('ann', 'secret')
    dovecot.deliver('ann', 'Sent', sent('a', 'ann'))
    dovecot.deliver(
      'ann',
      'INBOX',
      deliveryReport({
        about: 'a@example.org',
        to: 'bob@example.net',
        text: '550 5.1.1 <bob@example.net>: User unknown',
      }),
    )
    const worker = await fixture.start(dovecot, 'ann')
    await worker.readTexts()
    const [mail, bounce] = [
      await messageOf(worker.accountId, 'Plans a'),
      await messageOf(worker.accountId, 'Undelivered Mail Returned to Sender'),
    ]
    expect(bounce.threadId).toBe(mail.threadId)
    expect(await reportsAt(worker, 'Plans a')).toMatchObject([
      {
        messageId: `${bounce.id}`,
        kind: 'delivery',
        about: { messageId: `${mail.id}`, subject: 'Plans a' },
        recipients: [
          {
            action: 'failed',
            address: 'bob@example.net',
            status: '5.1.1',
            text: '550 5.1.1 <bob@example.net>: User unknown',
          },
        ],
      },
    ])
    // The list shows them as one conversation.
    const rows = await fixture.store.prisma.threadMailbox.findMany({ where: { accountId: worker.accountId } })
    expect(new Set(rows.map(({ threadId }) => threadId))).toEqual(new Set([mail.threadId]))
  })

  it('of mail that was sent from here settle its recipients, before its copy in Sent is here as well', async () => {
    dovecot.addUser('cyd', 'secret')
    const worker = await fixture.start(dovecot, 'cyd')
    const { accountId } = worker
    const id = crypto.randomUUID()
    await queueMail(
      fixture.store,
      { userId: fixture.userId, accountId },
      { id, to: ['bob@example.net', 'eve@example.net'] },
    )
    const { prisma } = fixture.store
    await prisma.submissionRecipient.updateMany({ where: { submissionId: id }, data: { state: 'accepted' } })
    const states = async () =>
      (await prisma.submissionRecipient.findMany({ where: { submissionId: id }, orderBy: { position: 'asc' } })).map(
        ({ state }) => state,
      )
    dovecot.deliver('cyd', 'INBOX', deliveryReport({ about: `${id}@example.org`, to: 'BOB@example.net' }))
    // Only the envelope id names the mail.
    dovecot.deliver('cyd', 'INBOX', deliveryReport({ envelopeId: id, to: 'eve@example.net', action: 'delivered' }))
    await worker.sync()
    await worker.readTexts()
    expect(await states()).toEqual(['failed', 'delivered'])
    dovecot.deliver(
      'cyd',
      'Sent',
      `From: cyd@example.org\r\nSubject: Plans c\r\nMessage-ID: <${id}@example.org>\r\n\r\nHi\r\n`,
    )
    await worker.sync()
    await worker.readTexts()
    const found = await reportsAt(worker, 'Plans c')
    expect(found.map(({ about }: { about: { subject: string } }) => about.subject)).toEqual(['Plans c', 'Plans c'])
  })

  it('that name a mail which nobody here sent show themselves and change nothing', async () => {
    dovecot.addUser('dan', 'secret')
    dovecot.deliver('dan', 'INBOX', sent('d', 'stranger'))
    dovecot.deliver('dan', 'INBOX', deliveryReport({ about: 'd@example.org', to: 'bob@example.net' }))
    dovecot.deliver('dan', 'INBOX', deliveryReport({ about: 'never@example.org', to: 'bob@example.net' }))
    const worker = await fixture.start(dovecot, 'dan')
    await worker.readTexts()
    const threads = await fixture.store.prisma.message.findMany({ where: { accountId: worker.accountId } })
    expect(new Set(threads.map(({ threadId }) => threadId)).size).toBe(3)
    expect(await reportsAt(worker, 'Undelivered Mail Returned to Sender')).toMatchObject([{ about: null }])
    for (const one of await reportsAt(worker, 'Plans d')) expect(one.about).toBeNull()
  })
})
