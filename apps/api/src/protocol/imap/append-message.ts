import { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'
import { isQuotable } from './find-held.ts'
import type { ImapSession } from './open-session.ts'

/** A mail to be put into a mailbox as it is. RFC 9051 6.3.12. */
export type AppendedMail = {
  sizeBytes: number
  /** Its octets in pieces; exactly `sizeBytes` of them, lines ending with CRLF. */
  octets: AsyncIterable<Uint8Array>
  /** It holds a NUL, which only BINARY carries (RFC 3516). */
  hasNul: boolean
  /** What is no flag (RFC 9051 9) is left out. */
  flags: string[]
  internalDate: Date
}

/** Null where the server does not say (no UIDPLUS, RFC 4315). */
export type Appended = { uid: number; uidValidity: bigint } | null

type Response = { attributes?: ({ section?: ({ value?: unknown } | null)[] } | null)[] }
type Answer = { next: () => void; response: Response }
type Attribute = { type: 'STRING' | 'TEXT'; value: string }
type RawFlow = {
  exec: (command: string, attributes: Attribute[], options: { onPlusTag: () => Promise<void> }) => Promise<Answer>
  capabilities: Map<string, boolean | number>
}

/**
 * Appends one mail. The octets pass from where they are kept to the socket, so that a mail of any size needs little
 * memory; the library would want it whole and would leave out flags without a word. The literal always waits for the
 * server's word, so that what it refuses by size or quota is not sent first. When the octets break off the session is cut:
 * the server then stores nothing (RFC 9051 6.3.12 "MUST be atomic"). Throws mailbox.missing, mailbox.over_quota,
 * mailbox.no_permission, mailbox.refused, message.too_large, connect.* (it may have been stored all the same: findAppended).
 */
export const appendMessage = async (session: ImapSession, path: string, mail: AppendedMail): Promise<Appended> => {
  const flow = session.flow as unknown as RawFlow // `exec` is there, only not in its types
  requireTakable(flow, mail)
  const flags = mail.flags.filter(isFlag).join(' ')
  let fault: unknown
  let isSent = false
  try {
    session.mayAct()
    const answer = await flow.exec(
      'APPEND',
      [
        { type: 'STRING', value: session.names.toWire(path) },
        { type: 'TEXT', value: `(${flags})` },
        { type: 'STRING', value: dateTime(mail.internalDate) },
        { type: 'TEXT', value: `${mail.hasNul ? '~' : ''}{${mail.sizeBytes}}` },
      ],
      {
        onPlusTag: async () => {
          if (isSent) return
          isSent = true
          await sendLiteral(session, mail).catch((error: unknown) => {
            fault = error
            session.destroy()
          })
        },
      },
    )
    const appended = readAppendUid(answer)
    answer.next()
    return appended
  } catch (error) {
    throw toSessionError(fault ?? translate(error))
  }
}

const sendLiteral = async (session: ImapSession, { octets, sizeBytes }: AppendedMail): Promise<void> => {
  let sent = 0
  for await (const piece of octets) {
    sent += piece.length
    if (sent > sizeBytes) break
    await session.send(piece)
  }
  if (sent !== sizeBytes) throw new AppError('internal', 'A mail that was to be sent has another size than it should.')
  await session.send(Buffer.from('\r\n'))
}

const requireTakable = ({ capabilities }: RawFlow, { sizeBytes, hasNul }: AppendedMail): void => {
  const limit = capabilities.get('APPENDLIMIT')
  if (typeof limit === 'number' && limit < sizeBytes) throw tooLarge()
  if (hasNul && !capabilities.has('BINARY'))
    throw new AppError('mailbox.refused', 'This mail holds NUL octets, which the server cannot take.')
}

const tooLarge = (cause?: unknown) =>
  new AppError('message.too_large', 'This mail is larger than the server takes.', { cause })

/** The words of a response code, such as APPENDUID and what follows it. */
const codeOf = (response: Response | undefined): string[] =>
  (response?.attributes?.[0]?.section ?? []).map((item) => String(item?.value ?? ''))

/** The library reads response codes only for commands that it knows. RFC 7889, RFC 4469: too large has two names. */
const translate = (error: unknown): unknown => {
  const { response } = Object(error) as { response?: Response } // what the library puts on a refused command
  const [code] = codeOf(response)
  if (code === undefined) return error
  if (/^(TOOBIG|APPENDLIMIT)$/i.test(code)) return tooLarge(error)
  return Object.assign(Object(error), { serverResponseCode: code })
}

const readAppendUid = ({ response }: Answer): Appended => {
  const [name, uidValidity = '', uid = ''] = codeOf(response)
  const isNumber = (text: string) => /^\d{1,10}$/.test(text)
  if (name?.toUpperCase() !== 'APPENDUID' || !isNumber(uidValidity) || !isNumber(uid)) return null
  return Number(uid) > 0 ? { uid: Number(uid), uidValidity: BigInt(uidValidity) } : null
}

/** An atom, or one behind a backslash. */
const isFlag = (flag: string): boolean => /^\\?[!#$&'+,\-./0-9:;<=>?@A-Z^_`a-z|}~]+$/.test(flag)

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (n: number) => String(n).padStart(2, '0')

/** RFC 9051 9, date-time: the day is padded with a space. */
const dateTime = (date: Date): string => {
  const year = String(Math.min(9999, Math.max(1970, date.getUTCFullYear())))
  const time = `${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`
  return `${String(date.getUTCDate()).padStart(2, ' ')}-${months[date.getUTCMonth()]}-${year} ${time} +0000`
}

/** What tells a mail apart among those that came into a mailbox. */
export type SoughtMail = {
  /** With its brackets, as written; null when it has none. */
  messageId: string | null
  sizeBytes: number
  /** The header as it was sent, without the empty line. */
  header: Buffer
}

/** Servers that rewrite what they are given are not searched through without end. */
const mostCandidates = 2000

/**
 * The uid of a mail that an APPEND without an answer may have left in the selected mailbox, among the uids from `fromUid` on;
 * but for those `taken`; null when it is not there. With a Message-ID the server finds it; else, or where the server does not find by header, what
 * came since is compared. The header decides, and the size where the server changes headers.
 */
export const findAppended = async (
  session: ImapSession,
  { messageId, sizeBytes, header }: SoughtMail,
  { fromUid, taken = new Set() }: { fromUid: bigint; taken?: ReadonlySet<number> },
): Promise<number | null> => {
  const range = `${fromUid}:*`
  try {
    const found =
      messageId !== null && isQuotable(messageId)
        ? await session.flow.search({ uid: range, header: { 'message-id': messageId } }, { uid: true })
        : await session.flow.search({ uid: range }, { uid: true })
    if (!found || !Array.isArray(found)) throw session.refusal()
    // `from:*` names the last message even when its uid is lower.
    const candidates = found.filter((uid) => BigInt(uid) >= fromUid && !taken.has(uid)).slice(-mostCandidates)
    if (candidates.length === 0) return null
    let bySize: number | null = null
    const query = { uid: true, size: true, headers: true }
    for await (const message of session.flow.fetch(candidates.join(','), query, { uid: true })) {
      if (trimmed(message.headers ?? Buffer.alloc(0)).equals(trimmed(header))) return message.uid
      if (message.size === sizeBytes && messageId !== null) bySize = message.uid
    }
    return bySize
  } catch (error) {
    throw toSessionError(error)
  }
}

/** Servers differ in whether the empty line belongs to the header. */
const trimmed = (header: Buffer): Buffer => {
  let end = header.length
  while (end > 0 && (header[end - 1] === 0x0a || header[end - 1] === 0x0d)) end--
  return header.subarray(0, end)
}

/**
 * The highest uid from `fromUid` on in the selected mailbox whose header has exactly this field; null when there is none.
 * Servers search by header with more or less of it, or not at all: what they find is looked at.
 */
export const findByHeader = async (
  session: ImapSession,
  { name, value }: { name: string; value: string },
  fromUid: bigint,
): Promise<number | null> => {
  const range = `${fromUid}:*`
  try {
    const byField = await session.flow.search({ uid: range, header: { [name]: value } }, { uid: true })
    const found =
      Array.isArray(byField) && byField.length > 0 ? byField : await session.flow.search({ uid: range }, { uid: true })
    if (!found || !Array.isArray(found)) throw session.refusal()
    const candidates = found.filter((uid) => BigInt(uid) >= fromUid).slice(-mostCandidates)
    if (candidates.length === 0) return null
    const line = `\n${name}: ${value}\r\n`.toLowerCase()
    let highest: number | null = null
    for await (const message of session.flow.fetch(
      candidates.join(','),
      { uid: true, headers: [name] },
      { uid: true },
    )) {
      const header = `\n${(message.headers ?? Buffer.alloc(0)).toString('latin1')}\r\n`.toLowerCase()
      if (header.includes(line)) highest = Math.max(highest ?? 0, message.uid)
    }
    return highest
  } catch (error) {
    throw toSessionError(error)
  }
}
