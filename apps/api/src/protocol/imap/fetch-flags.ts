import { type Flags, parseFlags } from '#mail/flags.ts'
import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'

export type FetchedFlags = { uid: number; flags: Flags; modseq: bigint }

/** UID and flags of a set; with `changedSince` only what changed after that modseq (RFC 7162 3.1.4.1). */
export const fetchFlags = async (
  session: ImapSession,
  uidSet: string,
  changedSince?: bigint,
): Promise<FetchedFlags[]> => {
  try {
    const found: FetchedFlags[] = []
    const options = { uid: true, ...(changedSince === undefined ? {} : { changedSince }) }
    for await (const message of session.flow.fetch(uidSet, { uid: true, flags: true }, options)) {
      if (Number.isSafeInteger(message.uid) && message.uid > 0)
        found.push({ uid: message.uid, flags: parseFlags(message.flags ?? []), modseq: message.modseq ?? 0n })
    }
    return found
  } catch (error) {
    throw toSessionError(error)
  }
}

/** Every uid in the selected mailbox, ascending. RFC 9051 6.4.4. */
export const searchAllUids = async (session: ImapSession): Promise<number[]> => {
  try {
    const found = await session.flow.search({ all: true }, { uid: true })
    return (Array.isArray(found) ? found : []).sort((a, b) => a - b)
  } catch (error) {
    throw toSessionError(error)
  }
}

/** Uids of messages with this Message-ID in the selected mailbox; quotes and controls are refused by the encoder. */
export const searchMessageId = async (session: ImapSession, messageId: string): Promise<number[]> => {
  try {
    const found = await session.flow.search({ header: { 'message-id': messageId } }, { uid: true })
    return Array.isArray(found) ? found : []
  } catch (error) {
    throw toSessionError(error)
  }
}
