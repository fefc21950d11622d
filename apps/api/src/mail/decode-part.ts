import { isAscii } from 'node:buffer'
import { TextDecoder } from 'node:util'
import iconv from 'iconv-lite'
import libmime from 'libmime'
import { storableText } from './storable-text.ts'

/** From the bytes of one MIME part, as a server sends them, to text. RFC 2045 section 6, RFC 2046 section 4.1.2. */
export type EncodedPart = { bytes: Buffer; encoding: string; charset: string }

const fromQuotedPrintable = (bytes: Buffer): Buffer => {
  const out = Buffer.allocUnsafe(bytes.length)
  let to = 0
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number // i is below the length
    if (byte !== 0x3d) {
      out[to++] = byte
      continue
    }
    const hex = bytes.toString('latin1', i + 1, i + 3)
    if (/^[0-9A-Fa-f]{2}$/.test(hex)) {
      out[to++] = Number.parseInt(hex, 16)
      i += 2
    } else if (hex.startsWith('\r\n')) i += 2
    else if (hex.startsWith('\n')) i += 1
    else {
      // White space at the end of a soft-broken line was added in transit; anything else is kept as it is.
      const rest = /^[ \t]*\r?\n/.exec(bytes.toString('latin1', i + 1, i + 80))
      if (rest) i += rest[0].length
      else out[to++] = byte
    }
  }
  return out.subarray(0, to)
}

const fromUuencode = (bytes: Buffer): Buffer => {
  const chunks: Buffer[] = []
  for (const line of bytes.toString('latin1').split(/\r?\n/)) {
    const length = ((line.charCodeAt(0) || 32) - 32) & 63
    if (/^(begin |end$)/.test(line) || length === 0) continue
    const out: number[] = []
    for (let i = 1; i + 3 < line.length + 4 && out.length < length; i += 4) {
      const [a = 0, b = 0, c = 0, d = 0] = [0, 1, 2, 3].map((k) => ((line.charCodeAt(i + k) || 32) - 32) & 63)
      out.push((a << 2) | (b >> 4), ((b & 15) << 4) | (c >> 2), ((c & 3) << 6) | d)
    }
    chunks.push(Buffer.from(out.slice(0, length)))
  }
  return Buffer.concat(chunks)
}

/** Bytes of a part without their transfer encoding; an unknown encoding is taken as 8bit. */
export const decodeTransfer = (bytes: Buffer, encoding: string): Buffer => {
  switch (encoding.trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(bytes.toString('latin1'), 'base64')
    case 'quoted-printable':
      return fromQuotedPrintable(bytes)
    case 'x-uuencode':
    case 'uuencode':
      return fromUuencode(bytes)
    default:
      return bytes
  }
}

const decoders = new Map<string, TextDecoder | null>()
const decoderFor = (charset: string): TextDecoder | null => {
  const known = decoders.get(charset)
  if (known !== undefined) return known
  let decoder: TextDecoder | null = null
  try {
    decoder = new TextDecoder(charset)
  } catch {
    // Not one of the web's encodings; iconv-lite may know it.
  }
  if (decoders.size < 500) decoders.set(charset, decoder)
  return decoder
}

/** Text of bytes in a named charset. A missing or wrong name never loses text: UTF-8 if it fits, else Windows-1252. */
export const decodeCharset = (bytes: Buffer, charset: string): string => {
  const name = charset
    .trim()
    .toLowerCase()
    .replace(/^["']|["']$/g, '')
    .replace(/^_iso/, 'iso')
  if (/^(utf-?7|unicode-1-1-utf-7)$/.test(name)) return storableText(iconv.decode(bytes, 'utf-7'))
  if (/^iso-2022-(kr|cn)|^hz-gb/.test(name) || name === 'ks_c_5601-1987') return storableText(decodeRare(bytes, name))
  const isVague =
    name === '' ||
    name === 'us-ascii' ||
    name === 'ascii' ||
    name === 'utf-8' ||
    name === 'utf8' ||
    name === 'unknown-8bit' ||
    name === 'x-unknown' ||
    name === 'default'
  if (isVague) return storableText(isAscii(bytes) ? bytes.toString('latin1') : decodeGuessing(bytes))
  const decoder = decoderFor(name)
  if (decoder) return storableText(decoder.decode(bytes))
  if (iconv.encodingExists(name)) return storableText(iconv.decode(bytes, name))
  return storableText(decodeGuessing(bytes))
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true })
const decodeGuessing = (bytes: Buffer): string => {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return iconv.decode(bytes, 'windows-1252')
  }
}

/** Charsets with shift states that neither decoder knows: turned into their 8-bit sisters first (RFC 1557, RFC 1843). */
const decodeRare = (bytes: Buffer, name: string): string => {
  if (name.startsWith('iso-2022-kr')) {
    let isShifted = false
    const out: number[] = []
    const body = bytes.toString('latin1').replace('\x1b$)C', '')
    for (const character of body) {
      if (character === '\x0e') isShifted = true
      else if (character === '\x0f') isShifted = false
      else out.push(character.charCodeAt(0) | (isShifted && character > ' ' ? 128 : 0))
    }
    return iconv.decode(Buffer.from(out), 'euc-kr')
  }
  if (name.startsWith('hz-gb')) return iconv.decode(unshiftHz(bytes.toString('latin1')), 'gb2312')
  return iconv.encodingExists(name) ? iconv.decode(bytes, name) : decodeGuessing(bytes)
}

/** RFC 1843: `~{` begins Chinese, `~}` ends it, `~~` is a tilde, a tilde at the end of a line joins lines. In one pass. */
const unshiftHz = (text: string): Buffer => {
  const pieces: Buffer[] = []
  const take = (from: number, to: number, bit: number) =>
    pieces.push(Buffer.from(text.slice(from, to), 'latin1').map((byte) => byte | bit) as Buffer) // a mapped Buffer is one
  let at = 0
  while (at < text.length) {
    const tilde = text.indexOf('~', at)
    const end = tilde === -1 ? text.length : tilde
    take(at, end, 0)
    at = end + 1
    if (tilde === -1) break
    if (text[at] === '{') {
      const close = text.indexOf('~}', at + 1)
      take(at + 1, close === -1 ? text.length : close, 128)
      at = close === -1 ? text.length : close + 2
    } else if (text[at] === '\n') at += 1
    else if (text.startsWith('\r\n', at)) at += 2
    else {
      take(tilde, tilde + 1, 0)
      if (text[at] === '~') at += 1
    }
  }
  return Buffer.concat(pieces)
}

export const decodePart = ({ bytes, encoding, charset }: EncodedPart): string =>
  decodeCharset(decodeTransfer(bytes, encoding), charset)

/** RFC 2047 words in a header value; broken ones stay as they are. */
export const decodeWords = (value: string): string => {
  if (!value.includes('=?')) return value
  try {
    return libmime.decodeWords(value)
  } catch {
    return value
  }
}
