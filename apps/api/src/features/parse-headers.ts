import { decodeCharset, decodeWords } from '#mail/decode-part.ts'
import { displayLine } from '#mail/storable-text.ts'

const maxFields = 1000
const maxValue = 10_000

/**
 * Header fields in order, unfolded (RFC 5322 2.2.3), encoded words decoded, without the white space after the colon; what
 * has no colon is left out.
 */
export const parseHeaders = (head: Buffer): { name: string; value: string }[] => {
  const text = head.toString('latin1')
  const end = /\r?\n\r?\n/.exec(text)
  const block = end ? text.slice(0, end.index) : text
  return block
    .replace(/\r?\n(?=[ \t])/g, '')
    .split(/\r?\n/)
    .flatMap((line) => {
      const colon = line.indexOf(':')
      if (colon < 1) return []
      const value = decodeCharset(Buffer.from(line.slice(colon + 1), 'latin1'), '')
      return [{ name: line.slice(0, colon).trim(), value: displayLine(decodeWords(value.trim()), maxValue) }]
    })
    .slice(0, maxFields)
}
