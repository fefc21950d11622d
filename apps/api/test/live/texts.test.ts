import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { letter } from '../support/letter.ts'
import { type OutboxFixture, startOutboxFixture } from './outbox-fixture.ts'

/** With an attachment, whose name alone is no text. */
const parcel =
  'From: ann@example.org\r\nSubject: Parcel\r\nMessage-ID: <p@example.org>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nSee the plan.\r\n--b\r\nContent-Type: application/pdf; name=plan.pdf\r\nContent-Disposition: attachment; filename=plan.pdf\r\n\r\n%PDF\r\n--b--\r\n'

describe('texts', () => {
  let dovecot: Dovecot
  let fixture: OutboxFixture
  beforeAll(async () => {
    dovecot = await startDovecot()
    fixture = await startOutboxFixture()
  })
  afterAll(async () => {
    await fixture.stop()
    await dovecot.stop()
  })
  const states = (accountId: bigint) => fixture.store.prisma.$queryRaw<
    { subject: string; state: string; text: string }[]
  >`
    SELECT m.subject, m.body_state AS state, b.text FROM message m LEFT JOIN body b ON b.message_id = m.id
    WHERE m.account_id = ${accountId} ORDER BY m.subject`

  it('of a subject and of names are those of the octets, declared or not, and do not change what a mail is known by', async () => {
    dovecot.addUser('jurgen', 'secret')
    const odd = (n: number) =>
      Buffer.from(
        `From: J\xfcrgen <j@example.org>\r\nSubject: Gr\xfc\xdfe ${n}\r\nMessage-ID: <odd${n}@x>\r\n\r\nHi\r\n`,
        'latin1',
      )
    dovecot.deliver('jurgen', 'INBOX', odd(1))
    const worker = await fixture.start(dovecot, 'jurgen')
    for (const n of [2, 3]) dovecot.deliver('jurgen', 'INBOX', n === 2 ? odd(n) : letter(n))
    await worker.sync()
    const shown = () =>
      fixture.store.prisma.message.findMany({
        where: { accountId: worker.accountId },
        orderBy: { subject: 'asc' },
        select: { id: true, subject: true },
      })
    const before = await shown()
    expect(before.map(({ subject }) => subject)).toEqual(['Grüße 1', 'Grüße 2', 'Letter 3'])
    await worker.run({
      kind: 'moveMessages',
      target: { kind: 'messages', mailboxId: await worker.mailbox('INBOX'), messageIds: [`${before[0]?.id}`] },
      toMailboxId: await worker.mailbox('Archive'),
    })
    while (await worker.execute());
    await worker.sync()
    expect(await shown()).toEqual(before)
  })

  it('are fetched where their mail is, when it was moved before they came', async () => {
    dovecot.addUser('mover', 'secret')
    for (const n of [1, 2]) dovecot.deliver('mover', 'INBOX', letter(n))
    dovecot.deliver('mover', 'INBOX', parcel)
    dovecot.deliver('mover', 'Archive', letter(3))
    const worker = await fixture.start(dovecot, 'mover')
    await (await worker.other()).messageMove('1,3', 'Archive')
    await worker.readTexts()
    expect((await states(worker.accountId)).map(({ state }) => state)).toEqual(['absent', 'ready', 'ready', 'absent'])
    await worker.sync()
    await worker.readTexts()
    const [first, , , last] = await states(worker.accountId)
    expect(first).toMatchObject({ state: 'ready', text: expect.stringContaining('Hello number 1') })
    expect(last).toMatchObject({ state: 'ready', text: expect.stringContaining('See the plan.') })
  })
})
