/**
 * What a selected mailbox needs, from what we stored and what the server says. Pure; runners carry the steps out in order.
 */
export type StoredCursor = {
  uidValidity: bigint | null
  uidNext: bigint | null
  highestModseq: bigint | null
  /** Null: never filled; above 1: a fill was cut off there; 1: complete. */
  fillUid: bigint | null
  envelopesStored: number
}
export type ServerState = { uidValidity: bigint; uidNext: bigint; highestModseq: bigint | null; exists: number }

export type SyncStep =
  | { kind: 'reset'; reason: string }
  | { kind: 'fill'; reason: string }
  | { kind: 'append'; fromUid: bigint; reason: string }
  | { kind: 'flagsSince'; modseq: bigint; reason: string }
  | { kind: 'fullCompare'; reason: string }
  | { kind: 'compareUids'; reason: string }

export type SyncTrust = {
  /** False where the server has no CONDSTORE, or once disagreed with a full compare. */
  trustsModseq: boolean
  /** A full compare is due (periodic, or asked for). */
  isCompareDue: boolean
}

export const planMailboxSync = (stored: StoredCursor, server: ServerState, trust: SyncTrust): SyncStep[] => {
  if (stored.uidValidity !== null && stored.uidValidity !== server.uidValidity)
    return [
      { kind: 'reset', reason: 'uidvalidity changed' },
      { kind: 'fill', reason: 'new generation' },
    ]
  if (stored.fillUid === null) return [{ kind: 'fill', reason: 'first sync' }]
  const steps: SyncStep[] = []
  const grew = stored.uidNext !== null && server.uidNext > stored.uidNext
  if (grew && stored.uidNext !== null) steps.push({ kind: 'append', fromUid: stored.uidNext, reason: 'uidnext grew' })
  if (stored.fillUid > 1n) steps.push({ kind: 'fill', reason: 'a fill was cut off' })
  if (trust.isCompareDue) return [...steps, { kind: 'fullCompare', reason: 'a compare is due' }]
  if (!trust.trustsModseq || server.highestModseq === null || stored.highestModseq === null)
    return [...steps, { kind: 'fullCompare', reason: 'no change counter' }]
  if (server.highestModseq < stored.highestModseq)
    return [...steps, { kind: 'fullCompare', reason: 'the change counter went back' }]
  if (server.highestModseq > stored.highestModseq)
    steps.push({ kind: 'flagsSince', modseq: stored.highestModseq, reason: 'highestmodseq grew' })
  // How many messages the append brings is known only afterwards; the runner counts again then.
  if (grew || server.exists !== stored.envelopesStored)
    steps.push({ kind: 'compareUids', reason: 'the number of messages may differ' })
  return steps
}

/** Whether a STATUS answer makes a mailbox worth selecting. Unknown values count as different. */
export const needsSync = (
  stored: StoredCursor & { serverUnseen?: number | null },
  status: { messages: number; uidNext: bigint | null; uidValidity: bigint | null; highestModseq: bigint | null },
): boolean =>
  stored.fillUid === null ||
  stored.fillUid > 1n ||
  stored.uidValidity !== status.uidValidity ||
  stored.uidNext !== status.uidNext ||
  stored.envelopesStored !== status.messages ||
  (status.highestModseq !== null && stored.highestModseq !== status.highestModseq)
