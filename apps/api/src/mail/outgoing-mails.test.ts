import { createHash, randomBytes } from 'node:crypto'
import { simpleParser } from 'mailparser'
import PostalMime from 'postal-mime'
import { expect, it } from 'vitest'
import { type Correspondent, composeMessage, type OutgoingMessage, type OutgoingPart } from './compose-message.ts'
import { outgoingContent } from './outgoing-content.ts'

/** What is written comes out of two readers that know nothing of us as it went in. */
const names = [
  'Ann Example',
  'Zoë Müller-Łuk, "the Ñ"',
  'Ελένη Παπαδοπούλου',
  'Анна Каренина',
  'רחל כהן',
  'أحمد الفارسي',
  'अनिता शर्मा',
  'สมชาย ใจดี',
  '王小明',
  '山田 太郎',
  '김민준 (서울)',
  'Նարեկ 🎈 <not@an.address>',
]
const texts = [
  '',
  'one line',
  'From here on\n.\n..dots\n\nFrom there',
  '> quoted\n>> twice\n> \nnot',
  `${'a word '.repeat(60).trim()}\n\n${'x'.repeat(1200)}`,
  'a\n\n\n\nb\n\tindented\n  by two',
  'Grüße aus Łódź — “quoted” … 🎈🎈🎈\nשלום עולם\nこんにちは、世界。',
  `-- is no signature\n\n-- \nAnn\n=20 =\n=?utf-8?q?x?=`,
]
const htmls = [
  null,
  '<p>Hello</p>',
  '<h1>Ü</h1><ul><li>one</li><li>two</li></ul><p>a = b &amp; c</p>',
  `<p>${'long '.repeat(500)}</p><pre>.\n..\nFrom</pre>`,
  '<p dir="rtl">שלום</p><p>漢字🎈</p>',
]
const pick = <T>(list: readonly T[], n: number): T => list[n % list.length] as T // never empty
const person = (n: number): Correspondent => ({
  name: n % 5 === 4 ? '' : pick(names, n),
  address: `p${n}+x.y@example.org`,
})
const hash = (octets: Uint8Array) => createHash('sha256').update(octets).digest('hex').slice(0, 16)

const file = (n: number, contentId: string | null): { part: OutgoingPart; octets: Buffer } => {
  const octets = randomBytes([0, 1, 57, 58, 3000, 70_000][n % 6] ?? 0)
  const filename = `${pick(names, n).replace(/[<>"]/g, '')} ${'lang '.repeat(n % 30)}.${contentId ? 'png' : 'bin'}`
  const part = { filename, contentType: contentId ? 'image/png' : 'application/octet-stream', contentId }
  return {
    part: {
      ...part,
      octets: async function* () {
        for (let at = 0; at < octets.length; at += 999) yield octets.subarray(at, at + 999)
      },
    },
    octets,
  }
}

const makeMail = (n: number) => {
  const html = pick(htmls, n)
  const files = Array.from({ length: n % 4 }, (_, k) => file(n + k, null))
  const shown = html === null || n % 3 > 0 ? [] : [file(n + 1, `picture${n}@example.org`)]
  const text = pick(texts, n)
  const date = new Date(Date.UTC(2026, n % 12, 1 + (n % 28), n % 24, n % 60, 7))
  const original =
    n % 7 > 0
      ? null
      : {
          kind: n % 2 ? ('reply' as const) : ('forward' as const),
          from: [person(n + 3)],
          to: [person(n + 4)],
          cc: [],
          pictures: [],
        }
  const content = outgoingContent({
    text,
    html: html && html + shown.map(({ part }) => `<img src="cid:${part.contentId}">`).join(''),
    attachments: [...files, ...shown].map(({ part }) => part),
    original: original && { ...original, subject: 'was', date, text: pick(texts, n + 1), html: pick(htmls, n + 1) },
    zoneMinutes: 60,
    domain: 'example.org',
  })
  const message: OutgoingMessage = {
    from: person(n),
    replyTo: n % 4 === 0 ? [person(n + 9)] : [],
    to: Array.from({ length: 1 + (n % 40 === 0 ? 60 : n % 3) }, (_, k) => person(n + k)),
    cc: n % 2 ? [person(n + 7)] : [],
    subject: `${pick(names, n)}: ${'Betreff '.repeat(n % 15)}${n}`,
    date,
    zoneMinutes: (n % 27) * 60 - 720,
    messageId: `<m${n}@example.org>`,
    inReplyTo: n % 3 === 0 ? `<r${n}@example.org>` : null,
    references: Array.from({ length: n % 60 }, (_, k) => `<${k}.${'r'.repeat(k)}@example.org>`),
    receiptTo: null,
    ...content,
  }
  return { message, attached: [...shown, ...files].map(({ octets }) => hash(octets)) }
}

