import { type Flags, parseFlags } from '#mail/flags.ts'
import { countUids, parseUidSet, rangesOf, type UidRange } from '#mail/uid-set.ts'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import { storableCounter } from './counters.ts'
import type { ImapSession } from './open-session.ts'

/** A server may tell of changes beside the answer; one that never stops is cut off. */
const maxExtraRows = 10_000

export type FetchedFlags = { uid: number; flags: Flags; modseq: bigint }

/** UID and flags of a set; with `changedSince` only what changed after that modseq (RFC 7162 3.1.4.1). */
export const fetchFlags = async (
  session: ImapSession,
  uidSet: string,
  changedSince?: bigint,
): Promise<FetchedFlags[]> => {
  const found: FetchedFlags[] = []
  // An empty mailbox has no `1:*` (RFC 9051 6.4.9).
  if (mailboxSize(session) === 0) return found
  try {
    const options = { uid: true, ...(changedSince === undefined ? {} : { changedSince }) }
    const most = mailboxSize(session) + maxExtraRows
    for await (const message of session.flow.fetch(uidSet, { uid: true, flags: true }, options)) {
      if (found.length >= most) throw new AppError('connect.protocol', 'The server tells of more messages than it has.')
      if (Number.isSafeInteger(message.uid) && message.uid > 0)
        found.push({
          uid: message.uid,
          flags: parseFlags(message.flags ?? []),
          modseq: storableCounter(message.modseq) ?? 0n,
        })
    }
    return found
  } catch (error) {
    throw toSessionError(error)
  }
}

/**
 * Every uid in the selected mailbox. With ESEARCH a few bytes say it for any number of messages (RFC 4731); an answer that
 * does not agree with the number of messages is not believed, and the uids are fetched one by one.
 */
export const searchAllUids = async (session: ImapSession): Promise<UidRange[]> => {
  try {
    const ranges = session.capabilities.esearch ? await searchRanges(session) : await searchList(session)
    const size = mailboxSize(session)
    // With nothing to fetch, what the search found is all there is to go by.
    if (ranges && (size === 0 || countUids(ranges) === size)) return ranges
    return rangesOf((await fetchFlags(session, '1:*')).map(({ uid }) => uid))
  } catch (error) {
    throw toSessionError(error)
  }
}

const searchRanges = async (session: ImapSession): Promise<UidRange[] | null> => {
  const found = await session.flow.search({ all: true }, { uid: true, returnOptions: ['ALL'] })
  // A refused search is `false`: taken for an empty mailbox it would empty ours.
  if (!found) throw session.refusal()
  if (Array.isArray(found)) return rangesOf(found)
  return found.all === undefined ? [] : parseUidSet(found.all)
}

const searchList = async (session: ImapSession): Promise<UidRange[]> => {
  const found = await session.flow.search({ all: true }, { uid: true })
  if (!found) throw session.refusal()
  return rangesOf(found)
}

const mailboxSize = ({ flow }: ImapSession): number => (flow.mailbox === false ? 0 : flow.mailbox.exists)
