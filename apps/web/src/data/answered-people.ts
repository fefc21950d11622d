import type { DraftRecipient } from '@postern/shared/drafts.ts'
import { call } from './api.ts'
import { findMessage } from './edit-quote.ts'

const people = /^(from|reply-to|to|cc)$/i
/** Nobody waits longer for a warning. */
const withinMs = 3000

/**
 * Everybody in the mail that is answered, as far as their domains tell; null: it cannot be known now. Where its conversation is not
 * on this page its headers are asked for.
 */
export const answeredPeople = async (messageId: string): Promise<Pick<DraftRecipient, 'address'>[] | null> => {
  const message = findMessage(messageId)
  if (message) return [...message.from, ...message.replyTo, ...message.to, ...message.cc]
  const signal = AbortSignal.timeout(withinMs)
  const answer = await call('getMessageHeaders', 'GET', `/v1/messages/${messageId}/headers`, { signal }).catch(
    () => null,
  )
  if (!answer) return null
  return answer.headers
    .filter(({ name }) => people.test(name))
    .flatMap(({ value }) => value.replace(/"[^"]*"/g, '').match(/@[^\s<>()",;:]+/g) ?? [])
    .map((address) => ({ address }))
}
