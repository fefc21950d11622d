/** Modified UTF-7. RFC 3501 5.1.3. */
export const encodeName = (name: string): string =>
  name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-'
    const base64 = Buffer.from(run, 'utf16le').swap16().toString('base64')
    return `&${base64.replaceAll('/', ',').replace(/=+$/, '')}-`
  })

/** Null for what no rule allows: it would be spelled differently on the way back, and then name nothing or something else. */
export const decodeName = (wire: string): string | null => {
  const name = wire.replace(/&([^-]*)-/g, (run, base64: string) => {
    const bytes = Buffer.from(base64.replaceAll(',', '/'), 'base64')
    if (base64 === '') return '&'
    return bytes.length % 2 === 0 ? bytes.swap16().toString('utf16le') : run
  })
  return name.isWellFormed() && !name.includes('\0') && encodeName(name) === wire ? name : null
}

/**
 * How one session spells mailboxes: modified UTF-7, or UTF-8 where that was agreed on (RFC 6855, RFC 9051). Names against
 * the rules, such as `R&D` or plain 8-bit ones, are shown as they come and sent back just so.
 */
export class MailboxNames {
  readonly #isUtf8: boolean
  readonly #wireOf = new Map<string, string>()
  readonly #pathOf = new Map<string, string>()

  constructor(isUtf8: boolean) {
    this.#isUtf8 = isUtf8
  }

  fromWire(wire: string, delimiter: string | null): string {
    if (this.#isUtf8) return wire
    const names = delimiter ? wire.split(delimiter) : [wire]
    const path = names.map((name) => decodeName(name) ?? name).join(delimiter ?? '')
    if (encodeName(path) !== wire) this.#note(path, wire)
    return path
  }

  toWire(path: string): string {
    return this.#isUtf8 ? path : (this.#wireOf.get(path) ?? encodeName(path))
  }

  /** The path of what was selected under this spelling. */
  pathOf(wire: string): string {
    return this.#isUtf8 ? wire : (this.#pathOf.get(wire) ?? decodeName(wire) ?? wire)
  }

  /**
   * From now on this path is sent as it is read: a session that has not listed the mailboxes cannot know that the server
   * wants it so. Answers false when that changes nothing.
   */
  spellAsRead(path: string): boolean {
    if (this.toWire(path) === path) return false
    this.#note(path, path)
    return true
  }

  #note(path: string, wire: string): void {
    this.#wireOf.set(path, wire)
    this.#pathOf.set(wire, path)
  }
}
