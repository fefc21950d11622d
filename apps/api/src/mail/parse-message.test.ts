import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { listCorpus } from '../../test/support/corpus.ts'
import { oddMails } from '../../test/support/odd-mails.ts'
import { parseMessage } from './parse-message.ts'

describe('reading a whole message', () => {
  it.each(Object.entries(oddMails))('keeps the text of: %s', async (_name, raw) => {
    const parsed = await parseMessage(Buffer.from(raw, 'latin1'))
    expect(`${parsed.text} ${parsed.html ?? ''}`).toMatch(/Hello|just a line/)
    expect(parsed.text).not.toContain('\0')
  })

  it('loses the text of no message of the corpus', async () => {
    const corpus = listCorpus()
    console.log(`${Object.keys(oddMails).length} own mails, ${corpus.length} of the corpus`)
    const lost: string[] = []
    for (const { name, path } of corpus) {
      const raw = readFileSync(path)
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
