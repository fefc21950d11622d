import { once } from 'node:events'
import { connect } from 'node:net'
import { mailPassword } from './gateway.ts'

/** The floor at a maildrop: a socket that asks ahead and forgets every answer. Nothing is decoded, compared or stored. */
export type BareMaildrop = { messages: number; bytes: number }

/** What one look costs any client: sign in, STAT, UIDL and LIST in one breath, QUIT. */
export const lookBare = (port: number, user: string): Promise<BareMaildrop> => ask(port, user, () => ['QUIT'])

/** Every mail as fast as the server gives them. */
export const downloadBare = (port: number, user: string): Promise<BareMaildrop> =>
  ask(port, user, (messages) => [...Array.from({ length: messages }, (_, n) => `RETR ${n + 1}`), 'QUIT'])

const ask = async (port: number, user: string, rest: (messages: number) => string[]): Promise<BareMaildrop> => {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true })
  const send = (...lines: string[]) => socket.write(lines.map((line) => `${line}\r\n`).join(''))
  let bytes = 0
  let heard = ''
  let messages: number | undefined
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (messages !== undefined) return
    heard += chunk.toString('latin1')
    const stated = /\r\n\+OK (\d+) \d+\r\n/.exec(heard)?.[1]
    // STAT, then two lists behind each other.
    if (stated === undefined || heard.split('\r\n.\r\n').length < 3) return
    messages = Number(stated)
    send(...rest(messages))
  })
  send(`USER ${user}`, `PASS ${mailPassword}`, 'STAT', 'UIDL', 'LIST')
  await once(socket, 'close')
  if (messages === undefined) throw new Error(`the maildrop was not listed: ${heard.slice(0, 200)}`)
  return { messages, bytes }
}
