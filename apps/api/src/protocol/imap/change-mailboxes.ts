import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'
import { selectMailbox } from './select-mailbox.ts'

/**
 * Changes of the tree. RFC 9051 6.3.4 to 6.3.8. Each throws what the server says against it: request.conflict (the name is
 * taken), mailbox.missing, mailbox.no_permission, mailbox.over_quota, mailbox.refused; and connect.*.
 */

const specialUses = { sent: '\\Sent', drafts: '\\Drafts' }
type SpecialUse = keyof typeof specialUses

/**
 * Makes a mailbox and subscribes it, for its special use where the server takes that (RFC 6154 3): other programs then find it
 * whatever its name. False when it is there already; then it is subscribed.
 */
export const createMailbox = (session: ImapSession, path: string, use: SpecialUse | null = null): Promise<boolean> =>
  translated(async () => {
    const wirePath = session.names.toWire(path)
    if (use !== null && (await createForUse(session, wirePath, specialUses[use]))) return true
    session.mayAct()
    const { created } = answered(await session.flow.mailboxCreate(wirePath))
    if (created !== true) await session.flow.mailboxSubscribe(wirePath)
    return created === true
  })

type Attribute = { type: 'STRING' | 'TEXT'; value: string }
type RawFlow = { exec: (command: string, attributes: Attribute[]) => Promise<{ next: () => void }> }

/** False: the server does not do that, and may make it without. */
const createForUse = async (session: ImapSession, wirePath: string, use: string): Promise<boolean> => {
  const { flow } = session
  if (!flow.capabilities.has('CREATE-SPECIAL-USE')) return false
  session.mayAct()
  try {
    const answer = await (flow as unknown as RawFlow).exec('CREATE', [
      { type: 'STRING', value: wirePath },
      { type: 'TEXT', value: `(USE (${use}))` },
    ]) // `exec` is there, only not in its types
    answer.next()
  } catch (error) {
    if (!session.isOpen()) throw error
    return false
  }
  await flow.mailboxSubscribe(wirePath)
  return true
}

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
