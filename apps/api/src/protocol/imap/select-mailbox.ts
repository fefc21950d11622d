import { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'

/** A selected mailbox. RFC 9051 6.3.2. */
export type SelectedMailbox = {
  path: string
  exists: number
  uidNext: bigint
  uidValidity: bigint
  /** Absent without CONDSTORE, or when the server keeps none for this mailbox. */
  highestModseq: bigint | null
  permanentFlags: string[]
  canCreateKeywords: boolean
  isReadOnly: boolean
  serverId: string | null
}

/** Throws mailbox.missing, mailbox.no_permission, connect.*. */
export const selectMailbox = async (session: ImapSession, path: string): Promise<SelectedMailbox> => {
  try {
    const box = await session.flow.mailboxOpen(path)
    const permanent = box.permanentFlags
    return {
      path,
      exists: box.exists,
      uidNext: BigInt(box.uidNext || 0),
      uidValidity: box.uidValidity ?? 0n,
      highestModseq: box.noModseq || !box.highestModseq ? null : box.highestModseq,
      // Without PERMANENTFLAGS all flags may be changed for good (RFC 9051 7.1).
      permanentFlags: permanent ? [...permanent].slice(0, 200) : [],
      canCreateKeywords: permanent ? permanent.has('\\*') : true,
      isReadOnly: box.readOnly === true,
      serverId: box.mailboxId ?? null,
    }
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
