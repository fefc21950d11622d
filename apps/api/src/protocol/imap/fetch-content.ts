import type { Readable } from 'node:stream'
import { chunksOf, formatUidSet } from '#mail/uid-set.ts'
import { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'

/** Bytes of parts as the server holds them, still transfer-encoded. */
export type FetchedParts = { uid: number; parts: Map<string, Buffer> }

/** Callers ask for far less at a time; a server that ignores what was asked for is cut off. */
const maxAnswerBytes = 96 * 1024 * 1024
const maxAnswers = 20_000

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
    let bytes = 0
    for await (const message of session.flow.fetch(uidSet, { uid: true, bodyParts }, { uid: true })) {
      const parts = message.bodyParts ?? new Map<string, Buffer>()
      found.push({ uid: message.uid, parts })
      for (const part of parts.values()) bytes += part?.length ?? 0
      if (bytes > maxAnswerBytes || found.length > maxAnswers)
        throw new AppError('connect.protocol', 'The server sends far more than it was asked for.')
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

const headersAtOnce = 200

/** Header blocks of many messages by uid; what is gone is left out. */
export const fetchHeaderBlocks = async (session: ImapSession, uids: number[]): Promise<Map<number, Buffer>> => {
  try {
    const found = new Map<number, Buffer>()
    for (const batch of chunksOf(uids, headersAtOnce))
      for await (const { uid, headers } of session.flow.fetch(
        formatUidSet(batch),
        { uid: true, headers: true },
        { uid: true },
      ))
        if (headers) found.set(uid, headers)
    return found
  } catch (error) {
    throw toSessionError(error)
  }
}

/** A message as the server holds it, at most its first `maxBytes`; null when it gives none. */
export const fetchSource = async (session: ImapSession, uid: number, maxBytes: number): Promise<Buffer | null> => {
  try {
    const message = await session.flow.fetchOne(
      String(uid),
      { uid: true, source: { start: 0, maxLength: maxBytes } },
      { uid: true },
    )
    return message === false ? null : (message.source ?? null)
  } catch (error) {
    throw toSessionError(error)
  }
}

/** Whole small messages by uid; what is gone is left out. */
export const fetchSources = async (session: ImapSession, uids: number[]): Promise<Map<number, Buffer>> => {
  try {
    const found = new Map<number, Buffer>()
    let bytes = 0
    for await (const { uid, source } of session.flow.fetch(
      formatUidSet(uids),
      { uid: true, source: true },
      { uid: true },
    )) {
      if (source) found.set(uid, source)
      bytes += source?.length ?? 0
      if (bytes > maxAnswerBytes)
        throw new AppError('connect.protocol', 'The server sends far more than it was asked for.')
    }
    return found
  } catch (error) {
    throw toSessionError(error)
  }
}

/** Whether the server still lists a message, whatever it gives of it. */
export const hasMessage = async (session: ImapSession, uid: number): Promise<boolean> => {
  try {
    const found = await session.flow.search({ uid: String(uid) }, { uid: true })
    if (!found) throw session.refusal()
    return found.length > 0
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
