import type { Readable } from 'node:stream'
import { isOneClick, readLinks } from './read-asks.ts'
import { headerOf } from './read-envelope.ts'

export type ListLinks = {
  /** An address that a signed mail names for one click (RFC 8058); null: there is none, or nobody signed it. */
  oneClick: string | null
  mailto: string | null
  https: string | null
}

type Lookup = (name: string) => Promise<string[][]>

/**
 * How a list is left, by the mail itself. `head` holds its header, `whole` all of its octets. One click counts only under a
 * valid DKIM signature of From's own domain that covers both fields, each there once: anybody can put a field on top. RFC 8058 4.
 */
export const findListLinks = async (
  head: Buffer,
  whole: () => Readable,
  { texts, receivedAt }: { texts: Lookup; receivedAt: Date },
): Promise<ListLinks> => {
  const header = headerOf(head).toString('latin1')
  const [exits, posts] = [fieldsOf(header, 'list-unsubscribe'), fieldsOf(header, 'list-unsubscribe-post')]
  const links = exits.flatMap(readLinks)
  const https = links.find((link) => /^https:/i.test(link)) ?? null
  const mailto = links.find((link) => /^mailto:/i.test(link)) ?? null
  const isMeant = https !== null && exits.length === 1 && posts.length === 1 && isOneClick(posts[0] ?? null)
  const isSigned = isMeant && (await isSignedBySender(whole(), texts, receivedAt))
  return { oneClick: isSigned ? https : null, mailto, https }
}

const fieldsOf = (header: string, name: string): string[] =>
  [...header.matchAll(new RegExp(`^${name}[ \\t]*:([^\\n]*(?:\\n[ \\t][^\\n]*)*)`, 'gim'))].map(([, value = '']) =>
    value.replace(/\r?\n[ \t]*/g, ' ').trim(),
  )

/** As of when it came: signatures run out. */
const isSignedBySender = async (source: Readable, texts: Lookup, receivedAt: Date): Promise<boolean> => {
  // Loaded with the first click: few people leave a list in a month.
  const { dkimVerify } = await import('mailauth/lib/dkim/verify.js')
  const { headerFrom, results } = await dkimVerify(source, {
    resolver: (name: string) => texts(name),
    curTime: receivedAt,
  })
  if (headerFrom?.length !== 1) return false
  return results.some(({ status, signingHeaders }) => {
    const signed = signingHeaders?.headers ?? []
    const covers = (name: string) => signed.some((line) => new RegExp(`^${name}[ \\t]*:`, 'i').test(line))
    return (
      status.result === 'pass' &&
      Boolean(status.aligned) &&
      covers('list-unsubscribe') &&
      covers('list-unsubscribe-post')
    )
  })
}

/** What a mailto of a list asks to send. RFC 6068; of its fields only subject and body count. Null: no address we send to. */
export const readMailto = (link: string): { to: string; subject: string; body: string } | null => {
  const url = URL.parse(link)
  if (url?.protocol !== 'mailto:') return null
  const decode = (text: string): string => {
    try {
      return decodeURIComponent(text)
    } catch {
      return ''
    }
  }
  const fields = new Map(
    url.search
      .slice(1)
      .split('&')
      .map((pair): [string, string] => {
        const at = pair.indexOf('=')
        const [name, value] = at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
        return [decode(name).toLowerCase(), decode(value)]
      }),
  )
  const to = decode(url.pathname).trim()
  if (!/^[^\s<>,;:"()]+@[^\s<>,;:"()]+$/.test(to)) return null
  const clean = (text: string, most: number) =>
    text.replace(/[\x00-\x09\x0b-\x1f\x7f\u2028\u2029]/g, ' ').slice(0, most)
  return {
    to,
    subject: clean((fields.get('subject') ?? '').replace(/[\r\n]+/g, ' '), 500).trim() || 'unsubscribe',
    body: clean((fields.get('body') ?? '').replace(/\r\n?/g, '\n'), 5000),
  }
}
