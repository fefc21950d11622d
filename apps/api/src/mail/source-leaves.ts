import libmime from 'libmime'
import { decodePart } from './decode-part.ts'
import { headerOf } from './read-envelope.ts'

/** A part that has no parts, as text. Types in small letters. */
export type MailLeaf = { type: string; text: string }

const maxLeaves = 50
const maxDepth = 4

/**
 * The leaves of a mail from the beginning of its source, of whatever length that is; the last one may be cut. Attached mails
 * are leaves. For looking into a mail, not for showing it: what is odd is left out.
 */
export const leavesOf = (source: Buffer): MailLeaf[] => {
  const leaves: MailLeaf[] = []
  collect(source, 0, leaves)
  return leaves
}

/** A header field's value, unfolded; the topmost of its name. */
export const fieldOf = (header: string, name: string): string | null =>
  new RegExp(`^${name}[ \\t]*:([^\\n]*(?:\\n[ \\t][^\\n]*)*)`, 'im')
    .exec(header)?.[1]
    ?.replace(/\r?\n[ \t]*/g, ' ')
    .trim() ?? null

const collect = (part: Buffer, depth: number, leaves: MailLeaf[]): void => {
  const block = headerOf(part)
  const header = block.toString('latin1')
  const body = part
    .subarray(block.length)
    .toString('latin1')
    .replace(/^\r?\n(?:\r?\n)?/, '')
  const content = libmime.parseHeaderValue((fieldOf(header, 'content-type') ?? 'text/plain').slice(0, 2000))
  const type = content.value.toLowerCase().trim()
  const boundary = content.params.boundary
  if (type.startsWith('multipart/') && boundary) {
    if (depth === maxDepth) return
    const pieces = `\n${body}`.split(`\n--${boundary}`)
    for (const piece of pieces.slice(1, maxLeaves + 1)) {
      if (piece.startsWith('--') || leaves.length >= maxLeaves) return
      collect(Buffer.from(piece.replace(/^[ \t]*\r?\n/, ''), 'latin1'), depth + 1, leaves)
    }
    return
  }
  const encoding = fieldOf(header, 'content-transfer-encoding') ?? ''
  const bytes = Buffer.from(body, 'latin1')
  leaves.push({ type, text: decodePart({ bytes, encoding, charset: content.params.charset ?? '' }) })
}
