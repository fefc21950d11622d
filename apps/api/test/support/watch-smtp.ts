import { nothing, type Pass, type Tell, type Watch } from './watched-wire.ts'

/** Of a mail, the way between two moments. */
const amidEvery = 128 * 1024
const endOfMail = '\r\n.\r\n'
/** Names carry no address and no secret. */
const nameOf = (line: string): string =>
  (/^(EHLO|AUTH|MAIL|RCPT|DATA|RSET|NOOP|QUIT)\b/i.exec(line)?.[0] ?? line).trim()

/**
 * A command before the server reads it and the last line of its answer before the client does; of a mail now and then its
 * middle, and its end as a step of its own: before it the server has nothing, after it nobody but the server knows. RFC 5321 4.1.1.4.
 */
export const watchSmtp = (pass: Pass, session: number, tell: Tell): Watch => {
  const owed: string[] = []
  let fromClient = ''
  let fromServer = ''
  let isGreeted = false
  /** What of the mail has come, as far as its end may lie in it; undefined outside of one. */
  let content: string | undefined
  let contentBytes = 0
  const onCommand = (line: string): boolean => {
    const name = nameOf(line)
    if (!pass(`before ${name}`)) return false
    owed.push(name)
    tell({ kind: 'command', session, line: name })
    return true
  }
  /** What of the mail may go on. */
  const onContent = (bytes: Buffer): Buffer => {
    const before = contentBytes
    contentBytes += bytes.length
    const text = `${content}${bytes.toString('latin1')}`
    const end = text.indexOf(endOfMail)
    content = text.slice(-(endOfMail.length - 1))
    if (end < 0)
      return Math.floor(before / amidEvery) === Math.floor(contentBytes / amidEvery) || pass('amid mail')
        ? bytes
        : nothing
    content = undefined
    const head = bytes.subarray(0, Math.max(0, bytes.length - (text.length - end)))
    return onCommand('end') ? bytes : head
  }
  const onLine = (line: string): boolean => {
    if (/^\d{3}-/.test(line)) return true
    if (!isGreeted) {
      isGreeted = true
      return true
    }
    if (line.startsWith('334')) return true
    const command = owed.shift() ?? ''
    tell({ kind: 'answer', session, command, isOk: /^[23]/.test(line), lines: [line] })
    if (!pass(`after ${command}`)) return false
    if (!line.startsWith('354')) return true
    content = '\r\n'
    contentBytes = 0
    return true
  }
  return {
    toServer: (bytes) => {
      if (content !== undefined) return onContent(bytes)
      const lines = (fromClient + bytes.toString('latin1')).split('\r\n')
      fromClient = lines.pop() ?? ''
      return lines.every((line) => (/^[A-Za-z0-9+/]+=*$/.test(line) && owed.at(-1) === 'AUTH') || onCommand(line))
        ? bytes
        : nothing
    },
    toClient: (bytes) => {
      const lines = (fromServer + bytes.toString('latin1')).split('\r\n')
      fromServer = lines.pop() ?? ''
      return lines.every(onLine) ? bytes : nothing
    },
  }
}
