import { isUtf8 } from 'node:buffer'
import { decodeCharset } from './decode-part.ts'

/**
 * A header as UTF-8. Octets above ASCII belong into no header but in UTF-8 (RFC 6532); old programs put them there in the charset of
 * the text, or in the one of their system: the former where it is declared, else Windows-1252. Judged field by field.
 */
export const withReadableOctets = (header: Buffer): Buffer => {
  if (isUtf8(header)) return header
  const text = header.toString('latin1')
  const charset = charsetOf.exec(text)?.[1] ?? ''
  const fields = text.split(/(?<=\n)(?![ \t])/)
  return Buffer.concat(fields.map((field) => toUtf8(Buffer.from(field, 'latin1'), charset)))
}

/** Only a line feed begins a field: where a return did, each of many would be read to the end of all. */
const charsetOf = /(?<![^\n])content-type[ \t]*:(?:[^\n]|\n[ \t])*?\bcharset[ \t]*=[ \t]*"?([\w.:+-]{1,60})/i

const toUtf8 = (field: Buffer, charset: string): Buffer => {
  if (isUtf8(field)) return field
  const name = field.toString('latin1', 0, field.indexOf(0x3a) + 1)
  const decoded = decodeCharset(field, charset)
  // A charset in which ASCII is something else is not that of the header.
  return Buffer.from(decoded.startsWith(name) ? decoded : decodeCharset(field, ''))
}
