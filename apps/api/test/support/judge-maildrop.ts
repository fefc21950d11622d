import { createHash } from 'node:crypto'
import type { Seen } from './watched-wire.ts'

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

export type Verdict = {
  /** RETR of a mail of which the row in the ledger was committed before. */
  fetchedAgain: number
  /** DELE of a mail of which row and octets were not on disk, or in the session that fetched it. */
  earlyDele: number
  deles: number
}

/**
 * What an engine did to a maildrop, by nothing but what it said to the two servers and in which order. Mails are known by
 * their unique-ids, and these by the listing of each session.
 */
export const judgeMaildrop = (seen: readonly Seen[]): Verdict => {
  const verdict: Verdict = { fetchedAgain: 0, earlyDele: 0, deles: 0 }
  const names = new Map<number, Map<string, string>>()
  const fetched = new Map<string, { hash: string; session: number }>()
  const ledger = new CommittedMails()
  const nameOf = (session: number, line: string): string => names.get(session)?.get(line.split(' ')[1] ?? '') ?? ''
  for (const event of seen) {
    if (event.kind === 'commit') ledger.commit(event.values, event.isSynchronous)
    else if (event.kind === 'answer') {
      const { session, command, lines } = event
      if (command === 'UIDL') names.set(session, new Map(lines.map((line) => splitOnce(line))))
      if (!event.isOk || !command.startsWith('RETR')) continue
      const octets = Buffer.from(lines.map((line) => `${line.replace(/^\./, '')}\r\n`).join(''), 'latin1')
      const uid = nameOf(session, command)
      fetched.set(uid, { session, hash: ledger.expect(uid, octets) })
    } else if (event.line.startsWith('RETR')) {
      if (ledger.isClosed(nameOf(event.session, event.line))) verdict.fetchedAgain++
    } else if (event.line.startsWith('DELE')) {
      verdict.deles++
      const uid = nameOf(event.session, event.line)
      const mail = fetched.get(uid)
      const isDue = mail && mail.session !== event.session && ledger.isClosed(uid) && ledger.isOnDisk(mail.hash)
      if (!isDue) verdict.earlyDele++
    }
  }
  return verdict
}

const splitOnce = (line: string): [string, string] => {
  const at = line.indexOf(' ')
  return [line.slice(0, at), line.slice(at + 1)]
}

/** Values shorter than this are no piece of a mail. */
const leastPiece = 1024

/** Which mails the transactions that were committed hold. */
class CommittedMails {
  readonly #octets = new Map<string, Buffer>()
  /** Unique-ids that were fetched and await their row, by the hash of the mail; in the order they came. */
  readonly #waiting = new Map<string, string[]>()
  readonly #closed = new Set<string>()
  readonly #written = new Set<string>()
  readonly #onDisk = new Set<string>()
  readonly #pieces: Buffer[] = []

  /** A mail came whole: its octets and its row are to follow. Answers its hash. */
  expect(uid: string, octets: Buffer): string {
    const hash = sha256(octets)
    this.#octets.set(hash, octets)
    this.#waiting.set(hash, [...(this.#waiting.get(hash) ?? []).filter((other) => other !== uid), uid])
    return hash
  }

  commit(values: Buffer[], isSynchronous: boolean): void {
    this.#pieces.push(...values.filter(({ length }) => length >= leastPiece))
    for (const [hash, octets] of this.#octets) {
      // As many rows as the statement that closes them names this hash.
      const rows = Math.max(0, ...values.map((value) => countOf(value, hash)))
      for (const uid of this.#waiting.get(hash)?.splice(0, rows) ?? []) this.#closed.add(uid)
      if (!this.#written.has(hash) && (holds(values, octets) || this.#isInPieces(octets))) this.#written.add(hash)
    }
    if (isSynchronous) for (const hash of this.#written) this.#onDisk.add(hash)
  }

  isClosed(uid: string): boolean {
    return this.#closed.has(uid)
  }

  isOnDisk(hash: string): boolean {
    return this.#onDisk.has(hash)
  }

  /** One behind the other; those of an attempt that died may be cut elsewhere. */
  #isInPieces(octets: Buffer): boolean {
    const ends = new Set([0])
    for (const piece of this.#pieces)
      for (const at of [...ends]) if (octets.subarray(at, at + piece.length).equals(piece)) ends.add(at + piece.length)
    return ends.has(octets.length)
  }
}

/** As a value of its own, or as the driver writes it into an array of them. */
const holds = (values: Buffer[], octets: Buffer): boolean => {
  const hex = octets.toString('hex')
  return values.some((value) => value.length >= octets.length && (value.includes(octets) || value.includes(hex)))
}

const countOf = (value: Buffer, word: string): number => {
  let count = 0
  for (let at = value.indexOf(word); at >= 0; at = value.indexOf(word, at + word.length)) count++
  return count
}
