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
/** `uidNext` and `uidValidity` are 0 where the server does not say. */
export type ServerState = { uidValidity: bigint; uidNext: bigint; highestModseq: bigint | null; exists: number }

export type SyncStep =
  | { kind: 'reset'; reason: string }
  | { kind: 'fill'; reason: string }
  | { kind: 'append'; fromUid: bigint; reason: string }
  | { kind: 'flagsSince'; modseq: bigint; reason: string }
  /** The uids are compared unless the number of messages agrees by then. */
  | { kind: 'countAgain'; reason: string }
  | { kind: 'compareFlags'; reason: string }
  | { kind: 'fullCompare'; reason: string }

export type SyncTrust = {
  /** False where the server has no CONDSTORE, or once disagreed with a full compare. */
  trustsModseq: boolean
  /** A full compare is due (periodic, or asked for). */
  isCompareDue: boolean
  /** Where no change counter tells: somebody said that flags changed, or it is this mailbox's turn. */
  areFlagsDue: boolean
}

export const planMailboxSync = (stored: StoredCursor, server: ServerState, trust: SyncTrust): SyncStep[] => {
  if (stored.uidValidity !== null && stored.uidValidity !== server.uidValidity && server.uidValidity !== 0n)
    return [
      { kind: 'reset', reason: 'uidvalidity changed' },
      { kind: 'fill', reason: 'new generation' },
    ]
  if (stored.fillUid === null) return [{ kind: 'fill', reason: 'first sync' }]
  const steps: SyncStep[] = []
  const grew = stored.uidNext !== null && server.uidNext > stored.uidNext
  if (grew && stored.uidNext !== null) steps.push({ kind: 'append', fromUid: stored.uidNext, reason: 'uidnext grew' })
  if (stored.fillUid > 1n) steps.push({ kind: 'fill', reason: 'a fill was cut off' })
  const flags = planFlags(stored, server, trust)
  // Before a compare what the counter tells is read too: whatever still differs then, it has hidden.
  if (flags?.kind === 'flagsSince') steps.push(flags)
  if (trust.isCompareDue) return [...steps, { kind: 'fullCompare', reason: 'a compare is due' }]
  // How many messages the append brings is known only afterwards.
  if (grew || server.exists !== stored.envelopesStored)
    steps.push({ kind: 'countAgain', reason: 'the number of messages may differ' })
  return flags && flags.kind !== 'flagsSince' ? [...steps, flags] : steps
}

const planFlags = (stored: StoredCursor, server: ServerState, trust: SyncTrust): SyncStep | null => {
  if (!trust.trustsModseq || server.highestModseq === null)
    return trust.areFlagsDue ? { kind: 'compareFlags', reason: 'no change counter, and flags are due' } : null
  if (stored.highestModseq === null) return { kind: 'compareFlags', reason: 'the first change counter' }
  if (server.highestModseq < stored.highestModseq)
    return { kind: 'fullCompare', reason: 'the change counter went back' }
  return server.highestModseq > stored.highestModseq
    ? { kind: 'flagsSince', modseq: stored.highestModseq, reason: 'highestmodseq grew' }
    : null
}

export type ServerStatus = {
  messages: number
  uidNext: bigint | null
  uidValidity: bigint | null
  highestModseq: bigint | null
}

/** Whether a STATUS answer makes a mailbox worth selecting. What the server leaves out counts as different if nothing else tells. */
export const needsSync = (stored: StoredCursor, status: ServerStatus): boolean =>
  stored.fillUid === null ||
  stored.fillUid > 1n ||
  (status.uidValidity !== null && stored.uidValidity !== status.uidValidity) ||
  (status.uidNext === null ? status.highestModseq === null : stored.uidNext !== status.uidNext) ||
  stored.envelopesStored !== status.messages ||
  (status.highestModseq !== null && stored.highestModseq !== status.highestModseq)

/** A look reads so many flags where no change counter tells what changed: well below a second, about a megabyte. */
const flagsPerLook = 20_000
/** And opens so many mailboxes for it at most. */
const turnsPerLook = 200

/**
 * The mailboxes whose flags are read anew in this look, for servers whose change counter is missing or not believed: the
 * one compared longest ago first. All of them together while they fit, so that changes show within a minute; else in turns.
 */
export const planFlagTurns = <T extends { serverMessages: number; flagsReadAt: number }>(mailboxes: T[]): Set<T> => {
  const turns = new Set<T>()
  let left = flagsPerLook
  const full = mailboxes.filter(({ serverMessages }) => serverMessages > 0)
  for (const mailbox of full.sort((a, b) => a.flagsReadAt - b.flagsReadAt)) {
    if (turns.size === turnsPerLook) break
    // The one that waited longest has its turn whatever its size.
    if (turns.size > 0 && mailbox.serverMessages > left) continue
    turns.add(mailbox)
    left -= mailbox.serverMessages
  }
  return turns
}
