import { type MaildropFacts, maxMessageBytes, type RemovalPlan, type ServerPolicy } from '@postern/shared/retrieval.ts'
import { isTakable, type LedgerRow, type ListedMail, planMaildrop } from './plan-maildrop.ts'

/** What a person is told of a maildrop, beside when it was looked at and what its server can do. */
export type MaildropCounts = Omit<MaildropFacts, 'listedAt' | 'hasUniqueIds' | 'hasTop' | 'loginDelaySeconds'>

/** What the server listed: mails by name, and the sizes of those that could not be named. */
export type Listing = { named: ListedMail[]; unnamed: number[] }

type Wishes = { policy: ServerPolicy; now: Date }

/** Later than anything was fetched, whichever clock wrote that down. */
const someNextLook = new Date(8.64e15)

const planNext = (listing: readonly ListedMail[], rows: readonly LedgerRow[], { policy, now }: Wishes) =>
  planMaildrop(listing, rows, { policy, isOnHold: false, sessionStartedAt: someNextLook, now })

/** Counts what the plan would do at the next look if nothing held it back, and what waits for the person's word. Pure. */
export const countMaildrop = (
  { named, unnamed }: Listing,
  rows: readonly LedgerRow[],
  { hasTop, ...wishes }: Wishes & { hasTop: boolean },
): MaildropCounts => {
  const next = planNext(named, rows, wishes)
  const away = new Set([...next.gone, ...next.missing])
  const there = rows.filter((row) => row.missingSince === null && !away.has(row))
  const stored = there.filter(({ state }) => state === 'fetched')
  const sizes = [...named.map(({ sizeBytes }) => sizeBytes), ...unnamed]
  const unshown = [
    // Of one that the server lists too small a size for, more came.
    ...there
      .filter((row) => row.state === 'listed' && !isTakable(row))
      .map(({ sizeBytes }) => Math.max(sizeBytes, maxMessageBytes)),
    ...unnamed.filter((sizeBytes) => sizeBytes > maxMessageBytes),
  ]
  return {
    messages: sizes.length,
    bytes: sum(sizes),
    tooLarge: hasTop ? { mails: 0, bytes: 0 } : { mails: unshown.length, bytes: sum(unshown) },
    waiting: next.remove.length,
    copies: stored.filter(({ isCopy, isWhole, fetchedAt }) => isCopy && isWhole && fetchedAt !== null).length,
    // Not what was deleted here for good.
    headersOnly: stored.filter(({ isInPart, fetchedAt }) => isInPart && fetchedAt !== null).length,
  }
}

/** What a policy would remove if the next look found what the last one listed. Pure; no server is asked. */
export const countRemoval = (rows: readonly LedgerRow[], wishes: Wishes): RemovalPlan => {
  const listing = rows
    .filter(({ missingSince }) => missingSince === null)
    .map(({ key, sizeBytes }, n) => ({ number: n + 1, key, sizeBytes }))
  const { remove } = planNext(listing, rows, wishes)
  return { mails: remove.length, bytes: sum(remove.map(({ row }) => row.sizeBytes)) }
}

const sum = (sizes: number[]): number => sizes.reduce((total, bytes) => total + bytes, 0)
