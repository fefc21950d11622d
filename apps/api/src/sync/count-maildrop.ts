import type { MaildropFacts, RemovalPlan, ServerPolicy } from '@postern/shared/retrieval.ts'
import { type LedgerRow, type ListedMail, planMaildrop } from './plan-maildrop.ts'

/** What a person is told of a maildrop, beside when it was looked at and what its server can do. */
export type MaildropCounts = Omit<MaildropFacts, 'listedAt' | 'hasUniqueIds' | 'hasTop' | 'loginDelaySeconds'>

type Wishes = { policy: ServerPolicy; now: Date }

/** Later than anything was fetched, whichever clock wrote that down. */
const someNextLook = new Date(8.64e15)

const planNext = (listing: readonly ListedMail[], rows: readonly LedgerRow[], { policy, now }: Wishes) =>
  planMaildrop(listing, rows, { policy, isOnHold: false, sessionStartedAt: someNextLook, now })

/** Counts what the plan would do at the next look if nothing held it back, and what waits for the person's word. Pure. */
export const countMaildrop = (
  listing: readonly ListedMail[],
  rows: readonly LedgerRow[],
  { policy, now }: Wishes,
): MaildropCounts => {
  const next = planNext(listing, rows, { policy, now })
  const away = new Set([...next.gone, ...next.missing])
  const stored = rows.filter((row) => row.state === 'fetched' && row.missingSince === null && !away.has(row))
  return {
    messages: listing.length,
    bytes: listing.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
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
  return { mails: remove.length, bytes: remove.reduce((sum, { row }) => sum + row.sizeBytes, 0) }
}
