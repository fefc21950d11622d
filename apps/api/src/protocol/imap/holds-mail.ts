import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'
import { selectMailbox } from './select-mailbox.ts'

/**
 * Whether a mailbox holds a mail with one of these Message-IDs (with their brackets). It is opened to be read only: nothing
 * changes there, not even what counts as recent. Throws mailbox.*, connect.*.
 */
export const holdsMail = async (session: ImapSession, path: string, messageIds: string[]): Promise<boolean> => {
  const { exists } = await selectMailbox(session, path, { readOnly: true })
  if (exists === 0) return false
  try {
    for (const messageId of messageIds.filter(isQuotable)) {
      const found = await session.flow.search({ header: { 'message-id': messageId } }, { uid: true })
      if (!found || !Array.isArray(found)) throw session.refusal()
      if (found.length > 0) return true
    }
    return false
  } catch (error) {
    throw toSessionError(error)
  }
}

/** What can travel as a quoted string. RFC 9051 9, QUOTED-CHAR. */
export const isQuotable = (text: string): boolean => /^[\x20-\x7e]+$/.test(text)
