import { AppError } from '#platform/errors.ts'
import { toSessionError } from '../session-error.ts'

/** The first line of an answer. RFC 1939 3, RFC 5034 4. */
export type Reply = Status | { kind: 'challenge'; text: string }
export type Status = {
  kind: 'ok' | 'refused'
  /** The extended response code, upper case: `IN-USE`, `SYS/TEMP`. RFC 2449 8, RFC 3206. Null when there is none. */
  code: string | null
  text: string
}

/** Null for what no POP3 server says. Bytes are kept as they are, one character each. */
export const parseReply = (line: Buffer): Reply | null => {
  const said = line.toString('latin1')
  const challenge = /^\+(?: (.*))?$/s.exec(said)
  if (challenge) return { kind: 'challenge', text: challenge[1] ?? '' }
  const [, sign, rest] = /^(\+OK|-ERR)(?![A-Za-z0-9])(.*)$/s.exec(said) ?? []
  if (sign === undefined || rest === undefined) return null
  const [, code, text] = /^\s*\[([^\]\s]{1,64})[^\]]*\]\s*(.*)$/s.exec(rest) ?? []
  return { kind: sign === '+OK' ? 'ok' : 'refused', code: code?.toUpperCase() ?? null, text: text ?? rest.trim() }
}

/** Servers without response codes say in words that another session holds the maildrop. */
const inUseWords =
  /\b(maildrop|mail ?box|mail drop|inbox|spool)\b.{0,40}\b(locked|busy|in use)\b|\block busy\b|\b(unable|failed|cannot|can't|could not)\b.{0,20}\block\b|\balready (locked|in use|open)|\banother (pop3? )?(session|client|connection)\b/i
/** Hotmail and its like count logins. */
const loginDelayWords = /\b(login|logon) (limit|frequency|interval)|frequency of (requests|logins)|logged in too/i

/** Our error for a `-ERR`; `fallback` says what it means where the server gives no reason that we know. */
export const refusalOf = (status: Status, fallback: AppError): AppError => {
  const named = status.code === null ? codeInWords(status.text) : status.code
  const known = toSessionError({
    serverResponseCode: named ?? '',
    responseText: status.text,
    responseStatus: 'NO',
  })
  if (known.code !== 'mailbox.refused') return known
  const { serverText } = known.detail
  return new AppError(fallback.code, fallback.message, { ...fallback.detail, ...(serverText ? { serverText } : {}) })
}

const codeInWords = (text: string): string | null => {
  if (inUseWords.test(text)) return 'IN-USE'
  return loginDelayWords.test(text) ? 'LOGIN-DELAY' : null
}
