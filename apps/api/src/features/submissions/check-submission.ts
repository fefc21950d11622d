import type { DraftContent, DraftRecipient } from '@postern/shared/drafts.ts'
import { type Correspondent, requireAddress } from '#mail/compose-message.ts'
import { wireAddress } from '#mail/mail-address.ts'
import { instantOf, type WallTime, zoneMinutesAt } from '#mail/wall-time.ts'
import { AppError } from '#platform/errors.ts'
import type { Due, NewRecipient } from '#store/submissions.ts'

/** Servers take at least so many at once, and some no more. RFC 5321 4.5.3.1.8. */
const recipientsPerBatch = 100

export type Addressed = {
  to: Correspondent[]
  cc: Correspondent[]
  bcc: Correspondent[]
  /** Each once, however often it is named. */
  recipients: NewRecipient[]
  /** Only a server with SMTPUTF8 takes one of them. */
  isUnicode: boolean
}

/** Whom it goes to. Throws request.invalid, with the field and what is wrong with it. */
export const addressesOf = ({ to, cc, bcc }: Pick<DraftContent, 'to' | 'cc' | 'bcc'>): Addressed => {
  const seen = new Set<string>()
  const recipients: NewRecipient[] = []
  let isUnicode = false
  const read = (list: DraftRecipient[], kind: NewRecipient['kind']): Correspondent[] =>
    list.filter(isFilled).map(({ name, address: typed }) => {
      const known = requireAddress(typed.trim(), kind)
      const address = wireAddress(known)
      isUnicode ||= known.isUnicode
      if (!seen.has(address))
        recipients.push({ name, address, kind, batch: Math.floor(recipients.length / recipientsPerBatch) })
      seen.add(address)
      return { name: name.trim(), address }
    })
  const addressed = { to: read(to, 'to'), cc: read(cc, 'cc'), bcc: read(bcc, 'bcc') }
  if (recipients.length === 0)
    throw new AppError('request.invalid', 'This mail goes to nobody yet.', {
      hint: 'Enter at least one address.',
      fields: { to: 'is empty' },
    })
  return { ...addressed, recipients, isUnicode }
}

/** A field that was begun and left is nobody. */
const isFilled = ({ name, address }: DraftRecipient): boolean => name.trim() !== '' || address.trim() !== ''

export type Departure = { notBefore: Due; schedule: WallTime | null; date: Date; zoneMinutes: number }

/** The server waits longer than the screen that offers to take it back. */
const graceMs = 2000
const farthestMs = 366 * 24 * 3_600_000

/** When it may leave, and what it says of that itself. Throws request.invalid. */
export const departureOf = (
  { sendAt, holdSeconds, zoneMinutes }: { sendAt: WallTime | null; holdSeconds: number; zoneMinutes: number },
  now: Date,
): Departure => {
  if (sendAt === null) {
    const holdMs = holdSeconds > 0 ? holdSeconds * 1000 + graceMs : 0
    return { notBefore: { inMs: holdMs }, schedule: null, date: now, zoneMinutes }
  }
  const at = instantOf(sendAt)
  if (!at) throw unfit('is no time at any place')
  if (at.getTime() < now.getTime()) throw unfit('is over')
  if (at.getTime() > now.getTime() + farthestMs) throw unfit('is more than a year away')
  return { notBefore: at, schedule: sendAt, date: at, zoneMinutes: zoneMinutesAt(sendAt.zone, at) }
}

const unfit = (why: string): AppError =>
  new AppError('request.invalid', `The time this mail is to be sent at ${why}.`, {
    hint: 'Choose a time within the next year.',
    fields: { sendAt: why },
  })
