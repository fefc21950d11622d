import type { DraftRecipient } from '@postern/shared/drafts.ts'

/**
 * Takes a list of addresses apart, as it is typed or pasted: `Name <a@b>, "Last, First" <c@d>; e@f`, and one a line. What is no
 * address stays as it was written, to be corrected.
 */
export const parseRecipients = (text: string): DraftRecipient[] =>
  joinNames(splitList(text)).flatMap(({ text: piece }) =>
    piece.length > maxPiece ? [{ name: '', address: piece }] : readPiece(piece),
  )
/** Nobody is called so; it is not looked into. */
const maxPiece = 1000

type Piece = { text: string; endsWith: string }

/** At commas, semicolons and line ends that stand in no quotes, brackets or comment. */
const splitList = (text: string): Piece[] => {
  const pieces: Piece[] = []
  let piece = ''
  let inside: '"' | '<' | '(' | '' = ''
  const end = (endsWith: string) => {
    if (piece.trim() !== '') pieces.push({ text: piece.trim(), endsWith })
    piece = ''
    inside = ''
  }
  for (let at = 0; at < text.length; at++) {
    const sign = text.charAt(at)
    if (/[\r\n]/.test(sign)) end('\n')
    else if (inside === '"' && sign === '\\') {
      piece += sign + text.charAt(++at)
    } else if (inside !== '') {
      piece += sign
      if (sign === { '"': '"', '<': '>', '(': ')' }[inside]) inside = ''
    } else if (/[,;\t]/.test(sign)) end(sign)
    else {
      piece += sign
      if (sign === '"' || sign === '<' || sign === '(') inside = sign
    }
  }
  end('')
  return pieces
}

/** Other programs copy `Last, First <a@b>` without quotes: a name without an address goes with the address after its comma. */
const joinNames = (pieces: Piece[]): Piece[] => {
  const joined: Piece[] = []
  for (const piece of pieces) {
    const before = joined.at(-1)
    const isName =
      before?.endsWith === ',' &&
      Math.max(before.text.length, piece.text.length) <= maxPiece &&
      !before.text.includes('@') &&
      /<[^<>]*@[^<>]*>$/.test(piece.text)
    if (isName) joined[joined.length - 1] = { ...piece, text: `${before.text}, ${piece.text}` }
    else joined.push(piece)
  }
  return joined
}

const readPiece = (text: string): DraftRecipient[] => {
  const open = text.lastIndexOf('<')
  const named = text.slice(0, Math.max(0, open))
  if (open >= 0 && text.indexOf('>', open) === text.length - 1)
    return [{ name: unquote(named), address: bare(text.slice(open + 1, -1)) }]
  const commented = /^(\S+@\S+)\s*\(([^()]*)\)$/u.exec(text)
  if (commented) return [{ name: (commented[2] ?? '').trim(), address: bare(commented[1] ?? '') }]
  const words = text.split(/\s+/)
  if (words.length > 1 && words.every((word) => isAddress(bare(word))))
    return words.map((word) => ({ name: '', address: bare(word) }))
  return [{ name: '', address: bare(text) }]
}

const bare = (text: string): string => text.trim().replace(/^mailto:/i, '')

const unquote = (text: string): string => {
  const name = text.trim()
  const quoted = /^"(.*)"$|^'(.*)'$/su.exec(name)
  return quoted ? (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/gsu, '$1') : name
}

const atom = "[\\w!#$%&'*+/=?^`{|}~\\-\\u00a1-\\u{10ffff}]+"
const local = new RegExp(`^(?:${atom}(?:\\.${atom})*|"[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]*")$`, 'u')
const label = /^[\p{L}\p{N}](?:[\p{L}\p{N}\p{M}_-]{0,61}[\p{L}\p{N}\p{M}])?$/u

/** Whether mail can be addressed to it; the server looks again, more closely. */
export const isAddress = (address: string): boolean => {
  const at = address.lastIndexOf('@')
  const labels = address.slice(at + 1).split('.')
  return (
    at > 0 &&
    at <= 64 &&
    address.length <= 320 &&
    local.test(address.slice(0, at)) &&
    labels.every((one) => label.test(one))
  )
}

export const domainOf = (address: string): string => address.slice(address.lastIndexOf('@') + 1).toLowerCase()

/** As it is copied, and taken apart again by `parseRecipients`. */
export const writeRecipient = ({ name, address }: DraftRecipient): string =>
  name === ''
    ? address
    : `${/^[\p{L}\p{N} _-]*$/u.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`} <${address}>`

/** What a `mailto:` link asks for; null for any other link. Only what is shown in fields is taken. RFC 6068. */
export const parseMailto = (
  href: string,
): { to: DraftRecipient[]; cc: DraftRecipient[]; bcc: DraftRecipient[]; subject: string; text: string } | null => {
  const found = /^mailto:([^?]*)(?:\?(.*))?$/is.exec(href)
  if (!found) return null
  const asked = { to: [...listOf(decode(found[1] ?? ''))], cc: listOf(''), bcc: listOf(''), subject: '', text: '' }
  for (const pair of (found[2] ?? '').split(/&(?:amp;)?/)) {
    const [name = '', ...value] = pair.split('=')
    const text = decode(value.join('='))
    const field = decode(name).toLowerCase()
    if (field === 'to' || field === 'cc' || field === 'bcc') {
      const room = maxAsked - asked[field].length
      asked[field].push(...listOf(text).slice(0, room))
    } else if (field === 'subject') asked.subject = text.replace(/[\r\n]+/g, ' ').slice(0, maxSubject)
    else if (field === 'body') asked.text = text.replace(/\r\n?/g, '\n').slice(0, maxText)
  }
  return asked
}
const maxSubject = 1000
const maxText = 100_000
const maxAsked = 100

const listOf = (text: string): DraftRecipient[] => parseRecipients(text).slice(0, maxAsked)

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
