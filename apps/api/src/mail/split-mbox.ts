import { AppError } from '#platform/errors.ts'
import { CrlfBuffer } from './crlf-buffer.ts'

/** One mail of an mbox. `octets` has to be read before the next mail is asked for; what was not read is skipped. */
export type MboxMail = { fromLine: string; octets: AsyncIterable<Buffer> }

/** Handed on in pieces of about this size. */
const pieceBytes = 256 * 1024
/** A longer line passes in pieces. */
const maxLineBytes = 64 * 1024
/** No Content-Length is checked further ahead. */
const maxLookAhead = 8 * 1024 * 1024
/** With the blanks before its colon. */
const maxFieldName = 256

/**
 * The mails of an mbox, whatever its size, with CRLF at every line's end. RFC 4155 and the four dialects that are older:
 *
 * - A mail begins at a `From ` line, at the start or after an empty line. One with a date counts; so does a bare `From `, or
 *   `From ` and an address, where a header field follows: one file has both styles when a program changed its mind. Any other
 *   counts only where the first is such a one, and a field follows: a paragraph that begins with the word From is none.
 * - `>From ` loses one `>` (mboxrd; of mboxo it is the same, save for what was quoted before).
 * - Content-Length is believed only where it leads exactly to the next `From ` line or the end: then `From ` lines before
 *   that are text, and nothing was quoted (mboxcl2).
 * - The empty line before a `From ` line, and one at the end, is the mbox's.
 *
 * Throws import.no_mail when it does not begin with a `From ` line.
 */
export async function* splitMbox(input: AsyncIterable<Uint8Array>): AsyncGenerator<MboxMail> {
  const window = new LineWindow(input)
  let line = await window.nextLine()
  while (line !== null && isBlank(line)) line = await window.nextLine()
  if (line === null) return
  if (!isFrom(line))
    throw new AppError('import.no_mail', 'This is no mbox file: it does not begin with a line "From ".', {
      hint: 'A single mail is imported as an .eml file.',
    })
  const isLoose = !hasDate(line) && !isBare(line)
  const isSeparator = (found: Buffer) =>
    isFrom(found) && (hasDate(found) || ((isLoose || isBare(found)) && window.hasFieldNext()))
  for (let next: Buffer | null = line; next !== null; ) {
    const mail = new MboxReader(window, isSeparator)
    const octets = mail.read()
    // Without a `return`: who breaks off reading one mail may still ask for the next.
    yield {
      fromLine: next.toString('latin1').trimEnd(),
      octets: { [Symbol.asyncIterator]: () => ({ next: () => octets.next() }) },
    }
    while (!(await octets.next()).done);
    next = mail.next
  }
}

class MboxReader {
  /** The line with which the next mail begins; null at the end. Known once this one was read. */
  next: Buffer | null = null
  readonly #window: LineWindow
  readonly #isSeparator: (line: Buffer) => boolean | Promise<boolean>
  #contentLength: number | null = null
  #bodyStart: number | null = null
  /** Up to here `From ` lines are text and nothing is quoted. */
  #textUntil = -1

  constructor(window: LineWindow, isSeparator: (line: Buffer) => boolean | Promise<boolean>) {
    this.#window = window
    this.#isSeparator = isSeparator
  }

