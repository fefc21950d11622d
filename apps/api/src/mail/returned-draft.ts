import { Parser } from 'htmlparser2'
import { htmlPage, type Original, quotedClass, quotedHtml, withQuotedText, writtenClass } from './quote-original.ts'

/** The texts of a draft that lay in Drafts, where other programs may have written on it. */
export type ReturnedTexts = { text: string; html: string | null }

/**
 * Answers what a person wrote, when all else is this mail as our copy quoted it; null: it is not, or not as it was. `places`: where the
 * quote shows pictures that are within the mail, the Content-ID in the draft and the one in the mail, as they are written there.
 */
export type QuoteRemoval = (original: Original) => { own: ReturnedTexts; places: [string, string][] } | null

/** Longer and deeper ones are as they came: nobody waits for a comparison. */
const maxLength = 1_000_000
const maxDepth = 512

/**
 * For a draft that may quote a mail: takes that out again when it is unchanged for whoever reads it, whatever a program did to its
 * source, and nothing was written into it or below it. Null: it quotes nothing.
 */
export const readReturned = ({ text, html }: ReturnedTexts): QuoteRemoval | null => {
  if ((html ?? text).length > maxLength) return null
  if (html !== null) return readReturnedHtml(html)
  return /^(?:>|-{10} )/m.test(text) ? withoutQuotedText(text) : null
}

/** Of a copy that quotes nothing and that nobody changed, what stands in its page; else all of it. */
export const withoutPage = (html: string): string => {
  const [before = '', after = ''] = htmlPage('\0').split('\0')
  const isOurs = html.startsWith(before) && html.trimEnd().endsWith(after)
  return isOurs ? html.trimEnd().slice(before.length, -after.length) : html
}

const readReturnedHtml = (html: string): QuoteRemoval | null => {
  const quote = findElement(html, quotedClass)
  if (!quote || readingOf(html.slice(quote.to))?.words !== '') return null
  const quoted = readingOf(html.slice(quote.from, quote.to))
  if (!quoted) return null
  const above = html.slice(0, quote.from).replace(/^[\s\S]*<body\b[^<>]*>/i, '')
  const written = findElement(above, writtenClass)
  const isAll = written && readingOf(above.slice(0, written.from) + above.slice(written.to))?.words === ''
  const own = { text: '', html: isAll ? above.slice(written.innerFrom, written.innerTo) : above }
  return (original) => {
    // What the line above it says tells most mails apart.
    const line = readingOf(quotedHtml({ ...original, text: '', html: null }, null).content)
    if (!line || !quoted.words.startsWith(line.words)) return null
    const expected = readingOf(quotedHtml(original, null).content)
    if (quoted.all !== expected?.all) return null
    return { own, places: quoted.pictures.map((id, n) => [id, expected.pictures[n] ?? '']) }
  }
}

/** Lines may be broken elsewhere now, and quoted otherwise: words are compared. */
const withoutQuotedText = (text: string): QuoteRemoval => {
  const lines = text.split(/\r\n?|\n/).map((line) => ({ line, words: wordsOf(line) }))
  const all = wordsOf(text)
  return (original) => {
    const expected = wordsOf(withQuotedText('', original, null))
    if (!all.endsWith(expected)) return null
    let above = all.length - expected.length
    const at = lines.findIndex(({ words }) => {
      const isFirst = above === 0 && words !== ''
      above -= words.length
      return isFirst
    })
    const own = lines.slice(0, at).map(({ line }) => line)
    return at < 0 ? null : { own: { text: own.join('\n').trimEnd(), html: null }, places: [] }
  }
}

const wordsOf = (text: string): string => text.replace(/[\s>]+/g, '')

type Place = { from: number; to: number; innerFrom: number; innerTo: number }

/** The first element of this class; open to the end when nothing ends it. Null too when it lies too deep. */
const findElement = (html: string, wanted: string): Place | null => {
  let place: Place | null = null
  let depth = 0
  const parser: Parser = new Parser({
    onopentag: (_, { class: names = '' }) => {
      if (++depth > maxDepth) {
        place = null
        parser.pause()
      } else if (!place && names.split(/\s+/).includes(wanted)) {
        place = { from: parser.startIndex, to: html.length, innerFrom: parser.endIndex + 1, innerTo: html.length }
        depth = 1
      }
    },
    onclosetag: (_, isImplied) => {
      if (--depth !== 0 || !place) return
      place.innerTo = parser.startIndex
      place.to = isImplied ? parser.startIndex : parser.endIndex + 1
      // Nothing after it is looked at.
      parser.pause()
    },
  })
  parser.end(html)
  return place
}

/** Elements that programs add, take away and move as they like. */
const loose = /^(?:html|head|body|meta|title|link|base|style|script|tbody|colgroup|col|br)$/
const silent = new Set(['style', 'script', 'title'])

type Reading = { words: string; all: string; pictures: string[] }

/**
 * What a reader sees of it: words and pictures; and with all that they stand in. Spaces are not compared. `pictures`: the Content-IDs of
 * those within the mail, in their order. Null: too deep.
 */
const readingOf = (html: string): Reading | null => {
  const words: string[] = []
  const pictures: string[] = []
  const all: string[] = []
  let silence = 0
  let depth = 0
  let isTooDeep = false
  const parser: Parser = new Parser({
    onopentag: (name, { href, src }) => {
      if (++depth > maxDepth) {
        isTooDeep = true
        parser.pause()
      }
      if (silent.has(name)) silence++
      if (loose.test(name)) return
      all.push(name === 'a' ? `<a ${href?.trim() ?? ''}>` : `<${name}>`)
      if (name !== 'img') return
      // Pictures within the mail get other names.
      const shown = src?.trim() ?? '<img>'
      const isWithin = /^cid:/i.test(shown)
      if (isWithin) pictures.push(shown.slice('cid:'.length))
      for (const list of [words, all]) list.push(isWithin ? 'cid:' : shown)
    },
    ontext: (text) => {
      if (silence === 0) for (const list of [words, all]) list.push(text.replace(/\s+/g, ''))
    },
    onclosetag: (name) => {
      depth--
      if (silent.has(name)) silence--
    },
  })
  parser.end(html)
  return isTooDeep ? null : { words: words.join(''), all: all.join(''), pictures }
}
