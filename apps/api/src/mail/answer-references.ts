import { headerOf, readEnvelope } from './read-envelope.ts'
import { parseMessageIds } from './threading.ts'

/** What ties a mail to others, with brackets. RFC 5322 3.6.4. */
export type Ties = { inReplyTo: string | null; refs: string[] }

const bracketed = (ids: string[]) => ids.map((id) => `<${id}>`)

/** Of an answer to a mail, from the first octets of that: its Message-ID, behind what it refers to itself. */
export const answerTies = async (head: Uint8Array): Promise<Ties> => {
  const { messageId, inReplyTo, references } = await readEnvelope(headerOf(Buffer.from(head)))
  const own = parseMessageIds(messageId).slice(0, 1)
  const before = parseMessageIds(references)
  // RFC 5322: one id alone stands for the references that are missing.
  const parents = before.length > 0 ? before : parseMessageIds(inReplyTo).slice(0, 1)
  return {
    inReplyTo: bracketed(own)[0] ?? null,
    refs: bracketed([...parents.filter((id) => !own.includes(id)), ...own]),
  }
}

/** Of a mail itself: of a draft that goes on here. */
export const ownTies = async (head: Uint8Array): Promise<Ties> => {
  const { inReplyTo, references } = await readEnvelope(headerOf(Buffer.from(head)))
  return { inReplyTo: bracketed(parseMessageIds(inReplyTo))[0] ?? null, refs: bracketed(parseMessageIds(references)) }
}
