import { hash } from 'node:crypto'

/**
 * Identity and kinship of messages. Hashes are 128 bits, written as UUIDs so that Postgres keeps them in 16 bytes.
 */
const hashOf = (text: string): string => {
  const hex = hash('sha256', text, 'hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20, 32)}`
}

const maxReferences = 64

/** Ids in angle brackets, in order, each once; junk between them is left out. A bare id without brackets counts too. */
export const parseMessageIds = (header: string | null | undefined): string[] => {
  if (!header) return []
  const found = [...header.matchAll(/<([^<>\s]{1,998})>/g)].map((match) => match[1] ?? '')
  const bare = header.trim()
  if (found.length === 0 && /^[^\s<>]+$/.test(bare) && bare.slice(1, -1).includes('@')) found.push(bare)
  const unique = [...new Set(found)]
  // The first is the root, the last ones are the nearest: keep both ends of absurdly long chains.
  return unique.length <= maxReferences ? unique : [unique[0] ?? '', ...unique.slice(1 - maxReferences)]
}

export const messageIdHash = (messageId: string): string => hashOf(`id:${messageId.trim().replace(/^<|>$/g, '')}`)

/** Hashes of everything that ties this message to a conversation: its own id first, then In-Reply-To and References. */
export const referenceHashes = ({
  messageId,
  inReplyTo,
  references,
}: {
  messageId: string | null
  inReplyTo: string | null
  references: string | null
}): string[] => {
  const own = parseMessageIds(messageId).slice(0, 1)
  const others = [...parseMessageIds(references), ...parseMessageIds(inReplyTo)]
  return [...new Set([...own, ...others].map(messageIdHash))]
}

type Address = { address: string }
/** What of a listed message makes its identity. */
export type IdentityFacts = {
  /** EMAILID (RFC 8474) or X-GM-MSGID; then nothing else counts. */
  serverMessageId: string | null
  messageId: string | null
  sentAt: Date | null
  from: Address[]
  to: Address[]
  subject: string
  sizeBytes: number
  internalDate: Date | null
}

const addressText = (list: Address[]): string => list.map(({ address }) => address.toLowerCase()).join(',')

/** The same mail wherever it lies in one account; Message-ID alone never decides, a stranger can repeat it. */
export const identityKey = (facts: IdentityFacts): string => {
  if (facts.serverMessageId) return hashOf(`server:${facts.serverMessageId}`)
  const { messageId, sentAt, from, to, subject, sizeBytes, internalDate } = facts
  const day = (internalDate ?? new Date(0)).toISOString().slice(0, 10)
  return hashOf(
    JSON.stringify([
      messageId,
      sentAt?.toISOString() ?? null,
      addressText(from),
      addressText(to),
      subject,
      sizeBytes,
      day,
    ]),
  )
}

/** The identity of a mail that came as it is, by the SHA-256 of its octets. */
export const identityOfOctets = (rawHash: Buffer): string => hashOf(`octets:${rawHash.toString('hex')}`)

const oldest = Date.UTC(1990, 0, 1)

/**
 * The sort date: when a mail was received (INTERNALDATE, or what mail/arrival-envelope.ts makes of a mail that came as it
 * is), clamped to 1990 .. tomorrow, so that a broken clock cannot pin it to either end.
 */
export const sortDate = (received: Date | null, now: Date): Date => {
  const latest = now.getTime() + 86_400_000
  const at = received?.getTime() ?? Number.NaN
  return new Date(Number.isNaN(at) ? now.getTime() : Math.min(latest, Math.max(oldest, at)))
}
