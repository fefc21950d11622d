import { AppError } from '#platform/errors.ts'
import { holdsMail, isQuotable } from '#protocol/imap/holds-mail.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'

/** What tells that an IMAP login opens the mailbox that came by POP3. */
export type MailboxProof = {
  /** Of mails that the provider listed at the last look, with their brackets. */
  messageIds: string[]
  /** The user name is that of before, or the account's address. */
  isSameName: boolean
}

/**
 * One of the mails is in one of these mailboxes; where the provider has none, the name must do. A valid login of somebody else
 * would get all the mail otherwise. Throws request.conflict, mailbox.*, connect.*.
 */
export const proveMailbox = async (session: ImapSession, paths: string[], proof: MailboxProof): Promise<void> => {
  const messageIds = proof.messageIds.filter(isQuotable)
  if (messageIds.length === 0) {
    if (!proof.isSameName) throw anotherMailbox()
    return
  }
  for (const path of paths) if (await holdsMail(session, path, messageIds)) return
  throw anotherMailbox()
}

const anotherMailbox = (): AppError =>
  new AppError(
    'request.conflict',
    'None of the mails at your provider was found in that mailbox: it looks like another one.',
    { hint: 'Check the user name. If it is right, check for new mail once, then try it again.' },
  )
