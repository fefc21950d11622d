import { type AttachmentRow, type DraftRow, type WholeDraft, wholeDrafts } from './drafts.ts'
import { Prisma } from './generated/client.ts'
import { type OwnIdentity, sendingFacts } from './identities.ts'
import { modelColumns } from './model-columns.ts'
import type { Store } from './open-store.ts'
import type { Statement } from './reader.ts'

const draftColumns = modelColumns(Object.keys(Prisma.DraftScalarFieldEnum))
const attachmentColumns = modelColumns(Object.keys(Prisma.DraftAttachmentScalarFieldEnum))
const identityColumns = modelColumns(Object.keys(Prisma.IdentityScalarFieldEnum))

/** What is to be looked at before a draft is sent. Each null when it is somebody else's or not there. */
export type WantedRows = {
  /** By the clock of the database: that of this process may be wrong. */
  now: Date
  /** Asked for before, whoever's it is. */
  known: { user_id: bigint; request_hash: Buffer } | null
  draft: WholeDraft | null
  /** Who writes it. */
  identity: OwnIdentity | null
}

/** In one round trip: somebody waits. */
export const readWanted = async (
  store: Store,
  userId: bigint,
  { id, draftId }: { id: string; draftId: string },
): Promise<WantedRows> => {
  const known: Statement<{ now: Date; user_id: bigint | null; request_hash: Buffer | null }> = {
    name: 'wanted.known',
    sql: Prisma.sql`SELECT now() AS now, s.user_id, s.request_hash FROM (SELECT 1) one LEFT JOIN submission s ON s.id = ${id}::uuid`,
  }
  const draft: Statement<DraftRow> = {
    name: 'wanted.draft',
    sql: Prisma.sql`SELECT ${draftColumns} FROM draft WHERE id = ${draftId}::uuid AND user_id = ${userId}`,
  }
  const attachments: Statement<AttachmentRow> = {
    name: 'wanted.attachments',
    sql: Prisma.sql`SELECT ${attachmentColumns} FROM draft_attachment WHERE draft_id = ${draftId}::uuid`,
  }
  const identity: Statement<OwnIdentity> = {
    name: 'wanted.identity',
    sql: Prisma.sql`
      SELECT i.*, ${sendingFacts} FROM (SELECT ${identityColumns} FROM identity) i
      JOIN account a ON a.id = i."accountId" AND a.user_id = ${userId} AND a.disconnected_at IS NULL LEFT JOIN relay r ON true
      WHERE i.id = (SELECT (content ->> 'identityId')::bigint FROM draft WHERE id = ${draftId}::uuid AND user_id = ${userId})`,
  }
  const [[one], drafts, files, [writer]] = await store.readAs(userId, [known, draft, attachments, identity])
  if (!one) throw new Error('a row was not read')
  const { now, user_id, request_hash } = one
  return {
    now,
    known: user_id === null || request_hash === null ? null : { user_id, request_hash },
    draft: wholeDrafts(drafts, files)[0] ?? null,
    identity: writer ?? null,
  }
}
