import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import type { Dovecot } from '../support/dovecot.ts'
import type { Moment } from '../support/kill-points.ts'
import { startMortalEngine } from '../support/mortal-engine.ts'
import { queueMail } from '../support/queued-mail.ts'
import { type SmtpScript, startScriptedSmtp } from '../support/scripted-smtp.ts'
import { until } from '../support/until.ts'
import type { Seen } from '../support/watched-wire.ts'

/** What must be zero however often the engine dies. */
export type SendSums = {
  /** Safe here, and neither at the server nor said to be in doubt. */
  lost: number
  /** At the server more than once, for one recipient. */
  doubled: number
  /** Said to be in doubt although no kill was between the last octets and what became of them. */
  doubted: number
  /** Of these the end left before the disk had it that it would. */
  early: number
}

const settleWithinMs = 60_000
const retried = 'late@example.org'
const refused = 'nobody@example.org'
/** More than what is kept in one piece. */
const long = Array.from({ length: 36_000 }, (_, n) => `${n} ${'x'.repeat(60)}`).join('\r\n')

export type SendRun = {
  /** Three mails on their way, one to many, one in pieces; with a kill, if a moment is given. */
  through: (moment: Moment | null) => Promise<{ passed: string[]; reached: string | null }>
  judge: () => Promise<SendSums>
  stop: () => Promise<void>
}

/** An engine that is killed, and the submission server of its one account; what they say to each other is watched. */
export const startSendScene = async (
  dovecot: Dovecot,
  user: string,
  { script, environment = {} }: { script?: SmtpScript; environment?: Record<string, string> } = {},
) => {
  const seen: Seen[] = []
  const sink = await startScriptedSmtp(script, ['PIPELINING', '8BITMIME', 'SIZE 10000000', 'DSN'])
  const mortal = await startMortalEngine({
    user,
    environment,
    mail: { protocol: 'smtp', port: sink.port },
    tell: (event) => void seen.push(event),
    settings: {
      kind: 'pop3',
      incoming: { host: 'localhost', port: dovecot.pop3Port, security: 'plain', username: user },
      retrieval: { policy: { kind: 'keep' }, everyMinutes: 1440 },
    },
  })
  const { store, accountId, ownerId: userId, points } = mortal
  const outgoing = {
    host: 'localhost',
    port: points.mailPort,
    security: 'plain',
    username: user,
    pinnedFingerprint: null,
  }
  await store.prisma.account.update({ where: { id: accountId }, data: { outgoing } })
  const isWatching = async () =>
    (await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })).state === 'watching'
  const isOpen = { state: { notIn: ['sent', 'failed', 'in_doubt'] } }
  return {
    sink,
    seen,
    mortal,
    /** Until its incoming server was looked at: nothing but mail is under way then. */
    begin: async () => {
      mortal.start()
      await until(isWatching, { ms: settleWithinMs, what: `the first look (${mortal.printed()})` })
    },
    queue: (mail: Parameters<typeof queueMail>[2]) => queueMail(store, { userId, accountId }, mail),
    /** Until every mail has come to its end; `onWait` is asked again and again. */
    untilSent: (onWait: () => Promise<void> = async () => undefined) =>
      until(
        async () => {
          await onWait()
          // Nobody waits half a minute for a second attempt.
          await store.prisma.submissionBatch.updateMany({ where: { state: 'deferred' }, data: { dueAt: new Date(0) } })
          return (await store.prisma.submissionBatch.count({ where: isOpen })) === 0
        },
        { ms: settleWithinMs, what: `the end of all mails (${mortal.printed()})` },
      ),
    stop: async () => {
      await mortal.stop()
      await sink.stop()
    },
  }
}

export const startSendRun = async (dovecot: Dovecot, user: string): Promise<SendRun> => {
  let turnedAway = 0
  const script: SmtpScript = (step, to) => {
    if (step !== 'rcpt') return undefined
    if (to.includes(refused)) return { reply: '550 5.1.1 no such mailbox' }
    return to.includes(retried) && turnedAway++ === 0 ? { reply: '450 4.2.2 later' } : undefined
  }
  const { sink, seen, mortal, begin, queue, untilSent, stop } = await startSendScene(dovecot, user, { script })
  const { store, points } = mortal
  /** Mails of which the end may have left when the engine died. */
  const inFlight = new Set<string>()
  let isDead = false
  const mails = [
    { id: randomUUID(), to: ['bob@example.org'] },
    { id: randomUUID(), to: ['ann@example.org', refused, retried, 'eve@example.org'] },
    { id: randomUUID(), to: ['bob@example.org'], text: long },
  ]
  const revive = async () => {
    if (!isDead) return
    isDead = false
    for (const { submissionId, n } of await store.prisma.submissionBatch.findMany({ where: { state: 'committing' } }))
      inFlight.add(`${submissionId} ${n}`)
    mortal.start()
  }
  return {
    stop,
    through: async (moment) => {
      await begin()
      points.arm(moment ?? 0, () => {
        mortal.kill()
        isDead = true
        return 'end'
      })
      for (const mail of mails) await queue(mail)
      await untilSent(revive)
      const found = points.disarm()
      await mortal.end()
      return found
    },
    judge: async () => {
      const sums: SendSums = { lost: 0, doubled: 0, doubted: 0, early: countEarly(seen) }
      const batches = await store.prisma.submissionBatch.findMany()
      const recipients = await store.prisma.submissionRecipient.findMany()
      for (const { id, to } of mails)
        for (const address of to) {
          const arrived = sink.mails.filter(
            ({ to: taken, octets }) => taken.includes(address) && octets.includes(`<${id}@example.org>`),
          ).length
          if (arrived > 1) sums.doubled++
          const row = recipients.find((one) => one.submissionId === id && one.address === address)
          const batch = batches.find((one) => one.submissionId === id && one.n === row?.batch)
          if (batch?.state === 'in_doubt') {
            if (!inFlight.has(`${id} ${batch.n}`)) sums.doubted++
          } else if (address === refused) expect([arrived, row?.state]).toEqual([0, 'refused'])
          else if (arrived === 0 || row?.state !== 'accepted') sums.lost++
        }
      // Whatever came, came whole.
      for (const { octets } of sink.mails) if (octets.length > 1000) expect(octets.includes(long)).toBe(true)
      return sums
    },
  }
}

/** Ends that left without `committing` on disk: one commit that waits for it stands before each. */
const countEarly = (seen: readonly Seen[]): number => {
  let ready = 0
  let early = 0
  for (const event of seen) {
    if (
      event.kind === 'commit' &&
      event.isSynchronous &&
      event.values.some((value) => value.toString() === 'committing')
    )
      ready++
    if (event.kind === 'command' && event.line === 'end' && ready-- <= 0) early++
  }
  return early
}
