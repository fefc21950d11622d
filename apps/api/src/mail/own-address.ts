import { domainToUnicode } from 'node:url'
import { readAddress } from './mail-address.ts'

/** An address as it is kept and compared: the local part as written (NFC), the domain in small letters; null for what is none. */
export const ownAddress = (text: string): string | null => {
  const read = readAddress(text.normalize('NFC'))
  return read && `${read.local}@${domainToUnicode(read.domain) || read.domain}`
}

/** Whether mail for `written` comes to whoever has `own`: letters of any size, and anything behind a plus. */
export const isSameAddress = (own: string, written: string): boolean => keyOf(own) === keyOf(written)

/** The plus of one's own address is part of it: `me+shop@` answers mail to itself, not all of `me@`. */
export const isSubaddressOf = (own: string, written: string): boolean => {
  const [local = '', domain] = partsOf(written)
  return local.includes('+') && keyOf(own) === `${local.slice(0, local.indexOf('+'))}@${domain}`
}

const keyOf = (address: string): string => partsOf(address).join('@')

const partsOf = (address: string): [string, string] => {
  const known = (ownAddress(address.trim()) ?? address.trim()).toLowerCase()
  const at = known.lastIndexOf('@')
  return [known.slice(0, Math.max(0, at)), known.slice(at + 1)]
}
