import { eachToken, maxTokenLength } from './tokenize.ts'

export type IndexedText = { subject: string; people: string; attachments: string; body: string }

const maxDistinctTokens = 6000
const maxPositionsPerToken = 16
const maxPosition = 16_383
/** A tsvector holds at most 1 MiB; a mail of more different words is found by its first ones. */
const maxVectorBytes = 900_000
/** Weights as a tsvector keeps them: in the two bits above a position. */
const weights = { A: 3 << 14, B: 2 << 14, C: 1 << 14, D: 0 }

/** Of the table of words: a power of two, and never more than half full. */
const slots = 16_384
const maxTokenBytes = 3 * maxTokenLength

/**
 * Working memory of the one vector that is being made; it is made in one go, so there is never a second. Words are kept as
 * bytes and found by a table of our own: most are a few ASCII letters, for which a string each, and a Map of them, would
 * cost more than all the rest of reading a mail.
 */
const room = {
  /** The number of a word plus one; 0: free. */
  slot: new Int16Array(slots),
  words: Buffer.allocUnsafeSlow(maxVectorBytes + maxTokenBytes),
  /** Per word: its hash, where it begins in `words` (and the next one does), its first and last occurrence, how many are kept. */
  hash: new Int32Array(maxDistinctTokens),
  start: new Int32Array(maxDistinctTokens + 1),
  first: new Int32Array(maxDistinctTokens),
  last: new Int32Array(maxDistinctTokens),
  count: new Uint8Array(maxDistinctTokens),
  /** Per kept occurrence: its position with the weight, and the next of the same word. */
  place: new Uint16Array(maxDistinctTokens * maxPositionsPerToken),
  next: new Int32Array(maxDistinctTokens * maxPositionsPerToken),
}

const addToHash = (hash: number, byte: number): number => Math.imul(hash ^ byte, 0x01000193)

/**
 * A tsvector in PostgreSQL's binary form (tsvectorrecv): the number of lexemes, then each with a NUL, the number of its
 * positions and these. Subject weighs A, people B, attachment names C, body D. As text it would cost both sides more.
 */
export const indexVector = ({ subject, people, attachments, body }: IndexedText): Buffer => {
  const { slot, words, hash: hashes, start, first, last, count, place, next } = room
  slot.fill(0)
  let distinct = 0
  let position = 0
  let kept = 0
  let weight = 0
  start[0] = 0

  const isWord = (id: number, from: number, end: number): boolean => {
    const begin = start[id] ?? 0
    if ((start[id + 1] ?? 0) - begin !== end - from) return false
    for (let i = 0; i < end - from; i++) if (words[begin + i] !== words[from + i]) return false
    return true
  }
  /** The word whose bytes lie behind the known ones, up to `end`. */
  const note = (hash: number, end: number): void => {
    position = Math.min(position + 1, maxPosition)
    const from = start[distinct] ?? 0
    let at = (hash ^ (hash >>> 15)) & (slots - 1)
    let id = (slot[at] ?? 0) - 1
    while (id >= 0 && !(hashes[id] === hash && isWord(id, from, end))) {
      at = (at + 1) & (slots - 1)
      id = (slot[at] ?? 0) - 1
    }
    if (id < 0) {
      // Each word also costs a NUL and a number, each occurrence a position.
      if (distinct === maxDistinctTokens || end + 3 * distinct + 2 * kept > maxVectorBytes) return
      id = distinct++
      slot[at] = distinct
      start[distinct] = end
      hashes[id] = hash
      first[id] = kept
      count[id] = 0
    } else {
      const latest = last[id] ?? 0
      // Positions ascend; the last one possible is kept once.
      if (count[id] === maxPositionsPerToken || ((place[latest] ?? 0) & maxPosition) === position) return
      next[latest] = kept
    }
    place[kept] = weight | position
    last[id] = kept++
    count[id] = (count[id] ?? 0) + 1
  }
  const sink = {
    onAscii: (text: string, from: number, to: number): void => {
      let end = start[distinct] ?? 0
      let hash = 0
      for (let i = from; i < to; i++) {
        const code = text.charCodeAt(i)
        const byte = code >= 0x41 && code <= 0x5a ? code + 0x20 : code
        words[end++] = byte
        hash = addToHash(hash, byte)
      }
      note(hash, end)
    },
    onToken: (token: string): void => {
      const from = start[distinct] ?? 0
      const end = from + words.write(token, from, 'utf8')
      let hash = 0
      for (let i = from; i < end; i++) hash = addToHash(hash, words[i] ?? 0)
      note(hash, end)
    },
  }
  const add = (text: string, of: number) => {
    weight = of
    eachToken(text, sink)
    // A gap, so that a phrase never runs from one field into the next.
    position = Math.min(position + 10, maxPosition)
  }
  add(subject, weights.A)
  add(people, weights.B)
  add(attachments, weights.C)
  add(body, weights.D)

  const out = Buffer.allocUnsafe(4 + (start[distinct] ?? 0) + 3 * distinct + 2 * kept)
  let to = out.writeInt32BE(distinct, 0)
  const writeShort = (value: number) => {
    out[to++] = value >>> 8
    out[to++] = value & 255
  }
  for (let id = 0; id < distinct; id++) {
    const end = start[id + 1] ?? 0
    for (let at = start[id] ?? 0; at < end; at++) out[to++] = words[at] ?? 0
    out[to++] = 0
    const positions = count[id] ?? 0
    writeShort(positions)
    for (let n = 0, from = first[id] ?? 0; n < positions; n++, from = next[from] ?? 0) writeShort(place[from] ?? 0)
  }
  return out
}
