/**
 * The one tokeniser: it makes the search vector and the query, so that both always agree. No language is assumed: words
 * are folded (NFKC, lower case, accents off) and cut at everything that is neither letter nor digit; Chinese, Japanese
 * and Korean runs, which have no spaces, become pairs of characters.
 */
const maxTokenLength = 64
const maxDistinctTokens = 6000
const maxPositionsPerToken = 16
const maxPosition = 16_383

const cjk =
  /[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]/
const anyWord = /[\p{L}\p{N}]+/gu

const fold = (text: string): string => {
  if (/^[\x00-\x7f]*$/.test(text)) return text.toLowerCase()
  return text
    .normalize('NFKD')
    .replace(/(?<=[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{M}+/gu, '')
    .normalize('NFKC')
    .toLowerCase()
    .replace(/ß/g, 'ss')
    .replace(/ø/g, 'o')
    .replace(/ł/g, 'l')
    .replace(/đ/g, 'd')
    .replace(/æ/g, 'ae')
    .replace(/œ/g, 'oe')
    .replace(/ı/g, 'i')
    .replace(/ς/g, 'σ')
}

const pairs = (run: string): string[] => {
  const characters = [...run]
  if (characters.length === 1) return characters
  return characters.slice(0, -1).map((character, index) => character + characters[index + 1])
}

const splitCjk = (word: string): string[] => {
  if (!cjk.test(word)) return [word]
  const parts: string[] = []
  let run = ''
  let other = ''
  for (const character of word) {
    if (cjk.test(character)) {
      if (other) parts.push(other)
      other = ''
      run += character
    } else {
      if (run) parts.push(...pairs(run))
      run = ''
      other += character
    }
  }
  if (run) parts.push(...pairs(run))
  if (other) parts.push(other)
  return parts
}

/** Runs that hold no separator we could know without folding: ASCII letters and digits, and anything beyond ASCII. */
const run = /[A-Za-z0-9\u0080-\uffff]+/g
const isAsciiText = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}

/** Tokens in order, folded; a token is at most 64 characters. */
export const tokensOf = (text: string): string[] => {
  const tokens: string[] = []
  for (const part of text.match(run) ?? []) {
    // Folding is slow, and most words of most mails have nothing to fold.
    if (isAsciiText(part)) tokens.push(part.slice(0, maxTokenLength).toLowerCase())
    else
      for (const word of fold(part).match(anyWord) ?? [])
        for (const token of splitCjk(word)) tokens.push(token.slice(0, maxTokenLength).toWellFormed())
  }
  return tokens
}

/** A token is letters and digits only, so nothing in it needs escaping. */
const quote = (token: string): string => `'${token}'`

export type IndexedText = { subject: string; people: string; attachments: string; body: string }

/** The text of a tsvector: subject weighs A, people B, attachment names C, body D. */
export const indexVector = ({ subject, people, attachments, body }: IndexedText): string => {
  const found = new Map<string, { positions: string; count: number }>()
  let position = 0
  const add = (text: string, weight: string) => {
    for (const token of tokensOf(text)) {
      position = Math.min(position + 1, maxPosition)
      const entry = found.get(token)
      if (entry) {
        if (entry.count++ < maxPositionsPerToken) entry.positions += `,${position}${weight}`
      } else if (found.size < maxDistinctTokens) found.set(token, { positions: `${position}${weight}`, count: 1 })
    }
    // A gap, so that a phrase never runs from one field into the next.
    position = Math.min(position + 10, maxPosition)
  }
  add(subject, 'A')
  add(people, 'B')
  add(attachments, 'C')
  add(body, '')
  return Array.from(found, ([token, { positions }]) => `${quote(token)}:${positions}`).join(' ')
}

/** `tokens` stand next to each other; `isPrefix` lets the last one go on. */
export type QueryTerm = { tokens: string[]; isPrefix: boolean; isExcluded: boolean }

/** What a person typed: words are all wanted, "phrases" stand together, -words must be missing, the last word may go on. */
export const parseQuery = (input: string): QueryTerm[] => {
  const terms: QueryTerm[] = []
  for (const match of input.slice(0, 500).matchAll(/(-?)"([^"]*)"?|(-?)(\S+)/g)) {
    const isPhrase = match[2] !== undefined
    const tokens = tokensOf(match[2] ?? match[4] ?? '')
    if (tokens.length > 0)
      terms.push({
        tokens,
        isPrefix: false,
        isExcluded: (match[1] ?? match[3]) === '-' && (isPhrase || (match[4] ?? '').length > 0),
      })
  }
  const last = terms.at(-1)
  if (last && !last.isExcluded && !/["\s]$/.test(input)) last.isPrefix = true
  return terms.slice(0, 32)
}

/** Text for `::tsquery`, valid for any input; null when nothing is asked for (no word, or only excluded ones). */
export const toTsquery = (terms: QueryTerm[]): string | null => {
  if (!terms.some((term) => !term.isExcluded)) return null
  return terms
    .map(({ tokens, isPrefix, isExcluded }) => {
      const phrase = tokens
        .map((token, index) => quote(token) + (isPrefix && index === tokens.length - 1 ? ':*' : ''))
        .join(' <-> ')
      return `${isExcluded ? '!' : ''}(${phrase})`
    })
    .join(' & ')
}
