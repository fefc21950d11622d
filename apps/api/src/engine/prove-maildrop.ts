import { readMessageId } from '#mail/read-message-id.ts'
import { messageIdHash } from '#mail/threading.ts'
import { listMaildrop } from '#protocol/pop3/list-maildrop.ts'
import { openPop3Session, type Pop3Session } from '#protocol/pop3/open-session.ts'
import { leaveSession } from '#protocol/pop3/quit-session.ts'
import { retrieveTops } from '#protocol/pop3/retrieve-messages.ts'
import { countMailsHere, type MaildropSample } from '#store/bring-home.ts'
import type { Store } from '#store/open-store.ts'
import { readAnswer } from '#sync/read-answer.ts'
import { openTypedLogin, type TypedLogin } from './open-typed-login.ts'
import { requireSame } from './prove-mailbox.ts'

/** As many of the newest are compared, and of the oldest: some providers give what came since POP3 was allowed. */
export const proofMails = 20

export type MaildropProof = TypedLogin & {
  /** The IMAP account that is to change to it. */
  accountId: bigint
  /** The user name is that of before, or the account's address. */
  isSameName: boolean
}

/**
 * Signs in once at the maildrop that an IMAP account is to change to, and sees that it is the same mailbox: most of its newest
 * mails are here; where it is empty, or gives no headers, the name must do. Nothing changes here or there. Throws connect.*,
 * tls.*, login.*, mailbox.*, request.conflict.
 */
export const proveMaildrop = async (
  store: Store,
  { accountId, isSameName, ...login }: MaildropProof,
): Promise<MaildropSample> => {
  const session = await openTypedLogin(login, openPop3Session)
  try {
    const { entries } = await listMaildrop(session)
    const numbers = entries.map(({ number }) => number)
    const count = (messageIds: string[]) =>
      store.readSystem((tx) => countMailsHere(tx, accountId, messageIds.map(messageIdHash)))
    const newest = await readMessageIds(session, numbers.slice(-proofMails))
    requireSame({ asked: newest.length, found: (await count(newest)).here, isSameName }, 'are not in this account')
    const oldest = await readMessageIds(session, numbers.slice(0, -proofMails).slice(0, proofMails))
    const messageIds = [...new Set([...newest, ...oldest])]
    const { here, inInbox } = await count(messageIds)
    return { messages: entries.length, unknown: messageIds.length - here, outside: messageIds.length - inInbox }
  } finally {
    await leaveSession(session)
  }
}

/** Each once; none of a server without TOP. */
export const readMessageIds = async (session: Pop3Session, numbers: number[]): Promise<string[]> => {
  const messageIds = new Set<string>()
  for await (const answer of retrieveTops(session, numbers, { lines: 0 })) {
    if (answer.kind === 'refused') continue
    const messageId = await readMessageId((await readAnswer(answer.content)).beginning)
    if (messageId !== null) messageIds.add(messageId)
  }
  return [...messageIds]
}
