import { domainToASCII, domainToUnicode } from 'node:url'

/** An address as it is on the wire: the domain in ASCII, the local part as it was written. RFC 5321 4.1.2, RFC 6531. */
export type WireAddress = {
  local: string
  domain: string
  /** Only a server with SMTPUTF8 takes it. */
  isUnicode: boolean
}

const atom = "[\\w!#$%&'*+/=?^`{|}~\\-\\u00a1-\\u{10ffff}]+"
const dotAtom = new RegExp(`^${atom}(?:\\.${atom})*$`, 'u')
/** Without what ends an address on the wire. */
const quoted = /^"(?:[\x20\x21\x23-\x3b\x3d\x3f-\x5b\x5d-\x7e]|\\[\x20-\x3b\x3d\x3f-\x7e])*"$/
const label = /^[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?$/i
const maxLocal = 64
const maxDomain = 255

/**
 * Null for what is no single address: whatever could be read as two, or as something else than it looks, is refused; and so is
 * an address literal, by which no mail comes from people.
 */
export const readAddress = (text: string): WireAddress | null => {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(0, at))
  const domain = toWireDomain(text.slice(at + 1))
  if (at < 1 || domain === null || Buffer.byteLength(local) > maxLocal || domain.length > maxDomain) return null
  if (!dotAtom.test(local) && !quoted.test(local)) return null
  const isUnicode = /[^\x00-\x7f]/.test(local)
  // A letter and its accent apart would be another mailbox than the one that is shown.
  return local === local.normalize('NFC') ? { local, domain, isUnicode } : null
}

const toWireDomain = (domain: string): string | null => {
  const ascii = /^[\x21-\x7e]*$/.test(domain) ? domain.toLowerCase() : domainToASCII(domain)
  const labels = ascii.split('.')
  return ascii !== '' && labels.every((one) => label.test(one)) && isTrueName(ascii) ? ascii : null
}

/** What is encoded has to decode: some names of that look only pass for another one. */
const isTrueName = (ascii: string): boolean =>
  !/(^|\.)xn--/.test(ascii) || domainToASCII(domainToUnicode(ascii)) === ascii

export const wireAddress = ({ local, domain }: WireAddress): string => `${local}@${domain}`
