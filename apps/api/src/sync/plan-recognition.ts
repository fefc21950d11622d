import type { HereMail } from '#store/switch-mail.ts'
import type { EnvelopeRow } from '#store/sync-envelopes.ts'

/**
 * Which of the mails that are here a mail at the new server is, when an account changes from POP3 to IMAP. Pure. Here the
 * octets are the identity, there are only the facts of an envelope; so what agrees in all of them is the same mail, what agrees
 * in some is looked at more closely, and a Message-ID alone never decides: anybody can repeat it.
 */
export type Recognition =
  | { kind: 'new' }
  | { kind: 'same'; messageId: bigint }
  /** The facts do not tell; their headers do. */
  | { kind: 'compareHeaders'; candidates: HereMail[] }
  /** One envelope and one size, and several texts. */
  | { kind: 'compareTexts'; candidates: HereMail[] }

type Listed = Pick<EnvelopeRow, 'uid' | 'refHashes' | 'hasOwnId' | 'subject' | 'people' | 'sentAt' | 'sizeBytes'>

/** `candidates`: the mails here that share its Message-ID; of those that have none, its size. */
export const planRecognition = (listed: Listed, mailboxId: bigint, candidates: HereMail[]): Recognition => {
  const ownId = ownIdOf(listed)
  const possible = candidates.filter(
    (here) =>
      here.messageIdHash === ownId && (ownId !== null || possibleSizes(listed.sizeBytes).includes(here.sizeBytes)),
  )
  // Ours, sent there a moment ago: some servers change what they are given.
  const sent = possible.find(
    ({ sentTo, sentFromUid }) => sentTo === mailboxId && sentFromUid !== null && listed.uid >= sentFromUid,
  )
  if (sent && ownId !== null) return { kind: 'same', messageId: sent.messageId }
  const agreeing = possible.filter((here) => agrees(listed, here))
  const [only, ...others] = agreeing
  if (only && others.length === 0) return { kind: 'same', messageId: only.messageId }
  if (only) return { kind: 'compareTexts', candidates: agreeing }
  return possible.length > 0 ? { kind: 'compareHeaders', candidates: possible } : { kind: 'new' }
}

/** POP3 ends every mail with a line end, also one that has none at the server, or half of one. RFC 1939 section 3. */
export const possibleSizes = (there: bigint): bigint[] => [0n, 1n, 2n, 3n].map((more) => there + more)

/** Null for a mail without a Message-ID. */
export const ownIdOf = ({ hasOwnId, refHashes }: Pick<Listed, 'hasOwnId' | 'refHashes'>): string | null =>
  hasOwnId ? (refHashes[0] ?? null) : null

/** Missing dates agree with nothing: what lacks a Message-ID as well is told by its header. */
const agrees = (listed: Listed, here: HereMail): boolean =>
  here.sizeBytes === listed.sizeBytes &&
  listed.sentAt !== null &&
  here.sentAt?.getTime() === listed.sentAt.getTime() &&
  here.subject === listed.subject &&
  addresses(here.from) === addresses(listed.people.from)

const addresses = (people: unknown[]): string =>
  people
    .map((person) => String(Object(person).address ?? '').toLowerCase())
    .sort()
    .join(',')

/** What servers write into the header of a mail while it lies with them. */
const written = /^(x-)?(status|uidl|keywords|mozilla-(status2?|keys)|imapbase|folder|evolution)[ \t]*:/i

/** Whether two headers are one, whatever their line ends, folding and the notes of servers. */
export const isSameHeader = (a: Buffer, b: Buffer): boolean => comparableHeader(a) === comparableHeader(b)

/** What is left of a header when that is left out, as latin1. IMAP gives 0x80 for NUL (RFC 9051 4.3). */
export const comparableHeader = (header: Buffer): string =>
  header
    .toString('latin1')
    .replaceAll('\0', '\x80')
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .map((line) => line.trimEnd())
    .filter((line) => line !== '' && !written.test(line))
    .join('\n')
