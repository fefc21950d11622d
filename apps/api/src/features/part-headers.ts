/** How bytes that came by mail are handed out: never as something a browser would run. */
const rasterTypes: [string, (bytes: Uint8Array) => boolean][] = [
  ['image/png', (b) => b[0] === 0x89 && b[1] === 0x50 && b[2] === 0x4e && b[3] === 0x47],
  ['image/jpeg', (b) => b[0] === 0xff && b[1] === 0xd8 && b[2] === 0xff],
  ['image/gif', (b) => b[0] === 0x47 && b[1] === 0x49 && b[2] === 0x46 && b[3] === 0x38],
  ['image/webp', (b) => ascii(b, 0, 4) === 'RIFF' && ascii(b, 8, 12) === 'WEBP'],
  ['image/avif', (b) => ascii(b, 4, 12) === 'ftypavif'],
  ['image/bmp', (b) => b[0] === 0x42 && b[1] === 0x4d],
]
const ascii = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString('latin1')

/** The raster image type the bytes really are; null for everything else, SVG included. */
export const sniffImage = (bytes: Uint8Array): string | null =>
  rasterTypes.find(([, matches]) => matches(bytes))?.[0] ?? null

/** What the app may draw itself, judged by type and name before the bytes are here. */
export const previewKind = (contentType: string, filename: string | null): 'image' | 'pdf' | 'text' | null => {
  if (/^image\/(png|jpe?g|pjpeg|gif|webp|avif|bmp)$/.test(contentType)) return 'image'
  if (
    contentType === 'application/pdf' ||
    (contentType === 'application/octet-stream' && /\.pdf$/i.test(filename ?? ''))
  )
    return 'pdf'
  if (/^text\/(plain|csv|x-log|markdown|x-patch|x-diff)$/.test(contentType)) return 'text'
  return null
}

export const safeHeaders: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "sandbox; default-src 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'private, max-age=86400',
}

/** RFC 6266 and RFC 8187: an ASCII name for everybody, the real one for those who can read it. */
export const attachmentDisposition = (filename: string): string => {
  const clean =
    filename
      .replace(/[\u0000-\u001f\u007f/\\\u202a-\u202e\u2066-\u2069]/g, '_')
      .slice(0, 200)
      .toWellFormed() || 'attachment'
  const ascii = clean.replace(/[^\x20-\x7e]|["%]/g, '_')
  return `attachment; filename="${ascii}"; filename*=UTF-8''${encodeURIComponent(clean).replace(/['()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)}`
}
