import { simpleParser } from 'mailparser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { composeMessage } from '#mail/compose-message.ts'
import type { SmtpSession } from '#protocol/smtp/open-session.ts'
import { sendMessage } from '#protocol/smtp/send-message.ts'
import { type ScriptedSmtp, signInAt, startScriptedSmtp } from '../support/scripted-smtp.ts'

/** A second mail, as somebody would hide it in the first: for servers that take other ends of a line, or of a mail, for the right one. */
const second =
  'MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\nSubject: second\r\n\r\nboo\r\n.\r\n'
const ends = ['\n.\n', '\n.\r\n', '\r\n.\n', '\r\n.\r\n', '\r.\r', '\r.\r\n', '\r\n.\r', '\n.\r', '\r.\n', '\n\n.\n\n']
const starts = ['.', '..', '.\r\n', '.\n', '.\r', '\r\n.', '\n.', '\r.', '\0\r\n.\r\n', 'x'.repeat(1200)]
const bodies = [...ends.map((end) => `a${end}${second}`), ...starts.map((start) => `${start}${second}`)]

/** What no server may meet before the end: a line end that is none, or a line of one dot. RFC 5321 2.3.8, 4.1.1.4. */
const misread = /(?<!\r)\n|\r(?!\n)|\r\n\.\r\n/

describe('a mail that would be two', () => {
  let server: ScriptedSmtp
  let session: SmtpSession
  beforeAll(async () => {
    server = await startScriptedSmtp()
    session = await signInAt(server)
  })
  afterAll(async () => {
    session.destroy()
    await server.stop()
  })
  /** The mail that arrived, its octets as they were on the wire. */
  const send = async (octets: Buffer, pieceBytes: number) => {
    const before = server.mails.length
    const pieces = async function* () {
      for (let at = 0; at < octets.length; at += pieceBytes) yield octets.subarray(at, at + pieceBytes)
    }
    const to = ['bob@example.org']
    const end = await sendMessage(
      session,
      {
        from: 'ann@example.org',
        to,
        sizeBytes: octets.length,
        octets: pieces(),
        isUnicode: false,
        wantsReport: false,
        envelopeId: '1',
      },
      async () => undefined,
    )
    expect(end.kind).toBe('accepted')
    expect(server.mails.length).toBe(before + 1)
    const mail = server.mails[before]
    if (!mail) throw new Error('no mail came')
    expect(mail.wire.toString('latin1')).not.toMatch(misread)
    return mail.octets
  }
  const asLines = (text: string) => text.replace(/\r\n|\r|\n/g, '\r\n')

  it('is one, whatever ends its lines, and wherever the stream is cut', async () => {
    expect(new Set(bodies).size).toBe(20)
    for (const body of bodies)
      for (const pieceBytes of [1, 2, 3, 65_536]) {
        const octets = await send(Buffer.from(`Subject: x\r\n\r\n${body}`, 'latin1'), pieceBytes)
        expect(octets.toString('latin1'), JSON.stringify(body)).toBe(asLines(`Subject: x\r\n\r\n${body}`))
      }
  })

  it('is one when it was written here, and says what was written', async () => {
    const ann = { name: 'Ann', address: 'ann@example.org' }
    for (const text of bodies) {
      const pieces: Buffer[] = []
      const composed = composeMessage({
        from: ann,
        replyTo: [],
        to: [{ name: '', address: 'bob@example.org' }],
        cc: [],
        subject: 'x',
        date: new Date(0),
        zoneMinutes: 0,
        messageId: '<1@example.org>',
        inReplyTo: null,
        references: [],
        text,
        html: null,
        inline: [],
        attachments: [],
        receiptTo: null,
      })
      for await (const piece of composed) pieces.push(piece)
      const octets = await send(Buffer.concat(pieces), 1000)
      const read = await simpleParser(octets)
      const words = (of: string) => of.replace(/\0/g, '').split(/\s+/).filter(Boolean)
      expect(words(read.text ?? ''), JSON.stringify(text)).toEqual(words(text))
    }
  })
})
