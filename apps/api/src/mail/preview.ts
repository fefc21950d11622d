import { displayLine } from './storable-text.ts'

const previewLength = 200
/** Longer lines introduce nothing; looking would cost the square of their length. */
const maxIntroLength = 300
const quoteIntro =
  /^(on .{5,100}wrote:|am .{5,100}schrieb.*:|le .{5,100}a écrit\s*:|el .{5,100}escribió:|.{0,80}<[^>]+@[^>]+>.{0,40}:)$/i

/** The first words somebody actually wrote: quoted text, its introduction and the signature are left out when there is more. */
export const previewOf = (text: string): string => {
  const lines = text.slice(0, 20_000).split('\n')
  const own: string[] = []
  let length = 0
  for (const raw of lines) {
    const line = raw.trim()
    if (line === '--' || raw.startsWith('-- ')) break
    if (
      line.startsWith('>') ||
      (line.length <= maxIntroLength && quoteIntro.test(line)) ||
      /^[-=_*~#\s]{3,}$/.test(line)
    )
      continue
    own.push(line)
    length += line.length
    // Invisible characters go later; this leaves room for them.
    if (length > 10 * previewLength) break
  }
  const joined = displayLine(own.join(' ').replace(/\u00ad|[\u200b-\u200d]|\u2060|\u034f/g, ''))
  const readable = joined === '' ? displayLine(text.slice(0, 5000)) : joined
  return readable.slice(0, previewLength).toWellFormed()
}
