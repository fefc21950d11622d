/** A plain text in pieces: links only of schemes that are safe to follow. The pieces are drawn as text nodes, never as HTML. */
export type TextPiece = { kind: 'text'; text: string } | { kind: 'link'; text: string; href: string }

const pattern =
  /\b(?:https?:\/\/|mailto:|www\.)[^\s<>"'`{}|\\^\u0000-\u001f\u202a-\u202e\u2066-\u2069]+|\b[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+\b/gi

export const linkify = (text: string): TextPiece[] => {
  const pieces: TextPiece[] = []
  let at = 0
  for (const match of text.matchAll(pattern)) {
    // Punctuation at the end belongs to the sentence.
    const found = withoutMarks(match[0])
    if (match.index > at) pieces.push({ kind: 'text', text: text.slice(at, match.index) })
    const href = safeHref(
      /^www\./i.test(found) ? `https://${found}` : /^(https?:|mailto:)/i.test(found) ? found : `mailto:${found}`,
    )
    pieces.push(href === null ? { kind: 'text', text: found } : { kind: 'link', text: found, href })
    at = match.index + found.length
  }
  if (at < text.length) pieces.push({ kind: 'text', text: text.slice(at) })
  return pieces
}

/** A search for the marks at the end would begin at each mark before. */
const withoutMarks = (text: string): string => {
  let end = text.length
  while (end > 0 && '.,;:!?)]'.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** The address when its scheme is http, https, mailto or tel; null for everything else. */
export const safeHref = (href: string): string | null => {
  if (!URL.canParse(href)) return null
  return ['http:', 'https:', 'mailto:', 'tel:'].includes(new URL(href).protocol) ? href : null
}

/** Paragraphs of a text mail: runs of quoted lines are folded. */
export type TextBlock = { kind: 'own' | 'quoted'; text: string }

export const splitQuotes = (text: string): TextBlock[] => {
  const blocks: TextBlock[] = []
  for (const line of text.split('\n')) {
    const kind = line.startsWith('>') ? 'quoted' : 'own'
    const last = blocks.at(-1)
    if (last?.kind === kind) last.text += `\n${line}`
    else blocks.push({ kind, text: line })
  }
  return blocks
}
