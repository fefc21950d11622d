/**
 * The one tokeniser: vector (search-vector.ts) and query are made of its tokens, so that both always agree. No language is assumed: words
 * are folded (NFKC, lower case, accents off) and cut at everything that is neither letter nor digit; Chinese, Japanese
 * and Korean runs, which have no spaces, become pairs of characters.
 */
export const maxTokenLength = 64

/** Characters of scripts that put no spaces between words. */
export const cjk =
  /[\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3040-\u30ff\u3100-\u312f\u31a0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff]/
const anyWord = /[\p{L}\p{N}]+/gu

const fold = (text: string): string => {
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

/** Folding is slow, and words come again: those of the last texts are remembered. */
const foldedRuns = new Map<string, string[]>()
const maxFoldedRuns = 4000
const maxRememberedLength = 40

const foldedTokens = (run: string): string[] => {
  const known = foldedRuns.get(run)
  if (known) return known
  const tokens = (fold(run).match(anyWord) ?? [])
    .flatMap(splitCjk)
    .map((token) => token.slice(0, maxTokenLength).toWellFormed())
  if (run.length > maxRememberedLength) return tokens
  if (foldedRuns.size === maxFoldedRuns) foldedRuns.clear()
  foldedRuns.set(run, tokens)
  return tokens
}

/** A word of ASCII letters and digits is told by its place, in whatever case; any other as its tokens, folded. */
export type TokenSink = {
  onAscii: (text: string, from: number, to: number) => void
  onToken: (token: string) => void
}

/** Calls back with every token in order; a token is at most 64 characters. */
export const eachToken = (text: string, { onAscii, onToken }: TokenSink): void => {
  let start = -1
  let isAscii = true
  // Cut where ASCII has neither letter nor digit: what separates beyond ASCII is known only after folding.
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x20
    const lower = code | 0x20
    if ((lower >= 0x61 && lower <= 0x7a) || (code >= 0x30 && code <= 0x39) || code > 127) {
      if (start < 0) {
        start = i
        isAscii = true
      }
      if (code > 127) isAscii = false
    } else if (start >= 0) {
      if (isAscii) onAscii(text, start, Math.min(i, start + maxTokenLength))
      else for (const token of foldedTokens(text.slice(start, i))) onToken(token)
      start = -1
    }
  }
}

/** Tokens in order, folded; a token is at most 64 characters. */
export const tokensOf = (text: string): string[] => {
  const tokens: string[] = []
  eachToken(text, {
    onAscii: (ascii, from, to) => tokens.push(ascii.slice(from, to).toLowerCase()),
    onToken: (token) => tokens.push(token),
  })
  return tokens
}

/** A token is letters and digits only, so nothing in it needs escaping. */
const quote = (token: string): string => `'${token}'`

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
