import { readFileSync } from 'node:fs'
import { simpleParser } from 'mailparser'
import { describe, expect, it } from 'vitest'
import { listCorpus } from '../../test/support/corpus.ts'
import { htmlToText } from './html-to-text.ts'
import { MailFeed } from './mail-feed.ts'
import { storableText } from './storable-text.ts'

const read = async (raw: Buffer, pieceBytes: number, wanted?: number) => {
  const pieces: Buffer[] = []
  const feed = new MailFeed(
    wanted === undefined ? undefined : { part: wanted, onBytes: (bytes) => pieces.push(Buffer.from(bytes)) },
  )
  for (let at = 0; at < raw.length; at += pieceBytes) await feed.write(raw.subarray(at, at + pieceBytes))
  return { mail: await feed.finish(), bytes: Buffer.concat(pieces) }
}

const mixed = (size: number) =>
  Buffer.from(
    [
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/plain',
      '',
      'Hello',
      '--b',
      'Content-Type: text/plain; name=a.txt; charset=koi8-r',
      'Content-Disposition: attachment',
      'Content-Transfer-Encoding: base64',
      '',
      ...(Buffer.alloc(size, 'pdf')
        .toString('base64')
        .match(/.{1,76}/g) ?? []),
      '--b',
      'Content-Type: image/png',
      'Content-ID: <logo@example.org>',
      'Content-Transfer-Encoding: base64',
      '',
      'iVBORw0K',
      '--b--',
      '',
    ].join('\r\n'),
  )

describe('a mail read as it comes', () => {
  it('has the same text and parts, however it is cut', async () => {
    const whole = await read(mixed(1000), 1_000_000)
    expect(whole.mail).toEqual({
      text: 'Hello',
      html: null,
      parts: [
        {
          filename: 'a.txt',
          contentType: 'text/plain',
          charset: 'koi8-r',
          contentId: null,
          isInline: false,
          sizeBytes: 1000,
        },
        {
          filename: null,
          contentType: 'image/png',
          charset: '',
          contentId: 'logo@example.org',
          isInline: true,
          sizeBytes: 6,
        },
      ],
    })
    for (const pieceBytes of [1, 7, 100]) expect((await read(mixed(1000), pieceBytes)).mail).toEqual(whole.mail)
  })

  it('gives the bytes of the one part that is wanted', async () => {
    expect((await read(mixed(5000), 64, 0)).bytes.equals(Buffer.alloc(5000, 'pdf'))).toBe(true)
    expect((await read(mixed(5000), 64, 1)).bytes.length).toBe(6)
    expect((await read(mixed(5000), 64, 7)).bytes.length).toBe(0)
  })

  it('agrees with the parser that takes mails whole, over the corpus', async () => {
    const corpus = listCorpus()
    const different: string[] = []
    for (const { name, path } of corpus) {
      const raw = readFileSync(path)
      const theirs = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true, keepCidLinks: true })
      const { mail } = await read(raw, 1000)
      const parts = mail.parts.map(({ contentType, sizeBytes }) => `${contentType} ${sizeBytes}`).join()
      const theirParts = theirs.attachments.map(({ contentType, size }) => `${contentType} ${size}`).join()
      const html = theirs.html ? storableText(theirs.html) : null
      const text = storableText(theirs.text ?? '') || (html === null ? '' : htmlToText(html))
      if (mail.text !== text || mail.html !== html || parts !== theirParts) different.push(name)
    }
    console.log(`${corpus.length} mails of the corpus read in pieces`)
    expect(different).toEqual([])
  })
})
