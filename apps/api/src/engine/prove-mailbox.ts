import { AppError } from '#platform/errors.ts'
import { findHeld, isQuotable } from '#protocol/imap/find-held.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'

/** What tells that an IMAP login opens the mailbox that came by POP3. */
export type MailboxProof = {
  /** Of the newest mails that the provider listed at the last look, with their brackets. */
  messageIds: string[]
  /** The user name is that of before, or the account's address. */
  isSameName: boolean
}

/**
 * Most of the mails are in these mailboxes; where the provider has none, the name must do. A valid login of somebody else would
 * get all the mail otherwise, and one mail may have come to both. Throws request.conflict, mailbox.*, connect.*.
 */
export const proveMailbox = async (session: ImapSession, paths: string[], proof: MailboxProof): Promise<void> => {
  const asked = [...new Set(proof.messageIds.filter(isQuotable))]
  const found = new Set<string>()
  for (const path of paths) {
    if (isMost(found.size, asked.length)) break
    const open = asked.filter((messageId) => !found.has(messageId))
    for await (const messageId of findHeld(session, path, open)) {
      found.add(messageId)
      if (isMost(found.size, asked.length)) break
    }
  }
  requireSame({ asked: asked.length, found: found.size, isSameName: proof.isSameName }, 'are not in that mailbox')
}

/** Of so many newest mails with a Message-ID so many were found. `otherwise`: where the newest mails at the provider are. */
export const requireSame = (
  { asked, found, isSameName }: { asked: number; found: number; isSameName: boolean },
  otherwise: string,
): void => {
  if (asked === 0 ? isSameName : isMost(found, asked)) return
  throw new AppError(
    'request.conflict',
    asked === 0
      ? 'There is no mail to compare, and the user name is another one: it may be another mailbox.'
      : `Most of the newest mails at your provider ${otherwise}: it looks like another one.`,
    {
      hint: 'Check the user name. If it is right, check for new mail once, then try it again.',
      fields: { 'incoming.username': 'opens another mailbox, as far as can be told' },
    },
  )
}

export const isMost = (found: number, asked: number): boolean => 2 * found > asked
