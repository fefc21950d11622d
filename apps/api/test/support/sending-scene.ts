import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type DraftContent, draftContent } from '@postern/shared/drafts.ts'
import { type Submission, submission } from '@postern/shared/submissions.ts'
import type { FastifyInstance } from 'fastify'
import { stageContent } from '#store/blobs.ts'
import { commit } from '#store/commit.ts'
import { insertDraft } from '#store/drafts.ts'
import type { Store } from '#store/open-store.ts'
import type { AppOptions } from '../../src/app.ts'
import { buildTestApp, openTestSession } from './app-fixture.ts'
import { makeCertificate } from './certificates.ts'
import { type EngineFixture, startEngineFixture } from './engine-fixture.ts'
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from './scripted-smtp.ts'
import { until } from './until.ts'

/** A person who writes, through REST. */
export type Sender = {
  app: FastifyInstance
  ask: (method: 'GET' | 'POST' | 'PATCH', path: string, payload?: object) => Promise<{ status: number; body: unknown }>
  identityOf: (accountId: bigint) => Promise<string>
  /** A draft as it is when somebody presses the button. */
  write: (accountId: bigint, content?: Partial<DraftContent>, more?: Written) => Promise<string>
  send: (draftId: string, more?: object) => Promise<{ status: number; body: unknown; id: string }>
  state: (id: string) => Promise<Submission>
  ends: (id: string, as: Submission['state']) => Promise<Submission>
  stop: () => Promise<void>
}
export type File = { filename: string; octets: Buffer; contentType?: string; contentId?: string }
type Written = { files?: File[]; inReplyTo?: string; refs?: string[] }

export const startSender = async (store: Store, userId: bigint, options: Partial<AppOptions> = {}): Promise<Sender> => {
  const app = await buildTestApp({ store, ...options })
  const cookie = await openTestSession(store, userId)
  const ask: Sender['ask'] = async (method, path, payload) => {
    const { statusCode, body } = await app.inject({
      method,
      url: `/v1${path}`,
      headers: { cookie, 'x-postern': '1' },
      ...(payload ? { payload } : {}),
    })
    return { status: statusCode, body: body === '' ? null : JSON.parse(body) }
  }
  const state = async (id: string) => submission.parse((await ask('GET', `/submissions/${id}`)).body)
  const refused = new Map<string, object>()
  const identityOf = async (accountId: bigint) =>
    (await store.prisma.identity.findFirstOrThrow({ where: { accountId, isDefault: true } })).id.toString()
  return {
    app,
    ask,
    state,
    identityOf,
    write: async (accountId, content = {}, { files = [], inReplyTo, refs = [] }: Written = {}) => {
      const id = randomUUID()
      const whole = draftContent.parse({
        identityId: await identityOf(accountId),
        to: [{ name: 'Bob', address: 'bob@example.org' }],
        cc: [],
        bcc: [],
        subject: 'hello',
        text: 'hi',
        html: null,
        about: null,
        quotes: false,
        wantsReceipt: false,
        wantsReport: false,
        ...content,
      })
      const scope = { kind: 'user' as const, userId, accountId }
      await commit(store, scope, (unit) =>
        insertDraft(unit, { id, userId, accountId, content: whole, origin: { inReplyTo: inReplyTo ?? null, refs } }),
      )
      for (const [
        position,
        { filename, octets, contentType = 'application/octet-stream', contentId },
      ] of files.entries()) {
        async function* pieces() {
          for (let at = 0; at < octets.length; at += 65_536) yield octets.subarray(at, at + 65_536)
        }
        const staged = await stageContent(store, scope, pieces())
        const blob = { sha256: new Uint8Array(staged.sha256), sizeBytes: BigInt(staged.sizeBytes), isWhole: true }
        const { id: blobId } =
          staged.blobId === null
            ? await store.prisma.blob.create({ data: { accountId, ...blob } })
            : await store.prisma.blob.update({ where: { id: staged.blobId }, data: blob })
        if (staged.blobId === null)
          await store.prisma.blobChunk.create({ data: { blobId, n: 0, bytes: new Uint8Array(staged.head) } })
        const facts = { position, filename, contentType, contentId: contentId ?? null, blobId, accountId, draftId: id }
        await store.prisma.draftAttachment.create({
          data: { id: randomUUID(), sha256: blob.sha256, sizeBytes: blob.sizeBytes, ...facts },
        })
      }
      return id
    },
    send: async (draftId, more = {}) => {
      const id = randomUUID()
      const answer = await ask('POST', '/submissions', { id, draftId, version: 1, holdSeconds: 0, ...more })
      if (answer.status !== 200) refused.set(id, answer)
      return { ...answer, id }
    },
    ends: async (id, as) => {
      if (refused.has(id)) throw new Error(`the mail was not accepted: ${JSON.stringify(refused.get(id))}`)
      await until(async () => (await state(id)).state === as, { what: `a mail that is ${as}` })
      return state(id)
    },
    stop: () => app.close(),
  }
}

/** The API and the engine, for accounts whose mail is kept here: no incoming server is needed. */
export type OutboxScene = {
  fixture: EngineFixture
  sender: Sender
  /** An account, and the server by which its mail goes out. */
  scene: (script?: SmtpScript) => Promise<{ server: ScriptedSmtp; accountId: bigint }>
  draftOf: (id: string) => ReturnType<Store['prisma']['draft']['findUniqueOrThrow']>
  sentCopies: (accountId: bigint) => Promise<{ subject: string; flags: number; bcc: unknown }[]>
  stopServers: () => Promise<void>
  stop: () => Promise<void>
}

export const startOutboxScene = async (): Promise<OutboxScene> => {
  const dir = mkdtempSync(join(tmpdir(), 'postern-outbox-'))
  const certificate = makeCertificate(dir)
  const fixture = await startEngineFixture({ certificate, imapsPort: 1 }, { submissionAnswerMs: 2000 })
  const { store } = fixture
  const sender = await startSender(store, fixture.userId)
  const servers: ScriptedSmtp[] = []
  let accounts = 0
  const stopServers = async () => {
    for (const server of servers.splice(0)) await server.stop()
  }
  return {
    fixture,
    sender,
    scene: async (script) => {
      const server = await startScriptedSmtp(script)
      servers.push(server)
      const accountId = await fixture.addMaildrop(`ann${++accounts}`, 9)
      const at = { host: 'localhost', port: server.port, pinnedFingerprint: null }
      const outgoing = { ...at, security: 'plain', username: 'ann' }
      await store.prisma.account.update({ where: { id: accountId }, data: { outgoing } })
      return { server, accountId }
    },
    draftOf: (id) => store.prisma.draft.findUniqueOrThrow({ where: { id } }),
    sentCopies: (accountId) => store.prisma.$queryRaw`
      SELECT m.subject, p.shown_flags::int AS flags, m.bcc FROM placement p JOIN message m ON m.id = p.message_id
      JOIN mailbox b ON b.id = p.shown_mailbox_id WHERE b.account_id = ${accountId} AND b.role = 'sent'`,
    stopServers,
    stop: async () => {
      await sender.stop()
      await fixture.stop()
      await stopServers()
      rmSync(dir, { recursive: true })
    },
  }
}
