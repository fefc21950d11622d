import { isCommonFont } from './font-face.ts'

/**
 * A style sheet that says nothing of what is outside of `scope`, a class: within it everything means what it meant in a page of its
 * own, where `.scope` stands for `html` and its only child, a `div`, for `body`. Each selector gains one class, so that all rules keep
 * their order among themselves; what they declare is not touched. What cannot be held within goes: rules that are about the page,
 * names that mean something outside (font-face.ts), sheets from elsewhere that bring more than fonts, and what no browser could read
 * either. CSS Syntax 3.
 *
 * Programs read sheets in ways of their own. So no brace leaves that was not written here, and every selector begins with the scope: a
 * rule that somebody takes for longer than it is here reaches those that follow it, and nothing else.
 */
export const scopeSheet = (css: string, scope: string): string =>
  scopeRules(css, { from: 0, to: css.length, depth: 0, scope })

/** A class that this made before: such a selector is within a scope of its own already. */
const scopeClass = /^\.postern-quote-[0-9a-f]{8}(?![\w-])/
export const scopeName = (hash: string): string => `postern-quote-${hash.slice(0, 8)}`

type Range = { from: number; to: number; depth: number; scope: string }

const maxDepth = 8
/** Rules that hold others. */
const groups = /^(?:media|supports|layer|container|scope|document|-moz-document|starting-style)$/
/**
 * Rules that name something; `list` is what Word keeps its lists in. The names of `counter-style` and `property` are about the whole
 * page, also those that every page knows.
 */
const definitions = /^(?:font-face|font-feature-values|font-palette-values|list|page)$/
/** Where sheets come from that bring fonts and nothing else; whoever keeps others can change a mail after it was sent. */
const fontHosts = new Set(['fonts.googleapis.com', 'fonts.bunny.net', 'use.typekit.net', 'use.fontawesome.com'])
/** A backslash is part of a path here, and begins an escape in a sheet. */
export const isFontSheet = (address: string): boolean => {
  if (address.includes('\\')) return false
  const url = URL.parse(address.trim().replace(/^\/\//, 'https://'))
  return url?.protocol === 'https:' && fontHosts.has(url.host)
}
const imported = /^@import\s+(?:url\(\s*)?["']?([^"'()\s]+)["']?(?:\s*\))?\s*$/i

/** A brace of somebody else, or what could end the element: a program that reads the rule otherwise would read on outside. */
const isForeign = (text: string): boolean => /[{}]|<\//.test(text)
/** A space for each: what stands around one must not become one word. */
const withoutComments = (css: string): string =>
  css.replace(commentOrString, (found) => (found[0] === '/' ? ' ' : found))
const commentOrString =
  /"(?:[^"\\\n\r\f]|\\[\s\S])*"?|'(?:[^'\\\n\r\f]|\\[\s\S])*'?|url\([^"'()]*\)?|\/\*[\s\S]*?(?:\*\/|$)/gi
const keyframe = /^(?:from|to|[\d.%,\s])+$/i

const scopeRules = (css: string, { from, to, depth, scope }: Range): string => {
  const out: string[] = []
  if (depth > maxDepth) return ''
  for (let at = skip(css, from, to); at < to; at = skip(css, at, to)) {
    const isAtRule = css[at] === '@'
    const start = find(css, at, to, isAtRule ? '{;' : '{')
    const prelude = css.slice(at, start).trim()
    const [, name = ''] = /^@([\w-]+)/.exec(prelude.toLowerCase()) ?? []
    if (css[start] !== '{') {
      const isKept = name === 'layer' || isFontSheet(imported.exec(prelude)?.[1] ?? '')
      if (isKept && !isForeign(prelude)) out.push(`${prelude};`)
      at = start + 1
      continue
    }
    const end = find(css, start + 1, to, '}')
    const block = withoutComments(css.slice(start + 1, end))
    const inner = { from: start + 1, to: end, depth: depth + 1, scope }
    at = end + 1
    if (isForeign(prelude)) continue
    if (!isAtRule) {
      const selectors = isForeign(block) ? '' : scopeSelectors(prelude, scope)
      if (selectors !== '') out.push(`${selectors} {${block}}`)
    } else if (groups.test(name)) out.push(`${prelude} {${scopeRules(css, inner)}}`)
    else if (/keyframes$/.test(name)) out.push(`${prelude} {${keyframesIn(css, inner)}}`)
    // Without a name it is about every page that is printed.
    else if (
      definitions.test(name) &&
      !isForeign(block) &&
      !/^@page\s*(?::|$)/i.test(prelude) &&
      !(name === 'font-face' && isCommonFont(block))
    )
      out.push(`${prelude} {${block}}`)
  }
  return out.join('\n')
}

