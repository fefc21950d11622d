import type { OutgoingPart } from './compose-message.ts'

/** RFC 5322 2.1.1, without its end. */
const maxLine = 998
const LF = 10
const CR = 13

/**
 * A mail within a mail may not be base64 (RFC 2046 5.2.1): it goes as it is, where it can. One that cannot travel so, with longer
 * lines or octets that no line holds, goes as a file.
 */
export const asAttachment = async (part: OutgoingPart): Promise<OutgoingPart> => {
  if (part.contentType.toLowerCase() !== 'message/rfc822') return part
  const encoding = await plainEncoding(part.octets())
  return encoding === null ? { ...part, contentType: 'application/octet-stream' } : { ...part, encoding }
}

/** RFC 2045 2.7, 2.8; a line feed alone becomes a whole line end on the way. Null: it is neither. */
const plainEncoding = async (octets: AsyncIterable<Uint8Array>): Promise<'7bit' | '8bit' | null> => {
  let encoding: '7bit' | '8bit' = '7bit'
  let length = 0
  let last = 0
  for await (const piece of octets)
    for (const octet of piece) {
      if (octet === 0 || (last === CR && octet !== LF)) return null
      if (octet > 127) encoding = '8bit'
      length = octet === LF || octet === CR ? 0 : length + 1
      if (length > maxLine) return null
      last = octet
    }
  return last === CR ? null : encoding
}
