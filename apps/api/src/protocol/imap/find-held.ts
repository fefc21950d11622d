import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'
import { selectMailbox } from './select-mailbox.ts'

/**
 * Those of these Message-IDs (with their brackets) of which a mailbox holds a mail, one by one. It is opened to be read only:
 * nothing changes there, not even what counts as recent. Throws mailbox.*, connect.*.
 */
export async function* findHeld(session: ImapSession, path: string, messageIds: string[]): AsyncGenerator<string> {
  const { exists } = await selectMailbox(session, path, { readOnly: true })
  if (exists === 0) return
  for (const messageId of messageIds.filter(isQuotable)) {
    const found = await session.flow
      .search({ header: { 'message-id': messageId } }, { uid: true })
      .catch((error: unknown) => {
        throw toSessionError(error)
      })
    if (!found || !Array.isArray(found)) throw toSessionError(session.refusal())
    if (found.length > 0) yield messageId
  }
}

/** What can travel as a quoted string. RFC 9051 9, QUOTED-CHAR. */
export const isQuotable = (text: string): boolean => /^[\x20-\x7e]+$/.test(text)
