import type { Readable } from 'node:stream'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'

/** Bytes of parts as the server holds them, still transfer-encoded. */
export type FetchedParts = { uid: number; parts: Map<string, Buffer> }

/** Parts of many messages that share the same paths; at most `maxBytes` of each part. RFC 9051 6.4.5 (partial FETCH). */
export const fetchParts = async (
  session: ImapSession,
  uidSet: string,
  paths: string[],
  maxBytes: number,
): Promise<FetchedParts[]> => {
  try {
    const found: FetchedParts[] = []
    const bodyParts = paths.map((key) => ({ key, start: 0, maxLength: maxBytes }))
    for await (const message of session.flow.fetch(uidSet, { uid: true, bodyParts }, { uid: true })) {
      found.push({ uid: message.uid, parts: message.bodyParts ?? new Map() })
    }
    return found
  } catch (error) {
    throw toSessionError(error)
  }
}

/** The raw header block of a message. Throws message.gone. */
export const fetchHeaders = async (session: ImapSession, uid: number): Promise<Buffer> => {
  try {
    const message = await session.flow.fetchOne(String(uid), { uid: true, headers: true }, { uid: true })
    if (message !== false && message.headers) return message.headers
  } catch (error) {
    throw toSessionError(error)
  }
  throw new AppError('message.gone', 'This message is no longer on the server.')
}

/** A whole message as the server holds it; null when it is no longer there. Only for mails known to be small. */
export const fetchSource = async (session: ImapSession, uid: number): Promise<Buffer | null> => {
  try {
    const message = await session.flow.fetchOne(String(uid), { uid: true, source: true }, { uid: true })
    return message === false ? null : (message.source ?? null)
  } catch (error) {
    throw toSessionError(error)
  }
}

export type StreamedContent = { expectedBytes: number | null; content: Readable }

/** A whole message, or one part decoded from its transfer encoding, as a stream with back-pressure. Throws message.gone. */
export const streamContent = async (
  session: ImapSession,
  uid: number,
  part: string | null,
  maxBytes: number,
): Promise<StreamedContent> => {
  try {
    const found = await session.flow.download(String(uid), part ?? undefined, {
      uid: true,
      maxBytes,
      chunkSize: 256 * 1024,
      decodeText: false,
    })
    if (found.content) return { expectedBytes: found.meta.expectedSize ?? null, content: found.content }
  } catch (error) {
    throw toSessionError(error)
  }
  throw new AppError('message.gone', 'This message is no longer on the server.')
}
