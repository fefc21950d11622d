import { randomBytes } from 'node:crypto'
import { simpleParser } from 'mailparser'
import { describe, expect, it } from 'vitest'
import { bccHeader, composeMessage, dateHeader, newNode, type OutgoingMessage } from './compose-message.ts'

const plain: OutgoingMessage = {
  from: { name: 'Ann', address: 'ann@example.org' },
  replyTo: [],
  to: [{ name: 'Bob', address: 'bob@example.org' }],
  cc: [],
  subject: 'Hello',
  date: new Date('2026-11-26T10:11:12Z'),
  zoneMinutes: 60,
  messageId: '<1@example.org>',
  inReplyTo: null,
  references: [],
  text: 'Hi\n',
  html: null,
  inline: [],
  attachments: [],
  receiptTo: null,
}

const octetsOf = async (message: OutgoingMessage): Promise<Buffer> => {
  const pieces: Buffer[] = []
  for await (const piece of composeMessage(message)) pieces.push(piece)
  return Buffer.concat(pieces)
}
const writtenBy = (node: ReturnType<typeof newNode>) =>
  new Promise<string>((done, fail) => node.build((error, octets) => (error ? fail(error) : done(octets.toString()))))
const partOf = (content: Buffer, more: object) => ({
  filename: 'a.bin',
  contentType: 'application/octet-stream',
  contentId: null,
  octets: async function* () {
    yield content
  },
  ...more,
})

it.each([
  ['a file', { path: import.meta.filename }],
  ['an address', { href: 'http://127.0.0.1:9/' }],
])('what a part is made of is never read from %s', async (_what, content) => {
  const node = newNode('text/plain')
  node.setContent(content as unknown as string) // what a request could smuggle in
  await expect(writtenBy(node)).rejects.toThrow('access rejected')
})

describe('a composed mail', () => {
  it('is read back as it was written', async () => {
    const content = randomBytes(100_000)
    const picture = randomBytes(1000)
    const raw = await octetsOf({
      ...plain,
      to: [
        { name: 'Zoë "Z" Müller, Dr.', address: 'zoe@bücher.example' },
        { name: '', address: '"odd one"@example.org' },
      ],
      cc: [{ name: '山田太郎', address: 'taro@example.jp' }],
      subject: 'Grüße aus 東京 🌸',
      inReplyTo: '<0@example.org>',
      references: ['<00@example.org>', '<0@example.org>'],
      text: 'Grüße\n',
      html: '<p>Grüße <img src="cid:p@example.org"></p>',
      inline: [partOf(picture, { filename: 'p.png', contentType: 'image/png', contentId: 'p@example.org' })],
      attachments: [partOf(content, { filename: 'Übersicht "neu".pdf', contentType: 'application/pdf' })],
    })
    const read = await simpleParser(raw, { skipImageLinks: true })
    expect(read.subject).toBe('Grüße aus 東京 🌸')
    expect(read.to).toMatchObject({
      value: [{ name: 'Zoë "Z" Müller, Dr.', address: 'zoe@bücher.example' }, { address: '"odd one"@example.org' }],
    })
    expect(read.cc).toMatchObject({ value: [{ name: '山田太郎' }] })
    expect([read.inReplyTo, read.references]).toEqual(['<0@example.org>', ['<00@example.org>', '<0@example.org>']])
    expect(read.html).toBe('<p>Grüße <img src="cid:p@example.org"></p>')
    expect(read.text?.trim()).toBe('Grüße')
    expect(read.attachments.map(({ filename, cid, content: own }) => [filename, cid ?? null, own.length])).toEqual([
      ['p.png', 'p@example.org', 1000],
      ['Übersicht "neu".pdf', null, 100_000],
    ])
    expect(read.attachments[1]?.content.equals(content)).toBe(true)
    expect(raw.toString('latin1')).toMatch(/^Date: Thu, 26 Nov 2026 11:11:12 \+0100\r$/m)
    expect(/[^\r]\n|\r[^\n]/.test(raw.toString('latin1'))).toBe(false)
    for (const line of raw.toString('latin1').split('\r\n')) expect(line.length).toBeLessThanOrEqual(998)
  })

  it('never holds who got it besides; the copy of its sender can say so', async () => {
    expect((await octetsOf(plain)).toString()).not.toMatch(/bcc/i)
    const many = Array.from({ length: 30 }, (_, n) => ({ name: `Müller ${n}`, address: `m${n}@example.org` }))
    const field = bccHeader(many)
    const { bcc } = await simpleParser(Buffer.concat([field, await octetsOf(plain)]))
    expect([bcc].flat().flatMap((list) => list?.value ?? [])).toEqual(many)
    expect(bccHeader([]).length).toBe(0)
  })

  it('refuses what would end a line or be somebody else', async () => {
    const tricks: [string, Partial<OutgoingMessage>][] = [
      ['a subject', { subject: 'a\r\nBcc: eve@example.org' }],
      ['a bare line feed', { subject: 'a\nX: 1' }],
      ['a NUL', { subject: 'a\0' }],
      ['a name', { to: [{ name: 'a\r\nBcc: eve@example.org', address: 'bob@example.org' }] }],
      ['two addresses', { to: [{ name: '', address: 'bob@example.org, eve@example.org' }] }],
      ['an address in brackets', { to: [{ name: '', address: 'x <eve@example.org>' }] }],
      ['an address that ends the path', { to: [{ name: '', address: 'bob@example.org> SIZE=1' }] }],
      ['two domains', { to: [{ name: '', address: 'bob@evil.example@example.org' }] }],
      ['a comment', { to: [{ name: '', address: 'bob(x)@example.org' }] }],
      ['no domain', { to: [{ name: '', address: 'bob' }] }],
      ['a domain with a space', { to: [{ name: '', address: 'bob@exa mple.org' }] }],
      ['a Message-ID', { messageId: '<1@example.org>\r\nX: 1' }],
      ['a reference', { references: ['<1@example.org> <2@example.org>'] }],
      ['a reference that is none', { inReplyTo: 'x' }],
      ['a file name', { attachments: [partOf(Buffer.from('x'), { filename: 'a\r\nX: 1' })] }],
      ['a picture', { html: 'x', inline: [partOf(Buffer.from('x'), { contentId: 'a>\r\nX: 1@x' })] }],
    ]
    for (const [name, trick] of tricks)
      expect(() => composeMessage({ ...plain, ...trick }), name).toThrow(/cannot be sent/)
    const typed = await octetsOf({
      ...plain,
      attachments: [partOf(Buffer.from('x'), { contentType: 'text/html\r\nX: 1' })],
    })
    expect(typed.toString()).not.toMatch(/^X: 1/m)
  })

  it('shows a name that looks like an address as a name', async () => {
    const read = await simpleParser(
      await octetsOf({ ...plain, to: [{ name: 'eve@example.org, x', address: 'bob@example.org' }] }),
    )
    expect([read.to].flat()[0]?.value).toEqual([{ name: 'eve@example.org, x', address: 'bob@example.org' }])
  })

  it('writes the hour of its writer', () => {
    expect(dateHeader(new Date('2026-01-01T00:30:00Z'), -210)).toBe('Wed, 31 Dec 2025 21:00:00 -0330')
    expect(dateHeader(new Date('2026-01-01T00:30:00Z'), 0)).toBe('Thu, 1 Jan 2026 00:30:00 +0000')
  })
})
