/** Plain text as HTML that reads the same: a paragraph a line. */
export const textToHtml = (text: string): string =>
  text === ''
    ? ''
    : text
        .split(/\r\n|\r|\n/)
        .map((line) => `<p>${escaped(line) || '<br>'}</p>`)
        .join('')

const escaped = (line: string): string =>
  line
    .replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
    .replace(/ {2,}/g, (spaces) => '\u00a0'.repeat(spaces.length))
