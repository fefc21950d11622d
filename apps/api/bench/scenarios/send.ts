import type { Draft } from '@postern/shared/drafts.ts'
import type { IdentityList } from '@postern/shared/identities.ts'
import type { Submission } from '@postern/shared/submissions.ts'
import { until } from '../figures.ts'
import { type Gateway, isWatching, mailPassword } from '../gateway.ts'
import { atRest, watchMemory } from '../memory.ts'
import { type Sink, startSink } from '../sink.ts'
import type { Scenario } from '../world.ts'

const mails = 100
/** Until what runs often is compiled: a gateway runs for weeks. */
const firstMails = 20
const largeBytes = 25 * 1024 * 1024

/**
 * From the click to durably accepted, and from there to the server's yes, without time to take it back; and what an
 * attachment of 25 MB costs on its way from the browser to the server.
 */
export const send: Scenario = {
  name: 'send',
  figures: [
    'send.accepted',
    'send.taken',
    'send.accepted-close',
    'send.taken-close',
    'send.large',
    'memory.send-large',
  ],
  run: async ({ corpus, gateway: openGateway, tell }) => {
    const { dovecot } = await corpus()
    const gateway = await openGateway()
    const sink = await startSink()
    try {
      dovecot.addUser('sender', mailPassword)
      const { id } = await gateway.addAccount('sender', { port: dovecot.imapPort, security: 'plain' }, sink.port)
      await until(() => isWatching(gateway, id), 'the account in step', 30_000)
      const { identities } = await gateway.get<IdentityList>('/v1/identities')
      const identityId = identities.find(({ accountId }) => accountId === id)?.id ?? ''
      const sender = { gateway, sink, identityId }
      for (let n = 0; n < firstMails; n++) await sendOne(sender, await write(sender, `first ${n}`))
      // One mail at a time, as a person sends them; then each as soon as the server has the last one, its copy not yet in Sent.
      const single = await sendAll(sender, { afterEach: (id) => isFollowed(gateway, id) })
      tell('send.accepted', single.accepted, 'ms', { goal: { target: 11 } })
      tell('send.taken', single.taken, 'ms', { goal: { target: 25 } })
      const close = await sendAll(sender, { afterEach: async () => undefined })
      tell('send.accepted-close', close.accepted, 'ms')
      tell('send.taken-close', close.taken, 'ms')
      const rests = { api: await atRest(gateway.apiRss), engine: await atRest(gateway.engineRss) }
      const api = watchMemory(gateway.apiRss)
      const engine = watchMemory(gateway.engineRss)
      const startedAt = performance.now()
      const draft = await write(sender, 'large')
      const query = new URLSearchParams({ id: crypto.randomUUID(), name: 'a.bin' })
      await gateway.ask('POST', `/v1/drafts/${draft.id}/attachments?${query}`, Buffer.alloc(largeBytes, 'postern'))
      const whole = await gateway.get<Draft>(`/v1/drafts/${draft.id}`)
      const { bytes } = await sendOne(sender, whole)
      if (bytes < largeBytes) throw new Error(`only ${bytes} octets of the large mail came`)
      tell('send.large', [performance.now() - startedAt], 'ms')
      const more = (await api.end()) - rests.api + (await engine.end()) - rests.engine
      tell('memory.send-large', [more / 1024], 'MiB', { goal: { target: 150 } })
    } finally {
      await sink.close()
    }
  },
}

type Sender = { gateway: Gateway; sink: Sink; identityId: string }

const write = async ({ gateway, identityId }: Sender, subject: string): Promise<Draft> => {
  const content = {
    identityId,
    to: [{ name: 'Bob', address: 'bob@example.org' }],
    cc: [],
    bcc: [],
    subject,
    text: '',
    html: '<p>A few words to Bob, as people write them.</p>',
    about: null,
    quotes: false,
    wantsReceipt: false,
    wantsReport: false,
  }
  const { body } = await gateway.ask('PUT', `/v1/drafts/${crypto.randomUUID()}`, { baseVersion: 0, content })
  return (JSON.parse(body.toString()) as { draft: Draft }).draft // our own API, by its contracts
}

const sendAll = async (sender: Sender, { afterEach }: { afterEach: (id: string) => Promise<void> }) => {
  const accepted: number[] = []
  const taken: number[] = []
  for (let n = 0; n < mails; n++) {
    const sent = await sendOne(sender, await write(sender, `${n}`))
    accepted.push(sent.acceptedMs)
    taken.push(sent.takenMs)
    await afterEach(sent.id)
  }
  return { accepted, taken }
}

const isFollowed = (gateway: Gateway, id: string): Promise<void> =>
  until(
    async () => (await gateway.get<Submission>(`/v1/submissions/${id}`)).sentCopy === 'stored',
    `the copy of ${id} in Sent`,
    30_000,
  )

type Sent = { id: string; acceptedMs: number; takenMs: number; bytes: number }

const sendOne = async ({ gateway, sink }: Sender, draft: Draft): Promise<Sent> => {
  const before = sink.taken.size
  const { ms, body } = await gateway.ask('POST', '/v1/submissions', {
    id: crypto.randomUUID(),
    draftId: draft.id,
    version: draft.version,
    holdSeconds: 0,
  })
  const acceptedAt = performance.now()
  const { id } = JSON.parse(body.toString()) as Submission // as above
  await until(async () => sink.taken.size > before, `the mail of ${id}`, 60_000, 2)
  const last = [...sink.taken.values()].at(-1)
  return { id, acceptedMs: ms, takenMs: (last?.at ?? Number.NaN) - acceptedAt, bytes: last?.bytes ?? 0 }
}
