/**
 * The one tokeniser: it makes the search vector and the query, so that both always agree. No language is assumed: words
 * are folded (NFKC, lower case, accents off) and cut at everything that is neither letter nor digit; Chinese, Japanese
 * and Korean runs, which have no spaces, become pairs of characters.
 */
const maxTokenLength = 64
const maxDistinctTokens = 6000
const maxPositionsPerToken = 16
const maxPosition = 16_383

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

/** Calls back with every token in order, folded; a token is at most 64 characters. */
const eachToken = (text: string, onToken: (token: string) => void): void => {
  let start = -1
  let hasUpper = false
  let isAscii = true
  // Cut where ASCII has neither letter nor digit: what separates beyond ASCII is known only after folding.
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x20
    const isLower = (code >= 0x61 && code <= 0x7a) || (code >= 0x30 && code <= 0x39)
    const isUpper = code >= 0x41 && code <= 0x5a
    if (isLower || isUpper || code > 127) {
      if (start < 0) {
        start = i
        hasUpper = false
        isAscii = true
      }
      if (isUpper) hasUpper = true
      else if (code > 127) isAscii = false
    } else if (start >= 0) {
      if (isAscii) {
        const token = text.slice(start, Math.min(i, start + maxTokenLength))
        onToken(hasUpper ? token.toLowerCase() : token)
      } else for (const token of foldedTokens(text.slice(start, i))) onToken(token)
      start = -1
    }
  }
}

/** Tokens in order, folded; a token is at most 64 characters. */
export const tokensOf = (text: string): string[] => {
  const tokens: string[] = []
  eachToken(text, (token) => tokens.push(token))
  return tokens
}

/** A token is letters and digits only, so nothing in it needs escaping. */
const quote = (token: string): string => `'${token}'`

export type IndexedText = { subject: string; people: string; attachments: string; body: string }

/** Weights as a tsvector keeps them: in the two bits above a position. */
const weights = { A: 3 << 14, B: 2 << 14, C: 1 << 14, D: 0 }
/** A tsvector holds at most 1 MiB; a mail of more different words is found by its first ones. */
const maxVectorBytes = 900_000

/** Working memory of the one vector that is being made; it is made in one go, so there is never a second. */
const room = {
  /** Per distinct token: its first and last occurrence, and how many are kept. */
  first: new Int32Array(maxDistinctTokens),
  last: new Int32Array(maxDistinctTokens),
  count: new Uint8Array(maxDistinctTokens),
  /** Per kept occurrence: its position with the weight, and the next of the same token. */
  place: new Uint16Array(maxDistinctTokens * maxPositionsPerToken),
  next: new Int32Array(maxDistinctTokens * maxPositionsPerToken),
  out: Buffer.allocUnsafeSlow(128 * 1024),
}

/**
 * A tsvector in PostgreSQL's binary form (tsvectorrecv): the number of lexemes, then each with a NUL, the number of its
 * positions and these. Subject weighs A, people B, attachment names C, body D. As text it would cost both sides more.
 */
export const indexVector = ({ subject, people, attachments, body }: IndexedText): Buffer => {
  const { first, last, count, place, next } = room
  const ids = new Map<string, number>()
  let position = 0
  let kept = 0
  let bytes = 4
  let weight = 0
  const onToken = (token: string) => {
    position = Math.min(position + 1, maxPosition)
    let id = ids.get(token)
    if (id === undefined) {
      if (ids.size === maxDistinctTokens || bytes > maxVectorBytes) return
      id = ids.size
      ids.set(token, id)
      first[id] = kept
      count[id] = 0
      // A character is at most three bytes.
      bytes += 3 * token.length + 3
    } else {
      const latest = last[id] ?? 0
      // Positions ascend; the last one possible is kept once.
      if (count[id] === maxPositionsPerToken || ((place[latest] ?? 0) & maxPosition) === position) return
      next[latest] = kept
    }
    place[kept] = weight | position
    last[id] = kept++
    count[id] = (count[id] ?? 0) + 1
    bytes += 2
  }
  const add = (text: string, of: number) => {
    weight = of
    eachToken(text, onToken)
    // A gap, so that a phrase never runs from one field into the next.
    position = Math.min(position + 10, maxPosition)
  }
  add(subject, weights.A)
  add(people, weights.B)
  add(attachments, weights.C)
  add(body, weights.D)

  // Far more than there will be, so it is written elsewhere first: `bytes` counts three for each character.
  const out = bytes <= room.out.length ? room.out : Buffer.allocUnsafe(bytes)
  let at = out.writeInt32BE(ids.size, 0)
  for (const [token, id] of ids) {
    at += writeToken(out, token, at)
    out[at++] = 0
    const positions = count[id] ?? 0
    at = out.writeUInt16BE(positions, at)
    for (let n = 0, from = first[id] ?? 0; n < positions; n++, from = next[from] ?? 0)
      at = out.writeUInt16BE(place[from] ?? 0, at)
  }
  return Buffer.from(out.subarray(0, at))
}

/** Most tokens are a few ASCII letters: cheaper by hand than by a call. */
const writeToken = (out: Buffer, token: string, at: number): number => {
  for (let i = 0; i < token.length; i++) {
    const code = token.charCodeAt(i)
    if (code > 127) return out.write(token, at, 'utf8')
    out[at + i] = code
  }
  return token.length
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
