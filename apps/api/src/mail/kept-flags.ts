import { ANSWERED, DELETED, DRAFT, FLAGGED, type Flags, parseFlags, SEEN } from './flags.ts'

/** What programs that keep mail in files say of it beside its octets, which stay as they are. */

const letters: Record<string, number> = { S: SEEN, R: ANSWERED, F: FLAGGED, T: DELETED, D: DRAFT }

/** The info part of a file's name in a Maildir, `:2,FS`, where a file system allows no colon `;2,FS` or `!2,FS`; null: none. */
export const flagsOfFileName = (name: string): Flags | null => {
  const info = /[:;!]2,([A-Za-z]*)$/.exec(name)?.[1]
  if (info === undefined) return null
  const bits = [...info].reduce((sum, letter) => sum | (letters[letter] ?? 0), 0)
  return { bits, keywords: info.includes('P') ? ['$Forwarded'] : [] }
}

/**
 * Of a mail in an mbox: Status and X-Status of Unix programs, X-Mozilla-Status and its keywords of Thunderbird, the labels
 * of an export out of Gmail.
 */
export const flagsOfHeader = (header: Buffer): Flags => {
  const text = header.toString('latin1')
  const field = (name: string) =>
    new RegExp(`^${name}:((?:.*\\r?\\n[ \\t])*.*)`, 'im').exec(text)?.[1]?.replace(/\s+/g, ' ').trim() ?? null
  const status = field('Status') ?? ''
  const more = field('X-Status') ?? ''
  const mozilla = Number.parseInt(field('X-Mozilla-Status') ?? '0', 16) || 0
  const labels = field('X-Gmail-Labels')?.split(/,\s*/) ?? null
  const is = (bit: number, claim: boolean) => (claim ? bit : 0)
  const bits =
    is(SEEN, status.includes('R') || (mozilla & 1) !== 0 || (labels !== null && !labels.includes('Unread'))) |
    is(ANSWERED, more.includes('A') || (mozilla & 2) !== 0) |
    is(FLAGGED, more.includes('F') || (mozilla & 4) !== 0 || labels?.includes('Starred') === true) |
    is(DRAFT, more.includes('T')) |
    is(DELETED, more.includes('D') || (mozilla & 8) !== 0)
  const keywords = (field('X-Mozilla-Keys') ?? '').split(' ').filter((word) => /^[\w$.-]{1,64}$/.test(word))
  if ((mozilla & 0x1000) !== 0) keywords.push('$Forwarded')
  return { bits, keywords: parseFlags(keywords).keywords }
}
