import { displayLine } from '#mail/storable-text.ts'
import { AppError } from '#platform/errors.ts'
import type { Channel } from './channel.ts'
import { readListing } from './listing.ts'

/** What a server says it can do. RFC 2449 6, RFC 2595, RFC 5034, RFC 6856. */
export type Capabilities = {
  /** False when the server does not know CAPA: what it can do is then found out by trying. */
  isListed: boolean
  /** Null: not known before it was tried. */
  top: boolean | null
  /** UIDL. Null: not known before it was tried. Without it a message has no name that lasts. */
  uniqueIds: boolean | null
  pipelining: boolean
  stls: boolean
  /** USER and PASS. */
  user: boolean
  /** SASL mechanisms, upper case. */
  mechanisms: string[]
  utf8: boolean
  /** What the server does with mail it keeps; null when it does not say. */
  expire: Expire | null
  /** Least time between two logins; null when it does not say. */
  loginDelay: { seconds: number; differsByUser: boolean } | null
  implementation: string | null
}

/** `afterDays` null is NEVER; 0 means that the server may remove a message once it was retrieved. */
export type Expire = { afterDays: number | null; differsByUser: boolean }

const maxCapabilities = 500

export const unlisted = (): Capabilities => ({
  isListed: false,
  top: null,
  uniqueIds: null,
  pipelining: false,
  stls: false,
  user: true,
  mechanisms: [],
  utf8: false,
  expire: null,
  loginDelay: null,
  implementation: null,
})

/** A value that makes no sense drops its capability, never the others. */
export const parseCapabilities = (lines: string[]): Capabilities => {
  const found = new Map<string, string[]>()
  for (const line of lines) {
    const [name = '', ...words] = line.trim().split(/[ \t]+/)
    if (!found.has(name.toUpperCase())) found.set(name.toUpperCase(), words)
  }
  return {
    isListed: true,
    top: found.has('TOP') || null,
    uniqueIds: found.has('UIDL') || null,
    pipelining: found.has('PIPELINING'),
    stls: found.has('STLS'),
    user: found.has('USER'),
    mechanisms: (found.get('SASL') ?? []).map((word) => word.toUpperCase()),
    utf8: found.has('UTF8'),
    expire: toExpire(found.get('EXPIRE')),
    loginDelay: toLoginDelay(found.get('LOGIN-DELAY')),
    implementation: displayLine((found.get('IMPLEMENTATION') ?? []).join(' '), 200) || null,
  }
}

/** CAPA; a server that refuses it is one without. */
export const readCapabilities = (channel: Channel): Promise<Capabilities> =>
  channel.alone(async () => {
    channel.send('CAPA')
    if ((await channel.readStatus()).kind === 'refused') return unlisted()
    const lines: string[] = []
    await readListing(channel, (line) => {
      if (lines.push(line) > maxCapabilities)
        throw channel.fail(new AppError('connect.protocol', 'The server says far more than any mail server should.'))
    })
    return parseCapabilities(lines)
  })

const differsByUser = (words: string[]): boolean => words[1]?.toUpperCase() === 'USER'

const toExpire = (words: string[] | undefined): Expire | null => {
  if (words === undefined) return null
  if (words[0]?.toUpperCase() === 'NEVER') return { afterDays: null, differsByUser: false }
  const afterDays = toCount(words[0])
  return afterDays === null ? null : { afterDays, differsByUser: differsByUser(words) }
}

const toLoginDelay = (words: string[] | undefined): Capabilities['loginDelay'] => {
  const seconds = toCount(words?.[0])
  return words === undefined || seconds === null ? null : { seconds, differsByUser: differsByUser(words) }
}

const toCount = (word: string | undefined): number | null => (/^\d{1,9}$/.test(word ?? '') ? Number(word) : null)
