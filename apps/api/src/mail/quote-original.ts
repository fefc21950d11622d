import { type Correspondent, isContentId, type OutgoingPart } from './compose-message.ts'
import { enclosePage } from './enclose-page.ts'

/** A mail that is answered or passed on, as it goes out below what was written. */
export type Original = {
  kind: 'reply' | 'forward'
  from: Correspondent[]
  to: Correspondent[]
  cc: Correspondent[]
  subject: string
  date: Date
  text: string
  /** As it came; null: it has none. */
  html: string | null
}

/** Below what was written, with one empty line between. Flowed on its way: `>` is what a reader knows a quote by (RFC 3676 4.5). */
export const withQuotedText = (written: string, original: Original, zoneMinutes: number | null): string => {
  const above = written.trimEnd() === '' ? '' : `${written.trimEnd()}\n\n`
  const heading = headingOf(original, zoneMinutes).join('\n')
  const lines = original.text.replace(/\r\n?/g, '\n').trimEnd().split('\n')
  if (original.kind === 'forward') return `${above}${heading}\n\n${lines.join('\n')}`
  return `${above}${heading}\n${lines.map(quoted).join('\n')}`
}

const quoted = (line: string): string => (line === '' || line.startsWith('>') ? `>${line}` : `> ${line}`)

/**
 * A whole page of what was written, and of what it quotes. The quoted mail keeps its looks and gives none of them to what stands above
 * it (enclose-page.ts). The class of each part is how a draft is known again that comes back from another program
 * (returned-draft.ts).
 */
export const htmlPage = (written: string, quoted: Quoted | null = null): string => {
  const head = `<meta charset="utf-8">${quoted?.head ? `\n${quoted.head}` : ''}`
  const content = quoted ? `<div class="${writtenClass}">${written}</div><br>${quoted.content}` : written
  return `<!DOCTYPE html><html><head>${head}</head><body>${content}</body></html>`
}

export const writtenClass = 'postern-written'
export const quotedClass = 'postern-quoted'

export type Quoted = { head: string; content: string }

/** A mail as it stands below what was written, under the line that says whose it is. */
export const quotedHtml = (original: Original, zoneMinutes: number | null): Quoted => {
  const heading = headingOf(original, zoneMinutes).map(escaped).join('<br>')
  const { scope, head, content } =
    original.html === null ? { scope: null, head: '', content: quotedPre(original.text) } : enclosePage(original.html)
  const within = `${scope === null ? '' : ` class="${scope}"`}`
  const quote =
    original.kind === 'forward'
      ? `<br><div${within}>${content}</div>`
      : `<blockquote type="cite"${within} style="margin:0 0 0 .8ex;border-left:2px solid #b0b0b0;padding-left:1ex">${content}</blockquote>`
  return { head, content: `<div class="${quotedClass}"><div>${heading}</div>${quote}</div>` }
}

type NamedPart = { filename: string | null; content_type: string; content_id: string | null }

/** Of its parts, those that its HTML can show. */
export const quotedPictures = <P extends NamedPart>(
  parts: P[],
  octetsOf: (part: P) => AsyncIterable<Uint8Array>,
): OutgoingPart[] =>
  parts.flatMap((part): OutgoingPart[] => {
    const contentId = part.content_id?.replace(/^<|>$/g, '') ?? ''
    if (!isContentId(contentId)) return []
    const { filename, content_type: contentType } = part
    return [{ filename: filename ?? 'picture', contentType, contentId, octets: () => octetsOf(part) }]
  })

const quotedPre = (text: string): string =>
  `<pre style="white-space:pre-wrap;font-family:inherit;margin:0">${escaped(text)}</pre>`

const headingOf = ({ kind, from, to, cc, subject, date }: Original, zoneMinutes: number | null): string[] => {
  const at = dateOf(date, zoneMinutes)
  const [author] = from
  if (kind === 'reply') return [`On ${at}, ${author ? author.name || author.address : 'somebody'} wrote:`]
  return [
    '---------- Forwarded message ----------',
    ...(from.length > 0 ? [`From: ${peopleOf(from)}`] : []),
    `Date: ${at}`,
    `Subject: ${subject}`,
    ...(to.length > 0 ? [`To: ${peopleOf(to)}`] : []),
    ...(cc.length > 0 ? [`Cc: ${peopleOf(cc)}`] : []),
  ]
}

const peopleOf = (people: Correspondent[]): string =>
  people.map(({ name, address }) => (name === '' ? address : `${toldApart(name)} <${address}>`)).join(', ')

/** Quoted where it would read as two people, or as an address. */
const toldApart = (name: string): string => (/[,;<>"\\]/.test(name) ? `"${name.replace(/["\\]/g, '\\$&')}"` : name)

/** By the clock of whoever writes; null: nobody knows it here, and the date says by which it is. */
const dateOf = (date: Date, zoneMinutes: number | null): string => {
  const there = new Date(date.getTime() + (zoneMinutes ?? 0) * 60_000)
  const day = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' })
  return `${day.format(there)} at ${there.toISOString().slice(11, 16)}${zoneMinutes === null ? ' UTC' : ''}`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (found) => entities[found] ?? found)
