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

/** Nobody keeps more in one mailbox; a server that says so is not believed. */
const mostMessages = 5_000_000

/** Throws mailbox.missing, mailbox.no_permission, mailbox.refused (absurdly large), connect.*. */
export const selectMailbox = async (session: ImapSession, path: string): Promise<SelectedMailbox> => {
  const box = await open(session, path)
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
    permanentFlags: permanent ? [...permanent].slice(0, 200) : [],
    canCreateKeywords: permanent ? permanent.has('\\*') : true,
    isReadOnly: box.readOnly === true,
    serverId: box.mailboxId ?? null,
  }
}

const open = async (session: ImapSession, path: string): Promise<MailboxObject> => {
  try {
    return await session.flow.mailboxOpen(path)
  } catch (error) {
    const known = toSessionError(error)
    if (known.code === 'mailbox.refused')
      throw new AppError('mailbox.missing', 'The server does not open this mailbox.', {
        cause: error,
        ...(known.detail.serverText ? { serverText: known.detail.serverText } : {}),
      })
    throw known
  }
}
