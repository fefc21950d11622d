import libmime from 'libmime'
import { decodePart, decodeTransfer } from './decode-part.ts'
import { htmlToText } from './html-to-text.ts'
import type { FoundMail, FoundPart } from './mail-feed.ts'

/**
 * A whole mail as nearly every mail is made: one text, one HTML or both as alternatives, and attachments, which are counted
 * and not decoded. The parser takes ten times as long for the same. Null as soon as anything is unusual, which the parser is
 * for; what is read here is what the parser reads (plain-mail.test.ts).
 */
export const readPlainMail = (raw: Buffer): FoundMail | null => {
  const leaves = readLeaves(raw, null, 0)
  if (leaves === null || leaves.length > maxParts) return null
  const texts = leaves.filter((leaf) => leaf.filename === null && isText(leaf))
  const [first, second] = texts
  if (!first || texts.length > 2 || texts.some(({ bytes }) => bytes.length > maxTextBytes)) return null
  if (second && (first.type !== 'text/plain' || second.type !== 'text/html' || first.alternative === null)) return null
  if (second && first.alternative !== second.alternative) return null
  const textOf = (type: string): string | null => {
    const leaf = texts.find((text) => text.type === type)
    return leaf ? decodePart(leaf).replace(/\r\n/g, '\n') : null
  }
  const html = textOf('text/html') || null
  const text = textOf('text/plain') || (html === null ? '' : htmlToText(html))
  if (text === '' && html === null) return null
  return { text, html, parts: leaves.filter((leaf) => !texts.includes(leaf)).map(toPart) }
}

const maxParts = 100
/** Nobody writes more. */
const maxTextBytes = 1024 * 1024
const maxDepth = 4

type Leaf = {
  bytes: Buffer
  type: string
  charset: string
  encoding: string
  disposition: string
  filename: string | null
  contentId: string | null
  /** The multipart/alternative it is a choice of. */
  alternative: object | null
}

/** One field of a kind, and no more of MIME than this: type/subtype, then parameters that are plain. RFC 2045 5.1. */
const parameters = /^[\w.+-]+(?:\/[\w.+-]+)?(?:; ?[\w-]+=(?:"[^"\\=?]*"|[\w.+@-]+))*;?$/
const parameter = /; ?([\w-]+)=(?:"([^"]*)"|([^;"]+))/g

type Field = { value: string; parameters: Map<string, string> }

/** Null where a field is unusual; the fields that are there otherwise. */
const readFields = (header: string): Map<string, Field> | null => {
  const fields = new Map<string, Field>()
  for (const [, name = '', folded = ''] of header.matchAll(/^content-([a-z-]+):(.*(?:\r\n[ \t].*)*)/gim)) {
    const key = name.toLowerCase()
    const text = folded.replace(/\r\n[ \t]*/g, ' ').trim()
    if (key === 'id') {
      if (!/^<[\w.@$+-]+>$/.test(text)) return null
    } else if (key === 'type' || key === 'disposition' || key === 'transfer-encoding') {
      if (!parameters.test(text)) return null
    } else continue
    if (fields.has(key)) return null
    const given = [...text.matchAll(parameter)].map(([, of = '', quoted, bare]): [string, string] => [
      of.toLowerCase(),
      quoted ?? bare ?? '',
    ])
    const known = new Map(given)
    if (known.size < given.length) return null
    fields.set(key, { value: (text.split(';', 1)[0] ?? '').toLowerCase(), parameters: known })
  }
  return fields
}

