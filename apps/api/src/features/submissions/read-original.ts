import type { DraftContent } from '@postern/shared/drafts.ts'
import { z } from 'zod'
import { answerTies, type Ties } from '#mail/answer-references.ts'
import { isContentId, type OutgoingPart } from '#mail/compose-message.ts'
import type { Original } from '#mail/quote-original.ts'
import { maxHeaderBytes } from '#mail/read-envelope.ts'
import { AppError } from '#platform/errors.ts'
import { readMessage } from '#store/read-messages.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { openPart, openSource, peek, requireOwnMessage } from '../mail-content.ts'

type Deps = Pick<FeatureDeps, 'store' | 'engine' | 'logger'>
type About = NonNullable<DraftContent['about']>

const people = z.array(z.object({ name: z.string(), address: z.string() }))

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
  const id = BigInt(messageId)
  let found = await readMessage(store, userId, id)
  if (found && found.message.body_state === 'absent' && !found.message.is_header_only) {
    await engine.openBody(found.message.account_id, id)
    found = await readMessage(store, userId, id)
  }
  const facts = found && (await store.read(userId, (tx) => tx.message.findUnique({ where: { id } })))
  if (!found || !facts) throw gone()
  const { message, body, parts } = found
  if (body?.is_truncated && kind === 'forward')
    throw new AppError('message.unavailable', 'That mail is too long to stand below another one.', {
      hint: 'Forward it as an attachment.',
    })
  if (!body)
    throw new AppError('message.unavailable', 'The mail that is quoted is not here.', {
      hint: 'Send it without the quote, or open that mail first.',
    })
  const pictures = parts.flatMap(({ id: partId, filename, content_type, content_id }): OutgoingPart[] => {
    const contentId = content_id?.replace(/^<|>$/g, '') ?? ''
    if (!isContentId(contentId)) return []
    async function* octets() {
      const row = await store.read(userId, (tx) => tx.part.findUniqueOrThrow({ where: { id: partId } }))
      yield* (await openPart(store, engine, message, row)).chunks
    }
    return [{ filename: filename ?? 'picture', contentType: content_type, contentId, octets }]
  })
  return {
    kind,
    from: people.parse(facts.fromAddresses),
    to: people.parse(facts.toAddresses),
    cc: people.parse(facts.cc),
    subject: facts.subject,
    date: facts.sentAt ?? facts.receivedAt,
    text: body.text,
    html: body.html,
    pictures,
  }
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

const gone = (): AppError =>
  new AppError('message.gone', 'The mail that is quoted is no longer here.', { hint: 'Send it without the quote.' })
