import { type Amount, type MaildropFacts, maxMessageBytes } from '@postern/shared/retrieval.ts'

/** Of a mail that is listed and of which only the header is here. */
export type PartRow = { sizeBytes: number; wantsWhole: boolean; isTooLarge: boolean }
export type PartCounts = Pick<MaildropFacts, 'headersOnly' | 'headersOnlyBytes' | 'fitting' | 'beyond' | 'coming'>

/** An answer cannot be stopped: one that is too large ends the session, and would end each later one at the same mail. */
export const isTakable = ({ sizeBytes, isTooLarge }: { sizeBytes: number; isTooLarge: boolean }): boolean =>
  sizeBytes <= maxMessageBytes && !isTooLarge

/** What of these could come whole by the limit as it is now, and what was asked for. Pure. */
export const countParts = (rows: readonly PartRow[], maxBytes: number | null): PartCounts => {
  const takable = rows.filter(isTakable)
  const unwanted = takable.filter(({ wantsWhole }) => !wantsWhole)
  const isFitting = ({ sizeBytes }: PartRow) => sizeBytes <= (maxBytes ?? maxMessageBytes)
  const { mails: headersOnly, bytes: headersOnlyBytes } = amountOf(rows)
  return {
    headersOnly,
    headersOnlyBytes,
    fitting: amountOf(unwanted.filter(isFitting)),
    beyond: amountOf(unwanted.filter((row) => !isFitting(row))),
    coming: amountOf(takable.filter(({ wantsWhole }) => wantsWhole)),
  }
}

export const amountOf = (rows: readonly { sizeBytes: number }[]): Amount => ({
  mails: rows.length,
  bytes: rows.reduce((total, { sizeBytes }) => total + sizeBytes, 0),
})
