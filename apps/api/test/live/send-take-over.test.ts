import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { startEngineProcess } from '../support/engine-process.ts'
import { until } from '../support/until.ts'
import { startSendScene } from './send-sweep-fixture.ts'

/** Mail that one engine began to send and another has to end. */
describe('a mail with two senders', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(async () => dovecot.stop())

  it('goes once when its sender was stopped past its lease, and that one sends no end any more', async () => {
    dovecot.addUser('paused', 'secret')
    const { sink, mortal, begin, queue, untilSent, stop } = await startSendScene(dovecot, 'paused')
    const { store, points, databaseUrl, env } = mortal
    const epochOf = async () => (await store.prisma.accountLease.findFirstOrThrow()).epoch
    await begin()
    const before = await epochOf()
    const child = mortal.child()
    let isHeld = false
    // The server waits for the mail; of it nothing has left.
    points.arm(/^after DATA/, () => {
      child?.kill('SIGSTOP')
      isHeld = true
      return 'go on'
    })
    await queue({ id: randomUUID(), to: ['bob@example.org'] })
    await until(async () => isHeld, { what: 'the moment' })
    const other = startEngineProcess({ ...env, DATABASE_URL: databaseUrl })
    try {
      await until(async () => (await epochOf()) > before, { ms: 50_000, what: 'the take-over' })
      await untilSent()
      expect(sink.mails.length).toBe(1)
      child?.kill('SIGCONT')
      await until(async () => sink.broken.length === 1, { what: 'the end of the first one’s connection' })
      expect(sink.mails.length).toBe(1)
      const [batch] = await store.prisma.submissionBatch.findMany()
      expect(batch?.state).toBe('sent')
    } finally {
      child?.kill('SIGCONT')
      other.child.kill('SIGTERM')
      await other.ended
      await stop()
    }
  }, 120_000)

  it('comes to each of ten thousand once, though it is killed on the way', async () => {
    dovecot.addUser('many', 'secret')
    const { sink, mortal, begin, queue, untilSent, stop } = await startSendScene(dovecot, 'many')
    const { store, points } = mortal
    try {
      await begin()
      let isDead = false
      // The thirtieth of a hundred: the server has it, and nobody has heard so.
      points.arm({ name: 'after end', nth: 30 }, () => {
        mortal.kill()
        isDead = true
        return 'end'
      })
      const to = Array.from({ length: 10_000 }, (_, n) => `r${n}@example.org`)
      await queue({ id: randomUUID(), to, perBatch: 100 })
      await untilSent(async () => {
        if (!isDead) return
        isDead = false
        mortal.start()
      })
      const got = new Map<string, number>()
      for (const address of sink.mails.flatMap((mail) => mail.to)) got.set(address, (got.get(address) ?? 0) + 1)
      expect([got.size, Math.max(...got.values())]).toEqual([10_000, 1])
      const states = (await store.prisma.submissionBatch.findMany()).map(({ state }) => state)
      expect(states.filter((state) => state === 'sent').length).toBe(99)
      expect(states.filter((state) => state === 'in_doubt').length).toBe(1)
    } finally {
      await stop()
    }
  }, 120_000)
})
