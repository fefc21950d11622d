import { ownAddress } from './own-address.ts'
import { displayLine } from './storable-text.ts'
import { tokensOf } from './tokenize.ts'

/** Whom a person writes with: how they are kept, found, and told from machines. */
export type Correspondent = { name: string; address: string }

const maxName = 200
const maxWords = 40

/** As they are kept, one row an address; null for what nobody can be written to at. */
export const readCorrespondent = ({ name, address }: Correspondent): Correspondent | null => {
  const own = address.length > 320 ? null : ownAddress(address.trim())
  if (own === null) return null
  const shown = displayLine(name, maxName)
  const key = own.toLowerCase()
  return { name: shown.toLowerCase() === key ? '' : shown, address: key }
}

/** What they are found by, at its beginning: every word of the name and of the address. */
export const wordsOf = ({ name, address }: Correspondent): string[] =>
  [...new Set(tokensOf(`${address} ${name}`))].slice(0, maxWords)

/** The same for somebody who is not in the table: each wanted word begins one of theirs. */
export const isFoundBy = (one: Correspondent, wanted: string[]): boolean => {
  const words = wordsOf(one)
  return wanted.every((beginning) => words.some((word) => word.startsWith(beginning)))
}

const machine =
  /^(?:.*[._+-])?(?:no|do-?not|dont|never)[._-]?(?:reply|respond|antwort(?:en)?)(?:[._+-].*)?@|^(?:mailer-daemon|mail-daemon|postmaster|bounces?|notifications?|newsletters?|alerts?|auto-?(?:reply|confirm|mailer)|mailings?)(?:[._+-].*)?@/i

/** Sends mail that nobody answers. */
export const isMachine = (address: string): boolean => machine.test(address)
