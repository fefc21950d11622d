/**
 * Several files as one, stored without compression (most attachments are compressed already): the ZIP format of APPNOTE
 * 6.3.10, sections 4.3.7, 4.3.12 and 4.3.16, names in UTF-8. Pure. Files of the same name get a number.
 */
export type NamedFile = { name: string; bytes: Uint8Array<ArrayBuffer> }

const crcTable = (): Uint32Array =>
  Uint32Array.from({ length: 256 }, (_, n) => {
    let c = n
    for (let bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1
    return c >>> 0
  })

export const crc32 = (bytes: Uint8Array): number => {
  const table = crcTable()
  let crc = 0xffffffff
  for (const byte of bytes) crc = (table[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8)
  return (crc ^ 0xffffffff) >>> 0
}

const isUtf8 = 0x0800
// 1980-01-01: a mail's parts have no dates of their own.
const oldestDate = 0x0021

const record = (fields: [size: 2 | 4, value: number][]): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(fields.reduce((sum, [size]) => sum + size, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true)
    else view.setUint32(at, value, true)
    at += size
  }
  return bytes
}

/** No path ever: a name from a mail must not choose where its file lands. */
const safeName = (name: string): string =>
  name.replace(/[\u0000-\u001f\u007f/\\:*?"<>|\u202a-\u202e\u2066-\u2069]/g, '_').replace(/^\.+/, '_') || 'attachment'

export const uniqueNames = (names: string[]): string[] => {
  const taken = new Set<string>()
  return names.map((name) => {
    const clean = safeName(name)
    const dot = clean.lastIndexOf('.') > 0 ? clean.lastIndexOf('.') : clean.length
    let free = clean
    for (let n = 2; taken.has(free.toLowerCase()); n++) free = `${clean.slice(0, dot)} (${n})${clean.slice(dot)}`
    taken.add(free.toLowerCase())
    return free
  })
}

/** The pieces of the archive in order, for a Blob: nothing is copied. */
export const zipFiles = (files: NamedFile[]): Uint8Array<ArrayBuffer>[] => {
  const names = uniqueNames(files.map(({ name }) => name)).map((name) => new TextEncoder().encode(name))
  const pieces: Uint8Array<ArrayBuffer>[] = []
  const directory: Uint8Array<ArrayBuffer>[] = []
  let offset = 0
  files.forEach(({ bytes }, index) => {
    const name = names[index] ?? new Uint8Array()
    const about: [2 | 4, number][] = [
      [2, 20],
      [2, isUtf8],
      [2, 0],
      [2, 0],
      [2, oldestDate],
      [4, crc32(bytes)],
      [4, bytes.length],
      [4, bytes.length],
      [2, name.length],
      [2, 0],
    ]
    const local = record([[4, 0x04034b50], ...about])
    directory.push(record([[4, 0x02014b50], [2, 20], ...about, [2, 0], [2, 0], [2, 0], [4, 0], [4, offset]]), name)
    pieces.push(local, name, bytes)
    offset += local.length + name.length + bytes.length
  })
  const size = directory.reduce((sum, piece) => sum + piece.length, 0)
  const end = record([
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, files.length],
    [2, files.length],
    [4, size],
    [4, offset],
    [2, 0],
  ])
  return [...pieces, ...directory, end]
}
