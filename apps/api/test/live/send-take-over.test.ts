import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { startEngineProcess } from '../support/engine-process.ts'
import type { KillPoints } from '../support/kill-points.ts'
import { until } from '../support/until.ts'
import { startSendScene } from './send-sweep-fixture.ts'

/** Mail that one engine began to send and another has to end. */
describe('a mail with two senders', () => {
  let dovecot: Dovecot
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterAll(async () => dovecot.stop())

  /** Stops its sender at a moment until another engine has ended what it can; then that sender goes on, to its connection's end. */
  const takeOver = async (user: string, stopAt: (points: KillPoints, stop: () => 'go on') => void) => {
    dovecot.addUser(user, 'secret')
    const { sink, mortal, begin, queue, untilSent, stop } = await startSendScene(dovecot, user)
    const { store, points, databaseUrl, env } = mortal
    const epochOf = async () => (await store.prisma.accountLease.findFirstOrThrow()).epoch
    const states = async () => (await store.prisma.submissionBatch.findMany()).map(({ state }) => state)
    await begin()
    const before = await epochOf()
    const child = mortal.child()
    let isHeld = false
    stopAt(points, () => {
      child?.kill('SIGSTOP')
      isHeld = true
      return 'go on'
    })
    await queue({ id: randomUUID(), to: ['bob@example.org'] })
    await until(async () => isHeld, { what: 'the moment' })
    const stoppedIn = await states()
    const other = startEngineProcess({ ...env, DATABASE_URL: databaseUrl })
    try {
      await until(async () => (await epochOf()) > before, { ms: 50_000, what: 'the take-over' })
      await untilSent()
      const byOther = sink.mails.length
      child?.kill('SIGCONT')
      await until(async () => sink.broken.length + sink.mails.length > byOther, { what: 'what the first one does' })
      return { stoppedIn, byOther, broken: sink.broken.length, inAll: sink.mails.length, states: await states() }
    } finally {
      child?.kill('SIGCONT')
      other.child.kill('SIGTERM')
      await other.ended
      await stop()
    }
  }

  it.concurrent('goes once when its sender was stopped past its lease, and that one sends no end any more', async () => {
    // The server waits for the mail; of it nothing has left.
    const found = await takeOver('paused', (points, stop) => points.arm(/^after DATA/, stop))
    expect(found).toEqual({ stoppedIn: ['connected'], byOther: 1, broken: 1, inAll: 1, states: ['sent'] })
  }, 120_000)

  it.concurrent('is in doubt when its sender was stopped as its end was to leave, and that one sends none', async () => {
    // What it waits for is on disk, and it does not know so yet.
    const found = await takeOver('waiting', (points, stop) =>
      points.arm(/^after DATA/, () => {
        points.arm(/^after COMMIT/, stop)
        return 'go on'
      }),
    )
    expect(found).toEqual({ stoppedIn: ['committing'], byOther: 0, broken: 1, inAll: 0, states: ['in_doubt'] })
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
