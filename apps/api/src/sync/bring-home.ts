import { headerOf } from '#mail/read-envelope.ts'
import { isAppError } from '#platform/errors.ts'
import { newSha256 } from '#platform/sha256.ts'
import { fetchHeaderBlocks, fetchSources, streamContent } from '#protocol/imap/fetch-content.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { isConnectionFault } from '#protocol/session-error.ts'
import { stageContent, verifyBlob } from '#store/blobs.ts'
import {
  countBrought,
  type HomeBatch,
  type HomeMail,
  nextHomeBatch,
  nextMisread,
  nextUnnoted,
  noteHeaders,
} from '#store/bring-home.ts'
import { type SourcedMail, storeSources } from '#store/store-sources.ts'
import { comparableHeader } from './plan-recognition.ts'
import { openSources, sourceBatches } from './read-sources.ts'
import { type SyncContext, writeBulk } from './sync-context.ts'

/** Beginnings of mails read at a time. */
const headersAtOnce = 100
/** Rows looked up at a time. */
const rowsAtOnce = 1000
/** Small mails are fetched together, up to so many and so much; larger ones alone, piece by piece. */
const batchMails = 100
const batchBytes = 4 * 1024 * 1024
const smallBytes = 512 * 1024
/** As much as a single mail of a maildrop may have. */
const maxMailBytes = 256 * 1024 * 1024

export type HomeWishes = {
  /** Told after each stored step. False ends the run. */
  onStored: () => boolean
}

/**
 * Before an IMAP account changes to POP3: fetches whole what no maildrop has, newest first; writes down by which header the mails
 * of the inbox will be met there; and reads what was read part by part from its source. Killed anywhere it goes on with what is
 * missing. Answers the mails that the server did not give; null when it was ended.
 */
export const bringHome = async (context: SyncContext, { onStored }: HomeWishes): Promise<bigint[] | null> => {
  const refused: bigint[] = []
  for (const what of ['nameless', 'away'] as const)
    for (;;) {
      const batch = await context.store.readSystem((tx) =>
        nextHomeBatch(tx, context.accountId, { what, limit: rowsAtOnce, refused }),
      )
      if (batch === null) break
      const { uidValidity } = await selectMailbox(context.session, batch.path)
      if (uidValidity !== batch.uidValidity) {
        // Its uids mean nothing any more: its next sync comes first.
        refused.push(...batch.mails.map(({ messageId }) => messageId))
        continue
      }
      const steps = what === 'away' ? inSteps(batch.mails) : [batch.mails]
      for (const mails of steps) {
        context.signal.throwIfAborted()
        refused.push(
          ...(what === 'away' ? await fetchStep(context, mails) : await noteStep(context, { ...batch, mails })),
        )
        if (!onStored()) return null
      }
    }
  // A maildrop may show more than the inbox: what is here whole is known there by its header too.
  for (;;) {
    const mails = await context.store.readSystem((tx) => nextUnnoted(tx, context.accountId, headersAtOnce))
    if (mails.length === 0) break
    context.signal.throwIfAborted()
    const headers = mails.map(({ messageId, bytes }) => ({ messageId, hash: headerHash(Buffer.from(bytes)) }))
    await writeBulk(context, (unit) => noteHeaders(unit, context.accountId, headers))
    if (!onStored()) return null
  }
  for (;;) {
    const misread = await context.store.readSystem((tx) => nextMisread(tx, context.accountId, rowsAtOnce))
    if (misread.length === 0) return refused
    for (const sources of sourceBatches(misread)) {
      context.signal.throwIfAborted()
      await openSources({ ...context, isAnew: true }, sources)
      if (!onStored()) return null
    }
  }
}

/** What a mail is known by in the maildrop: its header, as POP3 gives it too. */
export const headerHash = (header: Buffer): Buffer =>
  Buffer.from(
    newSha256()
      .update(Buffer.from(comparableHeader(headerOf(header)), 'latin1'))
      .digest(),
  )

