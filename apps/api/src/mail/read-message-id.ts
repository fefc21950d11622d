import { headerOf, readEnvelope } from './read-envelope.ts'
import { parseMessageIds } from './threading.ts'

/** The Message-ID of a source with its brackets, from its first octets; null when it has none that can be read. */
export const readMessageId = async (source: Uint8Array): Promise<string | null> => {
  const envelope = await readEnvelope(headerOf(Buffer.from(source))).catch(() => null)
  const [id] = parseMessageIds(envelope?.messageId)
  return id === undefined ? null : `<${id}>`
}
