import type { AccountKind } from '@postern/shared/accounts.ts'
import type { ServerPolicy } from '@postern/shared/retrieval.ts'

/** What a person says of a mailbox, for choosing how it comes here. */
export type Answers = {
  /** That read it, this Postern apart. */
  devices: 'one' | 'several'
  /** Mail is to stay at the provider. */
  stays: boolean
  isSpaceShort: boolean
}
/** As most people would say; nobody has to. */
export const usualAnswers: Answers = { devices: 'several', stays: true, isSpaceShort: false }

export type Recommendation = {
  kind: AccountKind
  /** What to do at the provider, should it be POP3. */
  policy: ServerPolicy
  reason: 'inStep' | 'atOnce' | 'makeRoom' | 'newestStay' | 'movesHere' | 'movesLater' | 'popInstead' | 'imapInstead'
  /** What would have been a choice, but was not found for this address. */
  missing: AccountKind | null
}

/** IMAP unless mail is to leave the provider; where only one of them was found, that one. */
export const recommendKind = (answers: Answers, isFound: Record<AccountKind, boolean>): Recommendation => {
  const { kind, policy, reason } = suiting(answers)
  const missing = isFound.imap === isFound.pop3 ? null : isFound.imap ? 'pop3' : 'imap'
  if (missing !== kind) return { kind, policy, reason, missing }
  return kind === 'imap'
    ? { kind: 'pop3', policy, reason: 'popInstead', missing }
    : { kind: 'imap', policy, reason: 'imapInstead', missing }
}

const suiting = ({ devices, stays, isSpaceShort }: Answers): Omit<Recommendation, 'missing'> => {
  const isAlone = devices === 'one'
  if (!stays)
    return isAlone
      ? { kind: 'pop3', policy: { kind: 'afterDownload' }, reason: 'movesHere' }
      : { kind: 'pop3', policy: { kind: 'afterDays', days: 30 }, reason: 'movesLater' }
  if (!isSpaceShort) return { kind: 'imap', policy: { kind: 'keep' }, reason: isAlone ? 'atOnce' : 'inStep' }
  // The other devices would lose sight of what is removed there.
  const policy: ServerPolicy = { kind: 'newest', count: 1000 }
  return isAlone ? { kind: 'pop3', policy, reason: 'newestStay' } : { kind: 'imap', policy, reason: 'makeRoom' }
}

/** Why what is chosen is recommended, or what it means to choose something else. */
export const meaningOf = (
  chosen: { kind: AccountKind; policy: ServerPolicy['kind'] },
  recommended: Recommendation,
): Recommendation['reason'] | 'keptHere' => {
  if (chosen.kind !== recommended.kind) return recommended.kind === 'imap' ? 'popInstead' : 'imapInstead'
  return chosen.kind === 'pop3' && chosen.policy !== recommended.policy.kind ? 'keptHere' : recommended.reason
}
