import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { openTestSession } from '../support/app-fixture.ts'
import { type Dovecot, freePorts } from '../support/dovecot.ts'
import { type RoleProcess, startApiProcess } from '../support/engine-process.ts'
import { type Moment, startKillPoints } from '../support/kill-points.ts'
import { startSender } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'
import type { Seen } from '../support/watched-wire.ts'
import { startSendScene } from './send-sweep-fixture.ts'

/** What must be zero however often the API dies. */
export type AcceptSums = {
  /** Said to be accepted, or found so later, and not at the server once. */
  lost: number
  doubled: number
  /** Not in the outbox, and at the server or no longer a draft; or in the outbox, and a draft still. */
  half: number
  /** Asked for again under its id, and not accepted. */
  refused: number
  /** Said to be accepted before a commit of it had waited for the disk of the database. */
  early: number
}

export type AcceptRun = {
  /** One mail that is sent by REST, with a kill of the API, if a moment is given; then the same request once more. */
  through: (moment: Moment | null) => Promise<{ passed: string[]; reached: string | null; sums: AcceptSums }>
  stop: () => Promise<void>
}

const settleWithinMs = 30_000

/** An API that is killed, watched from both sides; the engine beside it lives and sends what it finds. */
export const startAcceptRun = async (dovecot: Dovecot, user: string): Promise<AcceptRun> => {
  const { sink, mortal, begin, stop } = await startSendScene(dovecot, user)
  const { store, ownerId, accountId, env } = mortal
  await begin()
  const [port = 0] = await freePorts(1)
  const seen: Seen[] = []
  const points = await startKillPoints({
    mail: { protocol: 'http', port },
    databaseUrl: mortal.databaseUrl,
    tell: (event) => void seen.push(event),
  })
  const isOnDisk = (id: string) =>
    seen.some(
      (event) =>
        event.kind === 'commit' && event.isSynchronous && event.values.some((value) => value.toString() === id),
    )
  const cookie = await openTestSession(store, ownerId)
  const writer = await startSender(store, ownerId)
  let api: RoleProcess | undefined
  const revive = async () => {
    api = startApiProcess({ ...env, DATABASE_URL: points.databaseUrl, HOST: '127.0.0.1', PORT: String(port) })
    const isThere = async () => (await ask('GET', port, '/v1/submissions', cookie))?.status === 200
    await until(isThere, { ms: settleWithinMs, what: `the API (${api.printed()})` })
  }
  await revive()
  const batches = (id: string) => store.prisma.submissionBatch.findMany({ where: { submissionId: id } })
  /** Nothing of it is on its way any more; false: there is no such mail. */
  const isQuiet = async (id: string) => {
    const isEnded = async () => (await batches(id)).every(({ state }) => state === 'sent')
    await until(isEnded, { ms: settleWithinMs, what: `the end of the mail (${mortal.printed()})` })
    return (await batches(id)).length > 0
  }
  const arrived = (id: string) => sink.mails.filter(({ octets }) => octets.includes(`<${id}@example.org>`)).length
  return {
    through: async (moment) => {
      const sums: AcceptSums = { lost: 0, doubled: 0, half: 0, refused: 0, early: 0 }
      // More octets than go into the transaction that accepts them: they are stored before.
      const files = [{ filename: 'a.bin', octets: Buffer.alloc(3_000_000, 1) }]
      const draftId = await writer.write(accountId, {}, { files })
      const id = randomUUID()
      const wish = JSON.stringify({ id, draftId, version: 1, holdSeconds: 0 })
      points.arm(moment ?? 0, () => {
        api?.child.kill('SIGKILL')
        return 'end'
      })
      const answer = await ask('POST', points.mailPort, '/v1/submissions', cookie, wish)
      if (answer?.status === 200 && !isOnDisk(id)) sums.early++
      const { passed, reached } = points.disarm()
      if (reached !== null) {
        await api?.ended
        await revive()
      }
      const isAccepted = await isQuiet(id)
      const draft = await store.prisma.draft.findUniqueOrThrow({ where: { id: draftId } })
      if (answer !== null && (answer.status !== 200 || !isAccepted)) sums.lost++
      if (isAccepted) {
        if (arrived(id) === 0) sums.lost++
        if (draft.submissionId !== id) sums.half++
      } else if (arrived(id) > 0 || draft.submissionId !== null || draft.discardedAt !== null) sums.half++
      // Whoever got no answer asks again.
      const again = await ask('POST', points.mailPort, '/v1/submissions', cookie, wish)
      if (again?.status !== 200) sums.refused++
      else if (!(await isQuiet(id)) || arrived(id) === 0) sums.lost++
      if (arrived(id) > 1) sums.doubled++
      return { passed, reached, sums }
    },
    stop: async () => {
      api?.child.kill('SIGTERM')
      await api?.ended
      await points.stop()
      await writer.stop()
      await stop()
    },
  }
}

/** Null: the connection ended without an answer. A connection of its own. */
const ask = async (
  method: 'GET' | 'POST',
  port: number,
  path: string,
  cookie: string,
  body?: string,
): Promise<{ status: number } | null> => {
  const headers = { cookie, 'x-postern': '1', ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
  const asking = request({ host: '127.0.0.1', port, method, path, headers, agent: false })
  asking.end(body)
  try {
    const [answer] = (await once(asking, 'response')) as [IncomingMessage] // what this event brings
    for await (const _ of answer);
    return { status: answer.statusCode ?? 0 }
  } catch {
    return null
  }
}
