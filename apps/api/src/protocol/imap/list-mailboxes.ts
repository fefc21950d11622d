import { toSessionError } from '../session-error.ts'
import { storableCounter } from './counters.ts'
import type { ImapSession } from './open-session.ts'

/** A mailbox as listed, with its STATUS where the server gives it. RFC 9051 6.3.9, RFC 5819. */
export type ListedMailbox = {
  path: string
  name: string
  delimiter: string | null
  /** Prefix of the other person's or public namespace it lies in; '' for one's own. RFC 2342. */
  namespace: string
  /** Attributes and special uses as sent, such as `\Noselect`, `\Sent`. */
  attributes: string[]
  isSelectable: boolean
  isSubscribed: boolean
  /** Absent when it was not asked for or not given. */
  status: MailboxStatus | null
}

export type MailboxStatus = {
  messages: number
  unseen: number | null
  uidNext: bigint | null
  uidValidity: bigint | null
  highestModseq: bigint | null
}

const maxMailboxes = 20_000
/** Each is told of by LIST, LSUB and STATUS at most. */
const maxLines = 3 * maxMailboxes + 1000
/** What an index of the database takes. */
const maxPathBytes = 2000

/** A name that no database can keep cannot be opened by it either; the other mailboxes go on. */
const isStorablePath = (path: string): boolean =>
  path !== '' && Buffer.byteLength(path) <= maxPathBytes && path.isWellFormed() && !path.includes('\0')

/** All mailboxes; with `withStatus` in one round trip where the server can (LIST-STATUS), else one STATUS each. */
export const listMailboxes = async (
  session: ImapSession,
  { withStatus }: { withStatus: boolean },
): Promise<ListedMailbox[]> => {
  try {
    // Of the mailbox that is open Dovecot tells what this session has heard of it, not what has come since. RFC 9051 6.3.11.
    if (withStatus && session.selectedPath() !== null) await session.flow.noop()
    const listed = await session.withinLines(maxLines, () =>
      session.flow.list(withStatus ? { statusQuery: statusQuery(session) } : {}),
    )
    const seen = new Set<string>()
    return listed
      .slice(0, maxMailboxes)
      .map((entry) => ({ ...entry, path: session.names.fromWire(entry.path, entry.delimiter || null) }))
      .filter(({ path }) => isStorablePath(path) && !seen.has(path) && seen.add(path))
      .map((entry) => {
        const attributes = [
          ...entry.flags,
          ...(entry.specialUse && entry.specialUseSource !== 'name' ? [entry.specialUse] : []),
        ]
        const lower = attributes.map((attribute) => attribute.toLowerCase())
        return {
          path: entry.path,
          name: lastName(entry.path, entry.delimiter) || entry.path,
          delimiter: entry.delimiter || null,
          namespace: session.foreignPrefixes.find((prefix) => entry.path.startsWith(prefix)) ?? '',
          attributes: [...new Set(attributes)],
          isSelectable: !lower.includes('\\noselect') && !lower.includes('\\nonexistent'),
          // Absent for those that are not.
          isSubscribed: entry.subscribed === true,
          status: entry.status && entry.status.messages !== undefined ? toStatus(entry.status) : null,
        }
      })
  } catch (error) {
    throw toSessionError(error)
  }
}

/** Of one mailbox; null where the server does not give it. */
export const readStatus = async (session: ImapSession, path: string): Promise<MailboxStatus | null> => {
  try {
    const status = await session.flow.status(session.names.toWire(path), statusQuery(session))
    return status && status.messages !== undefined ? toStatus(status) : null
  } catch (error) {
    throw toSessionError(error)
  }
}

const statusQuery = ({ capabilities }: ImapSession) => ({
  messages: true,
  unseen: true,
  uidNext: true,
  uidValidity: true,
  ...(capabilities.condstore ? { highestModseq: true } : {}),
})

const lastName = (path: string, delimiter: string | undefined): string =>
  delimiter ? path.slice(path.lastIndexOf(delimiter) + delimiter.length) : path

type RawStatus = {
  messages?: number | undefined
  unseen?: number | undefined
  uidNext?: number | undefined
  uidValidity?: bigint | undefined
  highestModseq?: bigint | undefined
}

const toStatus = (status: RawStatus): MailboxStatus => ({
  messages: status.messages ?? 0,
  unseen: status.unseen ?? null,
  uidNext: status.uidNext === undefined ? null : BigInt(status.uidNext),
  uidValidity: storableCounter(status.uidValidity),
  // Some servers answer 0 for an empty mailbox; that says nothing (RFC 7162 3.1.2.2).
  highestModseq: storableCounter(status.highestModseq),
})
