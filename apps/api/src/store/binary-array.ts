/**
 * Array parameters in PostgreSQL's binary form (array_recv). As text every element would be escaped here and read
 * character by character there, which costs more than storing it when elements are whole mails.
 */
const textOid = 25
const tsvectorOid = 3614
const headerBytes = 20

/** One dimension from 1 on: dimensions, "may hold null", element type, length, lower bound. */
const header = (out: Buffer, oid: number, length: number): number => {
  let at = out.writeInt32BE(length === 0 ? 0 : 1, 0)
  at = out.writeInt32BE(1, at)
  at = out.writeInt32BE(oid, at)
  if (length === 0) return at
  at = out.writeInt32BE(length, at)
  return out.writeInt32BE(1, at)
}

/** For `${...}::text[]`; also the cheapest way to send many numbers and dates, cast on the other side. */
export const textArray = (values: readonly (string | null)[]): Buffer => {
  let bytes = headerBytes
  for (const value of values) bytes += 4 + (value === null ? 0 : Buffer.byteLength(value))
  const out = Buffer.allocUnsafe(bytes)
  let at = header(out, textOid, values.length)
  for (const value of values) {
    if (value === null) {
      at = out.writeInt32BE(-1, at)
      continue
    }
    const length = out.write(value, at + 4)
    out.writeInt32BE(length, at)
    at += 4 + length
  }
  return out.subarray(0, at)
}

/** For `${...}::tsvector[]`; elements as mail/tokenize.ts makes them. */
export const vectorArray = (values: readonly Buffer[]): Buffer => {
  const out = Buffer.allocUnsafe(values.reduce((sum, value) => sum + 4 + value.length, headerBytes))
  let at = header(out, tsvectorOid, values.length)
  for (const value of values) {
    at = out.writeInt32BE(value.length, at)
    at += value.copy(out, at)
  }
  return out.subarray(0, at)
}