const keyframesIn = (css: string, { from, to }: Range): string => {
  const out: string[] = []
  for (let at = skip(css, from, to); at < to; at = skip(css, at, to)) {
    const start = find(css, at, to, '{')
    const end = find(css, start + 1, to, '}')
    const [prelude, block] = [css.slice(at, start).trim(), withoutComments(css.slice(start + 1, end))]
    if (keyframe.test(prelude) && !isForeign(block)) out.push(`${prelude} {${block}}`)
    at = end + 1
  }
  return out.join('\n')
}

/** To where the next rule begins. Old mails hide their sheets in a comment of HTML. */
const between = /(?:\s|\/\*[\s\S]*?(?:\*\/|$)|<!--|-->|[;}])+/y
const skip = (css: string, from: number, to: number): number => {
  between.lastIndex = from
  return Math.min(to, between.test(css) ? between.lastIndex : from)
}

/** What holds no bracket that counts. */
const opaque =
  /"(?:[^"\\\n\r\f]|\\[\s\S])*"?|'(?:[^'\\\n\r\f]|\\[\s\S])*'?|\/\*[\s\S]*?(?:\*\/|$)|\\[\s\S]?|url\(\s*(?!["'\s)])(?:\\[\s\S]|[^)\\])*\)?|[\w\s.#:%!>+~*=-]+?(?=url\(|[^\w\s.#:%!>+~*=-]|$)/iy
const closing: Record<string, string> = { '(': ')', '[': ']', '{': '}' }

/** Of the first of `wanted` that stands in no bracket, string or comment; else `to`. */
const find = (css: string, from: number, to: number, wanted: string): number => {
  const open: string[] = []
  for (let at = from; at < to; ) {
    const char = css[at] ?? ''
    if (open.length === 0 && wanted.includes(char)) return at
    opaque.lastIndex = at
    if (opaque.test(css)) {
      at = opaque.lastIndex
      continue
    }
    if (closing[char]) open.push(closing[char])
    else if (char === open.at(-1)) open.pop()
    at++
  }
  return to
}

const scopeSelectors = (prelude: string, scope: string): string => {
  const scoped: string[] = []
  for (let from = 0; from <= prelude.length; ) {
    const end = find(prelude, from, prelude.length, ',')
    const selector = withoutComments(prelude.slice(from, end)).trim()
    const held = selector === '' || /^[>+~]|&/.test(selector) ? '' : scopeSelector(selector, scope)
    // A list with a part that nobody can read is read by nobody.
    if (held === '') return ''
    scoped.push(held)
    from = end + 1
  }
  return scoped.join(', ')
}

const qualifiers = String.raw`(?:[.#][\w-]+|\[[^\]]*\]|::?[\w-]+(?:\([^()]*\))?)*`
/** The page itself, with whatever of it is asked for; and what of that follows. */
const root = new RegExp(String.raw`^(?:\*\s+)?(?:html|:root)(?![\w-])${qualifiers}(?=$|[\s>+~])\s*(?:>\s*)?`, 'i')
const body = new RegExp(String.raw`^body(?![\w-])(${qualifiers})`, 'i')

const scopeSelector = (selector: string, scope: string): string => {
  if (scopeClass.test(selector)) return selector
  const [page = ''] = root.exec(selector) ?? []
  const within = selector.slice(page.length)
  if (within === '') return `.${scope}`
  // Beside the page nothing is.
  if (/^[+~]/.test(within)) return ''
  const found = body.exec(within)
  return found ? `.${scope}>div${found[1]}${within.slice(found[0].length)}` : `.${scope} ${within}`
}
