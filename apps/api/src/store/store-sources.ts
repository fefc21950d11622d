import { byteaArray } from './binary-array.ts'
import type { BulkUnit, RawUnit } from './commit.ts'
import type { Octets } from './copy-chunks.ts'
import { uncountTexts } from './stored-texts.ts'

/** A mail and its octets: small ones are written with its row; a large one was staged before, in pieces, and verified. */
export type SourcedMail = {
  envelope: { identityKey: string; sizeBytes: bigint }
  rawHash: Buffer
  isWhole: boolean
  source: { kind: 'bytes'; bytes: Buffer } | { kind: 'staged'; blobId: bigint }
}

/** One source for each message that has none. Answers the staged blobs that were taken. */
export const storeSources = async (
  unit: BulkUnit,
  accountId: bigint,
  mails: SourcedMail[],
  messageIds: Map<string, bigint>,
): Promise<bigint[]> => {
  const { tx } = unit
  const byMessage = new Map<bigint, SourcedMail>()
  for (const mail of mails) {
    const messageId = messageIds.get(mail.envelope.identityKey)
    if (messageId !== undefined && mail.isWhole) byMessage.set(messageId, mail)
  }
  const there = await tx.$queryRaw<{ message_id: bigint }[]>`
    SELECT message_id FROM raw_source WHERE message_id = ANY (${[...byMessage.keys()]}::bigint[])`
  for (const { message_id } of there) byMessage.delete(message_id)
  await uncountTexts(tx, accountId, [...byMessage.keys()])
  const bytes = [...byMessage.values()].reduce((sum, { envelope }) => sum + envelope.sizeBytes, 0n)
  if (bytes > 0n)
    await tx.$executeRaw`UPDATE account SET stored_bytes = stored_bytes + ${bytes} WHERE id = ${accountId}`
  const small = [...byMessage].flatMap(([messageId, { source, rawHash }]) =>
    source.kind === 'bytes' ? [{ messageId, bytes: source.bytes, rawHash }] : [],
  )
  const staged = [...byMessage].flatMap(([messageId, { source, envelope }]) =>
    source.kind === 'staged' ? [{ messageId, blobId: source.blobId, sizeBytes: envelope.sizeBytes }] : [],
  )
  if (small.length > 0) {
    const made = await tx.$queryRaw<{ blob_id: bigint }[]>`
      WITH t AS (SELECT nextval('blob_id_seq') AS blob_id, u.* FROM unnest(${small.map(({ messageId }) => messageId)}::bigint[],
          ${byteaArray(small.map(({ rawHash }) => rawHash))}::bytea[], ${small.map(({ bytes }) => bytes.length)}::bigint[]) WITH ORDINALITY AS u (message_id, hash, size, n)),
        b AS (INSERT INTO blob (id, account_id, sha256, size_bytes, is_whole) SELECT blob_id, ${accountId}::bigint, hash, size, true FROM t),
        r AS (INSERT INTO raw_source (message_id, account_id, blob_id) SELECT message_id, ${accountId}::bigint, blob_id FROM t)
      SELECT blob_id FROM t ORDER BY n`
    await tx.putChunks(
      octetsOf(
        small,
        made.map(({ blob_id }) => blob_id),
      ),
    )
  }
  if (staged.length > 0)
    await tx.$executeRaw`
    WITH t AS (SELECT * FROM unnest(${staged.map(({ messageId }) => messageId)}::bigint[], ${staged.map(({ blobId }) => blobId)}::bigint[],
        ${staged.map(({ sizeBytes }) => sizeBytes)}::bigint[]) AS u (message_id, blob_id, size)),
      b AS (UPDATE blob SET is_whole = true, size_bytes = t.size FROM t WHERE blob.id = t.blob_id)
    INSERT INTO raw_source (message_id, account_id, blob_id) SELECT message_id, ${accountId}::bigint, blob_id FROM t`
  return staged.map(({ blobId }) => blobId)
}

/**
 * Writes small mails ahead of their rows, as blobs that nothing is tied to yet: beside the transaction that makes the last
 * ones visible. Answers the blobs in the same order; one left behind by a fault is swept.
 */
export const stageSources = async (
  { tx }: BulkUnit,
  accountId: bigint,
  mails: { rawHash: Buffer; bytes: Buffer }[],
): Promise<bigint[]> => {
  const made = await tx.$queryRaw<{ id: bigint }[]>`
    WITH t AS (SELECT nextval('blob_id_seq') AS id, u.* FROM unnest(${byteaArray(mails.map(({ rawHash }) => rawHash))}::bytea[],
        ${mails.map(({ bytes }) => bytes.length)}::bigint[]) WITH ORDINALITY AS u (hash, size, n)),
      b AS (INSERT INTO blob (id, account_id, sha256, size_bytes) SELECT id, ${accountId}::bigint, hash, size FROM t)
    SELECT id FROM t ORDER BY n`
  const ids = made.map(({ id }) => id)
  await tx.putChunks(octetsOf(mails, ids))
  return ids
}

/** Each under the blob that was made for it: under another one its octets would be lost. */
const octetsOf = (mails: { bytes: Buffer }[], blobIds: bigint[]): Octets[] =>
  mails.map(({ bytes }, at) => {
    const blobId = blobIds[at]
    if (blobId === undefined) throw new Error('a blob was not made')
    return { blobId, n: 0, bytes }
  })

/** Of what was staged, whatever no message took: its octets are here already. */
export const dropStaged = async ({ tx }: RawUnit, blobIds: bigint[]): Promise<void> => {
  if (blobIds.length === 0) return
  await tx.$executeRaw`
    WITH free AS (DELETE FROM blob WHERE id = ANY (${blobIds}::bigint[]) AND NOT is_whole RETURNING id)
    DELETE FROM blob_chunk WHERE blob_id IN (SELECT id FROM free)`
}
