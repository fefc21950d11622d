import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { listCorpus, withCrlf } from '../../test/support/corpus.ts'
import { oddMails, poisonMails } from '../../test/support/odd-mails.ts'
import { parseMessage } from './parse-message.ts'
import { readPlainMail } from './plain-mail.ts'

const lines = (...text: string[]) => Buffer.from(text.join('\r\n'), 'latin1')
const attachment = (name: string, base64: string) =>
  lines(
    '--m',
    `Content-Type: application/octet-stream; name="${name}"`,
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment;\r\n filename="${name}"`,
    '',
    base64,
    '',
  )
const usual = (files: Buffer[]) =>
  Buffer.concat([
    lines(
      'From: ann@example.org',
      'Content-Type: multipart/mixed; boundary="m"',
      '',
      'preamble',
      '--m',
      'Content-Type: multipart/alternative; boundary=a',
      '',
      '--a',
      'Content-Type: text/plain; charset=iso-8859-1',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'Gr=FC=DFe =\r\naus Kiel\r\n',
      '--a',
      'Content-Type: text/html; charset=utf-8',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from('<p>Grüße</p>\n').toString('base64'),
      '--a--',
      '',
    ),
    ...files,
    lines('--m--', ''),
  ])
const parsed = async (raw: Buffer) => {
  const { text, html, parts } = await parseMessage(raw)
  return { text, html, parts }
}
const base64 = (bytes: number, line: number) =>
  Buffer.alloc(bytes, 'pdf')
    .toString('base64')
    .replace(new RegExp(`.{${line}}(?!$)`, 'g'), '$&\r\n')

describe('a usual mail', () => {
  it.each([
    ['no file', []],
    [
      'files of whole and broken lines, and none',
      [57, 58, 59, 1000, 0].map((n) => attachment(`${n}.pdf`, base64(n, 76))),
    ],
    [
      'lines of other lengths',
      [100, 5000].flatMap((n) => [attachment('a.zip', base64(n, 60)), attachment('b', base64(n, 61))]),
    ],
    [
      'a line that is longer than the others',
      [attachment('a.bin', `${base64(57, 76)}\r\n${base64(60, 80)}\r\n${base64(57, 76)}`)],
    ],
  ])('is read as the parser reads it: %s', async (_, files) => {
    const raw = usual(files)
    const plain = readPlainMail(raw)
    expect(plain).toMatchObject({ text: 'Grüße aus Kiel\n', html: '<p>Grüße</p>\n' })
    expect(plain).toEqual(await parsed(raw))
  })

  it('is left to the parser where it is not that usual', () => {
    const swap = (from: string, to: string) => Buffer.from(usual([]).toString('latin1').replace(from, to), 'latin1')
    expect(readPlainMail(swap('', ''))).not.toBeNull()
    const unusual: [string, string][] = [
      ['--m--', '--m'],
      ['--a--', ''],
      ['charset=utf-8', 'charset=utf-8; format=flowed'],
      ['charset=utf-8', 'charset=utf-8; name=a.html'],
      ['charset=utf-8', 'charset=utf-8; boundary=m'],
      ['multipart/mixed', 'multipart/signed'],
      ['text/plain', 'message/rfc822'],
      ['text/html', 'text/plain'],
      ['multipart/alternative', 'multipart/mixed'],
      ['boundary="m"', 'boundary*=m'],
      ['From: ann', 'From: \n ann'],
      ['From: ann', 'Content-Type: text/plain\r\nFrom: ann'],
    ]
    for (const [from, to] of unusual) expect(readPlainMail(swap(from, to)), `${from} -> ${to}`).toBeNull()
  })

  it('differs from what the parser reads in no mail of the corpus, but where it knows more charsets', async () => {
    const mails = [
      ...Object.values(oddMails).map((raw) => ({ name: 'odd', raw: Buffer.from(raw, 'latin1') })),
      ...listCorpus().map(({ name, path }) => ({ name, raw: withCrlf(readFileSync(path)) })),
    ]
    const others: string[] = []
    for (const { name, raw } of mails) {
      const plain = readPlainMail(raw)
      if (!plain) continue
      const { text, ...rest } = await parsed(raw)
      expect({ html: plain.html, parts: plain.parts }, name).toEqual(rest)
      if (text !== plain.text) others.push(name)
    }
    expect(others.filter((name) => !/legacy__0(05|33|34|52)\.eml$/.test(name))).toEqual([])
  })

  it.each(Object.entries(poisonMails))('can be poison: %s', (_, make) => {
    expect(() => readPlainMail(Buffer.from(make(), 'latin1'))).not.toThrow()
  })
})