  async *read(): AsyncGenerator<Buffer> {
    const window = this.#window
    const out = new CrlfBuffer()
    let held: Buffer | null = null
    for (;;) {
      const isLineStart = !window.isInsideLine
      const line = window.readyLine() ?? (await window.nextLine())
      if (line === null) break
      if (isLineStart) {
        if (held !== null && (await this.#isSeparator(line)) && !(await this.#isText())) {
          this.next = line
          break
        }
        if (this.#bodyStart === null && isBlank(line)) {
          out.push(line)
          // It ends the header, and is the empty line before a `From ` line where there is no text.
          this.#bodyStart = window.position
          held = Buffer.alloc(0)
          continue
        }
        if (this.#bodyStart === null) this.#readHeader(line)
      }
      if (held !== null) out.push(held)
      held = isLineStart && isBlank(line) ? line : null
      if (held === null) out.push(isLineStart && window.position > this.#textUntil ? unquoted(line) : line)
      if (out.size >= pieceBytes) yield out.take()
    }
    if (out.size > 0) yield out.take()
  }

  #readHeader(line: Buffer): void {
    const found = /^content-length:[ \t]*(\d{1,12})[ \t]*\r?\n$/i.exec(line.toString('latin1', 0, 64))
    if (found?.[1]) this.#contentLength = Number(found[1])
  }

  /** Whether the `From ` line just read lies inside a text that Content-Length measures rightly. */
  async #isText(): Promise<boolean> {
    if (this.#window.position <= this.#textUntil) return true
    if (this.#contentLength === null || this.#bodyStart === null) return false
    const end = this.#bodyStart + this.#contentLength
    if (end < this.#window.position || !(await this.#window.hasMailAt(end - this.#window.position))) return false
    this.#textUntil = end
    return true
  }
}

/** Reads lines from pieces; can look ahead. */
class LineWindow {
  /** How much of the input has been read as lines. */
  position = 0
  /** The last line was longer than a line may be, and goes on. */
  isInsideLine = false
  readonly #input: AsyncIterator<Uint8Array>
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #isEnded = false

  constructor(input: AsyncIterable<Uint8Array>) {
    this.#input = input[Symbol.asyncIterator]()
  }

  /** The next line with its end, where it is here already. */
  readyLine(): Buffer | undefined {
    const end = this.#bytes.indexOf(10, this.#at)
    const length = end < 0 ? this.#bytes.length - this.#at : end + 1 - this.#at
    if (length <= maxLineBytes && end < 0) return undefined
    return this.#take(Math.min(length, maxLineBytes))
  }

  /** Null at the end. The last line may lack its end. */
  async nextLine(): Promise<Buffer | null> {
    for (;;) {
      const line = this.readyLine()
      if (line) return line
      if (await this.#fill()) continue
      return this.#at < this.#bytes.length ? this.#take(this.#bytes.length - this.#at) : null
    }
  }

  /** Whether, so many bytes ahead, another mail begins or the input ends. */
  async hasMailAt(ahead: number): Promise<boolean> {
    if (ahead > maxLookAhead) return false
    while (this.#bytes.length - this.#at < ahead + 8 && (await this.#fill()));
    const there = this.#bytes.toString('latin1', this.#at + ahead, this.#at + ahead + 7)
    return this.#bytes.length - this.#at >= ahead && /^(\r?\n)?(From |$)/.test(there)
  }

  /** Whether the next line begins with a field name and its colon. RFC 5322 2.2. */
  async hasFieldNext(): Promise<boolean> {
    for (;;) {
      const next = this.#bytes.toString('latin1', this.#at, this.#at + maxFieldName)
      if (/[:\n]/.test(next) || next.length === maxFieldName || !(await this.#fill()))
        return /^[!-9;-~]+[ \t]*:/.test(next)
    }
  }

  #take(length: number): Buffer {
    const line = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    this.position += length
    this.isInsideLine = line.at(-1) !== 10
    return line
  }

  async #fill(): Promise<boolean> {
    if (this.#isEnded) return false
    const { value, done } = await this.#input.next()
    if (done) this.#isEnded = true
    else this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), value])
    if (!done) this.#at = 0
    return !done
  }
}

const isBlank = (line: Buffer): boolean =>
  (line.length === 1 && line[0] === 10) || (line.length === 2 && line[0] === 13 && line[1] === 10)

const from = Buffer.from('From ')
const isFrom = (line: Buffer): boolean => line[0] === 0x46 && line.subarray(0, from.length).equals(from)

/** No more than the word, the dash that Mozilla puts there, or an address. */
const isBare = (line: Buffer): boolean =>
  /^From[ \t]+(?:-|[^\s@]+@[^\s@]+)?\s*$/.test(line.toString('latin1', 0, maxDated))

/** Nobody's address is longer; of a line made to be slow no more is looked at. */
const maxDated = 512
const hasDate = (line: Buffer): boolean => dated.test(line.toString('latin1', 0, maxDated))

/** A time and a year, in either order. */
const dated = /\d:\d\d\b.*\b(19|20)\d\d\b|\b(19|20)\d\d\b.*\d:\d\d\b/

const unquoted = (line: Buffer): Buffer => {
  if (line[0] !== 0x3e) return line
  let marks = 1
  while (line[marks] === 0x3e) marks++
  return isFrom(line.subarray(marks)) ? line.subarray(1) : line
}

const months = 'Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec'
const stamp = new RegExp(
  `\\b(${months})\\s+(\\d{1,2})\\s+(\\d{1,2}:\\d\\d(?::\\d\\d)?)\\s+(?:([+-]\\d{4}|[A-Z]{3,4})\\s+)?(\\d{4})(?:\\s+([+-]\\d{4}))?`,
)

/** When the mail came, as its `From ` line says; without a zone that is UTC (RFC 4155). Null when it says none. */
export const fromLineDate = (fromLine: string): Date | null => {
  const found = stamp.exec(fromLine)
  if (!found) return null
  const [, month, day, time, zone, year, lastZone] = found
  const date = new Date(`${day} ${month} ${year} ${time} ${zone ?? lastZone ?? 'UTC'}`)
  return Number.isNaN(date.getTime()) ? null : date
}

/** Mozilla's programs write `From -`, and when they stored the mail: on a copy that says no more than a file's own time. */
export const timesOfFromLine = (fromLine: string): { cameAt: Date | null; fileAt: Date | null } => {
  const date = fromLineDate(fromLine)
  return /^From - /.test(fromLine) ? { cameAt: null, fileAt: date } : { cameAt: date, fileAt: null }
}
