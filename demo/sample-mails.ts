import { composeMail, type MailPart } from './compose-mail.ts'
import { conversations, languages, letters, newsletters, people } from './sample-texts.ts'

/** One mail of the demo: where it lies, when it came, and its bytes. */
export type SampleMail = { mailbox: string; receivedAt: Date; flags: string[]; raw: Buffer }

const me = { name: 'Robin Ashdown', address: 'robin@demo.example' }
const day = 86_400_000

/** A small repeatable generator, so that every demo looks the same. */
const seeded = (seed: number) => () => {
  seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
  return seed / 2 ** 32
}

/** What lies in the maildrop of a second, older address; oldest first. */
export const maildropMails = (now: Date, to: { name: string; address: string }): Buffer[] =>
  letters.map(({ subject, text }, n) => {
    const date = new Date(now.getTime() - (letters.length - n) * 9 * 3_600_000)
    return composeMail({
      from: people[n % people.length] ?? people[0],
      to: [to],
      subject,
      date,
      messageId: `maildrop-${n}@demo.example`,
      references: [],
      parts: [{ kind: 'text', text: `Dear Robin,\n\n${text}\n` }],
      // What came when: POP3 itself does not say.
      headers: { Received: `by harbour.example; ${date.toUTCString().replace('GMT', '+0000')}` },
    })
  })

type Draft = {
  mailbox?: string
  from: { name: string; address: string }
  to?: { name: string; address: string }
  subject: string
  parts: MailPart[]
  ageMs: number
  id: string
  references?: string[]
  flags?: string[]
  headers?: Record<string, string>
}

/** A few hundred varied mails, oldest first; `now` is the newest one's time. `pictures`: where those of the newsletters lie. */
export const sampleMails = (now: Date, pictures = 'https://images.news.example'): SampleMail[] => {
  const random = seeded(20_261_124)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T // never called with an empty list
  const drafts = [
    ...threadMails(random, pick),
    ...newsletterMails(random, pictures),
    ...languageMails(random),
    ...attachmentMails(random),
    ...noticeMails(random, pick),
  ]
  return drafts
    .sort((a, b) => b.ageMs - a.ageMs)
    .map((draft) => {
      const receivedAt = new Date(now.getTime() - draft.ageMs)
      const isOwn = draft.from.address === me.address
      return {
        mailbox: draft.mailbox ?? (isOwn ? 'Sent' : 'INBOX'),
        receivedAt,
        flags: draft.flags ?? (isOwn || draft.ageMs > 4 * day || random() < 0.45 ? ['\\Seen'] : []),
        raw: composeMail({
          from: draft.from,
          to: [draft.to ?? me],
          subject: draft.subject,
          date: receivedAt,
          messageId: draft.id,
          references: draft.references ?? [],
          parts: draft.parts,
          headers: draft.headers ?? {},
        }),
      }
    })
}

/** Conversations between several people and the owner of the demo, answers quoted the usual way. */
const threadMails = (random: () => number, pick: <T>(list: readonly T[]) => T): Draft[] =>
  Array.from({ length: 4 }, (_, round) => round).flatMap((round) =>
    conversations.flatMap((conversation, index) => {
      const others = [pick(people), pick(people)]
      const start = (1 + round * 24 + random() * 20) * day
      const ids = conversation.turns.map((_, turn) => `c${round}.${index}.${turn}@demo.example`)
      const subject =
        round === 0 ? conversation.subject : `${conversation.subject} (${['', 'spring', 'summer', 'autumn'][round]})`
      return conversation.turns.map((text, turn): Draft => {
        const isMine = turn % 3 === 1
        const from = isMine ? me : (others[turn % 2] ?? me)
        const quoted =
          turn === 0
            ? ''
            : `\n\nOn an earlier day ${isMine ? others[0]?.name : me.name} wrote:\n${(conversation.turns[turn - 1] ?? '').replace(/^/gm, '> ')}`
        return {
          from,
          to: isMine ? others[0] : me,
          subject: turn === 0 ? subject : `Re: ${subject}`,
          parts: [{ kind: 'text', text: `${text}${quoted}\n\n-- \n${from.name}` }],
          ageMs: start - turn * (3 + random() * 9) * 3_600_000,
          id: ids[turn] ?? '',
          references: ids.slice(0, turn),
          ...(index === 0 && turn === 2 ? { flags: ['\\Seen', '\\Flagged'] } : {}),
        }
      })
    }),
  )

const newsletterMails = (random: () => number, pictures: string): Draft[] =>
  newsletters.flatMap((letter, index) =>
    Array.from({ length: 12 }, (_, issue): Draft => {
      const title = `${letter.title} #${120 - issue}`
      return {
        from: letter.from,
        subject: `${title}: ${letter.headlines[issue % letter.headlines.length]}`,
        parts: [
          {
            kind: 'text',
            text: `${title}\n\n${letter.headlines.map((line) => `* ${line}`).join('\n')}\n\nRead on the web: https://news.example/${index}/${issue}`,
          },
          { kind: 'html', html: newsletterHtml(letter, title, pictures) },
        ],
        ageMs: (issue * 7 + index + random()) * day,
        id: `n${index}.${issue}@news.example`,
        headers: {
          'List-Id': `<${letter.title.toLowerCase().replace(/[^a-z]+/g, '-')}.news.example>`,
          'List-Unsubscribe': `<https://news.example/u/${index}>`,
        },
        ...(issue % 5 === 4 ? { mailbox: 'Archive' } : {}),
      }
    }),
  )

