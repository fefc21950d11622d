import { chownSync, existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import iconv from 'iconv-lite'
import { seeded } from './seeded.ts'

/**
 * The seeded corpus of the bench, written straight into a Maildir: INBOX with threads, a tenth with attachments, eleven
 * charsets, multi-word RFC 2047 subjects; 20 mailboxes of 500; planted words of known counts.
 */
export type CorpusSize = { inbox: number; mailboxes: number; perMailbox: number }
export const fullSize: CorpusSize = { inbox: 50_000, mailboxes: 20, perMailbox: 500 }

/** Words that stand in INBOX exactly so often; smaller corpora keep the proportions. The last one is in every fifth mail. */
export type Planted = Record<'subject' | 'body' | 'three' | 'common', { query: string; hits: number }>

const start = Date.UTC(2020, 0, 1)
const charsets = [
  'us-ascii',
  'utf-8',
  'iso-8859-1',
  'iso-8859-2',
  'iso-8859-7',
  'windows-1251',
  'windows-1252',
  'koi8-r',
  'shift_jis',
  'gb18030',
  'euc-kr',
] as const
const phrases: Record<(typeof charsets)[number], string> = {
  'us-ascii': 'the plan for next week stands as it is',
  'utf-8': 'Grüße, 日本語 и ещё ελληνικά',
  'iso-8859-1': 'Übermorgen können wir früher beginnen, señor',
  'iso-8859-2': 'Příliš žluťoučký kůň úpěl ďábelské ódy',
  'iso-8859-7': 'Ξεσκεπάζω την ψυχοφθόρα βδελυγμία',
  'windows-1251': 'Съешь ещё этих мягких французских булок',
  'windows-1252': 'The “quoted” naïve café costs 5 €',
  'koi8-r': 'Широкая электрификация южных губерний',
  shift_jis: 'いろはにほへと ちりぬるを',
  gb18030: '敏捷的棕色狐狸跳过了懒狗',
  'euc-kr': '다람쥐 헌 쳇바퀴에 타고파',
}

const words =
  'account agenda answer april archive area autumn balance basket before bench border bottle branch bridge budget button camera candle carpet castle change chapter choice circle client closet coast coffee column copper corner cotton course cousin credit custom danger debate degree design detail dinner doctor double driver editor effect effort empire energy engine estate event expert fabric factor family farmer figure finger flower forest friend future garden gather glass ground guitar hammer harbor height helper honest hotel impact income island jacket journey kettle ladder lesson letter lumber magnet margin market master matter meadow method mirror moment museum nation needle notice number object office orange origin packet palace parcel pencil people period permit person planet pocket poetry policy powder prison profit public puzzle rabbit random reason record region repair report result ribbon rocket sample school season secret shadow silver simple single sister slogan socket spirit spring square stable status stream street summer supply symbol system target temple ticket timber tissue tongue travel tunnel unique update valley vendor vessel victim vision volume voyage wallet window winter wisdom wonder writer yellow'.split(
    ' ',
  )

const encodedSubject = (text: string, charset: string): string => {
  if (/^[\x20-\x7e]*$/.test(text)) return text
  return text
    .split(/(?<= )/)
    .reduce<string[]>((chunks, word) => {
      const last = chunks.at(-1)
      if (last !== undefined && (last + word).length < 18) chunks[chunks.length - 1] = last + word
      else chunks.push(word)
      return chunks
    }, [])
    .map((chunk) => `=?${charset}?B?${iconv.encode(chunk, charset).toString('base64')}?=`)
    .join('\r\n ')
}

type Made = { raw: Buffer; at: Date; id: string; subject: string }

/** One mail; `parent` makes it an answer. Deterministic in `random`. */
const makeMail = (
  random: () => number,
  n: number,
  box: string,
  planted: { subject: string; body: string },
  parent: Made | undefined,
): Made => {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T // never empty here
  const sentence = (count: number) => Array.from({ length: count }, () => pick(words)).join(' ')
  const charset = pick(charsets)
  const id = `${box}.${n}@bench.example`
  const at = new Date(start + n * 240_000)
  const base = parent
    ? parent.subject.startsWith('Re: ')
      ? parent.subject
      : `Re: ${parent.subject}`
    : `${sentence(4)}${random() < 0.5 ? ` ${phrases[charset]}` : ''}`
  const subject = planted.subject === '' ? base : `${base} ${planted.subject}`
  const paragraphs = Array.from(
    { length: 4 + Math.floor(random() * 12) },
    () => `${sentence(10 + Math.floor(random() * 40))}. ${phrases[charset]}`,
  )
  const text = `${paragraphs.join('\r\n\r\n')}\r\n${planted.body}\r\n`
  const sender = Math.floor(random() * 400)
  const headers = [
    `From: "Sender ${sender} ${pick(words)}" <sender${sender}@bench.example>`,
    'To: Alice <alice@bench.example>',
    `Subject: ${encodedSubject(subject, charset)}`,
    `Date: ${at.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${id}>`,
    ...(parent ? [`In-Reply-To: <${parent.id}>`, `References: <${parent.id}>`] : []),
    'MIME-Version: 1.0',
  ]
  const body =
    iconv
      .encode(text, charset)
      .toString('base64')
      .match(/.{1,76}/g)
      ?.join('\r\n') ?? ''
  const textPart = `Content-Type: text/plain; charset=${charset}\r\nContent-Transfer-Encoding: base64\r\n\r\n${body}\r\n`
  const htmlPart =
    random() < 0.4
      ? `Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n<html><body><p>${sentence(30)}</p>\r\n<p>${planted.body}</p></body></html>\r\n`
      : ''
  const readable =
    htmlPart === ''
      ? textPart
      : `Content-Type: multipart/alternative; boundary="alt"\r\n\r\n--alt\r\n${textPart}--alt\r\n${htmlPart}--alt--\r\n`
  const content =
    random() < 0.1
      ? `Content-Type: multipart/mixed; boundary="mix"\r\n\r\n--mix\r\n${readable}--mix\r\nContent-Type: application/pdf; name="file-${n}.pdf"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="file-${n}.pdf"\r\n\r\n${attachmentLines(random)}\r\n--mix--\r\n`
      : readable
  return { raw: Buffer.from(`${headers.join('\r\n')}\r\n${content}`, 'latin1'), at, id, subject: base }
}

/** Some 10 KiB to 1.2 MiB, so that a mail is 65 KiB on average: what a peer that copies everything has to carry. */
const attachmentLines = (random: () => number): string => {
  const line = Buffer.from(Array.from({ length: 57 }, () => Math.floor(random() * 256))).toString('base64')
  return `${line}\r\n`.repeat(130 + Math.floor(random() * 15_800))
}

type Owner = { uid: number; gid: number }
type Plant = (n: number) => { subject: string; body: string }

/** True for exactly `hits` of `count` numbers, spread evenly. */
const spread = (count: number, hits: number, offset: number): ((n: number) => boolean) => {
  const every = Math.floor(count / hits)
  return (n) => n % every === offset % every && Math.floor(n / every) < hits
}

/** Writes the corpus below `maildir` for the given owner; answers the planted counts of INBOX. */
export const writeCorpus = (maildir: string, size: CorpusSize, owner: Owner, seed = 42): Planted => {
  const random = seeded(seed)
  const hitsOf = (share: number) => Math.max(1, Math.round(size.inbox * share))
  const planted: Planted = {
    subject: { query: 'quetzalcoatl', hits: hitsOf(0.0024) },
    body: { query: 'floccinaucini', hits: hitsOf(0.00132) },
    three: { query: 'harpsichord bassoon contralto', hits: hitsOf(0.00054) },
    common: { query: 'lighthouse', hits: Math.floor(size.inbox / 5) },
  }
  const hasSubject = spread(size.inbox, planted.subject.hits, 0)
  const hasBody = spread(size.inbox, planted.body.hits, 3)
  const hasThree = spread(size.inbox, planted.three.hits, 6)
  writeMailbox(maildir, size.inbox, owner, random, 'inbox', (n) => ({
    subject: hasSubject(n) ? planted.subject.query : '',
    body: [
      hasBody(n) ? planted.body.query : '',
      // Each of the three is far more common by itself; no mail but the wanted ones has all of them.
      hasThree(n) ? planted.three.query : n % 40 === 7 ? 'harpsichord' : n % 50 === 11 ? 'bassoon' : '',
      n % 5 === 2 ? planted.common.query : '',
    ].join(' '),
  }))
  for (let box = 0; box < size.mailboxes; box++)
    writeSmallMailbox(join(maildir, `.Projects ${box + 1}`), size.perMailbox, owner, `box${box}`, random)
  return planted
}

/** A mailbox with nothing planted. */
export const writeSmallMailbox = (
  dir: string,
  count: number,
  owner: Owner,
  box: string,
  random: () => number = seeded(7),
): void => writeMailbox(dir, count, owner, random, box, () => ({ subject: '', body: '' }))

const writeMailbox = (
  dir: string,
  count: number,
  owner: Owner,
  random: () => number,
  box: string,
  plant: Plant,
): void => {
  // The home above the Maildir belongs to the mail's owner as well.
  const made = [dirname(dir), ...['', 'cur', 'new', 'tmp'].map((name) => join(dir, name))]
  for (const path of made) {
    if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o700 })
    chownSync(path, owner.uid, owner.gid)
  }
  const recent: Made[] = []
  for (let n = 0; n < count; n++) {
    const parent = random() < 0.5 ? recent[Math.floor(random() * recent.length)] : undefined
    const mail = makeMail(random, n, box, plant(n), parent)
    recent.push(mail)
    if (recent.length > 200) recent.shift()
    const seconds = Math.floor(mail.at.getTime() / 1000)
    const flags = random() < 0.9 ? 'S' : ''
    const path = join(dir, 'cur', `${seconds}.M${n}P1.bench,S=${mail.raw.length}:2,${flags}`)
    writeFileSync(path, mail.raw, { mode: 0o600 })
    chownSync(path, owner.uid, owner.gid)
    utimesSync(path, seconds, seconds)
  }
}
