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