/** Answers those that the server did not give. */
const noteStep = async (context: SyncContext, { mails }: HomeBatch): Promise<bigint[]> => {
  const headers = await fetchHeaderBlocks(
    context.session,
    mails.map(({ uid }) => Number(uid)),
  )
  const found = mails.flatMap(({ messageId, uid }) => {
    const header = headers.get(Number(uid))
    return header ? [{ messageId, hash: headerHash(header) }] : []
  })
  if (found.length > 0) await writeBulk(context, (unit) => noteHeaders(unit, context.accountId, found))
  return mails.filter(({ uid }) => !headers.has(Number(uid))).map(({ messageId }) => messageId)
}

const inSteps = (mails: HomeMail[]): HomeMail[][] => {
  const steps: HomeMail[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const mail of mails) {
    const size = Number(mail.sizeBytes)
    const isAlone = size > smallBytes
    bytes += size
    if (bytes > batchBytes || isAlone || (steps.at(-1)?.length ?? 0) >= batchMails) {
      steps.push([])
      bytes = isAlone ? Number.POSITIVE_INFINITY : size
    }
    steps.at(-1)?.push(mail)
  }
  return steps
}

type Fetched = { mail: HomeMail; sourced: SourcedMail }

/** Fetches some mails of the selected mailbox and makes them whole. Answers those that the server did not give. */
const fetchStep = async (context: SyncContext, mails: HomeMail[]): Promise<bigint[]> => {
  const [first] = mails
  const isLarge = mails.length === 1 && first !== undefined && Number(first.sizeBytes) > smallBytes
  const fetched = isLarge ? await fetchLarge(context, first) : await fetchSmall(context, mails)
  const { accountId } = context
  if (fetched.length > 0)
    await writeBulk(context, async (unit) => {
      const messageIds = new Map(fetched.map(({ mail, sourced }) => [sourced.envelope.identityKey, mail.messageId]))
      await storeSources(
        unit,
        accountId,
        fetched.map(({ sourced }) => sourced),
        messageIds,
      )
      await countBrought(unit, accountId, fetched.length)
    })
  const there = new Set(fetched.map(({ mail }) => mail.messageId))
  return mails.flatMap(({ messageId }) => (there.has(messageId) ? [] : [messageId]))
}

const fetchSmall = async ({ session }: SyncContext, mails: HomeMail[]): Promise<Fetched[]> => {
  const found = await fetchSources(
    session,
    mails.map(({ uid }) => Number(uid)),
  )
  return mails.flatMap((mail) => {
    const bytes = found.get(Number(mail.uid))
    if (!bytes || bytes.length === 0) return []
    const rawHash = Buffer.from(newSha256().update(bytes).digest())
    return [{ mail, sourced: sourcedOf(mail, { rawHash, sizeBytes: bytes.length, source: { kind: 'bytes', bytes } }) }]
  })
}

const fetchLarge = async (context: SyncContext, mail: HomeMail): Promise<Fetched[]> => {
  const { store, scope, session, logger, accountId } = context
  try {
    const { content } = await streamContent(session, Number(mail.uid), null, maxMailBytes)
    const staged = await stageContent(store, scope, content)
    const { sha256: rawHash, head, blobId, sizeBytes } = staged
    // Cut off it would pass for the whole.
    if (sizeBytes === 0 || sizeBytes >= maxMailBytes) return []
    if (blobId !== null) await verifyBlob(store, scope, { ...staged, blobId })
    const source = blobId === null ? { kind: 'bytes' as const, bytes: head } : { kind: 'staged' as const, blobId }
    return [{ mail, sourced: sourcedOf(mail, { rawHash, sizeBytes, source }) }]
  } catch (error) {
    if (!isAppError(error) || isConnectionFault(error) || !error.code.startsWith('message.')) throw error
    logger.info({ accountId: `${accountId}`, code: error.code }, 'a mail was not given')
    return []
  }
}

/** Among its batch a mail is known by its id. */
const sourcedOf = (
  { messageId }: HomeMail,
  { rawHash, sizeBytes, source }: { rawHash: Buffer; sizeBytes: number; source: SourcedMail['source'] },
): SourcedMail => ({
  envelope: { identityKey: messageId.toString(), sizeBytes: BigInt(sizeBytes) },
  rawHash,
  isWhole: true,
  source,
})
