import { describe, expect, it } from 'vitest'
import { parseHeaders } from './parse-headers.ts'

const parsed = (text: string) => parseHeaders(Buffer.from(text, 'utf8')).map(({ name, value }) => [name, value])

describe('the headers of a message', () => {
  it('come without the space after the colon, in their order', () => {
    expect(parsed('Subject: Hello\r\nX-Tight:none\r\nX-Wide: \t  some \r\nX-Empty:\r\n\r\nBody: no')).toEqual([
      ['Subject', 'Hello'],
      ['X-Tight', 'none'],
      ['X-Wide', 'some'],
      ['X-Empty', ''],
    ])
  })
  it('are unfolded: only the line break goes', () => {
    expect(parsed('References: <a@b>\r\n <c@d>\r\n\t<e@f>\r\nTo:\r\n ann@example.org\r\n')).toEqual([
      ['References', '<a@b> <c@d> <e@f>'],
      ['To', 'ann@example.org'],
    ])
  })
  it('read encoded words across a fold as one, and raw bytes as UTF-8', () => {
    expect(parsed('Subject: =?utf-8?Q?Gr=C3=BC?=\r\n =?utf-8?Q?=C3=9Fe?=\r\nX-Raw: grün\r\n')).toEqual([
      ['Subject', 'Grüße'],
      ['X-Raw', 'grün'],
    ])
  })
  it('leave out what is no field', () => {
    expect(parsed('From nobody Thu\n: nameless\nno colon here\nA: b\n\n')).toEqual([['A', 'b']])
  })
})
