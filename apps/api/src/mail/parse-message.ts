import { decodeCharset } from './decode-part.ts'
import type { FoundMail } from './mail-feed.ts'

/**
 * A whole raw message to what is shown of it, for mail whose server-side structure told us nothing. The content can never
 * make this throw: what the parser loses is shown from the source.
 */
export type ParsedMessage = FoundMail & { kind: 'parsed' | 'salvaged' }

/** So much of a source is shown when nothing else can be. */
export const maxSourceText = 256 * 1024

export const parseMessage = async (raw: Buffer): Promise<ParsedMessage> => {
  try {
    // Loaded with the first mail that needs it: most gateways never meet one.
    const { MailFeed } = await import('./mail-feed.ts')
    const feed = new MailFeed()
    await feed.write(raw)
    const found = await feed.finish()
    const { text, html, parts } = found
    if (text.trim() !== '' || html !== null || parts.length > 0 || bodyOf(raw).trim() === '')
      return { kind: 'parsed', ...found }
  } catch {
    // Its limits, or a fault of its own: the source is still there.
  }
  return showSource(raw)
}

/** What it begins with, as it is. */
export const showSource = (raw: Buffer): ParsedMessage => ({
  kind: 'salvaged',
  text: bodyOf(raw),
  html: null,
  parts: [],
})

/** Everything after the header block, as text; the whole when there is no header block. */
const bodyOf = (raw: Buffer): string => {
  const text = decodeCharset(raw.subarray(0, maxSourceText), '')
  const end = /\r?\n\r?\n/.exec(text)
  return end ? text.slice(end.index + end[0].length) : text
}
