import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { recoverSubmissions, sendNextSubmission } from '#outbox/send-submissions.ts'
import { commit } from '#store/commit.ts'
import { type Lease, takeLeases } from '#store/lease.ts'
import { cancelHeld, decideHeld, holdSubmission } from '#store/steer-submissions.ts'
import { queueMail } from '../support/queued-mail.ts'
import { type ScriptedSmtp, type SmtpScript, signInAt, startScriptedSmtp } from '../support/scripted-smtp.ts'
import { until } from '../support/until.ts'
import { type OutboxRows, startOutboxRows } from './outbox-fixture.ts'

describe('a mail that waits to be sent', () => {
  let fixture: OutboxRows
  const servers: ScriptedSmtp[] = []
  beforeAll(async () => {
    fixture = await startOutboxRows()
  })
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop()
  })
  afterAll(() => fixture.stop())

  const leaseOf = async (accountId: bigint): Promise<Lease> => {
    await fixture.store.prisma.accountLease.upsert({
      where: { accountId },
      create: { accountId, expiresAt: new Date(0) },
      update: { expiresAt: new Date(0) },
    })
    let lease: Lease | undefined
    // Passed over as long as a transaction of its owner runs.
    await until(async () => {
      lease = (await takeLeases(fixture.store, 'test', 1000)).find((one) => one.accountId === accountId)
      return lease !== undefined
    })
    if (!lease) throw new Error('no lease')
    return lease
  }
  const scene = async (script?: SmtpScript) => {
    const { store, userId, makeAccount } = fixture
    const { accountId } = await makeAccount(1)
    const server = await startScriptedSmtp(script)
    servers.push(server)
    const lease = await leaseOf(accountId)
    const queue = (id: string, to: string[], more: { notBefore?: Date; requestHash?: Buffer } = {}) =>
      queueMail(store, { userId, accountId }, { id, to, ...more })
    const sendOn = (held: Lease, session = () => signInAt(server)) =>
      sendNextSubmission({ store, lease: held, session })
    const send = () => sendOn(lease)
    const batches = (id: string) =>
      store.prisma.submissionBatch.findMany({ where: { submissionId: id }, orderBy: { n: 'asc' } })
    const states = async (id: string) => (await batches(id)).map(({ state }) => state)
    const recipients = async (id: string) =>
      (
        await store.prisma.submissionRecipient.findMany({ where: { submissionId: id }, orderBy: { position: 'asc' } })
      ).map(({ address, state, batch }) => [address, state, batch])
    const makeDue = () =>
      store.prisma.submissionBatch.updateMany({ where: { accountId }, data: { dueAt: new Date(0) } })
    return { server, lease, queue, send, sendOn, states, batches, recipients, makeDue, accountId }
  }

  it('goes once, however often it was asked for at the same time', async () => {
    const { server, queue, send, states, recipients } = await scene()
    const id = randomUUID()
    const asked = await Promise.all(Array.from({ length: 50 }, () => queue(id, ['bob@example.org', 'cy@example.org'])))
    expect(asked.filter(({ kind }) => kind === 'new').length).toBe(1)
    expect(asked.filter(({ kind }) => kind === 'known').length).toBe(49)
    expect(await queue(id, ['eve@example.org'], { requestHash: Buffer.from('other') })).toEqual({ kind: 'other' })
    while (await send());
    expect(server.mails.map(({ to }) => to)).toEqual([['bob@example.org', 'cy@example.org']])
    expect(await states(id)).toEqual(['sent'])
    expect(await recipients(id)).toEqual([
      ['bob@example.org', 'accepted', 0],
      ['cy@example.org', 'accepted', 0],
    ])
  })

  it('waits for its time, and can be taken back until it goes', async () => {
    const { server, queue, send, states, makeDue } = await scene()
    const { store, userId } = fixture
    const cancel = (id: string) =>
      commit(store, { kind: 'user', userId }, async (unit) => {
        const held = await holdSubmission(unit.tx, userId, id)
        if (held && !held.states.includes('sent')) await cancelHeld(unit, held)
        return held?.states
      })
    const [held, gone] = [randomUUID(), randomUUID()]
    await queue(held, ['bob@example.org'], { notBefore: new Date(Date.now() + 60_000) })
    expect(await send()).toBe(false)
    expect(await cancel(held)).toEqual(['queued'])
    await makeDue()
    expect([await send(), await states(held), server.mails.length]).toEqual([false, ['cancelled'], 0])
    await queue(gone, ['bob@example.org'])
    await send()
    expect([await cancel(gone), await states(gone)]).toEqual([['sent'], ['sent']])
  })

  it('is tried again after what may pass, and not after what never will', async () => {
    for (const step of ['greeting', 'ehlo', 'mail', 'rcpt', 'data', 'end'] as const)
      for (const code of [421, 451, 554]) {
        const { server, queue, send, states, batches, makeDue } = await scene((at, _to, session) =>
          at === step && session === 1 ? { reply: `${code} 4.3.0 no` } : undefined,
        )
        const id = randomUUID()
        await queue(id, ['bob@example.org'])
        await send()
        // What is said before the mail is about the server, not about the mail.
        const isFinal = code === 554 && step !== 'greeting' && step !== 'ehlo'
        expect(await states(id), `${step} ${code}`).toEqual([isFinal ? 'failed' : 'deferred'])
        const [{ attempts = 0, dueAt = new Date(0) } = {}] = await batches(id)
        expect(attempts).toBe(1)
        if (!isFinal) expect(dueAt.getTime()).toBeGreaterThan(Date.now() + 15_000)
        expect(await send()).toBe(false)
        const had = server.mails.length
        await makeDue()
        await send()
        expect(await states(id)).toEqual([isFinal ? 'failed' : 'sent'])
        expect(server.mails.length - had, `${step} ${code}`).toBe(isFinal ? 0 : 1)
        // One mail, however often it came.
        const octets = new Set(server.mails.map((mail) => mail.octets.toString()))
        if (server.mails.length > 0) expect([...octets]).toEqual([expect.stringContaining(`Message-ID: <${id}@`)])
        await server.stop()
      }
  })

  it('goes to each who is taken once, and again to those alone who may be later', async () => {
    let isFirst = true
    const { server, queue, send, states, recipients, makeDue } = await scene((step, to) => {
      if (step === 'rcpt' && to.includes('never')) return { reply: '550 5.1.1 no such user' }
      if (step === 'rcpt' && to.includes('later') && isFirst) {
        isFirst = false
        return { reply: '452 4.2.2 full' }
      }
      return undefined
    })
    const id = randomUUID()
    await queue(id, ['now@example.org', 'later@example.org', 'never@example.org'])
    await send()
    expect(await states(id)).toEqual(['sent', 'deferred'])
    await makeDue()
    while (await send());
    expect(await states(id)).toEqual(['sent', 'sent'])
    expect(server.mails.map(({ to }) => to)).toEqual([['now@example.org'], ['later@example.org']])
    expect(await recipients(id)).toEqual([
      ['now@example.org', 'accepted', 0],
      ['later@example.org', 'accepted', 1],
      ['never@example.org', 'refused', 0],
    ])
  })

  it('is in doubt when no answer came to its end, and never sent again by itself', async () => {
    for (const turn of ['cut', 'silent'] as const) {
      const { server, queue, send, states, makeDue } = await scene((step) => (step === 'end' ? turn : undefined))
      const id = randomUUID()
      await queue(id, ['bob@example.org'])
      await send()
      expect(await states(id)).toEqual(['in_doubt'])
      await makeDue()
      expect(await send()).toBe(false)
      expect(server.mails.length).toBe(1)
    }
  })

  it('is not ended by an owner whose lease is gone, and belongs to the next one', async () => {
    const { server, queue, lease, sendOn, states, accountId } = await scene()
    const { store } = fixture
    const id = randomUUID()
    await queue(id, ['bob@example.org'])
    let next: Lease | undefined
    const stale = sendOn(lease, async () => {
      const session = await signInAt(server)
      next = await leaseOf(accountId)
      return session
    })
    await expect(stale).rejects.toMatchObject({ code: 'lease.lost' })
    expect([server.mails.length, await states(id)]).toEqual([0, ['leased']])
    if (!next) throw new Error('nobody took over')
    await recoverSubmissions({ store, lease: next })
    await sendOn(next)
    expect([server.mails.length, await states(id)]).toEqual([1, ['sent']])
  })

  it('that was under way when its owner died is sent, or in doubt where its end may have left', async () => {
    const { server, queue, sendOn, states, accountId } = await scene()
    const { store } = fixture
    for (const [found, then] of [
      ['leased', 'sent'],
      ['connected', 'sent'],
      ['committing', 'in_doubt'],
    ] as const) {
      const id = randomUUID()
      await queue(id, ['bob@example.org'])
      await store.prisma.submissionBatch.updateMany({ where: { submissionId: id }, data: { state: found } })
      const lease = await leaseOf(accountId)
      await recoverSubmissions({ store, lease })
      while (await sendOn(lease));
      expect(await states(id), found).toEqual([then])
    }
    expect(server.mails.length).toBe(2)
  })

  it('has not come to those the server refused, whatever ends the doubt about the others', async () => {
    let isFirst = true
    const { server, queue, lease, sendOn, states, recipients, makeDue, accountId } = await scene((step, to) => {
      if (step !== 'rcpt' || to.includes('now')) return undefined
      if (to.includes('never')) return { reply: '550 5.1.1 no such user' }
      return isFirst ? { reply: '450 4.2.1 later' } : undefined
    })
    const { store, userId } = fixture
    let answer = () => {}
    server.holdEnds((go) => {
      answer = go
    })
    const id = randomUUID()
    await queue(id, ['now@example.org', 'later@example.org', 'never@example.org'])
    const stale = sendOn(lease, () => signInAt(server, 30_000))
    await until(async () => server.mails.length === 1, { what: 'the end of the mail' })
    // Its owner is gone before it hears of the end.
    const next = await leaseOf(accountId)
    await recoverSubmissions({ store, lease: next })
    expect(await states(id)).toEqual(['in_doubt'])
    await commit(store, { kind: 'user', userId }, async (unit) => {
      const held = await holdSubmission(unit.tx, userId, id)
      if (held) await decideHeld(unit, held, 'arrived')
    })
    expect(await states(id)).toEqual(['sent', 'deferred'])
    answer()
    await expect(stale).rejects.toMatchObject({ code: 'lease.lost' })
    server.holdEnds((go) => go())
    isFirst = false
    await makeDue()
    while (await sendOn(next));
    expect(server.mails.map(({ to }) => to)).toEqual([['now@example.org'], ['later@example.org']])
    expect(await recipients(id)).toEqual([
      ['now@example.org', 'accepted', 0],
      ['later@example.org', 'accepted', 1],
      ['never@example.org', 'refused', 0],
    ])
  })
})
