/**
 * What one Enter makes: a line, `<div>…</div>`, as most programs write it. It needs no style to stand close to the next one, also
 * where styles are taken off or never read; a `<p>` stands apart everywhere. An empty line shows by its `<br>` alone.
 */
export const emptyLine = '<div><br></div>'

/** Plain text as HTML that reads the same. */
export const htmlOfLines = (text: string): string =>
  text
    .split(/\r\n?|\n/)
    .map((line) => (line === '' ? emptyLine : `<div>${escaped(line)}</div>`))
    .join('')

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (line: string): string =>
  line
    .replace(/[&<>"]/g, (found) => entities[found] ?? found)
    .replaceAll('\t', '    ')
    .replace(/^ | {2,}/g, (spaces) => '\u00a0'.repeat(spaces.length))

/** The line above a signature in plain text (RFC 3676 4.3). */
export const signatureMark = '-- '
