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
  const notesAt = async (worker: Worker, subject: string) => {
    const { threadId } = await messageOf(worker.accountId, subject)
    const answer = await app.inject({ url: `/v1/threads/${threadId}/notes`, headers: { cookie } })
    expect(answer.statusCode).toBe(200)
    return answer.json()
  }
  const reportsAt = async (worker: Worker, subject: string) => (await notesAt(worker, subject)).reports
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

  it('that are read before the mail they are about is here are in its conversation all the same', async () => {
    dovecot.addUser('gil', 'secret')
    for (const to of ['bob@example.net', 'eve@example.net'])
      dovecot.deliver('gil', 'INBOX', deliveryReport({ about: 'g@example.org', to }))
    const worker = await fixture.start(dovecot, 'gil')
    await worker.readTexts()
    dovecot.deliver('gil', 'Sent', sent('g', 'gil'))
    await worker.sync()
    const threads = await fixture.store.prisma.message.findMany({ where: { accountId: worker.accountId } })
    expect([threads.length, new Set(threads.map(({ threadId }) => threadId)).size]).toEqual([3, 1])
    const found = await reportsAt(worker, 'Plans g')
    expect(found.map(({ about }: { about: { subject: string } }) => about.subject)).toEqual(['Plans g', 'Plans g'])
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

  const receiptWish = (n: number, to = 'zed@example.net') =>
    `From: Zed <zed@example.net>\r\nTo: eli@example.org\r\nSubject: Please ${n}\r\nMessage-ID: <z${n}@example.net>\r\nDisposition-Notification-To: ${to}\r\n\r\nRead this.\r\n`

  it('that a mail asks for go out once, when its person says so, without a sender; the server remembers', async () => {
    dovecot.addUser('eli', 'secret')
    dovecot.deliver('eli', 'INBOX', receiptWish(3, 'elsewhere@example.net'))
    dovecot.deliver('eli', 'Sent', receiptWish(4).replace('Zed <zed@example.net>', 'eli@example.org'))
    const worker = await fixture.start(dovecot, 'eli')
    await (await worker.other()).messageFlagsAdd('1', ['$MDNSent'])
    for (const n of [1, 2]) dovecot.deliver('eli', 'INBOX', receiptWish(n))
    await worker.sync()
    const { accountId } = worker
    const { prisma } = fixture.store
    const asksAt = async (n: number) => (await notesAt(worker, `Please ${n}`)).asks
    const answer = async (n: number, said: 'send' | 'refuse') => {
      const { id } = await messageOf(accountId, `Please ${n}`)
      const url = `/v1/messages/${id}/receipt`
      return app.inject({ method: 'POST', url, headers: { cookie, 'x-postern': '1' }, payload: { answer: said } })
    }
    expect(await asksAt(1)).toMatchObject([
      { receipt: { to: 'zed@example.net', isElsewhere: false, state: 'open', at: null }, list: null },
    ])
    expect(await asksAt(3)).toMatchObject([{ receipt: { isElsewhere: true, state: 'elsewhere' } }])
    expect(await asksAt(4)).toEqual([])
    expect((await answer(1, 'send')).json().error.code).toBe('account.not_ready')
    await prisma.account.update({ where: { id: accountId }, data: { outgoing: {} } })
    const answers = await Promise.all([1, 2, 3, 4].map(() => answer(1, 'send')))
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200, 200])
    expect((await answer(1, 'refuse')).statusCode).toBe(200)
    expect((await answer(2, 'refuse')).statusCode).toBe(200)
    expect((await answer(4, 'send')).statusCode).toBe(409)
    expect([(await asksAt(1))[0].receipt.state, (await asksAt(2))[0].receipt.state]).toEqual(['sent', 'refused'])
    const [mail, ...more] = await prisma.submission.findMany({ where: { accountId } })
    expect([more, mail?.fromAddress, mail?.subject, mail?.sentCopy]).toEqual([[], '', 'Read: Please 1', 'none'])
    const chunk = await prisma.blobChunk.findFirstOrThrow({ where: { blobId: mail?.blobId ?? 0n } })
    const source = Buffer.from(chunk.bytes).toString()
    expect(source).toContain('To: zed@example.net\r\n')
    expect(source).toMatch(
      /^Original-Message-ID: <z1@example.net>\r\nDisposition: manual-action\/MDN-sent-manually; displayed\r$/m,
    )
    while (await worker.execute());
    const kept = await worker.onServer('INBOX')
    expect(kept.map(([subject, flags]) => [subject, flags.includes('$MDNSent')])).toEqual([
      ['Please 1', true],
      ['Please 2', true],
      ['Please 3', true],
    ])
  })

  it('that a mail of ours was read stand at that mail', async () => {
    dovecot.addUser('flo', 'secret')
    dovecot.deliver('flo', 'Sent', sent('f', 'flo'))
    dovecot.deliver(
      'flo',
      'INBOX',
      'From: bob@example.net\r\nSubject: Read\r\nMessage-ID: <r@example.net>\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n--b\r\n\r\nRead.\r\n--b\r\nContent-Type: message/disposition-notification\r\n\r\nFinal-Recipient: rfc822;bob@example.net\r\nOriginal-Message-ID: <f@example.org>\r\nDisposition: manual-action/MDN-sent-manually; displayed\r\n\r\n--b--\r\n',
    )
    const worker = await fixture.start(dovecot, 'flo')
    await worker.readTexts()
    expect(await reportsAt(worker, 'Plans f')).toMatchObject([
      {
        kind: 'receipt',
        about: { subject: 'Plans f' },
        recipients: [{ action: 'displayed', address: 'bob@example.net' }],
      },
    ])
  })
})
