import { nothing, type Pass, type Tell, type Watch } from './watched-wire.ts'

const isMultiLine = (command: string): boolean => /^(CAPA|UIDL|LIST|RETR \d+|TOP \d+ \d+)$/i.test(command)
/** Secrets are neither named nor told. */
const nameOf = (line: string): string => (/^(AUTH|USER|PASS)\b/i.exec(line)?.[0] ?? line).trim()

/** Of a long answer, the way between two moments. */
const amidEvery = 512 * 1024

/**
 * A command before the server reads it, the last line of its answer before the client does, and now and then the middle of
 * a long answer. Commands sent ahead are moments of their own: what comes before the one that is stopped has reached the
 * server. RFC 1939 3, 5034 4.
 */
export const watchPop3 = (pass: Pass, session: number, tell: Tell): Watch => {
  const owed: string[] = []
  let fromClient = ''
  let fromServer = ''
  let isGreeted = false
  let isChallenged = false
  let body: string[] | undefined
  let bodyBytes = 0
  const onAnswered = (isOk: boolean, lines: string[]): boolean => {
    const command = owed.shift() ?? ''
    tell({ kind: 'answer', session, command, isOk, lines })
    return pass(`after ${command}`)
  }
  const onBodyLine = (lines: string[], line: string): boolean => {
    lines.push(line)
    const before = bodyBytes
    bodyBytes += line.length + 2
    return Math.floor(before / amidEvery) === Math.floor(bodyBytes / amidEvery) || pass(`amid ${owed[0]}`)
  }
  const onLine = (line: string): boolean => {
    if (body) {
      if (line !== '.') return onBodyLine(body, line)
      const lines = body
      body = undefined
      return onAnswered(true, lines)
    }
    if (!isGreeted) isGreeted = true
    else if (line.startsWith('+ ')) isChallenged = true
    else if (line.startsWith('+OK') && isMultiLine(owed[0] ?? '')) {
      body = []
      bodyBytes = 0
    } else return onAnswered(line.startsWith('+OK'), [])
    return true
  }
  return {
    toServer: (bytes) => {
      const lines = (fromClient + bytes.toString('latin1')).split('\r\n')
      const heldBack = fromClient.length
      fromClient = lines.pop() ?? ''
      let at = -heldBack
      for (const line of lines) {
        const name = nameOf(line)
        if (isChallenged) isChallenged = false
        else if (!pass(`before ${name}`)) return bytes.subarray(0, Math.max(0, at))
        else {
          owed.push(name)
          tell({ kind: 'command', session, line: name })
        }
        at += line.length + 2
      }
      return bytes
    },
    toClient: (bytes) => {
      const lines = (fromServer + bytes.toString('latin1')).split('\r\n')
      fromServer = lines.pop() ?? ''
      return lines.every(onLine) ? bytes : nothing
    },
  }
}
