import { type MaildropFacts, maxMessageBytes, type RemovalPlan, type ServerPolicy } from '@postern/shared/retrieval.ts'
import { amountOf, countParts, isTakable } from '#store/count-parts.ts'
import { type LedgerRow, type ListedMail, planMaildrop } from './plan-maildrop.ts'

/** What a person is told of a maildrop, beside when it was looked at and what its server can do. */
export type MaildropCounts = Omit<MaildropFacts, 'came' | 'listedAt' | 'hasUniqueIds' | 'hasTop' | 'loginDelaySeconds'>

/** What the server listed: mails by name, and the sizes of those that could not be named. */
export type Listing = { named: ListedMail[]; unnamed: number[] }

type Wishes = { policy: ServerPolicy; now: Date }

/** Later than anything was fetched, whichever clock wrote that down. */
const someNextLook = new Date(8.64e15)

const planNext = (listing: readonly ListedMail[], rows: readonly LedgerRow[], { policy, now }: Wishes) =>
  planMaildrop(listing, rows, { policy, isOnHold: false, sessionStartedAt: someNextLook, now })

/**
 * Counts what the plan would do at the next look if nothing held it back, what waits for the person's word, and what is there
 * without being here. Pure.
 */
export const countMaildrop = (
  { named, unnamed }: Listing,
  rows: readonly LedgerRow[],
  { hasTop, maxBytes, ...wishes }: Wishes & { hasTop: boolean; maxBytes: number | null },
): MaildropCounts => {
  const next = planNext(named, rows, wishes)
  const away = new Set([...next.gone, ...next.missing])
  const there = rows.filter((row) => row.missingSince === null && !away.has(row))
  const awaited = there.filter(({ state }) => state === 'listed')
  const stored = there.filter(({ state }) => state === 'fetched')
  const sizes = [...named.map(({ sizeBytes }) => sizeBytes), ...unnamed].map((sizeBytes) => ({ sizeBytes }))
  const unshown = hasTop
    ? []
    : [
        // Of one that the server lists too small a size for, more came.
        ...awaited
          .filter((row) => !isTakable(row))
          .map(({ sizeBytes }) => ({ sizeBytes: Math.max(sizeBytes, maxMessageBytes) })),
        ...unnamed.filter((sizeBytes) => sizeBytes > maxMessageBytes).map((sizeBytes) => ({ sizeBytes })),
      ]
  const { mails: messages, bytes } = amountOf(sizes)
  return {
    messages,
    bytes,
    tooLarge: amountOf(unshown),
    waiting: next.remove.length,
    copies: stored.filter(({ isCopy, isWhole, fetchedAt }) => isCopy && isWhole && fetchedAt !== null).length,
    // Not what was deleted here for good.
    ...countParts(
      stored.filter(({ isInPart, fetchedAt }) => isInPart && fetchedAt !== null),
      maxBytes,
    ),
    notYet: next.fresh.length + next.returned.length + awaited.length + unnamed.length - unshown.length,
    onlyThere: there.filter(({ state, fetchedAt }) => state !== 'listed' && fetchedAt === null).length,
  }
}

/** What a policy would remove if the next look found what the last one listed. Pure; no server is asked. */
export const countRemoval = (rows: readonly LedgerRow[], wishes: Wishes): RemovalPlan => {
  const listing = rows
    .filter(({ missingSince }) => missingSince === null)
    .map(({ key, sizeBytes }, n) => ({ number: n + 1, key, sizeBytes }))
  return amountOf(planNext(listing, rows, wishes).remove.map(({ row }) => row))
}