const readLeaves = (part: Buffer, alternative: object | null, depth: number): Leaf[] | null => {
  const end = part.indexOf('\r\n\r\n')
  if (end <= 0 || depth > maxDepth) return null
  const header = part.toString('latin1', 0, end)
  // Lines of which nobody knows where they end are nothing for us.
  if (/[^\r]\n|\r[^\n]|\0/.test(header)) return null
  const fields = readFields(header)
  if (fields === null) return null
  const body = part.subarray(end + 4)
  const type = fields.get('type')
  const name = type?.value ?? 'text/plain'
  const others = type?.parameters ?? new Map<string, string>()
  if (name.startsWith('multipart/')) {
    const boundary = others.get('boundary')
    if (!/^multipart\/(mixed|alternative|related)$/.test(name) || !boundary) return null
    const parts = splitParts(body, boundary)
    if (parts === null) return null
    const choice = name === 'multipart/alternative' ? {} : alternative
    const leaves: Leaf[] = []
    for (const inner of parts) {
      const found = readLeaves(inner, choice, depth + 1)
      if (found === null) return null
      leaves.push(...found)
    }
    return leaves
  }
  // Texts of their own kind, and messages in messages.
  if (name.startsWith('message/') || !name.includes('/') || others.has('format') || others.has('boundary')) return null
  const disposition = fields.get('disposition')
  const filename = disposition?.parameters.get('filename') ?? others.get('name') ?? null
  const isNamedText = (name === 'text/plain' || name === 'text/html') && (filename !== null || disposition)
  if (isNamedText || (disposition && !/^(attachment|inline)$/.test(disposition.value))) return null
  return [
    {
      bytes: body,
      type: name,
      charset: others.get('charset') ?? '',
      encoding: fields.get('transfer-encoding')?.value ?? '',
      disposition: disposition?.value ?? '',
      filename,
      contentId: /<(.*)>/.exec(header.match(/^content-id:.*(?:\r\n[ \t].*)*/im)?.[0] ?? '')?.[1] ?? null,
      alternative,
    },
  ]
}

/** What lies between the delimiters, of which the last must be there. RFC 2046 5.1.1. */
const splitParts = (body: Buffer, boundary: string): Buffer[] | null => {
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const parts: Buffer[] = []
  // The first may be where the body begins.
  let from = body.indexOf(delimiter.subarray(2)) === 0 ? delimiter.length - 2 : after(body.indexOf(delimiter))
  for (;;) {
    const next = from < 0 ? '' : body.toString('latin1', from, from + 2)
    if (next === '--') return /^(\r\n|$)/.test(body.toString('latin1', from + 2, from + 4)) ? parts : null
    const end = next === '\r\n' ? body.indexOf(delimiter, from) : -1
    if (end < 0 || parts.push(body.subarray(from + 2, end)) > maxParts) return null
    from = after(end)
  }
  function after(at: number): number {
    return at < 0 ? -1 : at + delimiter.length
  }
}

const isText = ({ type }: Leaf): boolean => type === 'text/plain' || type === 'text/html'

const toPart = ({ type, charset, filename, contentId, disposition, bytes, encoding }: Leaf): FoundPart => ({
  filename,
  charset,
  contentType:
    type === 'application/octet-stream' && filename !== null ? libmime.detectMimeType(filename) || type : type,
  contentId,
  isInline: disposition !== 'attachment' && contentId !== null,
  sizeBytes: encoding === 'base64' ? lengthOfBase64(bytes) : decodeTransfer(bytes, encoding).length,
})

/** Lines of one length, as everybody writes them, need not be decoded to be counted. */
const lengthOfBase64 = (bytes: Buffer): number => {
  const line = bytes.indexOf('\r\n')
  if (line <= 0 || line % 4 !== 0) return decodeTransfer(bytes, 'base64').length
  let at = line
  while (at + 2 <= bytes.length && bytes[at] === 13 && bytes[at + 1] === 10) at += line + 2
  const last = bytes.subarray(at - line)
  const ends = last.length > 0 && last[last.length - 1] === 10 ? last.subarray(0, -2) : last
  if (ends.includes(10)) return decodeTransfer(bytes, 'base64').length
  const lines = (at - line) / (line + 2)
  return (lines * line * 3) / 4 + decodeTransfer(ends, 'base64').length
}
