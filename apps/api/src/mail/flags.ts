/**
 * Flags of a message in a mailbox: RFC 9051 2.3.2 system flags as bits, everything else as keywords.
 * `\Recent` is left out: it says something about a session, not about the message.
 */
export const SEEN = 1
export const ANSWERED = 2
export const FLAGGED = 4
export const DELETED = 8
export const DRAFT = 16

const systemFlags: Record<string, number> = {
  '\\seen': SEEN,
  '\\answered': ANSWERED,
  '\\flagged': FLAGGED,
  '\\deleted': DELETED,
  '\\draft': DRAFT,
}
const bitNames: [number, string][] = [
  [SEEN, '\\Seen'],
  [ANSWERED, '\\Answered'],
  [FLAGGED, '\\Flagged'],
  [DELETED, '\\Deleted'],
  [DRAFT, '\\Draft'],
]
const maxKeywords = 64
const maxKeywordLength = 64

export type Flags = { bits: number; keywords: string[] }

/** What a server sent; unknown backslash flags are dropped, keywords are bounded, sorted and unique without case. */
export const parseFlags = (flags: Iterable<string>): Flags => {
  let bits = 0
  const keywords = new Map<string, string>()
  for (const flag of flags) {
    const bit = systemFlags[flag.toLowerCase()]
    if (bit !== undefined) bits |= bit
    else if (
      !flag.startsWith('\\') &&
      flag.length <= maxKeywordLength &&
      keywords.size < maxKeywords &&
      /^[\x21-\x7e]+$/.test(flag)
    )
      keywords.set(flag.toLowerCase(), flag)
  }
  return { bits, keywords: [...keywords.values()].sort() }
}

/** The names to send to a server for a mask. */
export const flagNames = (bits: number): string[] => bitNames.filter(([bit]) => bits & bit).map(([, name]) => name)

/** One pending intent about one placement, in the order given. */
export type PendingEffect = {
  addFlags: number
  removeFlags: number
  addKeywords: string[]
  removeKeywords: string[]
  toMailboxId: bigint | null
  isExpunge: boolean
}

export type ServerTruth = { mailboxId: bigint; bits: number; keywords: string[] }
export type Shown = { mailboxId: bigint | null; bits: number; keywords: string[] }

/**
 * What is shown: the server's truth with pending intents applied in order. A message some other program marked \Deleted
 * is hidden until it is unmarked.
 */
export const effectivePlacement = (truth: ServerTruth, pending: PendingEffect[]): Shown => {
  let { bits } = truth
  let keywords = truth.keywords
  let mailboxId: bigint | null = truth.mailboxId
  for (const effect of pending) {
    bits = (bits | effect.addFlags) & ~effect.removeFlags
    keywords = changeKeywords(keywords, effect.addKeywords, effect.removeKeywords)
    if (effect.toMailboxId !== null && mailboxId !== null) mailboxId = effect.toMailboxId
    if (effect.isExpunge) mailboxId = null
  }
  return { mailboxId: bits & DELETED ? null : mailboxId, bits, keywords }
}

const changeKeywords = (keywords: string[], add: string[], remove: string[]): string[] => {
  if (add.length === 0 && remove.length === 0) return keywords
  const gone = new Set([...add, ...remove].map((keyword) => keyword.toLowerCase()))
  return [...keywords.filter((keyword) => !gone.has(keyword.toLowerCase())), ...add].sort()
}