/** Line ends, and spaces at the end of a line, are not what anybody wrote. */
const plain = (text = '') =>
  text
    .replace(/\r\n/g, '\n')
    .replace(/[ \t]+$/gm, '')
    .trimEnd()
/** postal-mime joins flowed lines of a quote without taking their marks away (RFC 3676 4.5). */
const unquoted = (text: string) => (/^>/m.test(text) ? text.replace(/[\s>]+/g, '') : text)
const people = (list: { name?: string; address?: string }[]) =>
  list.map(({ name = '', address = '' }) => ({ name, address }))

it('two hundred varied mails are read by others as they were written', async () => {
  for (let n = 0; n < 200; n++) {
    const { message, attached } = makeMail(n)
    const pieces: Buffer[] = []
    for await (const piece of composeMessage(message)) pieces.push(piece)
    const octets = Buffer.concat(pieces)
    const lines = octets.toString('latin1').split('\r\n')
    expect([lines.some((line) => line.length > 998), lines.join('').includes('\n')], `${n}`).toEqual([false, false])
    const wanted = {
      from: [message.from],
      to: message.to,
      cc: message.cc,
      replyTo: message.replyTo,
      subject: message.subject.trim(),
      date: message.date.toISOString(),
      id: message.messageId,
      inReplyTo: message.inReplyTo,
      references: message.references,
      text: plain(message.text),
      html: message.html === null ? null : plain(message.html),
      attached,
      names: [...message.inline, ...message.attachments].map(({ filename }) => filename.trim()),
    }
    const one = await simpleParser(octets, { skipImageLinks: true, skipHtmlToText: true, skipTextToHtml: true })
    const listed = (field: typeof one.to) => people([field ?? []].flat().flatMap(({ value }) => value))
    expect(
      {
        from: listed(one.from),
        to: listed(one.to),
        cc: listed(one.cc),
        replyTo: listed(one.replyTo),
        subject: one.subject,
        date: one.date?.toISOString(),
        id: one.messageId,
        inReplyTo: one.inReplyTo ?? null,
        references: [one.references ?? []].flat(),
        text: plain(one.text),
        html: one.html === false ? null : plain(one.html),
        attached: one.attachments.map(({ content }) => hash(content)),
        names: one.attachments.map(({ filename = '' }) => filename),
      },
      `${n}, by mailparser`,
    ).toEqual(wanted)
    const two = await PostalMime.parse(octets)
    expect(
      {
        from: people([two.from ?? []].flat()),
        to: people(two.to ?? []),
        cc: people(two.cc ?? []),
        replyTo: people(two.replyTo ?? []),
        subject: two.subject,
        date: two.date && new Date(two.date).toISOString(),
        id: two.messageId,
        inReplyTo: two.inReplyTo ?? null,
        references: two.references?.split(/\s+/).filter(Boolean) ?? [],
        text: unquoted(plain(two.text)),
        html: two.html === undefined ? null : plain(two.html),
        attached: two.attachments.map(({ content }) => hash(new Uint8Array(content as ArrayBuffer))), // as it gives it by default
        names: two.attachments.map(({ filename }) => filename ?? ''),
      },
      `${n}, by postal-mime`,
    ).toEqual({ ...wanted, text: unquoted(wanted.text) })
  }
})
