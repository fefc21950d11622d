import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineChannel } from '#store/notify.ts'
import { fingerprintOf } from '../support/certificates.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { startMortalEngine } from '../support/mortal-engine.ts'
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
    const { dovecot, certificate } = postfix
    const ca = `${dovecot.certificate}\n${certificate}`
    fixture = await startEngineFixture({ ...dovecot, certificate: ca }, { submissionKeepMs: 200 })
    ann = await fixture.addAccount('ann')
    await giveOutgoing(ann, 'ann')
    sender = await startSender(fixture.store, fixture.userId, { ca, masterKey: fixture.deps.masterKey })
    fixture.start()
    await fixture.untilState(ann, 'watching')
  })
  afterAll(async () => {
    await sender.stop()
    await fixture.stop()
    await postfix.stop()
  })

  const giveOutgoing = (id: bigint, username: string) => {
    const at = { host: 'localhost', port: postfix.submissionPort, security: 'starttls', pinnedFingerprint: null }
    return fixture.store.prisma.account.update({ where: { id }, data: { outgoing: { ...at, username } } })
  }
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
    const draftId = await sender.write(ann, content)
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

  it('leaves Drafts when it is accepted, and lies there again when it is taken back', async () => {
    const { prisma, notifier } = fixture.store
    const isDueSoon = async (id: string) => {
      const { copyAt } = await prisma.draft.findUniqueOrThrow({ where: { id } })
      return Math.abs((copyAt?.getTime() ?? 0) - Date.now()) < 20_000
    }
    const hurry = async (id: string) => {
      await prisma.draft.update({ where: { id }, data: { copyAt: new Date(0) } })
      notifier.notify(engineChannel, `${ann}`)
    }
    const lies = (subject: string, count: number) =>
      until(async () => has('ann', 'Drafts', subject) === count, { what: `${count} copies in Drafts` })
    const copied = async (subject: string) => {
      const draftId = await sender.write(ann, { subject })
      await hurry(draftId)
      await lies(subject, 1)
      return draftId
    }
    const sent = await sender.send(await copied('is sent'))
    await sender.ends(sent.id, 'sent')
    await lies('is sent', 0)
    const draftId = await copied('is to go later')
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 16)
    const later = await sender.send(draftId, { sendAt: { wallTime: tomorrow, zone: 'UTC' } })
    expect(await isDueSoon(draftId)).toBe(true)
    await hurry(draftId)
    await lies('is to go later', 0)
    expect((await sender.ask('POST', `/submissions/${later.id}/cancel`)).status).toBe(200)
    expect(await isDueSoon(draftId)).toBe(true)
    await hurry(draftId)
    await lies('is to go later', 1)
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

  it('passes on what came, below what was written or as it is, and marks it', async () => {
    const { dovecot } = postfix
    const source =
      'From: bob@example.org\r\nMessage-ID: <f@example.org>\r\nSubject: a story\r\nContent-Type: text/html\r\n\r\n<p style="x">Once</p>\r\n'
    dovecot.deliver('ann', 'INBOX', source)
    const found = async () => (await fixture.shown(ann, 'INBOX')).find(({ subject }) => subject === 'a story')
    await until(async () => (await found()) !== undefined, { what: 'the story' })
    const messageId = `${(await found())?.messageId}`
    const forward = {
      to: to('cy'),
      subject: 'Fwd: a story',
      html: '<p>See</p>',
      quotes: true,
      about: { messageId, kind: 'forward' as const },
    }
    await sender.ends((await sender.send(await sender.write(ann, forward))).id, 'sent')
    await until(async () => has('cy', 'INBOX', 'Fwd: a story') === 1, { what: 'the forwarded mail' })
    await until(async () => dovecot.count('ann', 'INBOX', 'keyword', '$Forwarded') === 1, { what: 'a mark' })
    const text = dovecot.doveadm('fetch', '-u', 'cy', 'text', 'mailbox', 'INBOX', 'header', 'subject', 'Fwd: a story')
    expect(text).toContain('<p style=3D"x">Once</p>')
    expect(text).toContain('---------- Forwarded message ----------')
    const redirect = { to: to('bob'), about: { messageId, kind: 'redirect' as const } }
    await sender.ends((await sender.send(await sender.write(ann, redirect))).id, 'sent')
    await until(async () => has('bob', 'INBOX', 'a story') === 1, { what: 'the redirected mail' })
    const redirected = dovecot.doveadm('fetch', '-u', 'bob', 'text', 'mailbox', 'INBOX', 'header', 'subject', 'a story')
    expect(redirected.replaceAll('\r\n', '\n')).toContain(source.replaceAll('\r\n', '\n'))
    expect(redirected).toMatch(/^Resent-To: bob@example\.org/m)
  })

  it('waits with all that is behind it when the password changes meanwhile, and goes once by the new one', async () => {
    const { dovecot } = postfix
    postfix.addUser('eva')
    const eva = await fixture.addAccount('eva')
    await giveOutgoing(eva, 'eva')
    await fixture.untilState(eva, 'watching')
    const write = (subject: string) => sender.write(eva, { to: to('bob'), subject })
    const one = await sender.send(await write('queued 1'))
    await sender.ends(one.id, 'sent')
    dovecot.addUser('eva', 'changed')
    const two = await sender.send(await write('queued 2'))
    const parked = await sender.ends(two.id, 'deferred')
    expect(parked.problem).toMatchObject({
      code: 'login.failed',
      hint: expect.stringContaining('Enter the password anew'),
    })
    const three = await sender.send(await write('queued 3'))
    const refusals = () => postfix.log().match(/SASL \w+ authentication failed/g)?.length
    expect([(await sender.state(three.id)).state, refusals()]).toEqual(['queued', 1])
    const patched = await sender.ask('PATCH', `/accounts/${eva}`, { password: 'changed' })
    expect(patched.status).toBe(200)
    for (const { id } of [two, three]) await sender.ends(id, 'sent')
    const arrived = () => [1, 2, 3].map((n) => has('bob', 'INBOX', `queued ${n}`))
    await until(async () => arrived().every((count) => count > 0), { what: 'all three' })
    expect([arrived(), refusals()]).toEqual([[1, 1, 1], 1])
  })

  it('is sent and kept once, whenever the engine is killed', async () => {
    const { dovecot, certificate, submissionPort } = postfix
    postfix.addUser('dora')
    const incoming = { host: 'localhost', port: dovecot.imapPort, security: 'plain' as const, username: 'dora' }
    const pinnedFingerprint = fingerprintOf(certificate)
    const outgoing = {
      host: 'localhost',
      port: submissionPort,
      security: 'starttls' as const,
      username: 'dora',
      pinnedFingerprint,
    }
    const mail = { protocol: 'smtp' as const, port: submissionPort }
    const mortal = await startMortalEngine({ user: 'dora', mail, settings: { incoming, outgoing } })
    const { store, accountId } = mortal
    const dora = await startSender(store, mortal.ownerId)
    mortal.start()
    const files = [{ filename: 'a.bin', octets: Buffer.alloc(2_000_000, 1) }]
    for (const moment of ['connected', 'committing', 'sent', 'copied']) {
      const { id, body } = await dora.send(
        await dora.write(accountId, { to: to('bob'), subject: `killed ${moment}` }, { files }),
      )
      expect(body).toMatchObject({ id })
      const isReached = async () => {
        const [at] = await store.prisma.$queryRaw<{ state: string; item: string | null }[]>`
          SELECT b.state, i.state AS item FROM submission_batch b JOIN submission s ON s.id = b.submission_id
          LEFT JOIN transfer_item i ON i.id = s.sent_copy_item_id WHERE s.id = ${id}::uuid`
        return moment === 'copied' ? at?.item != null : at?.state === moment || at?.state === 'sent'
      }
      await until(isReached, { what: moment, ms: 60_000 })
      mortal.kill()
      mortal.start()
      await until(async () => /^(sent|in_doubt)$/.test((await dora.state(id)).state), { what: 'an end', ms: 60_000 })
      const arrived = () => has('bob', 'INBOX', `killed ${moment}`)
      if ((await dora.state(id)).state === 'in_doubt') {
        // What the server took before the connection broke has come by the time that anybody decides.
        await until(async () => arrived() === 1, { ms: 5000, what: 'it' }).catch(() => undefined)
        const decision = arrived() === 1 ? 'arrived' : 'sendAgain'
        expect((await dora.ask('POST', `/submissions/${id}/decision`, { decision })).status).toBe(200)
      }
      await until(async () => (await dora.state(id)).sentCopy === 'stored', { what: 'a copy in Sent', ms: 60_000 })
      await until(async () => arrived() === 1, { what: `the mail (${moment})`, ms: 60_000 })
      expect([moment, arrived(), has('dora', 'Sent', `killed ${moment}`)]).toEqual([moment, 1, 1])
    }
    await dora.stop()
    await mortal.stop()
  })
})
