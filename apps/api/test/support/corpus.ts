import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { simpleParser } from 'mailparser'
import { decodeCharset, decodeTransfer } from '#mail/decode-part.ts'

/**
 * Public test mails (CORPUS_DIR) with what other people's parsers, or the collections themselves, say is in them. Line ends
 * are CRLF, as every IMAP server gives them.
 */
export type CorpusMail = {
  name: string
  raw: Buffer
  /** Texts that a reader of this mail has to see. */
  texts: string[]
  /** The bytes of its attachments, decoded. */
  files: Buffer[]
}

export const readCorpus = (): Promise<CorpusMail[]> =>
  Promise.all(
    listCorpus().map(async ({ name, path: mailPath }) => {
      const raw = withCrlf(readFileSync(mailPath))
      const beside = (ending: string) => {
        const path = mailPath.replace(/\.\w+$/, ending)
        return existsSync(path) ? readFileSync(path, 'utf8') : null
      }
      const [stalwart, mime4j] = [beside('.crlf.json'), beside('.xml')]
      const expected = stalwart
        ? fromStalwart(JSON.parse(stalwart) as StalwartMail, raw) // the corpus' own form
        : mime4j
          ? fromMime4j(mime4j)
          : await fromMailparser(raw)
      return { name, raw, ...expected }
    }),
  )

/** None where CORPUS_DIR is not set; where it names nothing of use, that is a mistake. */
export const listCorpus = (): { name: string; path: string }[] => {
  const dir = process.env.CORPUS_DIR
  if (!dir) {
    console.log('CORPUS_DIR names no public test mails: only our own odd mails are read.')
    return []
  }
  const names = readdirSync(dir, { recursive: true, encoding: 'utf8' })
  const mails = names.filter((name) => name.startsWith('mime-') && /\.(eml|msg|txt)$/.test(name)).sort()
  if (mails.length === 0) throw new Error('There are no test mails in the folder that CORPUS_DIR names.')
  return mails.map((name) => ({ name, path: join(dir, name) }))
}

export const withCrlf = (raw: Buffer): Buffer => Buffer.from(raw.toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1')

type Expected = { texts: string[]; files: Buffer[] }
type StalwartBody = { Text?: string; Html?: string; Binary?: number[]; InlineBinary?: number[]; Message?: unknown }
type StalwartMail = {
  text_body: number[]
  html_body: number[]
  attachments: number[]
  parts: { body: StalwartBody; encoding?: string; offset_body: number; offset_end: number }[]
}

const fromStalwart = (mail: StalwartMail, raw: Buffer): Expected => {
  const attached = new Set(mail.attachments)
  const shown = [...new Set([...mail.text_body, ...mail.html_body])].filter((index) => !attached.has(index))
  const bodies = shown.map((index) => mail.parts[index]?.body ?? {})
  const files = mail.attachments.flatMap((index) => {
    const part = mail.parts[index]
    const binary = part?.body.Binary ?? part?.body.InlineBinary
    if (binary) return [Buffer.from(binary)]
    // Of a text or a message the bytes are those of the mail, unless they are encoded or none.
    const header = raw.toString('latin1', 0, part?.offset_body ?? 0).slice(-1000)
    const isEncoded = /content-transfer-encoding:\s*(base64|quoted-printable)[\s\S]*$/i.test(
      header.split('\r\n\r\n').at(-2) ?? header,
    )
    return part && !isEncoded && part.offset_end > part.offset_body
      ? [raw.subarray(part.offset_body, part.offset_end)]
      : []
  })
  const texts = bodies.flatMap(({ Text, Html }) => (Text ? [Text] : Html ? [withoutTags(Html)] : []))
  // Where the other parser could not decode, its words say nothing.
  return { texts: texts.map((text) => text.replace(/\S*\ufffd\S*/g, ' ')), files }
}

/** Leaves of the message itself; those of messages inside it belong to an attachment. */
const fromMime4j = (xml: string): Expected => {
  const expected: Expected = { texts: [], files: [] }
  let depth = 0
  let header = ''
  for (const [, tag, fields, body] of xml.matchAll(
    /(<message>|<\/message>)|<header>([\s\S]*?)<\/header>|<body>([\s\S]*?)<\/body>/g,
  )) {
    if (tag) depth += tag === '<message>' ? 1 : -1
    if (fields !== undefined) header = unescapeXml(fields)
    if (body === undefined || depth > 1) continue
    const field = (name: string) => new RegExp(`^${name}:\\s*([^;\\s<]*)`, 'im').exec(header)?.[1]?.toLowerCase() ?? ''
    const charset = /charset="?([^";\s<]+)/i.exec(header)?.[1] ?? ''
    const bytes = decodeTransfer(withCrlf(Buffer.from(unescapeXml(body), 'utf8')), field('content-transfer-encoding'))
    const type = field('content-type')
    if (type === '' || type === 'text/plain') expected.texts.push(decodeCharset(bytes, charset))
    else if (type === 'text/html') expected.texts.push(withoutTags(decodeCharset(bytes, charset)))
    else if (field('content-transfer-encoding') === 'base64') expected.files.push(bytes)
  }
  return expected
}

/** Where a collection says nothing, an independent parser does. */
const fromMailparser = async (raw: Buffer): Promise<Expected> => {
  const mail = await simpleParser(raw, { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true })
  return {
    texts: [mail.text ?? '', withoutTags(mail.html || '')].filter((text) => text.trim() !== ''),
    files: mail.attachments.map(({ content }) => content),
  }
}

const unescapeXml = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')

const withoutTags = (html: string): string =>
  html
    .replace(/<(style|script|title|head)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<!--[\s\S]*?-->/g, ' ')
    .replace(/<\/?(?:a|b|i|u|em|strong|font|span|small|big)\b[^>]*>/gi, '')
    .replace(/<[^>]*>/g, ' ')
    // Words with entities in them are left to others.
    .replace(/[\p{L}\p{N}]*(?:&#?\w+;[\p{L}\p{N}]*)+/gu, ' ')

/** Words of three letters and more. */
export const wordsOf = (text: string): Set<string> => new Set(text.toLowerCase().match(/[\p{L}\p{N}]{3,}/gu) ?? [])
