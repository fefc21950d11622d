/**
 * Whether a database is the one that this place has worked with, as it was left, or an older or another one (a restored
 * backup, a copy). Pure; restore-mark.ts acts.
 */
export type HoldFacts = {
  /** What the database says of this place: the token it was given last. Null when it knows no such place. */
  token: string | null
  /** Whether the database has worked with any place at all. */
  isMarked: boolean
  /** What lies beside the master key. Null when there is nothing for this database. */
  mark: { token: string | null; next: string | null; isInPlace: boolean } | null
  /** An engine is at work in this very database: it passed this before. */
  isAtWork: boolean
}

export type HoldPlan =
  | { kind: 'go'; reason: 'as it was left' | 'new' | 'joined' }
  | { kind: 'hold'; reason: 'older' | 'copied' | 'unknown' }

export const planHold = ({ token, isMarked, mark, isAtWork }: HoldFacts): HoldPlan => {
  // A start that ended between its two writes left both tokens in the file, and one of them in the database.
  if (mark?.isInPlace && (token === mark.token || (token !== null && token === mark.next)))
    return { kind: 'go', reason: 'as it was left' }
  if (mark?.isInPlace) return { kind: 'hold', reason: 'older' }
  if (!isMarked && !mark) return { kind: 'go', reason: 'new' }
  if (isAtWork) return { kind: 'go', reason: 'joined' }
  return { kind: 'hold', reason: mark ? 'copied' : 'unknown' }
}
