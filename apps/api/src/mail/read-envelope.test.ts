import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { listCorpus } from '../../test/support/corpus.ts'
import { readPlainHeader } from './plain-header.ts'
import { headerOf, parseHeader, readEnvelope } from './read-envelope.ts'
import { withReadableOctets } from './undeclared-octets.ts'

const read = (...lines: string[]) => readEnvelope(Buffer.from(lines.join('\r\n'), 'latin1'))

describe('the envelope of a raw mail', () => {
  it('is read from its header', async () => {
    const found = await read(
      'Received: from b.example (b.example [192.0.2.1]) by a.example with ESMTP id 77;',
      '\tWed, 25 Nov 2026 10:00:05 +0100 (CET)',
      'Received: from c.example by b.example; Wed, 25 Nov 2026 09:00:00 +0000',
      'From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>',
      'To: "Lee, Ann" <ann@example.org>, Team: bob@example.org, cy@example.org;',
      'Cc: <dan@example.org>',
      'Subject: =?iso-8859-1?q?Gr=FC=DFe?=',
      '  aus Kiel',
      'Date: Tue, 24 Nov 2026 23:59:58 -0200',
      'Message-ID: <1@example.org>',
      'In-Reply-To: <0@example.org>',
      'References: <a@example.org>',
      ' <0@example.org>',
      '',
      'From: nobody@example.org',
    )
    expect(found).toEqual({
      subject: 'Grüße aus Kiel',
      from: [{ name: 'Zoë', address: 'zoe@example.org' }],
      replyTo: [],
      to: [
        { name: 'Lee, Ann', address: 'ann@example.org' },
        { name: '', address: 'bob@example.org' },
        { name: '', address: 'cy@example.org' },
      ],
      cc: [{ name: '', address: 'dan@example.org' }],
      bcc: [],
      sentAt: new Date('2026-11-25T01:59:58Z'),
      receivedAt: new Date('2026-11-25T09:00:05Z'),
      messageId: '<1@example.org>',
      inReplyTo: '<0@example.org>',
      references: '<a@example.org> <0@example.org>',
    })
  })

  it('is looked through once for the charset of its text, whatever stands in it', () => {
    const header = Buffer.from(`${'content-type:\r'.repeat(50_000)}\xff`, 'latin1')
    expect(withReadableOctets(header).toString()).toBe(`${'content-type:\r'.repeat(50_000)}\u00ff`)
  })

  it('has octets that nobody declared in the charset of the text, else as old programs wrote them', async () => {
    const inRussian = Buffer.from([0xcf, 0xf0, 0xe8, 0xe2, 0xe5, 0xf2]).toString('latin1')
    const declared = (type: string) => [`Subject: ${inRussian}`, `Content-Type: ${type}`, '', '']
    expect((await read(...declared('text/plain;\r\n\tcharset="windows-1251"'))).subject).toBe('Привет')
    const west = ['From: J\xfcrgen "M\xfcller" <j@example.org>', 'Subject: Gr\xfc\xdfe \x96\r\n 5 \x80', '', '']
    expect(await read(...west)).toMatchObject({
      subject: 'Grüße – 5 €',
      from: [{ name: 'Jürgen Müller', address: 'j@example.org' }],
    })
    // Each field by itself, and never in a charset that makes something else of ASCII.
    const inUtf8 = Buffer.from('To: "Zoë" <z@example.org>').toString('latin1')
    const mixed = await read(inUtf8, 'Subject: Gr\xfc\xdfe', 'Content-Type: text/plain; charset=utf-16le', '', '')
    expect([mixed.subject, mixed.to[0]?.name]).toEqual(['Grüße', 'Zoë'])
  })

  it('has no dates where the mail has none, or none that anybody can read', async () => {
    const none = await read('Subject: bare', '', 'Date: Tue, 24 Nov 2026 23:59:58 -0200')
    expect(none).toMatchObject({ sentAt: null, receivedAt: null, messageId: null, references: null, from: [] })
    expect(await read('Date: tomorrow', 'Received: by whom', '', '')).toMatchObject({ sentAt: null, receivedAt: null })
  })

  it('shows no control or bidi characters', async () => {
    const found = await read('Subject: a\u0000b', 'From: "=?utf-8?q?x=E2=80=AEy?=" <a@example.org>', '', '')
    expect(found.subject).not.toContain('\u0000')
    expect(found.from[0]?.name).not.toContain('\u202e')
  })

  it('ends at the first empty line, however lines end, and is empty where the mail begins with one', () => {
    expect(headerOf(Buffer.from('A: 1\r\nB: 2\r\n\r\nC: 3\n\n')).toString()).toBe('A: 1\r\nB: 2')
    expect(headerOf(Buffer.from('A: 1\nB: 2\n\nC: 3\r\n\r\n')).toString()).toBe('A: 1\nB: 2')
    expect(headerOf(Buffer.from('\r\nA: 1\r\n\r\n')).length).toBe(0)
    expect(headerOf(Buffer.from('A: 1')).toString()).toBe('A: 1')
  })

  const usual = [
    'From: "Lee Ann" <ann@example.org>',
    'To: Bob B. <bob@example.org>, <cy@example.org>,dan@example.org',
    'Cc: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>',
    'Subject: =?iso-8859-1?q?Gr=FC=DFe?=\r\n =?iso-8859-1?q?_aus_Kiel?= am Meer',
    'Date: Tue, 24 Nov 2026 23:59:58 -0200',
    'Message-ID: <1@example.org>',
    'References: <a@example.org>\r\n <0@example.org>',
  ].join('\r\n')

  it('is read the short way where it is usual, and by that way as the parser reads it', async () => {
    expect(readPlainHeader(Buffer.from(usual))).toEqual(await parseHeader(Buffer.from(usual)))
    let plain = 0
    for (const { path, name } of listCorpus()) {
      const header = headerOf(readFileSync(path))
      const read = readPlainHeader(header)
      if (!read) continue
      plain++
      const { date, ...rest } = read
      const { date: parsedDate, ...parsed } = await parseHeader(header)
      expect(rest, name).toEqual(parsed)
      expect(new Date(date ?? ''), name).toEqual(new Date(parsedDate ?? ''))
    }
    console.log(`${plain} of ${listCorpus().length} mails of the corpus have a usual header`)
  })

  it('is left to the parser where it is not that usual', () => {
    const unusual: [string, string][] = [
      ['"Lee Ann"', '"Lee, Ann"'],
      ['"Lee Ann"', '"Lee \\"Ann"'],
      ['Bob B.', 'Bob (B.)'],
      ['<cy@example.org>', 'Team: cy@example.org;'],
      ['<cy@example.org>', '<cy@xn--bcher-kva.example>'],
      ['dan@example.org', 'dan'],
      ['Bob B.', 'B\u00f6b'],
      ['Subject:', 'Subject'],
      ['Subject:', 'Subject: a\r\nSubject:'],
      ['<1@example.org>', '1@example.org'],
      ['<a@example.org>', 'your letter of Monday'],
    ]
    for (const [from, to] of unusual)
      expect(readPlainHeader(Buffer.from(usual.replace(from, to), 'latin1')), to).toBeNull()
  })

  it('comes to its end however a header was made to take long', () => {
    const long = 100_000
    for (const hostile of [
      `From: ${'a'.repeat(long)}`,
      `From: ${'a '.repeat(long)}`,
      `From: "${'a'.repeat(long)}`,
      `To: ${'=?utf-8?q?a?= '.repeat(long)}`,
      `To: ${'a@'.repeat(long)}`,
      `References: ${'<a@b> '.repeat(long)}<`,
      `Subject: ${'x\r\n '.repeat(long)}`,
    ])
      expect(() => readPlainHeader(Buffer.from(`${hostile}\r\n`))).not.toThrow()
  })
})
