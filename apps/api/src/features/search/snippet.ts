import { cjk, tokensOf } from '#mail/tokenize.ts'

const open = '\ue000'
const close = '\ue001'
/** Few enough characters before the found word that it is in sight in a narrow list, too. */
const before = 24
const after = 160
const cjkOrNot = new RegExp(`${cjk.source}+|[^${cjk.source.slice(1)}+`, 'g')

type Marker = {
  /** A piece of a text around the first found word. */
  snippetOf: (text: string) => string
  /** A whole line. */
  mark: (line: string) => string
}
type IsFound = (word: string) => boolean

/**
 * Puts every found word between U+E000 and U+E001. Fifty are made for each search, of texts that may be long, so only the
 * piece is cleaned and marked, and what was found out about a word serves all of them.
 */
export const markerOf = (words: string[]): Marker => {
  const isFoundWord = remember((word) => tokensOf(word).some((token) => isFound(token, words)))
  const firstHit = firstHitOf(words, isFoundWord)
  const mark = (line: string) => clean(line).replace(/[\p{L}\p{N}]+/gu, (run) => markRun(run, isFoundWord))
  const snippetOf = (text: string) => {
    const at = firstHit(text)
    if (at < 0) return clean(text.slice(0, after))
    const from = startBefore(text, at)
    const to = Math.min(text.length, at + after)
    return `${from > 0 ? '…' : ''}${mark(text.slice(from, to))}${to < text.length ? '…' : ''}`
  }
  return { snippetOf, mark }
}

const remember = (of: IsFound): IsFound => {
  const known = new Map<string, boolean>()
  return (word) => {
    const before = known.get(word)
    if (before !== undefined) return before
    const found = of(word)
    known.set(word, found)
    return found
  }
}

/** A little before the hit, at the beginning of a word where there is one; less where there is none: such signs are wide. */
const startBefore = (text: string, at: number): number => {
  if (at <= before) return 0
  const lead = text.slice(at - before, at)
  const space = lead.search(/\s(?=\S)/)
  return at - before + (space < 0 ? before / 2 : space + 1)
}

/** A word is marked whole; where words have no spaces between them, exactly the characters that were looked for. */
const markRun = (run: string, isFoundWord: IsFound): string => {
  if (!cjk.test(run)) return isFoundWord(run) ? `${open}${run}${close}` : run
  const pieces = run.match(cjkOrNot) ?? []
  return pieces.map((piece) => (cjk.test(piece) ? markPairs(piece, isFoundWord) : markRun(piece, isFoundWord))).join('')
}

const markPairs = (run: string, isFoundWord: IsFound): string => {
  const characters = [...run]
  const isMarked = characters.map(() => false)
  characters.forEach((character, index) => {
    const pair = character + (characters[index + 1] ?? '')
    if (isFoundWord(pair)) isMarked.fill(true, index, index + 2)
    else if (isFoundWord(character)) isMarked[index] = true
  })
  return characters
    .map((character, index) => {
      const begins = isMarked[index] && !isMarked[index - 1]
      const ends = isMarked[index] && !isMarked[index + 1]
      return `${begins ? open : ''}${character}${ends ? close : ''}`
    })
    .join('')
}

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

/** Where the first found word begins; most texts are settled by one search as they are, without cutting them into words. */
const firstHitOf = (words: string[], isFoundWord: IsFound): ((text: string) => number) => {
  const plain = words.filter((wanted) => /^[a-z0-9]+$/.test(wanted))
  const ends = plain.map((wanted) => (isPrefix(wanted) ? wanted : `${wanted}(?![${other}])`))
  const spaceless = words.filter((wanted) => cjk.test(wanted))
  const patterns = [
    plain.length === 0 ? null : new RegExp(`(?<![${other}])(?:${ends.join('|')})`, 'i'),
    spaceless.length === 0 ? null : new RegExp(spaceless.join('|')),
  ]
  const isAllPlain = plain.length === words.length
  return (text) => {
    for (const pattern of patterns) {
      const hit = pattern?.exec(text)
      if (hit) return hit.index
    }
    for (const match of text.matchAll(needsFolding))
      if ((!isAllPlain || mayBecomePlain.test(match[0])) && isFoundWord(match[0])) return match.index
    return -1
  }
}
