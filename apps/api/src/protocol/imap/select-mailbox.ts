import type { MailboxObject } from 'imapflow'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import { storableCounter } from './counters.ts'
import type { ImapSession } from './open-session.ts'

/** A selected mailbox. RFC 9051 6.3.2. */
export type SelectedMailbox = {
  path: string
  exists: number
  /** 0: the server did not say. */
  uidNext: bigint
  /** 0: the server did not say, or says 0; such uids last as long as nothing contradicts them. */
  uidValidity: bigint
  /** Absent without CONDSTORE, or when the server keeps none for this mailbox. */
  highestModseq: bigint | null
  permanentFlags: string[]
  canCreateKeywords: boolean
  isReadOnly: boolean
  serverId: string | null
}

/** A dozen are usual; expunges of the mailbox that was open before may come along. */
const maxLines = 100_000

const isPlain = (text: string): boolean => /^[\x21-\x7e]{1,255}$/.test(text)

/** Nobody keeps more in one mailbox; a server that says so is not believed. */
const mostMessages = 2_000_000

/** Throws mailbox.missing, mailbox.no_permission, mailbox.refused (absurdly large), connect.*. */
export const selectMailbox = async (
  session: ImapSession,
  path: string,
  options: { readOnly: boolean } = { readOnly: false },
): Promise<SelectedMailbox> => {
  const box = await open(session, path, options)
  if (box.exists > mostMessages)
    throw new AppError('mailbox.refused', 'The server claims more messages in this mailbox than anybody keeps.')
  const permanent = box.permanentFlags
  return {
    path,
    exists: box.exists,
    uidNext: BigInt(box.uidNext || 0),
    uidValidity: storableCounter(box.uidValidity) ?? 0n,
    highestModseq: box.noModseq ? null : storableCounter(box.highestModseq),
    // Without PERMANENTFLAGS all flags may be changed for good (RFC 9051 7.1).
    permanentFlags: permanent ? [...permanent].filter(isPlain).slice(0, 200) : [],
    canCreateKeywords: permanent ? permanent.has('\\*') : true,
    isReadOnly: box.readOnly === true,
    serverId: box.mailboxId && isPlain(box.mailboxId) ? box.mailboxId : null,
  }
}

const open = async (session: ImapSession, path: string, options: { readOnly: boolean }): Promise<MailboxObject> => {
  const wirePath = session.names.toWire(path)
  try {
    spareList(session, wirePath)
    return await session.withinLines(maxLines, () => session.flow.mailboxOpen(wirePath, options))
  } catch (error) {
    const known = toSessionError(error)
    const isRefused = known.code === 'mailbox.refused' || known.code === 'mailbox.missing'
    if (isRefused && session.names.spellAsRead(path)) return open(session, path, options)
    if (known.code === 'mailbox.refused')
      throw new AppError('mailbox.missing', 'The server does not open this mailbox.', {
        cause: error,
        ...(known.detail.serverText ? { serverText: known.detail.serverText } : {}),
      })
    throw known
  }
}

/** The library lists every mailbox that it does not know before it opens it: two round trips for nothing we need. */
const spareList = ({ flow }: ImapSession, wirePath: string): void => {
  const { folders } = flow as unknown as { folders: Map<string, { path: string }> } // it is there, only not in its types
  if (!folders.has(wirePath)) folders.set(wirePath, { path: wirePath })
}
