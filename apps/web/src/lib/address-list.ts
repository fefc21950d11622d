import type { DraftRecipient } from '@postern/shared/drafts.ts'

/**
 * Takes a list of addresses apart, as it is typed or pasted: `Name <a@b>, "Last, First" <c@d>; e@f`, one a line, or without anything
 * between. Nothing of it vanishes: what is no address stays as it was written, to be corrected. Only the name of a group goes.
 */
export const parseRecipients = (text: string): DraftRecipient[] => {
  const reading = new Reading()
  const tokens = tokensOf(text.replace(unseen, ''))
  for (const [at, token] of tokens.entries()) reading.take(token, tokens[at + 1])
  return reading.end()
}

/** What a draft takes of a name, and of an address. */
const maxPiece = 400
/** Marks of direction and of no width. Joiners belong to names. */
const unseen = /[\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g

type Token = {
  kind: 'word' | 'quoted' | 'comment' | 'angle' | 'comma' | 'end'
  /** What is in its marks. */
  text: string
  /** As it was written. */
  raw: string
}

const shapes: { kind: Token['kind']; shape: RegExp }[] = [
  { kind: 'word', shape: /"(?:[^"\\\r\n]|\\.)*"@[^\s,;"<>()]*/uy },
  { kind: 'quoted', shape: /"((?:[^"\\\r\n]|\\.)*)"/uy },
  { kind: 'comment', shape: /\(([^()\r\n]*)\)/uy },
  { kind: 'angle', shape: /<([^<>\r\n]*)>/uy },
  { kind: 'comma', shape: /[,\uff0c]/uy },
  { kind: 'end', shape: /[;\uff1b]|[\r\n]+/uy },
  { kind: 'word', shape: /.[^\s,;<(\uff0c\uff1b]*/uy },
]

const tokensOf = (text: string): Token[] => {
  const tokens: Token[] = []
  for (let at = 0; at < text.length; ) {
    const found = /[^\S\r\n]/.test(text.charAt(at)) ? null : tokenAt(text, at)
    if (found) tokens.push(found)
    at += found?.raw.length ?? 1
  }
  return tokens
}

const tokenAt = (list: string, at: number): Token | null => {
  for (const { kind, shape } of shapes) {
    shape.lastIndex = at
    const [raw, inner] = shape.exec(list) ?? []
    if (raw === undefined) continue
    const text = (inner ?? raw).trim()
    return { kind, raw, text: kind === 'quoted' ? text.replace(/\\(.)/gsu, '$1') : text }
  }
  return null
}

class Reading {
  readonly #read: DraftRecipient[] = []
  /** What may become the name of the next address. */
  #words: Token[] = []
  /** The last token was the end of an address: a comment tells its name. */
  #isBehind = false

  take(token: Token, next: Token | undefined): void {
    const wasBehind = this.#isBehind
    this.#isBehind = false
    if (token.kind === 'end') {
      // A name, and its address in the line below.
      if (!/[\r\n]/.test(token.raw) || next?.kind !== 'angle') this.#leave(this.#words)
    } else if (token.kind === 'angle') {
      const address = addressIn(token.text)
      if (address === null) this.#leave([...this.#words, token])
      else this.#add(address, token.kind)
    } else if (token.kind === 'comment' && wasBehind) this.#remark(token.text)
    else if (token.kind !== 'comma' && token.raw.includes('@') && (token.kind !== 'quoted' || next?.kind !== 'angle')) {
      const address = addressIn(token.text)
      if (address === null && token.kind !== 'word') this.#words.push(token)
      else if (address === null) this.#leave([...this.#words, token])
      // Told twice: `a@b <a@b>`.
      else if (next?.kind !== 'angle' || addressIn(next.text) !== address) this.#add(address, token.kind)
    } else if (token.kind !== 'comma' || this.#words.length > 0) this.#words.push(token)
  }

  end(): DraftRecipient[] {
    this.#leave(this.#words)
    return this.#read
  }

  #add(address: string, kind: Token['kind']): void {
    const { before, own } = nameOf(this.#words, kind === 'angle')
    const name = unquote(own.map((one) => (one.kind === 'comment' ? one.raw : one.text)).join(' ')).replace(/ ,/g, ',')
    this.#leave(name.length > maxPiece ? this.#words : before)
    this.#words = []
    this.#read.push({ name: name.length > maxPiece ? '' : name, address })
    this.#isBehind = true
  }

  #remark(text: string): void {
    const last = this.#read.at(-1)
    if (!last || last.name.length + text.length > maxPiece - 3) this.#leave([{ kind: 'word', text, raw: text }])
    else last.name = last.name === '' ? text : `${last.name} (${text})`
  }

  /** As it was written; in pieces where a draft would not take it as one. */
  #leave(tokens: Token[]): void {
    this.#words = []
    let text = ''
    const end = () => {
      for (let at = 0; at < text.length; at += maxPiece)
        this.#read.push({ name: '', address: text.slice(at, at + maxPiece) })
      text = ''
    }
    for (const { kind, raw } of tokens) {
      if (kind === 'comma' || text.length + raw.length >= maxPiece) end()
      if (kind !== 'comma') text += text === '' ? raw : ` ${raw}`
    }
    end()
  }
}

/**
 * Of what stands before an address, its name. Other programs copy `Last, First <a@b>` without quotes: there the word before the comma
 * belongs to it. `Name:` opens a group.
 */
const nameOf = (words: Token[], isAngle: boolean): { before: Token[]; own: Token[] } => {
  const comma = words.findLastIndex(({ kind }) => kind === 'comma')
  const isJoined = isAngle && comma > 0 && comma < words.length - 1
  const from = isJoined ? words.slice(0, comma).findLastIndex(({ kind }) => kind === 'comma') : comma
  const own = words.slice(from + 1)
  const group = own.findLastIndex(({ kind, raw }) => kind === 'word' && raw.endsWith(':'))
  return { before: words.slice(0, from + 1), own: own.slice(group + 1) }
}

/** The address in one of the ways people and programs write it; null: there is none. */
const addressIn = (text: string): string | null => {
  const written = text.replace(/[\u034f\u200c\u200d]/g, '').trim()
  if (written.length > maxPiece) return null
  const bare = written.replace(opening, '').replace(closing, '')
  const [, group = '', inGroup = ''] = /^([^@:/"]*):([^/].*)$/su.exec(bare) ?? []
  const [link = '', asked = ''] = inGroup.split(/\?(.*)/su)
  // Who else is asked for there would be lost.
  const linked = group.toLowerCase() === 'mailto' && !/@|%40/.test(asked) ? decode(link) : inGroup
  return [written, bare, linked].find(isAddress) ?? null
}
const opening = /^[\s'"`\u2018-\u201f\u00ab\u00bb<>[\](){}*]+/u
const closing = /[\s'"`\u2018-\u201f\u00ab\u00bb<>[\](){}*.,:!?]+$/u

const unquote = (name: string): string => /^'(.*)'$/su.exec(name)?.[1] ?? name

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
