import type { Correspondent } from './compose-message.ts'

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
export const withQuotedText = (written: string, original: Original, zoneMinutes: number): string => {
  const above = written.trimEnd() === '' ? '' : `${written.trimEnd()}\n\n`
  const heading = headingOf(original, zoneMinutes).join('\n')
  const lines = original.text.replace(/\r\n?/g, '\n').trimEnd().split('\n')
  if (original.kind === 'forward') return `${above}${heading}\n\n${lines.join('\n')}`
  return `${above}${heading}\n${lines.map(quoted).join('\n')}`
}

const quoted = (line: string): string => (line === '' || line.startsWith('>') ? `>${line}` : `> ${line}`)

/**
 * The same as HTML. The original stays as it came, octet for octet, also with its own head: readers take what is in that for part of
 * the body, and ignore its tags. So that its style sheets, which would be about the whole page then, do as little as possible to what
 * was written, that stands first, in elements whose own styles come before any sheet; and the page's body has its attributes
 * already, as those of a second one are only taken where the first has none. To rewrite its rules would be to change it.
 */
export const withQuotedHtml = (written: string, original: Original, zoneMinutes: number): string => {
  const heading = headingOf(original, zoneMinutes).map(escaped).join('<br>')
  const shown =
    original.html ?? `<pre style="white-space:pre-wrap;font-family:inherit;margin:0">${escaped(original.text)}</pre>`
  const quote =
    original.kind === 'forward'
      ? `<div>${shown}</div>`
      : `<blockquote type="cite" style="margin:0 0 0 .8ex;border-left:2px solid #b0b0b0;padding-left:1ex">${shown}</blockquote>`
  return `<div style="${plainLook}">${written}</div><br><div style="${plainLook}">${heading}</div>${original.kind === 'forward' ? '<br>' : ''}${quote}`
}

const plainLook = 'color:inherit;background:none;text-align:start;text-transform:none'

/** A page of what was written, or of that and what it quotes. */
export const htmlPage = (content: string): string =>
  `<!DOCTYPE html><html><head><meta charset="utf-8"></head><body class="" style="margin:0">${content}</body></html>`

const headingOf = ({ kind, from, to, cc, subject, date }: Original, zoneMinutes: number): string[] => {
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
  people.map(({ name, address }) => (name === '' ? address : `${name} <${address}>`)).join(', ')

/** By the clock of whoever writes. */
const dateOf = (date: Date, zoneMinutes: number): string => {
  const there = new Date(date.getTime() + zoneMinutes * 60_000)
  const day = new Intl.DateTimeFormat('en-GB', { timeZone: 'UTC', day: 'numeric', month: 'short', year: 'numeric' })
  return `${day.format(there)} at ${there.toISOString().slice(11, 16)}`
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (found) => entities[found] ?? found)
