/**
 * The style of a mail without anything that loads. The browser's own CSS parser reads it, so that no spelling of an address
 * (escapes, comments, nesting) is read differently here and there; what is not known to be harmless is left out.
 */
export type CssFrame = Window & typeof globalThis
/** Answers what stands for an address: another `url(...)`, a `var(...)`, or null when the declaration has to go. */
export type PutUrl = (url: string) => string | null

/** Functions that fetch, by name; CSSOM writes them without escapes. */
const loads = /(?:url|src|image|image-set|cross-fade|element|paint)\s*\(/i
const writtenUrl = /url\("((?:[^"\\]|\\.)*)"\)/g
/** The frame is as high as its content: a height taken from the frame would grow for ever. */
const viewportHeight = /\d(?:[sld]?vh|[sld]?vmax|[sld]?vmin|[sld]?vb)\b/i
const maxDepth = 8

/** Cleans declarations in place. */
export const cleanDeclarations = (style: CSSStyleDeclaration, putUrl: PutUrl): void => {
  for (const name of [...style]) {
    const value = style.getPropertyValue(name)
    const cleaned = cleanValue(name, value, putUrl)
    if (cleaned === null) style.removeProperty(name)
    else if (cleaned !== value) style.setProperty(name, cleaned, style.getPropertyPriority(name))
  }
}

/** Null for what has to go. An empty value is a part of a shorthand with variables: nobody can say what it becomes. */
const cleanValue = (name: string, value: string, putUrl: PutUrl): string | null => {
  if (value === '' || value.includes('\\') || viewportHeight.test(value)) return null
  if (name === 'position' && /fixed|sticky/i.test(value)) return null
  if (!loads.test(value)) return value
  if (name !== 'background-image' && name !== 'list-style-image') return null
  let isRefused = false
  const written = value.replace(writtenUrl, (_, url: string) => {
    const put = putUrl(url)
    if (put === null) isRefused = true
    return put ?? 'none'
  })
  return isRefused || loads.test(value.replace(writtenUrl, '')) ? null : written
}

/** A style sheet with its harmless rules only. `bringsDark` tells whether it has a look of its own for dark screens. */
export const cleanSheet = (css: string, frame: CssFrame, putUrl: PutUrl): { css: string; bringsDark: boolean } => {
  const sheet = new frame.CSSStyleSheet()
  sheet.replaceSync(css)
  let bringsDark = false
  const write = (rules: CSSRuleList, depth: number): string =>
    depth > maxDepth ? '' : [...rules].map((rule) => writeRule(rule, depth)).join('\n')
  const writeRule = (rule: CSSRule, depth: number): string => {
    if (rule instanceof frame.CSSStyleRule) {
      cleanDeclarations(rule.style, putUrl)
      return safely(`${rule.selectorText} {${rule.style.cssText}${write(rule.cssRules, depth + 1)}}`)
    }
    if (rule instanceof frame.CSSMediaRule) {
      if (/prefers-color-scheme:\s*dark/i.test(rule.media.mediaText)) bringsDark = true
      return safely(`@media ${rule.media.mediaText} {${write(rule.cssRules, depth + 1)}}`)
    }
    if (rule instanceof frame.CSSSupportsRule)
      return safely(`@supports ${rule.conditionText} {${write(rule.cssRules, depth + 1)}}`)
    if (rule instanceof frame.CSSKeyframesRule)
      return safely(`@keyframes ${frame.CSS.escape(rule.name)} {${write(rule.cssRules, depth + 1)}}`)
    if (rule instanceof frame.CSSKeyframeRule) {
      cleanDeclarations(rule.style, putUrl)
      return `${rule.keyText} {${rule.style.cssText}}`
    }
    // @import, @font-face, @namespace, @page, @property and whatever comes later.
    return ''
  }
  return { css: write(sheet.cssRules, 0), bringsDark }
}

/** Nothing in a style sheet needs to look like a tag. */
const safely = (rule: string): string => (/<[^\s=]/.test(rule) ? '' : rule)
