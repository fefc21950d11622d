import type { ServerPolicy } from '@postern/shared/retrieval.ts'
import { isTakable } from '#store/count-parts.ts'

/**
 * What to do with a maildrop, given what it lists and what we remember of it. Pure; the ledger (store/pop-ledger.ts) is the
 * memory, one row for each mail ever listed:
 *
 *   listed -> fetched -> to_delete -> dele_sent -> gone
 *      \_________\___________\____________\____> missing since: no longer listed, though we never asked for that
 *
 * A message number means something in its own session only (RFC 1939 section 4): nothing is removed but by the number that
 * the fresh listing gives to a row.
 */

/** One line of the listing. `key`: the unique-id (UIDL), or where there is none a hash of what the server sends. */
export type ListedMail = { number: number; key: string; sizeBytes: number }

export type LedgerState = 'listed' | 'fetched' | 'to_delete' | 'dele_sent'

/** A row that is not `gone`. */
export type LedgerRow = {
  id: bigint
  key: string
  sizeBytes: number
  state: LedgerState
  /** The whole mail is stored, not its header alone. */
  isWhole: boolean
  /** Nothing but its header can be read here. Not so for one that was read by IMAP, though it is not whole. */
  isInPart: boolean
  /** Not whole, and to be fetched whole: the person asked for the rest, or what is stored is damaged. */
  wantsWhole: boolean
  /** More octets came than are kept, though the server lists fewer. */
  isTooLarge: boolean
  /** Came again under another key, so it may be the only copy of something: never removed without the person's word. */
  isCopy: boolean
  /** Null: its octets are not here yet, or it was deleted here alone, or so long ago that nothing is left. Never removed. */
  fetchedAt: Date | null
  receivedAt: Date | null
  missingSince: Date | null
}

export type MaildropFacts = {
  policy: ServerPolicy
  /** Nothing is removed: the database may be older than the maildrop (a restored backup). */
  isOnHold: boolean
  /** What this session fetched is removed by a later one. */
  sessionStartedAt: Date
  now: Date
}

export type MaildropPlan = {
  /** Never seen before: to be written down, then fetched. */
  fresh: ListedMail[]
  /** Written down before, and still to be fetched, or the rest of it. Newest first. */
  fetch: { row: LedgerRow; number: number }[]
  /** Were away and are listed again: the same mail, or a new one under an old key. To be compared before they are believed. */
  returned: { row: LedgerRow; number: number }[]
  /** To be removed at the server, once the stored bytes are verified. */
  remove: { row: LedgerRow; number: number }[]
  /** Their removal was confirmed by their absence. */
  gone: LedgerRow[]
  /** Away though nobody here asked for it. */
  missing: LedgerRow[]
}

const dayMs = 86_400_000

export const planMaildrop = (
  listing: readonly ListedMail[],
  rows: readonly LedgerRow[],
  facts: MaildropFacts,
): MaildropPlan => {
  const { pairs, fresh, unlisted } = pair(listing, rows)
  const isBack = ({ row }: Paired) => row.missingSince !== null
  const here = pairs.filter((paired) => !isBack(paired))
  const newestFirst = (a: Paired, b: Paired) => b.number - a.number
  return {
    fresh,
    fetch: here.filter(({ row }) => row.state === 'listed' || isRestWanted(row)).sort(newestFirst),
    returned: pairs.filter(isBack),
    remove: facts.isOnHold ? [] : removable(here, rows, facts),
    gone: unlisted.filter(({ state }) => state === 'dele_sent'),
    missing: unlisted.filter(({ state, missingSince }) => state !== 'dele_sent' && missingSince === null),
  }
}

/** Its header is stored, and the person asked for the whole of it; or what is stored of it is damaged. */
export const isRestWanted = (row: LedgerRow): boolean =>
  row.state !== 'listed' && row.wantsWhole && !row.isWhole && isTakable(row)

type Paired = { row: LedgerRow; number: number }

/**
 * Rows to listed mails, one to one. Servers list the same key more than once (copies made by an import) and give a key
 * again to another mail: key and size together decide, and of equals as many as there are on both sides. Rows that were
 * here at the last look come before those that were away, each in the order given: that of their first listing.
 */
const pair = (listing: readonly ListedMail[], rows: readonly LedgerRow[]) => {
  const wasHere = ({ missingSince }: LedgerRow) => missingSince === null
  const waiting = Map.groupBy([...rows.filter(wasHere), ...rows.filter((row) => !wasHere(row))], nameOf)
  const pairs: Paired[] = []
  const fresh: ListedMail[] = []
  for (const entry of listing) {
    const row = waiting.get(nameOf(entry))?.shift()
    if (row) pairs.push({ row, number: entry.number })
    else fresh.push(entry)
  }
  return { pairs, fresh, unlisted: [...waiting.values()].flat() }
}

const nameOf = ({ key, sizeBytes }: { key: string; sizeBytes: number }): string => `${sizeBytes} ${key}`

/**
 * Marked before, or due by the policy now. With `keep`, of what was marked only copies go: they were let go one by one, and
 * whatever an earlier policy meant is over. Of what only the header is here, nothing is ever removed.
 */
const removable = (here: Paired[], rows: readonly LedgerRow[], facts: MaildropFacts): Paired[] => {
  const { policy, sessionStartedAt, now } = facts
  // Which of two mails of one name is meant nobody can say: neither goes before both are here.
  const uncertain = new Set(rows.filter((row) => !row.isWhole).map(nameOf))
  const isMarked = ({ row }: Paired) =>
    (row.state === 'to_delete' || row.state === 'dele_sent') && (row.isCopy || policy.kind !== 'keep')
  const mayGo = ({ row }: Paired) =>
    row.state === 'fetched' && !row.isCopy && (row.fetchedAt ?? sessionStartedAt) < sessionStartedAt
  const isHere = ({ row }: Paired) => row.fetchedAt !== null && !uncertain.has(nameOf(row))
  const beyond = policy.kind === 'newest' ? beyondNewest(here, policy.count) : new Set<bigint>()
  const isDue = ({ row }: Paired): boolean => {
    if (policy.kind === 'afterDownload') return true
    if (policy.kind === 'afterDays')
      return now.getTime() - (row.fetchedAt?.getTime() ?? now.getTime()) >= policy.days * dayMs
    return beyond.has(row.id)
  }
  return here.filter((paired) => isHere(paired) && (isMarked(paired) || (mayGo(paired) && isDue(paired))))
}

/** By our own received date; what is not here yet counts as newest. */
const beyondNewest = (here: Paired[], count: number): Set<bigint> => {
  const at = ({ row }: Paired) => row.receivedAt?.getTime() ?? Number.POSITIVE_INFINITY
  const ordered = [...here].sort((a, b) => (at(b) === at(a) ? b.number - a.number : at(b) - at(a)))
  return new Set(ordered.slice(count).map(({ row }) => row.id))
}
