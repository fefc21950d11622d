import { domainToUnicode } from 'node:url'
import { readAddress } from './mail-address.ts'

/** An address as it is kept and compared: the local part as written (NFC), the domain in small letters; null for what is none. */
export const ownAddress = (text: string): string | null => {
  const read = readAddress(text.normalize('NFC'))
  return read && `${read.local}@${domainToUnicode(read.domain) || read.domain}`
}

/** The same for addresses whose mail comes to the same person: letters of any size, either spelling of the domain. */
export const addressKey = (address: string): string => partsOf(address).join('@')

/** A domain as it is kept behind the @ of an own address; null for what is none. */
export const domainKept = (text: string): string | null => ownAddress(`x@${text}`)?.slice(2) ?? null

/**
 * Of the address that this one has something behind a plus of; null: it has none. The plus of one's own address is part of it:
 * `me+shop@` answers mail to itself, not all of `me@`.
 */
export const keyBehindPlus = (address: string): string | null => {
  const [local, domain] = partsOf(address)
  return local.includes('+') ? `${local.slice(0, local.indexOf('+'))}@${domain}` : null
}

const partsOf = (address: string): [string, string] => {
  const known = (ownAddress(address.trim()) ?? address.trim()).toLowerCase()
  const at = known.lastIndexOf('@')
  return [known.slice(0, Math.max(0, at)), known.slice(at + 1)]
}
