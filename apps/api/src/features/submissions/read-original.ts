import type { DraftContent } from '@postern/shared/drafts.ts'
import { answerTies, type Ties } from '#mail/answer-references.ts'
import type { OutgoingPart } from '#mail/compose-message.ts'
import { type Original, quotedPictures } from '#mail/quote-original.ts'
import { maxHeaderBytes } from '#mail/read-envelope.ts'
import { AppError } from '#platform/errors.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { openPart, openSource, peek, requireOwnMessage } from '../mail-content.ts'
import { openOriginal } from '../read-original.ts'

type Deps = Pick<FeatureDeps, 'store' | 'engine' | 'logger'>
type About = NonNullable<DraftContent['about']>

/**
 * The mail that goes out below what was written, with the pictures that it may show. Throws message.gone, message.unavailable,
 * and what comes of fetching it.
 */
export const readOriginal = async (
  { store, engine }: Deps,
  userId: bigint,
  { messageId, kind }: About,
): Promise<(Original & { pictures: OutgoingPart[] }) | null> => {
  if (kind === 'redirect') return null
  const { original, isTruncated, parts } = await openOriginal({ store, engine }, userId, {
    messageId: BigInt(messageId),
    kind,
  })
  if (isTruncated && kind === 'forward')
    throw new AppError('message.unavailable', 'That mail is too long to stand below another one.', {
      hint: 'Forward it as an attachment.',
    })
  const pictures = quotedPictures(parts, async function* ({ id }) {
    const row = await store.read(userId, (tx) => tx.part.findUniqueOrThrow({ where: { id } }))
    yield* (await openPart(store, engine, { account_id: row.accountId, id: row.messageId }, row)).chunks
  })
  return { ...original, pictures }
}

/** What an answer refers to, where its draft has not learned that yet. Without the mail it answers it refers to nothing. */
export const readTies = async (
  { store, engine, logger }: Deps,
  userId: bigint,
  { messageId }: About,
): Promise<Ties> => {
  try {
    const message = await requireOwnMessage(store, userId, messageId)
    const { head, whole } = await peek(await openSource(store, engine, message), maxHeaderBytes)
    whole.destroy()
    return await answerTies(head)
  } catch (error) {
    logger.info({ err: error, messageId }, 'an answer goes without saying what it answers')
    return { inReplyTo: null, refs: [] }
  }
}

/** The octets of a mail that is redirected. */
export const readSource = async ({ store, engine }: Deps, userId: bigint, { messageId }: About) => {
  const message = await requireOwnMessage(store, userId, messageId)
  const { sizeBytes, chunks } = await openSource(store, engine, message)
  return { sizeBytes, chunks, subject: message.subject }
}
