import { type Correspondent, dateHeader, headerLines } from './compose-message.ts'
import { withCrlf } from './crlf-buffer.ts'
import { maxHeaderBytes } from './read-envelope.ts'

/** A mail as it came, on its way to somebody else. */
export type Redirection = {
  from: Correspondent
  to: Correspondent[]
  cc: Correspondent[]
  date: Date
  zoneMinutes: number
  /** With its brackets; the mail keeps its own. */
  messageId: string
  source: AsyncIterable<Uint8Array>
}

/**
 * The octets of a mail that is redirected: who redirects it to whom, and below that the mail, unchanged but for what it says of blind
 * copies, which is nobody's business, and line ends that are none in mail. RFC 5322 3.6.6. Throws request.invalid.
 */
export async function* redirectMessage(redirection: Redirection): AsyncGenerator<Buffer> {
  const { from, to, cc, date, zoneMinutes, messageId, source } = redirection
  yield headerLines([
    { key: 'Resent-Date', value: dateHeader(date, zoneMinutes) },
    { key: 'Resent-From', people: [from] },
    { key: 'Resent-To', people: to },
    { key: 'Resent-Cc', people: cc },
    { key: 'Resent-Message-ID', value: messageId },
  ])
  yield* withoutBlindCopies(withCrlf(source))
}

async function* withoutBlindCopies(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let header: Buffer | null = Buffer.alloc(0)
  for await (const piece of source) {
    if (header === null) {
      yield piece
      continue
    }
    header = Buffer.concat([header, piece])
    const end = header.indexOf('\r\n\r\n')
    if (end < 0 && header.length < maxHeaderBytes) continue
    yield strip(header, end < 0 ? header.length : end + 2)
    header = null
  }
  if (header !== null) yield strip(header, header.length)
}

const strip = (octets: Buffer, headerLength: number): Buffer => {
  const header = octets.subarray(0, headerLength).toString('latin1')
  const kept = header.replace(/^(?:Resent-)?Bcc[ \t]*:.*(?:\r\n[ \t].*)*(?:\r\n|$)/gim, '')
  return kept.length === header.length
    ? octets
    : Buffer.concat([Buffer.from(kept, 'latin1'), octets.subarray(headerLength)])
}
