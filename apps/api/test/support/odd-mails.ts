/** Mails that break rules; each says Hello somewhere. */
export const oddMails: Record<string, string> = {
  plain: 'Subject: a\r\n\r\nHello',
  noHeaders: 'just a line of text',
  noFinalBoundary: 'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello',
  wrongBoundary:
    'Content-Type: multipart/mixed; boundary=b\r\n\r\n--other\r\nContent-Type: text/plain\r\n\r\nHello\r\n--other--',
  noBoundaryName: 'Content-Type: multipart/alternative\r\n\r\n--x\r\nContent-Type: text/plain\r\n\r\nHello\r\n--x--',
  brokenBase64: 'Content-Transfer-Encoding: base64\r\nContent-Type: text/plain\r\n\r\nSGVsbG8gd29ybGQ',
  unknownCharset: 'Content-Type: text/plain; charset=x-nothing\r\n\r\nHello',
  nul: 'Content-Type: text/plain\r\n\r\nHe\0llo',
  bareLf: 'Subject: a\nContent-Type: text/plain\n\nHello\n',
  proto: '__proto__: evil\r\nconstructor: evil\r\nSubject: a\r\n\r\nHello',
  htmlOnly: 'Content-Type: text/html\r\n\r\n<p>Hello</p>',
  emptyHtml: 'Content-Type: text/html\r\n\r\n<p></p>Hello',
  unknownEncoding: 'Content-Transfer-Encoding: x-odd\r\n\r\nHello',
  nested: `${'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'.repeat(30)}Content-Type: text/plain\r\n\r\nHello`,
  longLine: `Content-Type: text/plain\r\n\r\nHello ${'x'.repeat(200_000)}`,
}

const multipart = (inner: string) => `Content-Type: multipart/mixed; boundary=b\r\n\r\n${inner}`

/** Mails that mean to break what reads them. */
export const poisonMails: Record<string, () => string> = {
  'nested 100,000 deep': () => `Subject: nested\r\n${multipart('--b\r\n').repeat(100_000)}`,
  'nested 3,000 deep with own boundaries': () =>
    `Subject: nested\r\n${Array.from({ length: 3000 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\r\n\r\n--b${n}\r\n`).join('')}`,
  'messages in messages': () =>
    `Subject: matryoshka\r\n${'Content-Type: message/rfc822\r\n\r\n'.repeat(20_000)}Subject: x\r\n\r\nHello`,
  '20,000 parts': () => `Subject: parts\r\n${multipart('--b\r\nContent-Type: text/plain\r\n\r\nx\r\n'.repeat(20_000))}`,
  '20,000 attachments': () =>
    `Subject: attachments\r\n${multipart('--b\r\nContent-Type: image/png; name=x.png\r\nContent-Disposition: attachment\r\n\r\nx\r\n'.repeat(20_000))}`,
  '100,000 header fields': () => `Subject: fields\r\n${'X-Long: y\r\n'.repeat(100_000)}\r\nHello`,
  'a header of 4 MB': () => `Subject: long\r\nX-Long: ${'y'.repeat(4_000_000)}\r\n\r\nHello`,
  'a subject of 1 MB': () => `Subject: ${'=?utf-8?q?y?= '.repeat(80_000)}\r\n\r\nHello`,
  '50,000 recipients': () => `Subject: crowd\r\nTo: ${'a@b.example, '.repeat(50_000)}c@d.example\r\n\r\nHello`,
  'parameters without end': () =>
    `Subject: parameters\r\nContent-Type: text/plain${'; x*0*=y'.repeat(50_000)}\r\n\r\nHello`,
  'NUL and lone surrogates': () =>
    'Subject: =?utf-8?q?a=00b=ED=A0=80c?=\r\nContent-Type: text/html; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\nAAA82EgAZQBsAGwAbwAA2A==\r\n',
  'HTML nested 200,000 deep': () => `Subject: divs\r\nContent-Type: text/html\r\n\r\n${'<div>'.repeat(200_000)}Hello`,
  'HTML of nothing but openings': () =>
    `Subject: angles\r\nContent-Type: text/html\r\n\r\n${'<'.repeat(1_000_000)}Hello`,
  'HTML of attributes': () =>
    `Subject: attributes\r\nContent-Type: text/html\r\n\r\n<p ${'a=b '.repeat(250_000)}>Hello`,
  'text that looks like links': () =>
    `Subject: links\r\nContent-Type: text/plain\r\n\r\n${'http://'.repeat(140_000)} Hello`,
  'text like the start of a quotation': () =>
    `Subject: quotation\r\nContent-Type: text/plain\r\n\r\n${'<'.repeat(80)}${'a@'.repeat(400_000)} Hello`,
  'text of one word': () => `Subject: word\r\nContent-Type: text/plain\r\n\r\nHello ${'a.b-'.repeat(250_000)}`,
  'quoted-printable of nothing': () =>
    `Subject: equals\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n${'='.repeat(1_000_000)}Hello`,
  'a charset that shifts': () =>
    `Subject: shifts\r\nContent-Type: text/plain; charset=hz-gb-2312\r\n\r\nHello ${'~{'.repeat(400_000)}`,
}
