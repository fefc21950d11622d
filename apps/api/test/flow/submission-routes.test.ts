import { hash, randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { simpleParser } from 'mailparser'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { engineChannel } from '#store/notify.ts'
import { addItems, createTransfer } from '#store/transfers.ts'
import { makeCertificate } from '../support/certificates.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts'
import { type Sender, startSender } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'

/** From REST to the submission server, by way of the engine; mail is kept here, no incoming server is needed. */
describe('a draft that is sent', () => {
  let dir: string
  let fixture: EngineFixture
  let sender: Sender
  const servers: ScriptedSmtp[] = []
  let accounts = 0
  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'postern-submissions-'))
    const certificate = makeCertificate(dir)
    fixture = await startEngineFixture({ certificate, imapsPort: 1 }, { submissionAnswerMs: 2000 })
    sender = await startSender(fixture.store, fixture.userId)
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop()
  })
  afterAll(async () => {
    await sender.stop()
    await fixture.stop()
    rmSync(dir, { recursive: true })
  })

  const scene = async (script?: SmtpScript, extensions?: string[]) => {
    const server = await startScriptedSmtp(script, extensions)
    servers.push(server)
    const accountId = await fixture.addMaildrop(`ann${++accounts}`, 9)
    const outgoing = {
      host: 'localhost',
      port: server.port,
      security: 'plain',
      username: 'ann',
      pinnedFingerprint: null,
    }
    await fixture.store.prisma.account.update({ where: { id: accountId }, data: { outgoing } })
    return { server, accountId }
  }
  const draftOf = (id: string) => fixture.store.prisma.draft.findUniqueOrThrow({ where: { id } })
  const sentCopies = (accountId: bigint) =>
    fixture.store.prisma.$queryRaw<{ subject: string; flags: number; bcc: unknown }[]>`
      SELECT m.subject, p.shown_flags::int AS flags, m.bcc FROM placement p JOIN message m ON m.id = p.message_id
      JOIN mailbox b ON b.id = p.shown_mailbox_id WHERE b.account_id = ${accountId} AND b.role = 'sent'`

  it('goes once, however often it is asked for, and leaves one copy in Sent', async () => {
    const { server, accountId } = await scene()
    const engine = fixture.start()
    const draftId = await sender.write(accountId, { bcc: [{ name: '', address: 'dan@example.org' }] })
    const id = randomUUID()
    const asked = await Promise.all(
      Array.from({ length: 50 }, () => sender.ask('POST', '/submissions', { id, draftId, version: 1, holdSeconds: 0 })),
    )
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([200]))
    const ended = await sender.ends(id, 'sent')
    await until(async () => (await sender.state(id)).sentCopy === 'stored', { what: 'a copy in Sent' })
    const [mail] = server.mails
    expect([server.mails.length, mail?.to]).toEqual([1, ['bob@example.org', 'dan@example.org']])
    expect(mail?.octets.toString()).not.toContain('dan@')
    expect(ended.recipients.map(({ address, state }) => [address, state])).toEqual([
      ['bob@example.org', 'accepted'],
      ['dan@example.org', 'accepted'],
    ])
    expect(await sentCopies(accountId)).toEqual([
      { subject: 'hello', flags: 1, bcc: [{ name: '', address: 'dan@example.org' }] },
    ])
    expect((await draftOf(draftId)).discardedAt).not.toBeNull()
    expect((await fixture.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).maxMessageBytes).toBe(
      1_000_000n,
    )
    // Every screen was told.
    const told = await sender.ask('GET', `/changes?stream=account:${accountId}&since=0`)
    expect(told.body).toMatchObject({
      batch: {
        changes: expect.arrayContaining([
          expect.objectContaining({ kind: 'submission', submission: expect.objectContaining({ id, state: 'sent' }) }),
        ]),
      },
    })
    // None of it is work that its person gave.
    expect((await sender.ask('GET', '/transfers')).body).toEqual({ transfers: [] })
    // Something else under its id is another mail.
    const other = await sender.write(accountId)
    expect(await sender.ask('POST', '/submissions', { id, draftId: other, version: 1 })).toMatchObject({ status: 409 })
    await engine.stop()
  })

  it('can be taken back as long as it is held, and is the draft it was', async () => {
    const { server, accountId } = await scene()
    const engine = fixture.start()
    const draftId = await sender.write(accountId)
    const { id, body } = await sender.send(draftId, { holdSeconds: 30 })
    expect(body).toMatchObject({ state: 'scheduled', canCancel: true, draftId })
    expect((await draftOf(draftId)).submissionId).toBe(id)
    expect(await sender.send(draftId)).toMatchObject({ status: 409 })
    const back = await sender.ask('POST', `/submissions/${id}/cancel`)
    expect(back).toMatchObject({
      status: 200,
      body: { submission: { state: 'cancelled' }, draft: { id: draftId, version: 1 } },
    })
    const again = await sender.send(draftId)
    await sender.ends(again.id, 'sent')
    expect(await sender.ask('POST', `/submissions/${again.id}/cancel`)).toMatchObject({
      status: 409,
      body: { error: { code: 'request.conflict', message: 'It is too late: the mail has left.' } },
    })
    expect(server.mails.length).toBe(1)
    await engine.stop()
  })

  it('waits for the time that was chosen, says so itself, and takes another one', async () => {
    const { server, accountId } = await scene()
    const id = randomUUID()
    const draftId = await sender.write(accountId)
    const at = (ms: number) => new Date(Date.now() + ms).toISOString().slice(0, 16)
    for (const [sendAt, why] of [
      [at(-3_600_000), 'is over'],
      [at(400 * 86_400_000), 'is more than a year away'],
      ['2027-02-31T10:00', 'is no time at any place'],
    ] as const)
      expect(
        await sender.ask('POST', '/submissions', {
          id,
          draftId,
          version: 1,
          sendAt: { wallTime: sendAt, zone: 'UTC' },
        }),
      ).toMatchObject({ status: 400, body: { error: { fields: { sendAt: why } } } })
    const first = { wallTime: at(86_400_000), zone: 'UTC' }
    expect(await sender.ask('POST', '/submissions', { id, draftId, version: 1, sendAt: first })).toMatchObject({
      status: 200,
      body: { state: 'scheduled', sendAt: first, notBefore: `${first.wallTime}:00.000Z` },
    })
    const second = { wallTime: at(2 * 86_400_000), zone: 'Asia/Kathmandu' }
    const patched = await sender.ask('PATCH', `/submissions/${id}`, { sendAt: second })
    expect(patched).toMatchObject({ status: 200, body: { sendAt: second } })
    expect((await sender.ask('GET', '/submissions')).body).toMatchObject({ submissions: [{ id, state: 'scheduled' }] })
    const engine = fixture.start()
    expect(await sender.ask('PATCH', `/submissions/${id}`, { sendAt: null })).toMatchObject({ status: 200 })
    await sender.ends(id, 'sent')
    const date = /^Date: (.*)\r\n/.exec(server.mails[0]?.octets.toString() ?? '')?.[1] ?? ''
    expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(60_000)
    expect(date).toMatch(/\+0545$/)
    await engine.stop()
  })

  it('that nobody can send is refused before, with what is wrong', async () => {
    const { accountId } = await scene()
    await fixture.store.prisma.account.update({ where: { id: accountId }, data: { maxMessageBytes: 20_000n } })
    const other = await fixture.addMaildrop(`deaf${++accounts}`, 9)
    const bob = { name: '', address: 'bob@example.org' }
    for (const [content, status, fields] of [
      [{ to: [], cc: [{ name: '', address: ' ' }] }, 400, { to: 'is empty' }],
      [
        { cc: [{ name: 'Eve', address: 'eve@example.org, x@example.org' }] },
        400,
        { cc: expect.stringContaining('none') },
      ],
      [{ to: [{ name: 'a\r\nBcc: x@example.org', address: 'bob@example.org' }] }, 400, { to: expect.any(String) }],
      [{ subject: 'x\r\nBcc: y@example.org' }, 400, { subject: expect.any(String) }],
      [{ identityId: await sender.identityOf(other) }, 400, { identityId: 'is none of your identities' }],
      [{ to: [bob], text: 'x'.repeat(30_000) }, 413, { attachments: 'are too large' }],
    ] as const) {
      const refused = await sender.send(await sender.write(accountId, content as object))
      expect([refused.status, refused.body], JSON.stringify(content).slice(0, 80)).toMatchObject([
        status,
        { error: { fields } },
      ])
    }
    expect(await sender.send(await sender.write(other))).toMatchObject({
      status: 400,
      body: { error: { fields: { identityId: 'is of an account that cannot send' } } },
    })
    const draftId = await sender.write(accountId)
    expect(await sender.send(draftId, { version: 2 })).toMatchObject({ status: 409 })
    // None of them is on its way.
    expect((await draftOf(draftId)).submissionId).toBeNull()
  })

  it('that the server refuses for some tells whom and why, and goes again to them alone', async () => {
    let isClosed = true
    const { server, accountId } = await scene((step, to) =>
      step === 'rcpt' && isClosed && to.includes('eve') ? { reply: '550 5.1.1 no such user here' } : undefined,
    )
    const engine = fixture.start()
    const both = ['bob', 'eve'].map((name) => ({ name: '', address: `${name}@example.org` }))
    const { id } = await sender.send(await sender.write(accountId, { to: both }))
    const partly = await sender.ends(id, 'partly_sent')
    expect(partly.problem).toMatchObject({
      message: 'eve@example.org: There is no such mailbox.',
      serverText: '550 5.1.1 no such user here',
    })
    expect((await sender.ask('GET', '/submissions')).body).toMatchObject({ submissions: [{ id }] })
    isClosed = false
    expect(await sender.ask('POST', `/submissions/${id}/retry`)).toMatchObject({ status: 200 })
    await sender.ends(id, 'sent')
    expect(server.mails.map(({ to }) => to)).toEqual([['bob@example.org'], ['eve@example.org']])
    expect(await sender.ask('POST', `/submissions/${id}/retry`)).toMatchObject({ status: 409 })
    await engine.stop()
  })

  it('that fails for good keeps its draft, and can be tried again', async () => {
    const { accountId } = await scene((step) => (step === 'end' ? { reply: '552 5.3.4 too large' } : undefined))
    const engine = fixture.start()
    const draftId = await sender.write(accountId)
    const { id } = await sender.send(draftId)
    expect((await sender.ends(id, 'failed')).problem).toMatchObject({
      message: 'The mail is too large for the server.',
    })
    expect(await sender.ask('POST', `/submissions/${id}/retry`)).toMatchObject({ status: 200 })
    await sender.ends(id, 'failed')
    expect(await sender.ask('POST', `/submissions/${id}/dismiss`)).toMatchObject({ status: 204 })
    expect((await draftOf(draftId)).submissionId).toBeNull()
    expect((await sender.ask('GET', '/submissions')).body).toEqual({ submissions: [] })
    expect(await sentCopies(accountId)).toEqual([])
    await engine.stop()
  })

  it('of which nobody knows whether it arrived waits for a decision, and no copy is made before', async () => {
    let isSilent = true
    const { server, accountId } = await scene((step) => (step === 'end' && isSilent ? 'cut' : undefined))
    const engine = fixture.start()
    const draftId = await sender.write(accountId)
    const { id } = await sender.send(draftId)
    const doubt = await sender.ends(id, 'in_doubt')
    expect([doubt.canCancel, doubt.evidence, doubt.sentCopy]).toEqual([false, [], 'waiting'])
    expect(await sender.ask('POST', `/submissions/${id}/cancel`)).toMatchObject({ status: 409 })
    isSilent = false
    const decide = (decision: string) => sender.ask('POST', `/submissions/${id}/decision`, { decision })
    expect(await decide('sendAgain')).toMatchObject({ status: 200 })
    await sender.ends(id, 'sent')
    expect(new Set(server.mails.map(({ octets }) => octets.toString())).size).toBe(1)
    expect([server.mails.length, (await decide('arrived')).status]).toEqual([2, 409])
    isSilent = true
    const second = await sender.send(await sender.write(accountId))
    await sender.ends(second.id, 'in_doubt')
    const arrived = await sender.ask('POST', `/submissions/${second.id}/decision`, { decision: 'arrived' })
    expect(arrived).toMatchObject({ status: 200, body: { submission: { state: 'sent' }, draft: null } })
    await until(async () => (await sentCopies(accountId)).length === 2, { what: 'copies in Sent' })
    const third = await sender.send(await sender.write(accountId))
    await sender.ends(third.id, 'in_doubt')
    const back = await sender.ask('POST', `/submissions/${third.id}/decision`, { decision: 'backToDraft' })
    expect(back).toMatchObject({ status: 200, body: { submission: { state: 'cancelled' }, draft: { version: 1 } } })
    await engine.stop()
  })

  it('says what was written, with its pictures and files, and whom it answers', async () => {
    const { server, accountId } = await scene()
    const engine = fixture.start()
    const octets = Buffer.alloc(700_000, 'a picture ')
    const html = '<p>See <a href="https://example.org/x">this</a></p><img src="cid:one@example.org">'
    const refs = Array.from({ length: 80 }, (_, n) => `<${n}-${'r'.repeat(60)}@example.org>`)
    const files = [
      { filename: 'bild-ä.png', octets, contentType: 'image/png', contentId: 'one@example.org' },
      { filename: 'notes.txt', octets: Buffer.from('x\n'), contentType: 'text/plain' },
    ]
    const draftId = await sender.write(
      accountId,
      { html, text: 'ignored' },
      { files, inReplyTo: '<last@example.org>', refs },
    )
    const { id } = await sender.send(draftId)
    await sender.ends(id, 'sent')
    const read = await simpleParser(server.mails[0]?.octets ?? '', { skipImageLinks: true })
    expect([read.text, read.inReplyTo, read.references]).toEqual([
      'See this <https://example.org/x>',
      '<last@example.org>',
      refs,
    ])
    expect(read.attachments.map(({ filename, cid, content }) => [filename, cid, content.length])).toEqual([
      ['bild-ä.png', 'one@example.org', 700_000],
      ['notes.txt', undefined, 2],
    ])
    expect(read.attachments[0]?.content.equals(octets)).toBe(true)
    await engine.stop()
  })

  it('that waits for long is told of, and given up after a day', async () => {
    const { accountId } = await scene((step) => (step === 'mail' ? { reply: '451 4.3.0 come back' } : undefined))
    const draftId = await sender.write(accountId)
    const { id } = await sender.send(draftId)
    const age = (minutes: number) =>
      fixture.store.prisma
        .$executeRaw`UPDATE submission SET not_before = now() - ${minutes}::int * interval '1 minute' WHERE id = ${id}::uuid`
    const engine = fixture.start()
    expect((await sender.ends(id, 'deferred')).toldAt).toBeNull()
    await age(16)
    const again = async () => {
      await fixture.store.prisma.submissionBatch.updateMany({
        where: { submissionId: id },
        data: { dueAt: new Date(0) },
      })
      fixture.store.notifier.notify(engineChannel, `${accountId}`)
    }
    await again()
    await until(async () => (await sender.state(id)).toldAt !== null, { what: 'its person to be told' })
    expect((await sender.ends(id, 'deferred')).problem).toMatchObject({
      message: 'The server cannot take it right now.',
      serverText: '451 4.3.0 come back',
    })
    await age(24 * 60 + 1)
    await again()
    expect((await sender.ends(id, 'failed')).problem?.message).toContain('tried for a day')
    const back = await sender.ask('POST', `/submissions/${id}/cancel`)
    expect(back).toMatchObject({ status: 200, body: { draft: { id: draftId } } })
    await engine.stop()
  })

  it('in doubt says what speaks for its arrival', async () => {
    const { accountId } = await scene((step) => (step === 'end' ? 'cut' : undefined))
    const engine = fixture.start()
    const { id } = await sender.send(await sender.write(accountId))
    await sender.ends(id, 'in_doubt')
    const { store } = fixture
    const found = async () => (await sender.state(id)).evidence.map(({ kind }) => kind).sort()
    const own = `${id}@example.org`
    const deliver = async (role: string, header: string[], text = 'x') => {
      const { id: mailboxId } = await store.prisma.mailbox.findFirstOrThrow({ where: { accountId, role } })
      const octets = Buffer.from(`${header.join('\r\n')}\r\n\r\n${text}\r\n`)
      const transfer = {
        userId: fixture.userId,
        accountId,
        mailboxId,
        kind: 'import' as const,
        fromMailboxId: null,
        expectedBytes: null,
      }
      const { id: transferId } = await createTransfer(store.prisma, transfer)
      const content = {
        sha256: Buffer.from(hash('sha256', octets, 'buffer')),
        sizeBytes: octets.length,
        head: octets,
        blobId: null,
      }
      const item = {
        kind: 'mail' as const,
        content,
        name: 'x',
        bits: 0,
        keywords: [],
        cameAt: new Date(),
        fileAt: null,
      }
      await addItems(
        store,
        { kind: 'user', userId: fixture.userId, accountId },
        { transferId, items: [item], bytes: 0 },
      )
    }
    await deliver('inbox', ['From: dan@example.org', 'Message-ID: <1@x>', 'Subject: about something else'])
    await deliver('inbox', ['From: bob@example.org', 'Message-ID: <2@x>', `References: <${own}>`])
    await until(async () => (await found()).length > 0, { what: 'a reply' })
    expect(await found()).toEqual(['reply'])
    await deliver(
      'inbox',
      ['From: MAILER-DAEMON@example.org', 'Message-ID: <3@x>', 'Subject: failed'],
      `Message-ID: <${own}>`,
    )
    await deliver('sent', ['From: ann@example.org', `Message-ID: <${own}>`])
    await until(async () => (await found()).length === 3, { what: 'all of it' })
    expect(await found()).toEqual(['bounce', 'in_sent', 'reply'])
    // It lies there already.
    await sender.ask('POST', `/submissions/${id}/decision`, { decision: 'arrived' })
    await until(async () => (await sender.state(id)).sentCopy === 'stored', { what: 'a copy in Sent' })
    expect((await sentCopies(accountId)).length).toBe(1)
    await engine.stop()
  })
})
