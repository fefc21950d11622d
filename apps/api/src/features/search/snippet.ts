import { cjk, tokensOf } from '#mail/tokenize.ts'

const open = '\ue000'
const close = '\ue001'
/** Few enough characters before the found word that it is in sight in a narrow list, too. */
const before = 24
const after = 160
const cjkOrNot = new RegExp(`${cjk.source}+|[^${cjk.source.slice(1)}+`, 'g')

/**
 * A piece of the text around the first found word, with every found word in it between U+E000 and U+E001. Fifty are made
 * for each search, of texts that may be long, so only the piece is cleaned and marked.
 */
export const snippetOf = (text: string, words: string[]): string => {
  const at = firstHit(text, words)
  if (at < 0) return clean(text.slice(0, after))
  const from = startBefore(text, at)
  const to = Math.min(text.length, at + after)
  return `${from > 0 ? '…' : ''}${markWords(text.slice(from, to), words)}${to < text.length ? '…' : ''}`
}

/** A line with every found word marked. */
export const markWords = (line: string, words: string[]): string =>
  clean(line).replace(/[\p{L}\p{N}]+/gu, (run) => markRun(run, words))

/** A little before the hit, at the beginning of a word where there is one; less where there is none: such signs are wide. */
const startBefore = (text: string, at: number): number => {
  if (at <= before) return 0
  const lead = text.slice(at - before, at)
  const space = lead.search(/\s(?=\S)/)
  return at - before + (space < 0 ? before / 2 : space + 1)
}

/** A word is marked whole; where words have no spaces between them, exactly the characters that were looked for. */
const markRun = (run: string, words: string[]): string => {
  if (!cjk.test(run)) return isWordFound(run, words) ? `${open}${run}${close}` : run
  const pieces = run.match(cjkOrNot) ?? []
  return pieces.map((piece) => (cjk.test(piece) ? markPairs(piece, words) : markRun(piece, words))).join('')
}

const markPairs = (run: string, words: string[]): string => {
  const characters = [...run]
  const isMarked = characters.map(() => false)
  characters.forEach((character, index) => {
    const pair = character + (characters[index + 1] ?? '')
    if (isWordFound(pair, words)) isMarked.fill(true, index, index + 2)
    else if (isWordFound(character, words)) isMarked[index] = true
  })
  return characters
    .map((character, index) => {
      const begins = isMarked[index] && !isMarked[index - 1]
      const ends = isMarked[index] && !isMarked[index + 1]
      return `${begins ? open : ''}${character}${ends ? close : ''}`
    })
    .join('')
}

const isWordFound = (word: string, words: string[]): boolean => tokensOf(word).some((token) => isFound(token, words))

const clean = (text: string): string =>
  text
    // Halves of characters are left where a text is cut.
    .replace(/[\ue000\ue001]|\p{Cs}/gu, '')
    .replace(/\s+/g, ' ')

const isPrefix = (wanted: string): boolean => wanted.length > 2
const isFound = (token: string, words: string[]): boolean =>
  words.some((wanted) => token === wanted || (isPrefix(wanted) && token.startsWith(wanted)))

const other = 'A-Za-z0-9\u0080-\uffff'
const needsFolding = new RegExp(`[A-Za-z0-9]*[\u0080-\uffff][${other}]*`, 'g')

/** Latin in any guise: no other script folds into a plain word. */
const mayBecomePlain = /[a-z0-9\u00aa-\u024f\u1e00-\u1eff\u2070-\u218f\u2460-\u24ff\ufb00-\ufb06\uff10-\uff5a]/i

/** Where the first found word begins; most texts are settled by one regular expression, without cutting them into words. */
const firstHit = (text: string, words: string[]): number => {
  const plain = words.filter((wanted) => /^[a-z0-9]+$/.test(wanted))
  if (plain.length > 0) {
    const ends = plain.map((wanted) => (isPrefix(wanted) ? wanted : `${wanted}(?![${other}])`))
    const hit = new RegExp(`(?<![${other}])(?:${ends.join('|')})`, 'i').exec(text)
    if (hit) return hit.index
  }
  const direct = words.filter((wanted) => cjk.test(wanted)).map((wanted) => text.indexOf(wanted))
  const first = Math.min(...direct.filter((at) => at >= 0))
  if (first < text.length) return first
  const isAllPlain = plain.length === words.length
  for (const match of text.matchAll(needsFolding))
    if ((!isAllPlain || mayBecomePlain.test(match[0])) && isWordFound(match[0], words)) return match.index
  return -1
}
