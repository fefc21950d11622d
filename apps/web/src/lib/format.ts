import type { AccountKind } from '@postern/shared/accounts.ts'

/** Dates, numbers and sizes in the reader's locale and zone. */
let full: Intl.DateTimeFormat | undefined

/**
 * Leans on nothing around it: the first paint takes its text along. Formats are made when first needed, because each one
 * costs as much as drawing ten rows.
 */
export const makeListDate = (): ((instant: string, now?: Date) => string) => {
  const made: Record<string, Intl.DateTimeFormat> = {}
  return (instant, now = new Date()) => {
    const date = new Date(instant)
    if (date.toDateString() === now.toDateString()) {
      made.time ??= new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
      return made.time.format(date)
    }
    if (date.getFullYear() === now.getFullYear()) {
      made.day ??= new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
      return made.day.format(date)
    }
    made.year ??= new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
    return made.year.format(date)
  }
}
export const listDate = makeListDate()
export const fullDate = (instant: string): string => {
  full ??= new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })
  return full.format(new Date(instant))
}
let written: Intl.DateTimeFormat | undefined
/** For paper, which is read anywhere: with the time zone. */
export const printDate = (instant: string): string => {
  written ??= new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' })
  return written.format(new Date(instant))
}
let time: Intl.DateTimeFormat | undefined
/** Of what is close enough to need no day. */
export const clockTime = (instant: string): string => {
  time ??= new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
  return time.format(new Date(instant))
}
/** As in a list, with the time always: of one message it counts. */
export const messageDate = (instant: string, now = new Date()): string => {
  const shown = listDate(instant, now)
  return new Date(instant).toDateString() === now.toDateString() ? shown : `${shown}, ${clockTime(instant)}`
}

const units = ['B', 'KB', 'MB', 'GB', 'TB']
export const fileSize = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 && power > 0 ? 1 : 0 })} ${units[power]}`
}

/** A name that looks like an address is none: somebody else may be behind it. Leans on nothing around it, as above. */
export const personName = ({ name, address }: { name: string; address: string }): string =>
  /[@\uff20]/.test(name) ? address || name : name || address.split('@')[0] || address

/** A conversation's subject without what answers and forwards put before it. */
export const plainSubject = (subject: string): string => subject.replace(/^((re|fwd?|aw|wg|sv|vs)\s*:\s*)+/i, '')

/** IMAP, POP3: as people know it. */
export const kindName = (kind: AccountKind): string => kind.toUpperCase()
