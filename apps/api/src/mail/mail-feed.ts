import { type AttachmentStream, type HeaderValue, MailParser, type MessageText } from 'mailparser'
import { htmlToText } from './html-to-text.ts'
import { storableText } from './storable-text.ts'

/** A part that is no text of the mail, without its bytes. `sizeBytes` decoded. */
export type FoundPart = {
  filename: string | null
  contentType: string
  /** As the mail names it; empty when it does not. */
  charset: string
  contentId: string | null
  isInline: boolean
  sizeBytes: number
}
export type FoundMail = { text: string; html: string | null; parts: FoundPart[] }

/** Whose bytes are had on their way, by its place among the parts. */
export type WantedPart = { part: number; onBytes: (bytes: Buffer) => void; onEnd?: () => void }

/** More parts are not told apart. */
const maxParts = 1000

/**
 * Reads a raw mail as its bytes come, whatever its size: attachments pass through and are counted. Throws what the parser
 * throws.
 */
export class MailFeed {
  readonly #parser = new MailParser({
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    skipTextLinks: true,
    checksumAlgo: false,
  })
  readonly #parts: FoundPart[] = []
  readonly #ended: Promise<void>
  #texts: MessageText | undefined

  constructor(wanted?: WantedPart) {
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#ended = promise
    // Whoever feeds hears of it in the end.
    promise.catch(() => undefined)
    this.#parser
      .on('error', reject)
      .on('end', resolve)
      .on('data', (found: AttachmentStream | MessageText) => {
        if (found.type === 'text') this.#texts = found
        else this.#pass(found, wanted)
      })
  }

  /** Resolves when more can be taken. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#parser.destroyed) return this.#ended
    if (!this.#parser.write(bytes)) await Promise.race([once(this.#parser, 'drain'), this.#ended])
  }

  async finish(): Promise<FoundMail> {
    this.#parser.end()
    await this.#ended
    const html = this.#texts?.html ? storableText(this.#texts.html) : null
    const text = storableText(this.#texts?.text ?? '') || (html === null ? '' : htmlToText(html))
    return { text, html, parts: this.#parts }
  }

  #pass(found: AttachmentStream, wanted?: WantedPart): void {
    const at = this.#parts.length
    const part: FoundPart = {
      filename: found.filename ?? null,
      contentType: found.contentType,
      charset: charsetOf(found.headers.get('content-type')),
      contentId: found.cid ?? null,
      isInline: found.contentDisposition !== 'attachment' && found.cid !== undefined,
      sizeBytes: 0,
    }
    if (at < maxParts) this.#parts.push(part)
    const isWanted = wanted?.part === at
    found.content
      .on('data', (bytes: Buffer) => {
        part.sizeBytes += bytes.length
        if (isWanted) wanted.onBytes(bytes)
      })
      .on('error', (error) => this.#parser.destroy(error))
      .on('end', () => {
        if (isWanted) wanted.onEnd?.()
        found.release?.()
      })
  }
}

const charsetOf = (contentType: HeaderValue | undefined): string => {
  const params = typeof contentType === 'object' && 'params' in contentType ? contentType.params : {}
  return 'charset' in params && typeof params.charset === 'string' ? params.charset : ''
}

const once = (parser: MailParser, event: string): Promise<void> =>
  new Promise((done) => void parser.once(event, () => done()))
