import { nothing, type Pass, type Tell, type Watch } from './watched-wire.ts'

const isWrite = (sql: string): boolean =>
  (/^\s*(INSERT|UPDATE|DELETE|WITH)\b/i.test(sql) && /\b(INSERT|UPDATE|DELETE)\b/.test(sql)) ||
  /^COPY\b.*\bFROM STDIN\b/.test(sql)
/** Written again and again without a reason of their own: killing there is killing between two others. */
const isRoutine = (sql: string): boolean => /account_lease|engine_request/.test(sql)

/** These write too, beside what they are called after. */
const callsWrite = (sql: string): boolean => /\b(log_changes|refresh_threads)\(/.test(sql)
const shortly = (sql: string): string => sql.trim().replace(/\s+/g, ' ').slice(0, 60)

/**
 * COMMIT of what wrote something, and single writes outside a transaction, before the server reads them and before their
 * answer is heard.
 */
export const watchPostgres = (pass: Pass, tell: Tell): Watch => {
  const statements = new Map<string, string>()
  const toServer = new Messages({ startsBare: true })
  const toClient = new Messages({ startsBare: false })
  let isIdle = true
  let awaited: string | undefined
  let lastWrite = ''
  let values: Buffer[] = []
  const copied: Buffer[] = []
  let isSynchronous = true
  const durable = (sql: string): string | undefined => {
    if (/^\s*COMMIT\b/i.test(sql)) return lastWrite === '' ? undefined : `COMMIT of ${lastWrite}`
    if (isWrite(sql)) lastWrite = shortly(sql)
    else if (callsWrite(sql)) lastWrite ||= shortly(sql)
    return isIdle && isWrite(sql) && !isRoutine(sql) ? shortly(sql) : undefined
  }
  const onQuery = (sql: string): boolean => {
    const name = durable(sql)
    if (name === undefined) return true
    if (!pass(`before ${name}`)) return false
    awaited = name
    return true
  }
  return {
    toServer: (bytes) =>
      toServer.passOn(bytes, (type, body) => {
        if (type === 'Q') {
          const sql = text(body, 0)
          if (/SET LOCAL synchronous_commit = off/i.test(sql)) isSynchronous = false
          return onQuery(sql)
        }
        if (type === 'P') {
          const name = text(body, 0)
          statements.set(name, text(body, Buffer.byteLength(name) + 1))
        }
        if (type === 'd') copied.push(Buffer.from(body))
        if (type === 'c') values.push(...octetsOf(Buffer.concat(copied.splice(0))))
        if (type !== 'B') return true
        values.push(...valuesOf(body))
        return onQuery(statements.get(text(body, Buffer.byteLength(text(body, 0)) + 1)) ?? '')
      }),
    toClient: (bytes) =>
      toClient.passOn(bytes, (type, body) => {
        if (type === 'Z') isIdle = body.toString('latin1') === 'I'
        if (type === 'Z' && isIdle) {
          values = []
          isSynchronous = true
          lastWrite = ''
        }
        if (type !== 'C' || awaited === undefined) return true
        const name = awaited
        awaited = undefined
        // A transaction that failed is rolled back by COMMIT too.
        if (text(body, 0) !== 'ROLLBACK') tell({ kind: 'commit', isSynchronous, values })
        return pass(`after ${name}`)
      }),
  }
}

/** The parameters of a Bind, without the NULLs. */
const valuesOf = (body: Buffer): Buffer[] => {
  const values: Buffer[] = []
  let at = body.indexOf(0, body.indexOf(0) + 1) + 1
  at += 2 + 2 * body.readInt16BE(at)
  const count = body.readInt16BE(at)
  at += 2
  for (let n = 0; n < count; n++) {
    const length = body.readInt32BE(at)
    at += 4
    if (length < 0) continue
    values.push(Buffer.from(body.subarray(at, at + length)))
    at += length
  }
  return values
}

/** What a binary COPY writes into `blob_chunk`: of each blob all its rows together. */
const octetsOf = (copied: Buffer): Buffer[] => {
  const rows = new Map<bigint, Buffer[]>()
  for (let at = signatureBytes; copied.readInt16BE(at) !== noMoreRows; ) {
    const blobId = copied.readBigInt64BE(at + 6)
    const start = at + rowHeadBytes
    at = start + copied.readInt32BE(start - 4)
    rows.set(blobId, [...(rows.get(blobId) ?? []), copied.subarray(start, at)])
  }
  return [...rows.values()].map((chunks) => Buffer.concat(chunks))
}
const signatureBytes = 19
/** Three fields, each behind its length: id, number, octets. */
const rowHeadBytes = 2 + 4 + 8 + 4 + 4 + 4
const noMoreRows = -1

const text = (body: Buffer, from: number): string => body.toString('utf8', from, body.indexOf(0, from))

/** Cuts a stream into protocol messages: a type byte (the very first one has none) and a length. */
class Messages {
  #rest: Buffer = nothing
  #isBare: boolean

  constructor({ startsBare }: { startsBare: boolean }) {
    this.#isBare = startsBare
  }

  /** Whole messages up to the first that `judge` stops. */
  passOn(bytes: Buffer, judge: (type: string, body: Buffer) => boolean): Buffer {
    this.#rest = Buffer.concat([this.#rest, bytes])
    let end = 0
    for (;;) {
      const head = this.#isBare ? 0 : 1
      if (this.#rest.length < end + head + 4) break
      const next = end + head + this.#rest.readUInt32BE(end + head)
      if (this.#rest.length < next) break
      const type = this.#isBare ? '' : String.fromCharCode(this.#rest[end] ?? 0)
      if (!judge(type, this.#rest.subarray(end + head + 4, next))) break
      this.#isBare = false
      end = next
    }
    const whole = this.#rest.subarray(0, end)
    this.#rest = this.#rest.subarray(end)
    return whole
  }
}
