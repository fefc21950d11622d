import type { Original } from '#mail/quote-original.ts'
import { AppError } from '#platform/errors.ts'
import { type FoundOriginal, findOriginal } from '#store/quoted-original.ts'
import { findOwnMessage } from '#store/read-messages.ts'
import type { FeatureDeps } from './feature-deps.ts'

type Deps = Pick<FeatureDeps, 'store' | 'engine'>

/** The mail that is quoted, fetched where it is not here yet. Throws message.gone, message.unavailable, and what comes of fetching. */
export const openOriginal = async (
  { store, engine }: Deps,
  userId: bigint,
  about: { messageId: bigint; kind: Original['kind'] },
): Promise<FoundOriginal> => {
  let found = await findOriginal(store, userId, about)
  if (found === 'absent') {
    const message = await findOwnMessage(store, userId, about.messageId)
    if (message?.body_state === 'absent' && !message.is_header_only)
      await engine.openBody(message.account_id, message.id)
    // It may have come by itself between the two looks.
    found = await findOriginal(store, userId, about)
  }
  if (found === null)
    throw new AppError('message.gone', 'The mail that is quoted is no longer here.', {
      hint: 'Send it without the quote.',
    })
  if (found === 'absent')
    throw new AppError('message.unavailable', 'The mail that is quoted is not here.', {
      hint: 'Send it without the quote, or open that mail first.',
    })
  return found
}
