import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'
import { selectMailbox } from './select-mailbox.ts'

/**
 * Changes of the tree. RFC 9051 6.3.4 to 6.3.8. Each throws what the server says against it: request.conflict (the name is
 * taken), mailbox.missing, mailbox.no_permission, mailbox.over_quota, mailbox.refused; and connect.*.
 */

/** Makes a mailbox and subscribes it. False when it is there already; then it is subscribed. */
export const createMailbox = (session: ImapSession, path: string): Promise<boolean> =>
  translated(async () => {
    session.mayAct()
    const wirePath = session.names.toWire(path)
    const { created } = answered(await session.flow.mailboxCreate(wirePath))
    if (created !== true) await session.flow.mailboxSubscribe(wirePath)
    return created === true
  })

/** Gives a mailbox, and with it all below, another path. Subscriptions stay with the old one (followSubscription). */
export const renameMailbox = (session: ImapSession, path: string, toPath: string): Promise<void> =>
  translated(async () => {
    await leave(session)
    session.mayAct()
    answered(await session.flow.mailboxRename(session.names.toWire(path), session.names.toWire(toPath)))
  })

/** For good, with the messages in it; what lies below stays. */
export const deleteMailbox = (session: ImapSession, path: string): Promise<void> =>
  translated(async () => {
    await leave(session)
    session.mayAct()
    answered(await session.flow.mailboxDelete(session.names.toWire(path)))
  })

/** Names are subscribed, not mailboxes: a new name has to be said anew. A server that refuses changes nothing else by it. */
export const followSubscription = (session: ImapSession, path: string, toPath: string | null): Promise<void> =>
  translated(async () => {
    session.mayAct()
    if (toPath !== null) await session.flow.mailboxSubscribe(session.names.toWire(toPath))
    session.mayAct()
    await session.flow.mailboxUnsubscribe(session.names.toWire(path))
  })

/** No server likes to change what is open, and to close it could expunge: the inbox is opened in its place. */
const leave = async (session: ImapSession): Promise<void> => {
  const open = session.selectedPath()
  if (open !== null && open.toUpperCase() !== 'INBOX') await selectMailbox(session, 'INBOX', { readOnly: true })
}

/** The library answers nothing at all where no session is left. */
const answered = <T>(answer: T | undefined): T => {
  if (answer === undefined) throw toSessionError({ code: 'NoConnection' })
  return answer
}

const translated = async <T>(work: () => Promise<T>): Promise<T> => {
  try {
    return await work()
  } catch (error) {
    throw toSessionError(error)
  }
}
