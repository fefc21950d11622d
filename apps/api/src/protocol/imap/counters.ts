/** RFC 7162 3.1: mod-sequences have 63 bits, and so have the columns they are kept in. */
const most = 2n ** 63n - 1n

/** A server's UIDVALIDITY or mod-sequence; null when it is missing, 0 (which says nothing) or more than can be. */
export const storableCounter = (value: bigint | undefined): bigint | null =>
  value !== undefined && value > 0n && value <= most ? value : null
