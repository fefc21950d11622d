/**
 * The page's policy takes no style that comes with HTML: a browser reports each one and drops it, also in a document that nobody sees.
 * So they are taken off before anything parses it: attributes come as `data-style`, the sheets beside it. What HTML hides from its
 * reader (comments, scripts) goes.
 */
export const takeOffStyles = (html: string): { html: string; css: string } => {
  let out = ''
  let css = ''
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at)
    out += html.slice(at, open < 0 ? undefined : open)
    if (open < 0) break
    const tag = tagAt(html, open)
    at = tag.end
    if (tag.name === '') out += tag.text
    else if (!raw.has(tag.name)) out += tag.text
    else {
      const close = closeOf(html, tag.name, at)
      if (tag.name === 'style') css += `${html.slice(at, close.from)}\n`
      at = close.end
    }
  }
  return { html: out, css }
}

/** What stands in them is no HTML. */
const raw = new Set(['style', 'script', 'title', 'noscript', 'xmp', 'iframe', 'textarea'])

type Tag = { name: string; text: string; end: number }

const tagAt = (html: string, open: number): Tag => {
  if (html.startsWith('<!', open) || html.startsWith('<?', open)) {
    const mark = html.startsWith('<!--', open) ? '-->' : '>'
    const close = html.indexOf(mark, open + 2)
    return { name: '', text: '', end: close < 0 ? html.length : close + mark.length }
  }
  const [start, name = ''] = sticky(/<([a-z][^\s/>]*)/iy, html, open) ?? []
  if (start === undefined) return { name: '', text: '<', end: open + 1 }
  let text = start
  let at = open + start.length
  while (at < html.length && html.charAt(at) !== '>') {
    const [attribute = html.charAt(at)] = sticky(attributeShape, html, at) ?? []
    text += attribute.replace(/^style(?=[\s=]|$)/i, 'data-style')
    at += attribute.length
  }
  // Cut off within: what follows is none of its attributes.
  return { name: name.toLowerCase(), text: `${text}>`, end: at + 1 }
}
const attributeShape = /[\s/]+|[^\s/>][^\s/>=]*(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>"'][^\s>]*))?/y

const closeOf = (html: string, name: string, from: number): { from: number; end: number } => {
  const close = new RegExp(`</${name}[^<>]*>`, 'gi')
  close.lastIndex = from
  const found = close.exec(html)
  return found ? { from: found.index, end: found.index + found[0].length } : { from: html.length, end: html.length }
}

const sticky = (shape: RegExp, text: string, at: number): RegExpExecArray | null => {
  shape.lastIndex = at
  return shape.exec(text)
}
