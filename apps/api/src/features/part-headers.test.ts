import { describe, expect, it } from 'vitest'
import { attachmentDisposition, previewKind, sniffImage } from './part-headers.ts'

describe('handing out what came by mail', () => {
  it('previews raster images by their bytes, never SVG or HTML', () => {
    expect(sniffImage(Buffer.from('89504e470d0a1a0a', 'hex'))).toBe('image/png')
    expect(sniffImage(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg">'))).toBeNull()
    expect(sniffImage(Buffer.from('<html>'))).toBeNull()
    for (const type of [
      'image/svg+xml',
      'text/html',
      'application/xhtml+xml',
      'text/xml',
      'application/javascript',
      'message/rfc822',
      'text/calendar',
    ])
      expect(previewKind(type, null)).toBeNull()
  })
  it('writes file names that cannot break the header or the disk', () => {
    expect(attachmentDisposition('a"b\r\nSet-Cookie: x.txt')).toBe(
      `attachment; filename="a_b__Set-Cookie: x.txt"; filename*=UTF-8''a%22b__Set-Cookie%3A%20x.txt`,
    )
    expect(attachmentDisposition('../../etc/passwd')).toContain('filename=".._.._etc_passwd"')
    expect(attachmentDisposition('Übersicht 日本.pdf')).toContain(
      "filename*=UTF-8''%C3%9Cbersicht%20%E6%97%A5%E6%9C%AC.pdf",
    )
    expect(attachmentDisposition('x\u202egnp.exe')).not.toContain('\u202e')
  })
})
