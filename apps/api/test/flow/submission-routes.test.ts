import { randomUUID } from 'node:crypto'
import { simpleParser } from 'mailparser'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { sweepDrafts } from '#store/draft-copies.ts'
import { sweepSubmissions } from '#store/submissions.ts'
import { type OutboxScene, startOutboxScene } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'

/** From REST to the submission server, by way of the engine; mail is kept here, no incoming server is needed. */
describe('a draft that is sent', () => {
  let outbox: OutboxScene
  beforeAll(async () => {
    outbox = await startOutboxScene()
  })
  afterEach(() => outbox.stopServers())
  afterAll(() => outbox.stop())

  it('goes once, however often it is asked for, and leaves one copy in Sent', async () => {
    const { server, accountId } = await outbox.scene()
    const engine = outbox.fixture.start()
    const draftId = await outbox.sender.write(accountId, { bcc: [{ name: '', address: 'dan@example.org' }] })
    const id = randomUUID()
    const asked = await Promise.all(
      Array.from({ length: 50 }, () =>
        outbox.sender.ask('POST', '/submissions', { id, draftId, version: 1, holdSeconds: 0 }),
      ),
    )
    expect(new Set(asked.map(({ status }) => status))).toEqual(new Set([200]))
    const ended = await outbox.sender.ends(id, 'sent')
    await until(async () => (await outbox.sender.state(id)).sentCopy === 'stored', { what: 'a copy in Sent' })
    const [mail] = server.mails
    expect([server.mails.length, mail?.to]).toEqual([1, ['bob@example.org', 'dan@example.org']])
    expect(mail?.octets.toString()).not.toContain('dan@')
    expect(ended.recipients.map(({ address, state }) => [address, state])).toEqual([
      ['bob@example.org', 'accepted'],
      ['dan@example.org', 'accepted'],
    ])
    expect(await outbox.sentCopies(accountId)).toEqual([
      { subject: 'hello', flags: 1, bcc: [{ name: '', address: 'dan@example.org' }] },
    ])
    expect((await outbox.draftOf(draftId)).discardedAt).not.toBeNull()
    expect(
      (await outbox.fixture.store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).maxMessageBytes,
    ).toBe(1_000_000n)
    // Every screen was told.
    const told = await outbox.sender.ask('GET', `/changes?stream=account:${accountId}&since=0`)
    expect(told.body).toMatchObject({
      batch: {
        changes: expect.arrayContaining([
          expect.objectContaining({ kind: 'submission', submission: expect.objectContaining({ id, state: 'sent' }) }),
        ]),
      },
    })
    // None of it is work that its person gave.
    expect((await outbox.sender.ask('GET', '/transfers')).body).toEqual({ transfers: [] })
    // Something else under its id is another mail.
    const other = await outbox.sender.write(accountId)
    expect(await outbox.sender.ask('POST', '/submissions', { id, draftId: other, version: 1 })).toMatchObject({
      status: 409,
    })
    await engine.stop()
  })

  it('can be taken back as long as it is held, and is the draft it was', async () => {
    const { server, accountId } = await outbox.scene()
    const engine = outbox.fixture.start()
    const draftId = await outbox.sender.write(accountId)
    const { id, body } = await outbox.sender.send(draftId, { holdSeconds: 30 })
    expect(body).toMatchObject({ state: 'scheduled', canCancel: true, draftId })
    expect((await outbox.draftOf(draftId)).submissionId).toBe(id)
    expect(await outbox.sender.send(draftId)).toMatchObject({ status: 409 })
    const back = await outbox.sender.ask('POST', `/submissions/${id}/cancel`)
    expect(back).toMatchObject({
      status: 200,
      body: { submission: { state: 'cancelled' }, draft: { id: draftId, version: 1 } },
    })
    const again = await outbox.sender.send(draftId)
    await outbox.sender.ends(again.id, 'sent')
    expect(await outbox.sender.ask('POST', `/submissions/${again.id}/cancel`)).toMatchObject({
      status: 409,
      body: { error: { code: 'request.conflict', message: 'It is too late: the mail has left.' } },
    })
    expect(server.mails.length).toBe(1)
    await engine.stop()
  })

  it('waits for the time that was chosen, says so itself, and takes another one', async () => {
    const { server, accountId } = await outbox.scene()
    const id = randomUUID()
    const draftId = await outbox.sender.write(accountId)
    const at = (ms: number) => new Date(Date.now() + ms).toISOString().slice(0, 16)
    for (const [sendAt, why] of [
      [at(-3_600_000), 'is over'],
      [at(400 * 86_400_000), 'is more than a year away'],
      ['2027-02-31T10:00', 'is no time at any place'],
    ] as const)
      expect(
        await outbox.sender.ask('POST', '/submissions', {
          id,
          draftId,
          version: 1,
          sendAt: { wallTime: sendAt, zone: 'UTC' },
        }),
      ).toMatchObject({ status: 400, body: { error: { fields: { sendAt: why } } } })
    const first = { wallTime: at(86_400_000), zone: 'UTC' }
    expect(await outbox.sender.ask('POST', '/submissions', { id, draftId, version: 1, sendAt: first })).toMatchObject({
      status: 200,
      body: { state: 'scheduled', sendAt: first, notBefore: `${first.wallTime}:00.000Z` },
    })
    const second = { wallTime: at(2 * 86_400_000), zone: 'Asia/Kathmandu' }
    const patched = await outbox.sender.ask('PATCH', `/submissions/${id}`, { sendAt: second })
    expect(patched).toMatchObject({ status: 200, body: { sendAt: second } })
    expect((await outbox.sender.ask('GET', '/submissions')).body).toMatchObject({
      submissions: [{ id, state: 'scheduled' }],
    })
    const engine = outbox.fixture.start()
    expect(await outbox.sender.ask('PATCH', `/submissions/${id}`, { sendAt: null })).toMatchObject({ status: 200 })
    await outbox.sender.ends(id, 'sent')
    const date = /^Date: (.*)\r\n/.exec(server.mails[0]?.octets.toString() ?? '')?.[1] ?? ''
    expect(Math.abs(Date.parse(date) - Date.now())).toBeLessThan(60_000)
    expect(date).toMatch(/\+0545$/)
    await engine.stop()
  })

  it('that nobody can send is refused before, with what is wrong', async () => {
    const { accountId } = await outbox.scene()
    await outbox.fixture.store.prisma.account.update({ where: { id: accountId }, data: { maxMessageBytes: 20_000n } })
    const other = await outbox.fixture.addMaildrop('deaf', 9)
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
      [{ identityId: await outbox.sender.identityOf(other) }, 400, { identityId: 'is none of your identities' }],
      [{ to: [bob], text: 'x'.repeat(30_000) }, 413, { attachments: 'are too large' }],
    ] as const) {
      const refused = await outbox.sender.send(await outbox.sender.write(accountId, content as object))
      expect([refused.status, refused.body], JSON.stringify(content).slice(0, 80)).toMatchObject([
        status,
        { error: { fields } },
      ])
    }
    expect(await outbox.sender.send(await outbox.sender.write(other))).toMatchObject({
      status: 400,
      body: { error: { fields: { identityId: 'is of an account that cannot send' } } },
    })
    const draftId = await outbox.sender.write(accountId)
    expect(await outbox.sender.send(draftId, { version: 2 })).toMatchObject({ status: 409 })
    // None of them is on its way.
    expect((await outbox.draftOf(draftId)).submissionId).toBeNull()
  })

  it('that the server refuses for some tells whom and why, and goes again to them alone', async () => {
    let isClosed = true
    const { server, accountId } = await outbox.scene((step, to) =>
      step === 'rcpt' && isClosed && to.includes('eve') ? { reply: '550 5.1.1 no such user here' } : undefined,
    )
    const engine = outbox.fixture.start()
    const both = ['bob', 'eve'].map((name) => ({ name: '', address: `${name}@example.org` }))
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId, { to: both }))
    const partly = await outbox.sender.ends(id, 'partly_sent')
    expect(partly.problem).toMatchObject({
      message: 'eve@example.org: There is no such mailbox.',
      serverText: '550 5.1.1 no such user here',
    })
    expect((await outbox.sender.ask('GET', '/submissions')).body).toMatchObject({ submissions: [{ id }] })
    isClosed = false
    expect(await outbox.sender.ask('POST', `/submissions/${id}/retry`)).toMatchObject({ status: 200 })
    await outbox.sender.ends(id, 'sent')
    expect(server.mails.map(({ to }) => to)).toEqual([['bob@example.org'], ['eve@example.org']])
    expect(await outbox.sender.ask('POST', `/submissions/${id}/retry`)).toMatchObject({ status: 409 })
    await engine.stop()
  })

  it('that did not reach some can be written to them again, with all that was in it, as a mail of its own', async () => {
    let isClosed = true
    const { server, accountId } = await outbox.scene((step, to) =>
      step === 'rcpt' && isClosed && /eve|xn--bcher-kva/.test(to)
        ? { reply: '550 5.1.1 no such user here' }
        : undefined,
    )
    const engine = outbox.fixture.start()
    const { sender } = outbox
    const person = (name: string) => ({ name: name.toUpperCase(), address: `${name}@example.org` })
    const shop = { name: 'Shop', address: 'shop@bücher.example' }
    const written = { to: [person('bob'), person('eve')], cc: [shop, person('dan')], html: '<p>hi</p>' }
    const files = [{ filename: 'plan.txt', octets: Buffer.from('the plan') }]
    const ties = { inReplyTo: '<last@example.org>', refs: ['<first@example.org>', '<last@example.org>'] }
    const draftId = await sender.write(accountId, written, { files, ...ties })
    const { id } = await sender.send(draftId)
    const again = async (submissionId: string, draft = randomUUID()) =>
      sender.ask('POST', '/drafts', { id: draft, start: { kind: 'writeAgain', submissionId } })
    await sender.ends(id, 'partly_sent')
    expect((await sender.ask('GET', `/submissions/${id}/mail`)).body).toMatchObject({
      html: '<p>hi</p>',
      draftId,
      attachments: [{ filename: 'plan.txt', sizeBytes: 8 }],
    })
    // However long nobody comes to it.
    await until(async () => (await outbox.draftOf(draftId)).discardedAt !== null, { what: 'what follows' })
    const { store } = outbox.fixture
    await store.prisma.draft.update({ where: { id: draftId }, data: { discardedAt: new Date(0) } })
    await store.prisma.draftCopy.deleteMany({ where: { draftId } })
    await sweepSubmissions(store)
    await sweepDrafts(store)
    const draft = randomUUID()
    const begun = await again(id, draft)
    expect(begun).toMatchObject({
      status: 200,
      body: {
        id: draft,
        content: { to: [person('eve')], cc: [shop], subject: 'hello', html: '<p>hi</p>' },
        attachments: [{ filename: 'plan.txt', state: 'here' }],
      },
    })
    expect((await again(id, draft)).body).toEqual(begun.body)
    // Nothing of the new one hangs on the row it came from.
    expect((await sender.ask('POST', `/submissions/${id}/dismiss`)).status).toBe(204)
    await sweepSubmissions(store)
    await sweepDrafts(store)
    isClosed = false
    const second = await sender.send(draft)
    await sender.ends(second.id, 'sent')
    expect((await again(second.id)).status).toBe(409)
    expect(server.mails.map(({ to }) => to)).toEqual([
      ['bob@example.org', 'dan@example.org'],
      ['eve@example.org', 'shop@xn--bcher-kva.example'],
    ])
    const read = await simpleParser(server.mails[1]?.octets ?? '')
    expect([read.messageId, read.inReplyTo, read.references]).toEqual([
      `<${second.id}@example.org>`,
      ties.inReplyTo,
      ties.refs,
    ])
    expect(read.attachments.map(({ filename, content: octets }) => [filename, octets.toString()])).toEqual([
      ['plan.txt', 'the plan'],
    ])
    await engine.stop()
  })

  it('that fails for good keeps its draft, and can be tried again', async () => {
    const { accountId } = await outbox.scene((step) => (step === 'end' ? { reply: '552 5.3.4 too large' } : undefined))
    const engine = outbox.fixture.start()
    const draftId = await outbox.sender.write(accountId)
    const { id } = await outbox.sender.send(draftId)
    expect((await outbox.sender.ends(id, 'failed')).problem).toMatchObject({
      message: 'The mail is too large for the server.',
    })
    expect(await outbox.sender.ask('POST', `/submissions/${id}/retry`)).toMatchObject({ status: 200 })
    await outbox.sender.ends(id, 'failed')
    expect(await outbox.sender.ask('POST', `/submissions/${id}/dismiss`)).toMatchObject({ status: 204 })
    expect((await outbox.draftOf(draftId)).submissionId).toBeNull()
    expect((await outbox.sender.ask('GET', '/submissions')).body).toEqual({ submissions: [] })
    expect(await outbox.sentCopies(accountId)).toEqual([])
    await engine.stop()
  })

  it('that failed before its time goes at its time when it is tried again', async () => {
    const { server, accountId } = await outbox.scene()
    const wallTime = new Date(Date.now() + 2 * 3_600_000).toISOString().slice(0, 16)
    const sendAt = { wallTime, zone: 'UTC' }
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId), { sendAt })
    const { store } = outbox.fixture
    await store.prisma.submissionBatch.updateMany({ where: { submissionId: id }, data: { state: 'failed' } })
    expect(await outbox.sender.ask('POST', `/submissions/${id}/retry`)).toMatchObject({ status: 200 })
    const [row] = await store.prisma.submissionBatch.findMany({ where: { submissionId: id } })
    const dueAt = row?.dueAt.toISOString().slice(0, 16)
    expect([row?.state, dueAt, server.mails.length]).toEqual(['queued', wallTime, 0])
  })

  it('of which nobody knows whether it arrived waits for a decision, and no copy is made before', async () => {
    let isSilent = true
    const { server, accountId } = await outbox.scene((step) => (step === 'end' && isSilent ? 'cut' : undefined))
    const engine = outbox.fixture.start()
    const draftId = await outbox.sender.write(accountId)
    const { id } = await outbox.sender.send(draftId)
    const doubt = await outbox.sender.ends(id, 'in_doubt')
    expect([doubt.canCancel, doubt.evidence, doubt.sentCopy]).toEqual([false, [], 'waiting'])
    expect(await outbox.sender.ask('POST', `/submissions/${id}/cancel`)).toMatchObject({ status: 409 })
    isSilent = false
    const decide = (decision: string) => outbox.sender.ask('POST', `/submissions/${id}/decision`, { decision })
    expect(await decide('sendAgain')).toMatchObject({ status: 200 })
    await outbox.sender.ends(id, 'sent')
    expect(new Set(server.mails.map(({ octets }) => octets.toString())).size).toBe(1)
    expect([server.mails.length, (await decide('arrived')).status]).toEqual([2, 409])
    isSilent = true
    const second = await outbox.sender.send(await outbox.sender.write(accountId))
    await outbox.sender.ends(second.id, 'in_doubt')
    const arrived = await outbox.sender.ask('POST', `/submissions/${second.id}/decision`, { decision: 'arrived' })
    expect(arrived).toMatchObject({ status: 200, body: { submission: { state: 'sent' }, draft: null } })
    await until(async () => (await outbox.sentCopies(accountId)).length === 2, { what: 'copies in Sent' })
    const third = await outbox.sender.send(await outbox.sender.write(accountId))
    await outbox.sender.ends(third.id, 'in_doubt')
    const back = await outbox.sender.ask('POST', `/submissions/${third.id}/decision`, { decision: 'backToDraft' })
    expect(back).toMatchObject({ status: 200, body: { submission: { state: 'cancelled' }, draft: { version: 1 } } })
    await engine.stop()
  })

  it('says what was written, with its pictures and files, and whom it answers', async () => {
    const { server, accountId } = await outbox.scene()
    const engine = outbox.fixture.start()
    const octets = Buffer.alloc(700_000, 'a picture ')
    const html =
      '<div>See <a href="https://example.org/x">this</a></div><div>and</div><div><br></div><div>that</div><p>apart</p><img src="cid:one@example.org">'
    const refs = Array.from({ length: 80 }, (_, n) => `<${n}-${'r'.repeat(60)}@example.org>`)
    const files = [
      { filename: 'bild-ä.png', octets, contentType: 'image/png', contentId: 'one@example.org' },
      { filename: 'notes.txt', octets: Buffer.from('x\n'), contentType: 'text/plain' },
    ]
    const draftId = await outbox.sender.write(
      accountId,
      { html, text: 'ignored' },
      { files, inReplyTo: '<last@example.org>', refs },
    )
    const { id } = await outbox.sender.send(draftId)
    await outbox.sender.ends(id, 'sent')
    const read = await simpleParser(server.mails[0]?.octets ?? '', { skipImageLinks: true })
    expect(read.html).toContain(`<body>${html}</body>`)
    expect([read.text, read.inReplyTo, read.references]).toEqual([
      'See this <https://example.org/x>\nand\n\nthat\n\napart',
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
})
