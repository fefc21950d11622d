import { type AttachmentStream, MailParser, type MessageText } from 'mailparser'
import { htmlToText } from './html-to-text.ts'
import { storableText } from './storable-text.ts'

/** A part that is no text of the mail, without its bytes. `sizeBytes` decoded. */
export type FoundPart = {
  filename: string | null
  contentType: string
  contentId: string | null
  isInline: boolean
  sizeBytes: number
}
export type FoundMail = { text: string; html: string | null; parts: FoundPart[] }

/** More parts are not told apart. */
const maxParts = 1000

/**
 * Reads a raw mail as its bytes come, whatever its size: attachments pass through and are counted. The bytes of one of them
 * can be had on their way (`wanted`, by its place among the parts). Throws what the parser throws.
 */
export class MailFeed {
  readonly #parser = new MailParser({
    skipHtmlToText: true,
    skipTextToHtml: true,
    skipImageLinks: true,
    skipTextLinks: true,
  })
  readonly #parts: FoundPart[] = []
  readonly #ended: Promise<void>
  #texts: MessageText | undefined

  constructor(wanted?: { part: number; onBytes: (bytes: Buffer) => void }) {
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

  #pass(found: AttachmentStream, wanted?: { part: number; onBytes: (bytes: Buffer) => void }): void {
    const at = this.#parts.length
    const part: FoundPart = {
      filename: found.filename ?? null,
      contentType: found.contentType,
      contentId: found.cid ?? null,
      isInline: found.contentDisposition !== 'attachment' && found.cid !== undefined,
      sizeBytes: 0,
    }
    if (at < maxParts) this.#parts.push(part)
    found.content.on('data', (bytes: Buffer) => {
      part.sizeBytes += bytes.length
      if (wanted?.part === at) wanted.onBytes(bytes)
    })
    found.content.on('end', () => found.release?.())
  }
}

const once = (parser: MailParser, event: string): Promise<void> =>
  new Promise((done) => void parser.once(event, () => done()))