const newsletterHtml = (
  letter: (typeof newsletters)[number],
  title: string,
  pictures: string,
): string => `<!doctype html><html><head><style>
body{margin:0;background:#f2f2ee;font-family:Georgia,serif}.card{max-width:600px;margin:0 auto;background:#fff}
h1{margin:0;padding:28px;background:${letter.color};color:#fff;font-size:26px}h2{font-size:18px;margin:24px 28px 4px}
p{margin:4px 28px 16px;line-height:1.5;color:#333}a.button{display:inline-block;margin:8px 28px 28px;padding:10px 18px;background:${letter.color};color:#fff;text-decoration:none;border-radius:4px}
</style></head><body><table class="card" width="600" align="center"><tr><td><h1>${title}</h1>
<img src="${pictures}/header-${letter.color.slice(1)}.png" alt="" width="600" height="120">
${letter.headlines.map((line) => `<h2>${line}</h2><p>${letter.paragraph}</p>`).join('\n')}
<a class="button" href="https://news.example/read">Read on</a>
<img src="${pictures}/open.png?u=robin" width="1" height="1" alt=""></td></tr></table></body></html>`

const languageMails = (random: () => number): Draft[] =>
  languages.flatMap((language, index) =>
    Array.from(
      { length: 5 },
      (_, n): Draft => ({
        from: language.from,
        subject: language.subjects[n % language.subjects.length] ?? '',
        parts: [{ kind: 'text', text: language.text, charset: language.charset }],
        ageMs: (n * 13 + index * 2 + random()) * day,
        id: `l${index}.${n}@${language.from.address.split('@')[1]}`,
        ...(n === 4 ? { mailbox: 'Travel' } : {}),
      }),
    ),
  )

const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAYAAACNMs+9AAAAFUlEQVR42mNkYPhfz0AEYBxVSF+FABJADveWkH6oAAAAAElFTkSuQmCC',
  'base64',
)

const attachmentMails = (random: () => number): Draft[] =>
  Array.from({ length: 24 }, (_, n): Draft => {
    const from = people[n % people.length] ?? me
    const files: MailPart[][] = [
      [
        {
          kind: 'file',
          name: `Invoice 2026-${String(100 + n)}.pdf`,
          type: 'application/pdf',
          bytes: onePagePdf(`Invoice 2026-${100 + n}`),
        },
      ],
      [
        { kind: 'file', name: 'photo from the garden.png', type: 'image/png', bytes: pixel },
        { kind: 'file', name: 'notes.txt', type: 'text/plain', bytes: Buffer.from('Bring the ladder.\n') },
      ],
      [
        {
          kind: 'file',
          name: 'Übersicht März.csv',
          type: 'text/csv',
          bytes: Buffer.from('Monat;Betrag\nMärz;120,50\n'),
        },
      ],
    ]
    return {
      from,
      subject: ['Invoice attached', 'Pictures and notes', 'Die Übersicht für März'][n % 3] ?? '',
      parts: [
        { kind: 'text', text: `Hello Robin,\n\nhere is what we spoke about.\n\nBest\n${from.name}` },
        ...(files[n % 3] ?? []),
      ],
      ageMs: (n * 4 + random()) * day,
      id: `a${n}@demo.example`,
      ...(n % 6 === 5 ? { mailbox: 'Receipts' } : {}),
    }
  })

/** The smallest PDF a viewer draws: one page with one line. */
const onePagePdf = (line: string): Buffer => {
  const stream = `BT /F1 24 Tf 72 700 Td (${line}) Tj ET`
  const objects = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    '<< /Type /Pages /Kids [3 0 R] /Count 1 >>',
    '<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>',
    `<< /Length ${stream.length} >>\nstream\n${stream}\nendstream`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>',
  ]
  let text = '%PDF-1.4\n'
  const offsets = objects.map((body, index) => {
    const at = text.length
    text += `${index + 1} 0 obj\n${body}\nendobj\n`
    return at
  })
  const table = text.length
  text += `xref\n0 6\n0000000000 65535 f \n${offsets.map((at) => `${String(at).padStart(10, '0')} 00000 n \n`).join('')}`
  return Buffer.from(`${text}trailer\n<< /Size 6 /Root 1 0 R >>\nstartxref\n${table}\n%%EOF\n`, 'latin1')
}

const noticeMails = (random: () => number, pick: <T>(list: readonly T[]) => T): Draft[] =>
  Array.from({ length: 80 }, (_, n): Draft => {
    const [from, subject, text] = pick(notices)
    return {
      from,
      subject: subject.replace('%', String(4000 + n)),
      parts: [{ kind: 'text', text: text.replace('%', String(4000 + n)) }],
      ageMs: (random() * 120 + 0.05) * day,
      id: `s${n}@notice.example`,
      ...(n % 16 === 3 ? { mailbox: 'Junk' } : {}),
      ...(n % 16 === 7 ? { mailbox: 'Trash' } : {}),
    }
  })

const notices = [
  [
    { name: 'Parcel Service', address: 'info@parcel.example' },
    'Your parcel % is on its way',
    'Parcel % will arrive tomorrow between 9 and 12.\n\nTrack it: https://parcel.example/t/%',
  ],
  [
    { name: 'City Library', address: 'loans@library.example' },
    'Due soon: loan %',
    'Two items of loan % are due in three days. You can extend them once.',
  ],
  [
    { name: 'Build Server', address: 'ci@build.example' },
    'Build % passed',
    'All 214 checks of build % passed in 4 min 10 s.',
  ],
  [
    { name: 'Rail Tickets', address: 'service@rail.example' },
    'Booking %: your seat',
    'Coach 7, seat 42. Show this mail or booking % to the conductor.',
  ],
  [
    { name: '', address: 'noreply@bank.example' },
    'Statement % is ready',
    'Your statement % can be read after signing in. We never ask for your password by mail.',
  ],
] as const
