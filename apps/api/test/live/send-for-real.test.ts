import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { maxMailBytes, type Postfix, startPostfix } from '../support/postfix.ts'
import { type Sender, startSender } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'

/** Through Debian's Postfix into Debian's Dovecot, with the real engine in between. */
describe('mail that is sent for real', () => {
  let postfix: Postfix
  let fixture: EngineFixture
  let sender: Sender
  let ann: bigint
  beforeAll(async () => {
    postfix = await startPostfix()
    for (const name of ['ann', 'bob', 'cy', 'full', 'later', 'gone']) postfix.addUser(name)
    const { dovecot, certificate, submissionPort } = postfix
    fixture = await startEngineFixture({ ...dovecot, certificate: `${dovecot.certificate}\n${certificate}` })
    ann = await fixture.addAccount('ann')
    const outgoing = {
      host: 'localhost',
      port: submissionPort,
      security: 'starttls',
      username: 'ann',
      pinnedFingerprint: null,
    }
    await fixture.store.prisma.account.update({ where: { id: ann }, data: { outgoing } })
    sender = await startSender(fixture.store, fixture.userId)
    fixture.start()
    await fixture.untilState(ann, 'watching')
  })
  afterAll(async () => {
    await sender.stop()
    await fixture.stop()
    await postfix.stop()
  })

  const to = (...names: string[]) => names.map((name) => ({ name: '', address: `${name}@example.org` }))
  const has = (user: string, mailbox: string, subject: string) =>
    postfix.dovecot.count(user, mailbox, 'header', 'subject', subject)

  it('arrives once, leaves one copy in Sent, and marks what it answers', async () => {
    const { dovecot } = postfix
    dovecot.deliver(
      'ann',
      'INBOX',
      'From: bob@example.org\r\nMessage-ID: <q@example.org>\r\nSubject: a question\r\n\r\nwell?\r\n',
    )
    await until(async () => (await fixture.shown(ann, 'INBOX')).length === 1, { what: 'the question' })
    const [question] = await fixture.shown(ann, 'INBOX')
    const about = { messageId: `${question?.messageId}`, kind: 'reply' as const }
    const content = { to: to('bob'), bcc: to('cy'), subject: 'an answer', html: '<p>yes</p>', about, quotes: true }
    const draftId = await sender.write(ann, content, { inReplyTo: '<q@example.org>', refs: ['<q@example.org>'] })
    const { id, status, body } = await sender.send(draftId)
    expect([status, body]).toMatchObject([200, {}])
    await sender.ends(id, 'sent')
    await until(async () => (await sender.state(id)).sentCopy === 'stored', { what: 'a copy in Sent' })
    await until(async () => has('bob', 'INBOX', 'an answer') === 1 && has('cy', 'INBOX', 'an answer') === 1, {
      what: 'the answer',
    })
    await until(async () => dovecot.count('ann', 'INBOX', 'answered') === 1, { what: 'a mark at the server' })
    expect([has('ann', 'Sent', 'an answer'), dovecot.count('ann', 'Sent', 'seen')]).toEqual([1, 1])
    const fetch = (user: string, mailbox: string) =>
      dovecot.doveadm('fetch', '-u', user, 'text', 'mailbox', mailbox, 'header', 'subject', 'an answer')
    const arrived = fetch('bob', 'INBOX')
    expect(arrived).toContain('In-Reply-To: <q@example.org>')
    expect(arrived).toMatch(/^On .* bob@example\.org wrote:\r?\n> well\?/m)
    expect([/^Bcc:/im.test(arrived), /^Bcc: cy@example\.org/im.test(fetch('ann', 'Sent'))]).toEqual([false, true])
  })

  it('can be taken back before it leaves, and goes at its time otherwise', async () => {
    const { id } = await sender.send(await sender.write(ann, { subject: 'rash' }), { holdSeconds: 5 })
    expect((await sender.ask('POST', `/submissions/${id}/cancel`)).status).toBe(200)
    const before = Date.now()
    const later = await sender.send(await sender.write(ann, { subject: 'calm' }), { holdSeconds: 1 })
    await sender.ends(later.id, 'sent')
    expect(Date.now() - before).toBeGreaterThanOrEqual(3000)
    await until(async () => has('bob', 'INBOX', 'calm') === 1, { what: 'the mail' })
    expect(has('bob', 'INBOX', 'rash')).toBe(0)
  })

  it('reaches those that are taken, waits for those that may be later, and names those that never are', async () => {
    postfix.refuse('full', '552 5.2.2 Mailbox is full')
    postfix.refuse('later', '452 4.2.2 Mailbox is full')
    postfix.refuse('gone', '550 5.2.1 Mailbox is closed')
    const everybody = { to: to('bob', 'full', 'nobody'), cc: to('later', 'gone'), subject: 'to five' }
    const { id } = await sender.send(await sender.write(ann, everybody))
    const { recipients } = await sender.ends(id, 'deferred')
    expect(
      recipients.map(({ address, state, text }) => [address.split('@')[0], state, text?.slice(0, 9) ?? null]),
    ).toEqual([
      ['bob', 'accepted', null],
      ['full', 'refused', '552 5.2.2'],
      ['nobody', 'refused', '550 5.1.1'],
      ['later', 'waiting', '452 4.2.2'],
      ['gone', 'refused', '550 5.2.1'],
    ])
    postfix.refuse('later', 'OK')
    expect((await sender.ask('POST', `/submissions/${id}/retry`)).status).toBe(200)
    await until(async () => has('later', 'INBOX', 'to five') === 1, { what: 'the mail that came later' })
    const ended = await sender.ends(id, 'partly_sent')
    expect(ended.problem?.message).toContain('and 2 more')
    expect([has('bob', 'INBOX', 'to five'), has('ann', 'Sent', 'to five')]).toEqual([1, 1])
  })

  it('that is larger than the server takes is refused before it is accepted', async () => {
    expect((await fixture.store.prisma.account.findUniqueOrThrow({ where: { id: ann } })).maxMessageBytes).toBe(
      BigInt(maxMailBytes),
    )
    const files = [{ filename: 'large.bin', octets: Buffer.alloc(maxMailBytes) }]
    const draftId = await sender.write(ann, { subject: 'large' }, { files })
    expect(await sender.send(draftId)).toMatchObject({ status: 413, body: { error: { code: 'message.too_large' } } })
    // It said more once.
    await fixture.store.prisma.account.update({ where: { id: ann }, data: { maxMessageBytes: null } })
    const { id } = await sender.send(draftId)
    expect((await sender.ends(id, 'failed')).problem).toMatchObject({ code: 'message.too_large' })
  })
})
