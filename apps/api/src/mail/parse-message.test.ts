import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseMessage } from './parse-message.ts'

const own: Record<string, string> = {
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
const corpusDir = process.env.CORPUS_DIR
const isMail = (name: string) => /\.(eml|msg|txt)$/.test(name)
const corpus =
  corpusDir && existsSync(corpusDir)
    ? readdirSync(corpusDir, { recursive: true, encoding: 'utf8' }).filter(
        (name) => name.startsWith('mime-') && isMail(name),
      )
    : []

describe('reading a whole message', () => {
  it.each(Object.entries(own))('keeps the text of: %s', async (_name, raw) => {
    const parsed = await parseMessage(Buffer.from(raw, 'latin1'))
    expect(`${parsed.text} ${parsed.html ?? ''}`).toMatch(/Hello|just a line/)
    expect(parsed.text).not.toContain('\0')
  })

  it('loses the text of no message of the corpus', async () => {
    console.log(`${Object.keys(own).length} own mails, ${corpus.length} of the corpus`)
    const lost: string[] = []
    for (const name of corpus) {
      const raw = readFileSync(join(corpusDir ?? '', name))
      const parsed = await parseMessage(raw)
      const body = raw
        .toString('latin1')
        .split(/\r?\n\r?\n/)
        .slice(1)
        .join('\n')
        .trim()
      if (parsed.text.trim() === '' && parsed.html === null && parsed.parts.length === 0 && body !== '') lost.push(name)
    }
    expect(lost).toEqual([])
  })

  it('bears bombs: deep nesting, many parts, huge headers', async () => {
    const bombs = [
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n'.repeat(10_000),
      `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nContent-Type: text/plain\r\n\r\nx\r\n'.repeat(20_000)}`,
      `${'X-Long: y\r\n'.repeat(100_000)}\r\nHello`,
      `To: ${'a@b.example, '.repeat(50_000)}\r\n\r\nHello`,
      `Content-Type: text/html\r\n\r\n${'<div>'.repeat(200_000)}Hello`,
    ]
    for (const bomb of bombs) expect(['parsed', 'salvaged']).toContain((await parseMessage(Buffer.from(bomb))).kind)
  }, 60_000)
})
