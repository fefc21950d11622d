/** Dates, numbers and sizes in the reader's locale and zone. */
const time = new Intl.DateTimeFormat(undefined, { hour: 'numeric', minute: '2-digit' })
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })
const dayAndYear = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', year: 'numeric' })
const full = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'short' })

export const listDate = (instant: string, now = new Date()): string => {
  const date = new Date(instant)
  if (date.toDateString() === now.toDateString()) return time.format(date)
  return date.getFullYear() === now.getFullYear() ? day.format(date) : dayAndYear.format(date)
}
/** As in a list, with the time always: of one message it counts. */
export const messageDate = (instant: string, now = new Date()): string => {
  const shown = listDate(instant, now)
  const date = new Date(instant)
  return date.toDateString() === now.toDateString() ? shown : `${shown}, ${time.format(date)}`
}
export const fullDate = (instant: string): string => full.format(new Date(instant))

const units = ['B', 'KB', 'MB', 'GB', 'TB']
export const fileSize = (bytes: number): string => {
  const power = bytes < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3))
  const value = bytes / 1000 ** power
  return `${value.toLocaleString(undefined, { maximumFractionDigits: value < 10 && power > 0 ? 1 : 0 })} ${units[power]}`
}

export const personName = ({ name, address }: { name: string; address: string }): string =>
  name || address.split('@')[0] || address

/** A conversation's subject without what answers and forwards put before it. */
export const plainSubject = (subject: string): string => subject.replace(/^((re|fwd?|aw|wg|sv|vs)\s*:\s*)+/i, '')
