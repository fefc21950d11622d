import { tokensOf } from '#mail/tokenize.ts'

const open = '\ue000'
const close = '\ue001'
const reach = 80

/** A piece of the text around the first found word, with every found word between U+E000 and U+E001. */
export const snippetOf = (text: string, words: string[]): string => {
  const clean = text.replace(/[\ue000\ue001]/g, '').replace(/\s+/g, ' ')
  const marked = markWords(clean, words)
  const at = marked.indexOf(open)
  if (at < 0) return clean.slice(0, 2 * reach)
  const from = Math.max(0, at - reach)
  const piece = marked.slice(from, at + 2 * reach)
  // A mark cut in half is closed, so that the reader never runs on.
  const isOpen = piece.lastIndexOf(open) > piece.lastIndexOf(close)
  return `${from > 0 ? '…' : ''}${piece.toWellFormed()}${isOpen ? close : ''}${at + 2 * reach < marked.length ? '…' : ''}`
}

const markWords = (text: string, words: string[]): string =>
  text.replace(/[\p{L}\p{N}]+/gu, (word) => {
    const tokens = tokensOf(word)
    return tokens.some((token) =>
      words.some((wanted) => token === wanted || (wanted.length > 2 && token.startsWith(wanted))),
    )
      ? `${open}${word}${close}`
      : word
  })
