import { simpleParser } from 'mailparser'
import { expect, it } from 'vitest'
import { asAttachment } from './attached-mail.ts'
import { composeMessage, type OutgoingPart } from './compose-message.ts'

const partOf = (octets: Buffer, pieceBytes = 7) => ({
  filename: 'a.eml',
  contentType: 'message/rfc822',
  contentId: null,
  octets: async function* () {
    for (let at = 0; at < octets.length; at += pieceBytes) yield octets.subarray(at, at + pieceBytes)
  },
})
const mail = (body: string | Buffer) => Buffer.concat([Buffer.from('Subject: inner\r\n\r\n'), Buffer.from(body)])

const composed = async (part: OutgoingPart): Promise<Buffer> => {
  const pieces: Buffer[] = []
  const octets = composeMessage({
    from: { name: '', address: 'ann@example.org' },
    replyTo: [],
    to: [{ name: '', address: 'bob@example.org' }],
    cc: [],
    subject: 'outer',
    date: new Date(0),
    zoneMinutes: 0,
    messageId: '<1@example.org>',
    inReplyTo: null,
    references: [],
    text: 'see below',
    html: null,
    inline: [],
    attachments: [part],
    receiptTo: null,
  })
  for await (const piece of octets) pieces.push(piece)
  return Buffer.concat(pieces)
}

it('a mail within a mail goes as it is, where it can', async () => {
  const found = async (body: string | Buffer) => {
    const { contentType, encoding } = await asAttachment(partOf(mail(body)))
    return encoding ?? contentType
  }
  expect(await found('plain\r\n')).toBe('7bit')
  expect(await found('bare\nline')).toBe('7bit')
  expect(await found('für\r\n')).toBe('8bit')
  expect(await found(`${'x'.repeat(998)}\r\n`)).toBe('7bit')
  for (const odd of [`${'x'.repeat(999)}\r\n`, 'a\0b', 'a\rb', 'end\r'])
    expect(await found(odd), odd.slice(0, 5)).toBe('application/octet-stream')
  const other = { ...partOf(mail('x')), contentType: 'text/plain' }
  expect(await asAttachment(other)).toBe(other)
})

it('of many parts is a file, which nobody takes apart', async () => {
  const octets = Buffer.from('--b\r\n\r\nx\r\n--b--\r\n')
  const page = { ...partOf(octets), contentType: 'multipart/related' }
  const { attachments } = await simpleParser(await composed(await asAttachment(page)))
  expect(attachments.map(({ content }) => content.equals(octets))).toEqual([true])
})

it('is the same mail where it arrives', async () => {
  for (const body of ['.\r\n--b\r\nplain\r\n', 'für Jürgen\r\n', `${'x'.repeat(2000)}\r\n`]) {
    const inner = mail(body)
    const whole = await composed(await asAttachment(partOf(inner, 1000)))
    if (body.length < 1000) expect(whole.includes(inner)).toBe(true)
    const { attachments } = await simpleParser(whole, { keepDeliveryStatus: true })
    expect(attachments.map(({ content }) => content.toString().trimEnd())).toEqual([inner.toString().trimEnd()])
  }
})
