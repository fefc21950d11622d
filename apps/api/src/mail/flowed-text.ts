import { signatureMark } from '@postern/shared/written-lines.ts'

/**
 * Plain text as `format=flowed` (RFC 3676, without DelSp): a line that ends with a space goes on in the next one, so that
 * every reader breaks paragraphs by its own width. Lines end with CRLF.
 */

/** Longer lines are broken where a space is; what has none stays whole. */
const width = 76
/** A line that is quoted so deep that its marks leave less room stays whole, too: each piece would repeat them. */
const leastRoom = 20

export const toFlowed = (text: string): string =>
  text.replace(/\r\n?/g, '\n').split('\n').flatMap(flowLine).join('\r\n')

const flowLine = (line: string): string[] => {
  const [, marks = '', rest = ''] = /^((?:>[ ]?)*)(.*)$/s.exec(line) ?? []
  const quote = marks.replaceAll(' ', '')
  // RFC 3676 4.3: it is never flowed, and keeps its space.
  if (rest === signatureMark) return [quote + stuffed(quote, rest)]
  // A space at the end would say that the next line belongs to it.
  const whole = rest.trimEnd()
  const room = width - quote.length - 2
  const lines: string[] = []
  let from = 0
  while (room >= leastRoom && whole.length - from > room) {
    const within = whole.lastIndexOf(' ', from + room - 1)
    const at = within > from ? within : whole.indexOf(' ', from + room)
    if (at < 0) break
    // All spaces of a run stay in front of the break.
    const end = at + spacesAt(whole, at)
    lines.push(whole.slice(from, end))
    from = end
  }
  lines.push(whole.slice(from))
  return lines.map((one) => quote + stuffed(quote, one))
}

const spacesAt = (text: string, at: number): number => {
  let end = at
  while (text[end] === ' ') end++
  return end - at
}

/** What could be taken for a quote, or be changed on its way, gets a space in front (RFC 3676 4.4). */
const stuffed = (quote: string, line: string): string => (quote !== '' || /^( |>|From )/.test(line) ? ` ${line}` : line)
