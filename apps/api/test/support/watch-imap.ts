import { nothing, type Pass, type Watch } from './watched-wire.ts'

/** A command before the server reads it, its tagged answer before the client does. */
export const watchImap = (pass: Pass): Watch => {
  const open = new Map<string, string>()
  let rest = ''
  return {
    toServer: (bytes) => {
      for (const line of bytes.toString('latin1').split('\r\n')) {
        const [, tag, command] = /^([0-9A-F]+) ((?:UID )?[A-Z]+)/.exec(line) ?? []
        if (!tag || !command) continue
        if (!pass(`before ${command}`)) return nothing
        open.set(tag, command)
      }
      return bytes
    },
    toClient: (bytes) => {
      const lines = (rest + bytes.toString('latin1')).split('\r\n')
      rest = lines.at(-1)?.slice(0, 100) ?? ''
      for (const line of lines.slice(0, -1)) {
        const [, tag = ''] = /^([0-9A-F]+) (?:OK|NO|BAD)\b/.exec(line) ?? []
        const command = open.get(tag)
        if (command === undefined) continue
        open.delete(tag)
        if (!pass(`after ${command}`)) return nothing
      }
      return bytes
    },
  }
}
