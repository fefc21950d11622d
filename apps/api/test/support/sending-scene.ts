import { randomUUID } from 'node:crypto'
import { type DraftContent, draftContent } from '@postern/shared/drafts.ts'
import { type Submission, submission } from '@postern/shared/submissions.ts'
import type { FastifyInstance } from 'fastify'
import { stageContent } from '#store/blobs.ts'
import { commit } from '#store/commit.ts'
import { insertDraft } from '#store/drafts.ts'
import type { Store } from '#store/open-store.ts'
import { buildTestApp, openTestSession } from './app-fixture.ts'
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

export const startSender = async (store: Store, userId: bigint): Promise<Sender> => {
  const app = await buildTestApp({ store })
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
      return { ...(await ask('POST', '/submissions', { id, draftId, version: 1, holdSeconds: 0, ...more })), id }
    },
    ends: async (id, as) => {
      await until(async () => (await state(id)).state === as, { what: `a mail that is ${as}` })
      return state(id)
    },
    stop: () => app.close(),
  }
}
