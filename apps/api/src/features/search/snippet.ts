import { tokensOf } from '#mail/tokenize.ts'

const open = '\ue000'
const close = '\ue001'
const reach = 80

/**
 * Makes a piece of a text around the first found word, with every found word in it between U+E000 and U+E001. Fifty are
 * made for each search, of texts that may be long, so only the piece is cleaned and marked, and what was found out about a
 * word serves all of them.
 */
export const snippetsOf = (words: string[]): ((text: string) => string) => {
  const isFoundWord = remember((word) => tokensOf(word).some((token) => isFound(token, words)))
  const firstHit = firstHitOf(words, isFoundWord)
  return (text) => {
    const at = firstHit(text)
    if (at < 0) return clean(text.slice(0, 2 * reach))
    const from = Math.max(0, at - reach)
    const to = Math.min(text.length, at + 2 * reach)
    const marked = clean(text.slice(from, to)).replace(/[\p{L}\p{N}]+/gu, (word) =>
      isFoundWord(word) ? `${open}${word}${close}` : word,
    )
    return `${from > 0 ? '…' : ''}${marked}${to < text.length ? '…' : ''}`
  }
}

const remember = (of: (word: string) => boolean): ((word: string) => boolean) => {
  const known = new Map<string, boolean>()
  return (word) => {
    const before = known.get(word)
    if (before !== undefined) return before
    const found = of(word)
    known.set(word, found)
    return found
  }
}

const clean = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\ue000\ue001]/g, '')
    .replace(/\s+/g, ' ')

const isPrefix = (wanted: string): boolean => wanted.length > 2
const isFound = (token: string, words: string[]): boolean =>
  words.some((wanted) => token === wanted || (isPrefix(wanted) && token.startsWith(wanted)))

const other = 'A-Za-z0-9\u0080-\uffff'
const needsFolding = new RegExp(`[A-Za-z0-9]*[\u0080-\uffff][${other}]*`, 'g')

/** Latin in any guise: no other script folds into a plain word. */
const mayBecomePlain = /[a-z0-9\u00aa-\u024f\u1e00-\u1eff\u2070-\u218f\u2460-\u24ff\ufb00-\ufb06\uff10-\uff5a]/i

/** Where the first found word begins; most texts are settled by one regular expression, without cutting them into words. */
const firstHitOf = (words: string[], isFoundWord: (word: string) => boolean): ((text: string) => number) => {
  const plain = words.filter((wanted) => /^[a-z0-9]+$/.test(wanted))
  const ends = plain.map((wanted) => (isPrefix(wanted) ? wanted : `${wanted}(?![${other}])`))
  const pattern = plain.length === 0 ? null : new RegExp(`(?<![${other}])(?:${ends.join('|')})`, 'i')
  const isAllPlain = plain.length === words.length
  return (text) => {
    const hit = pattern?.exec(text)
    if (hit) return hit.index
    for (const match of text.matchAll(needsFolding))
      if ((!isAllPlain || mayBecomePlain.test(match[0])) && isFoundWord(match[0])) return match.index
    return -1
  }
}
