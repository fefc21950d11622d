import { hash } from 'node:crypto'
import { changesReply } from '@postern/shared/changes.ts'
import type { DraftContent } from '@postern/shared/drafts.ts'
import type { Submission } from '@postern/shared/submissions.ts'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { commitBulk } from '#store/commit.ts'
import { sweepDrafts } from '#store/draft-copies.ts'
import { engineChannel } from '#store/notify.ts'
import { applyReport, sweepSubmissions } from '#store/submissions.ts'
import { addItems, createTransfer } from '#store/transfers.ts'
import { deliveryReport } from '../support/report-mails.ts'
import { type OutboxScene, startOutboxScene } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'

/** What takes longer, or is over. */
describe('a mail in the outbox', () => {
  let outbox: OutboxScene
  beforeAll(async () => {
    outbox = await startOutboxScene()
  })
  afterEach(() => outbox.stopServers())
  afterAll(() => outbox.stop())

  /** Nobody put it there from here: it came. */
  const deliver = async (accountId: bigint, role: string, header: string[], text = 'x') => {
    const { store } = outbox.fixture
    const { id: mailboxId } = await store.prisma.mailbox.findFirstOrThrow({ where: { accountId, role } })
    const octets = Buffer.from(`${header.join('\r\n')}\r\n\r\n${text}\r\n`)
    const transfer = {
      userId: outbox.fixture.userId,
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
      { kind: 'user', userId: outbox.fixture.userId, accountId },
      { transferId, items: [item], bytes: 0 },
    )
  }

  it('that waits for long is told of, and given up after a day', async () => {
    const { accountId } = await outbox.scene((step) => (step === 'mail' ? { reply: '451 4.3.0 come back' } : undefined))
    const draftId = await outbox.sender.write(accountId)
    const { id } = await outbox.sender.send(draftId)
    const age = (minutes: number) =>
      outbox.fixture.store.prisma
        .$executeRaw`UPDATE submission SET not_before = now() - ${minutes}::int * interval '1 minute' WHERE id = ${id}::uuid`
    const engine = outbox.fixture.start()
    expect((await outbox.sender.ends(id, 'deferred')).toldAt).toBeNull()
    await age(16)
    const again = async () => {
      await outbox.fixture.store.prisma.submissionBatch.updateMany({
        where: { submissionId: id },
        data: { dueAt: new Date(0) },
      })
      outbox.fixture.store.notifier.notify(engineChannel, `${accountId}`)
    }
    await again()
    await until(async () => (await outbox.sender.state(id)).toldAt !== null, { what: 'its person to be told' })
    expect((await outbox.sender.ends(id, 'deferred')).problem).toMatchObject({
      message: 'The server cannot take it right now.',
      serverText: '451 4.3.0 come back',
    })
    await age(24 * 60 + 1)
    const { store } = outbox.fixture
    await store.prisma.submissionBatch.updateMany({ where: { submissionId: id }, data: { attempts: 20 } })
    await again()
    expect((await outbox.sender.ends(id, 'failed')).problem?.message).toContain('tried for a day')
    const back = await outbox.sender.ask('POST', `/submissions/${id}/cancel`)
    expect(back).toMatchObject({ status: 200, body: { draft: { id: draftId } } })
    await engine.stop()
  })

  it('in doubt tells every screen what speaks for its arrival as it comes, and ends with a copy in Sent', async () => {
    const { accountId } = await outbox.scene((step) => (step === 'end' ? 'cut' : undefined))
    const engine = outbox.fixture.start()
    const draftId = await outbox.sender.write(accountId)
    const { id } = await outbox.sender.send(draftId)
    await outbox.sender.ends(id, 'in_doubt')
    let since = '0'
    let shown: Submission | undefined
    /** On a screen that does nothing but follow the log of changes. */
    const found = async () => {
      const { body } = await outbox.sender.ask('GET', `/changes?stream=account:${accountId}&since=${since}&limit=1000`)
      const { batch } = changesReply.parse(body)
      since = batch.seq
      for (const change of batch.changes) if (change.kind === 'submission') shown = change.submission
      return (shown?.evidence ?? []).map(({ kind }) => kind).sort()
    }
    expect(await found()).toEqual([])
    const own = `${id}@example.org`
    await deliver(accountId, 'inbox', ['From: dan@example.org', 'Message-ID: <1@x>', 'Subject: about something else'])
    await deliver(accountId, 'inbox', ['From: bob@example.org', 'Message-ID: <2@x>', `References: <${own}>`])
    await until(async () => (await found()).length > 0, { what: 'a reply' })
    expect(await found()).toEqual(['reply'])
    await deliver(
      accountId,
      'inbox',
      ['From: MAILER-DAEMON@example.org', 'Message-ID: <3@x>', 'Subject: failed'],
      `Message-ID: <${own}>`,
    )
    await until(async () => (await found()).length === 2, { what: 'a bounce' })
    expect([await found(), (await outbox.sender.state(id)).state]).toEqual([['bounce', 'reply'], 'in_doubt'])
    // By RFC 3464: one tells of a delay, which says nothing, and one of its end, of somebody it was passed on to.
    for (const action of ['delayed', 'failed'] as const) {
      const [head = '', ...rest] = deliveryReport({ about: own, to: 'eve@elsewhere.example', action }).split('\r\n\r\n')
      await deliver(accountId, 'inbox', [head], rest.join('\r\n\r\n'))
    }
    await until(async () => (await found()).length === 3, { what: 'a report' })
    expect(await found()).toEqual(['bounce', 'bounce', 'reply'])
    // Nobody put it there from here: its server did.
    await deliver(accountId, 'sent', ['From: ann@example.org', `Message-ID: <${own}>`])
    await outbox.sender.ends(id, 'sent')
    expect(await found()).toEqual(['bounce', 'bounce', 'in_sent', 'reply'])
    await until(async () => (await outbox.sender.state(id)).sentCopy === 'stored', { what: 'a copy in Sent' })
    expect((await outbox.draftOf(draftId)).discardedAt).not.toBeNull()
    expect((await outbox.sentCopies(accountId)).length).toBe(1)
    await engine.stop()
  })

  it('in doubt ends with a copy among all mail too, which is none in Sent', async () => {
    const { accountId } = await outbox.scene((step) => (step === 'end' ? 'cut' : undefined))
    const engine = outbox.fixture.start()
    const archive = { accountId, role: 'archive' }
    await outbox.fixture.store.prisma.mailbox.updateMany({ where: archive, data: { chosenRole: 'all', role: 'all' } })
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId))
    await outbox.sender.ends(id, 'in_doubt')
    await deliver(accountId, 'all', ['From: ann@example.org', `Message-ID: <${id}@example.org>`])
    const { evidence } = await outbox.sender.ends(id, 'sent')
    expect(evidence.map(({ kind }) => kind)).toEqual(['in_sent'])
    await until(async () => (await outbox.sentCopies(accountId)).length === 1, { what: 'our own copy' })
    await engine.stop()
  })

  it('found in Sent goes to whom the server did not take it for, and to them alone', async () => {
    let isFirst = true
    const { server, accountId } = await outbox.scene((step, to) => {
      if (!isFirst) return undefined
      if (step === 'rcpt' && to.includes('eve')) return { reply: '450 4.2.0 later' }
      return step === 'end' ? 'cut' : undefined
    })
    const engine = outbox.fixture.start()
    const to = ['bob@example.org', 'eve@example.org'].map((address) => ({ name: '', address }))
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId, { to }))
    await outbox.sender.ends(id, 'in_doubt')
    isFirst = false
    await deliver(accountId, 'sent', ['From: ann@example.org', `Message-ID: <${id}@example.org>`])
    const { recipients } = await outbox.sender.ends(id, 'sent')
    expect(recipients.map(({ state }) => state)).toEqual(['accepted', 'accepted'])
    expect(server.mails.map((mail) => mail.to)).toEqual([['bob@example.org'], ['eve@example.org']])
    await engine.stop()
  })

  it('sent again is not proven by the copy of its first try, which others may not have had', async () => {
    let tries = 0
    const { accountId } = await outbox.scene((step, to) => {
      if (step === 'mail') tries++
      if (step === 'rcpt' && tries === 1 && to.includes('eve')) return { reply: '450 4.2.0 later' }
      return step === 'end' ? 'cut' : undefined
    })
    const engine = outbox.fixture.start()
    const to = ['bob@example.org', 'eve@example.org'].map((address) => ({ name: '', address }))
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId, { to }))
    await outbox.sender.ends(id, 'in_doubt')
    const again = await outbox.sender.ask('POST', `/submissions/${id}/decision`, { decision: 'sendAgain' })
    expect(again.status).toBe(200)
    await until(async () => tries === 2, { what: 'the second try' })
    await outbox.sender.ends(id, 'in_doubt')
    await deliver(accountId, 'sent', ['From: ann@example.org', `Message-ID: <${id}@example.org>`])
    const seen = async () => (await outbox.sender.state(id)).evidence.map(({ kind }) => kind)
    await until(async () => (await seen()).includes('in_sent'), { what: 'the copy' })
    expect((await outbox.sender.state(id)).state).toBe('in_doubt')
    await outbox.sender.ask('POST', `/submissions/${id}/decision`, { decision: 'arrived' })
    await engine.stop()
  })

  it('goes to those it was not sent to yet, whatever a report says of them', async () => {
    let isPutOff = true
    const { server, accountId } = await outbox.scene((step, to) =>
      step === 'rcpt' && to.includes('eve') && isPutOff ? { reply: '450 4.2.0 later' } : undefined,
    )
    const engine = outbox.fixture.start()
    const to = ['bob@example.org', 'eve@example.org'].map((address) => ({ name: '', address }))
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId, { to }))
    await outbox.sender.ends(id, 'deferred')
    const { store } = outbox.fixture
    const report = (address: string, action: 'failed' | 'delivered') => ({
      action,
      address,
      originalAddress: null,
      status: null,
      text: null,
    })
    await commitBulk(store, { kind: 'user', userId: outbox.fixture.userId }, (unit) =>
      applyReport(unit, accountId, id, [report('bob@example.org', 'failed'), report('eve@example.org', 'delivered')]),
    )
    expect((await outbox.sender.state(id)).recipients.map(({ state }) => state)).toEqual(['failed', 'waiting'])
    isPutOff = false
    expect((await outbox.sender.ask('POST', `/submissions/${id}/retry`)).status).toBe(200)
    await until(async () => server.mails.length === 2, { what: 'the second one’s mail' })
    expect(server.mails.map((mail) => mail.to)).toEqual([['bob@example.org'], ['eve@example.org']])
    await outbox.sender.ends(id, 'partly_sent')
    expect((await outbox.sender.ask('POST', `/submissions/${id}/dismiss`)).status).toBe(204)
    await engine.stop()
  })

  it('that waits for a login goes when its person tries again', async () => {
    let isRefused = true
    const { server, accountId } = await outbox.scene((step) =>
      step === 'auth' && isRefused ? { reply: '535 5.7.8 no' } : undefined,
    )
    const engine = outbox.fixture.start()
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId))
    expect((await outbox.sender.ends(id, 'deferred')).problem).toMatchObject({
      code: 'login.failed',
      serverText: '535 5.7.8 no',
    })
    isRefused = false
    expect((await outbox.sender.ask('POST', `/submissions/${id}/retry`)).status).toBe(200)
    await outbox.sender.ends(id, 'sent')
    expect(server.mails.length).toBe(1)
    await engine.stop()
  })

  it('leaves the octets of what is long over to nobody, and its line for some months', async () => {
    const { store } = outbox.fixture
    const { accountId } = await outbox.scene((step, to) =>
      step === 'rcpt' && to.includes('eve') ? { reply: '550 5.1.1 no' } : undefined,
    )
    const engine = outbox.fixture.start()
    const sent = await outbox.sender.send(await outbox.sender.write(accountId))
    const refused = await outbox.sender.send(
      await outbox.sender.write(accountId, { to: [{ name: '', address: 'eve@example.org' }] }),
    )
    await outbox.sender.ends(sent.id, 'sent')
    await outbox.sender.ends(refused.id, 'failed')
    await until(async () => (await outbox.sender.state(sent.id)).sentCopy === 'stored', { what: 'a copy in Sent' })
    const age = async (days: number) => {
      await store.prisma
        .$executeRaw`UPDATE submission SET finished_at = now() - ${days}::int * interval '1 day' WHERE account_id = ${accountId}`
      await store.prisma
        .$executeRaw`UPDATE draft SET discarded_at = now() - ${days}::int * interval '1 day' WHERE account_id = ${accountId} AND discarded_at IS NOT NULL`
    }
    const left = async () => {
      await sweepSubmissions(store)
      await sweepDrafts(store)
      const rows = await store.prisma.submission.findMany({ where: { accountId } })
      const drafts = await store.prisma.draft.findMany({ where: { accountId }, orderBy: { createdAt: 'asc' } })
      const blobs = await store.prisma.blob.count({ where: { id: { in: rows.map(({ blobId }) => blobId) } } })
      return { lines: rows.length, blobs, drafts: drafts.map(({ submissionId }) => submissionId) }
    }
    await age(0)
    expect(await left()).toEqual({ lines: 2, blobs: 2, drafts: [sent.id, refused.id] })
    await age(2)
    expect(await left()).toEqual({ lines: 2, blobs: 1, drafts: [refused.id] })
    await age(91)
    expect(await left()).toEqual({ lines: 0, blobs: 0, drafts: [null] })
    // The copy is a message of its own.
    const [copy] = await store.prisma.$queryRaw<{ id: bigint | null }[]>`
      SELECT b.id FROM placement p JOIN mailbox m ON m.id = p.shown_mailbox_id AND m.role = 'sent' JOIN raw_source r ON r.message_id = p.message_id
      LEFT JOIN blob b ON b.id = r.blob_id WHERE p.account_id = ${accountId}`
    expect(copy?.id).not.toBeNull()
    await engine.stop()
  })

  it('of which Sent has refused the copy is read there with its files until it is put away', async () => {
    const { store } = outbox.fixture
    const { accountId } = await outbox.scene()
    const engine = outbox.fixture.start()
    const files = [{ filename: 'plan.txt', octets: Buffer.from('the plan') }]
    const content = { text: 'Look', html: '<p><b>Look</b></p>' }
    const draftId = await outbox.sender.write(accountId, content, { files })
    const { id } = await outbox.sender.send(draftId)
    await outbox.sender.ends(id, 'sent')
    await until(async () => (await outbox.sender.state(id)).sentCopy === 'stored', { what: 'a copy in Sent' })
    await engine.stop()
    const age = async (sentCopy: string) => {
      await store.prisma.submission.update({ where: { id }, data: { sentCopy } })
      await store.prisma
        .$executeRaw`UPDATE submission SET finished_at = now() - interval '2 days' WHERE id = ${id}::uuid`
      await store.prisma
        .$executeRaw`UPDATE draft SET discarded_at = now() - interval '2 days' WHERE id = ${draftId}::uuid`
      await sweepSubmissions(store)
      await sweepDrafts(store)
      return outbox.sender.ask('GET', `/submissions/${id}/mail`)
    }
    for (const sentCopy of ['waiting', 'refused'])
      expect(await age(sentCopy), sentCopy).toMatchObject({
        status: 200,
        body: { html: '<p><b>Look</b></p>', attachments: [{ filename: 'plan.txt' }] },
      })
    expect((await outbox.sender.ask('POST', `/submissions/${id}/dismiss`)).status).toBe(204)
    // Its draft is gone: a piece of it is not shown as if that were all.
    expect(await age('refused')).toMatchObject({ status: 404, body: { error: { code: 'message.gone' } } })
  })

  it('waits a look for the copy that some servers put into Sent by themselves', async () => {
    const { accountId } = await outbox.scene()
    const engine = outbox.fixture.start()
    const { store } = outbox.fixture
    await store.prisma.account.update({ where: { id: accountId }, data: { outgoing: { host: 'smtp.gmail.com' } } })
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId), { holdSeconds: 60 })
    await store.prisma.$executeRaw`UPDATE submission_batch SET state = 'sent' WHERE submission_id = ${id}::uuid`
    await store.prisma.submission.update({ where: { id }, data: { finishedAt: new Date() } })
    store.notifier.notify(engineChannel, `${accountId}`)
    const row = () => store.prisma.submission.findUniqueOrThrow({ where: { id } })
    await until(async () => (await row()).followedAt !== null, { what: 'what follows' })
    expect([(await row()).copyAt?.getTime() ?? 0, (await row()).sentCopyItemId]).toEqual([expect.any(Number), null])
    expect((await row()).copyAt?.getTime()).toBeGreaterThan(Date.now() + 60_000)
    await store.prisma.submission.update({ where: { id }, data: { copyAt: new Date(0) } })
    store.notifier.notify(engineChannel, `${accountId}`)
    await until(async () => (await outbox.sentCopies(accountId)).length === 1, { what: 'our own copy' })
    await engine.stop()
  })

  it('tries to keep its copy again where that went wrong', async () => {
    const { accountId } = await outbox.scene()
    const { store, userId } = outbox.fixture
    const engine = outbox.fixture.start()
    const { id } = await outbox.sender.send(await outbox.sender.write(accountId), { holdSeconds: 60 })
    // Into a mailbox that is gone.
    const { blobId } = await store.prisma.submission.findUniqueOrThrow({ where: { id } })
    const place = { accountId, mailboxId: 999_999n }
    const transfer = await store.prisma.transfer.create({
      data: { ...place, userId, kind: 'sent', closedAt: new Date() },
    })
    const octets = { blobId, ownsBlob: false, sha256: new Uint8Array(32), sizeBytes: 1n }
    const item = await store.prisma.transferItem.create({
      data: { ...place, ...octets, transferId: transfer.id, name: 'x' },
    })
    await store.prisma.submission.update({
      where: { id },
      data: { sentCopyItemId: item.id, followedAt: new Date(), finishedAt: new Date() },
    })
    // Last: from here on the engine looks at it.
    await store.prisma.$executeRaw`UPDATE submission_batch SET state = 'sent' WHERE submission_id = ${id}::uuid`
    const wake = () => store.notifier.notify(engineChannel, `${accountId}`)
    const row = () => store.prisma.submission.findUniqueOrThrow({ where: { id } })
    wake()
    await until(async () => (await row()).copyAt !== null, { what: 'another try' })
    expect([(await row()).sentCopy, (await row()).sentCopyItemId]).toEqual(['waiting', null])
    await store.prisma.submission.update({ where: { id }, data: { sentCopy: 'refused', copyAt: null } })
    expect((await outbox.sender.ask('GET', '/submissions')).body).toMatchObject({
      submissions: [{ id, sentCopy: 'refused' }],
    })
    expect((await outbox.sender.ask('POST', `/submissions/${id}/retry`)).status).toBe(200)
    await until(async () => (await outbox.sentCopies(accountId)).length === 1, { what: 'the copy' })
    expect((await outbox.sender.ask('POST', `/submissions/${id}/retry`)).status).toBe(409)
    await engine.stop()
  })

  it('is proven by a copy that came unseen, as soon as somebody looks, and only where it went out once', async () => {
    const { accountId } = await outbox.scene()
    const { store } = outbox.fixture
    const engine = outbox.fixture.start()
    const to = Array.from({ length: 101 }, (_, n) => ({ name: '', address: `p${n}@example.org` }))
    const sent = async (content: Partial<DraftContent>) => {
      const { id } = await outbox.sender.send(await outbox.sender.write(accountId, content), { holdSeconds: 60 })
      const header = `Message-ID: <${id}@example.org>`
      await deliver(accountId, 'sent', ['From: ann@example.org', header])
      return id
    }
    const [toMany, toOne] = [await sent({ to }), await sent({})]
    await until(async () => (await outbox.sentCopies(accountId)).length === 2, { what: 'both copies' })
    // As it is while the second half of the first one leaves, and its copy is here: that may be of this half.
    await store.prisma.$executeRaw`
      UPDATE submission_batch SET state = CASE n WHEN 0 THEN 'in_doubt' ELSE 'committing' END WHERE account_id = ${accountId}`
    store.notifier.notify(engineChannel, `${accountId}`)
    await outbox.sender.ends(toOne, 'sent')
    const batches = await store.prisma.submissionBatch.findMany({
      where: { submissionId: toMany },
      orderBy: { n: 'asc' },
    })
    expect(batches.map(({ state }) => state)).toEqual(['in_doubt', 'committing'])
    await engine.stop()
  })
})
