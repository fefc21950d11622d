import { z } from 'zod'
import { decodePart } from '#mail/decode-part.ts'
import { htmlToText } from '#mail/html-to-text.ts'
import { maxSourceText, type ParsedMessage, parseMessage } from '#mail/parse-message.ts'
import { readPlainMail } from '#mail/plain-mail.ts'
import { previewOf } from '#mail/preview.ts'
import { isFromMailSystem, isReportType, readReport, tellsOfMail } from '#mail/read-report.ts'
import type { MailReport } from '#mail/report-facts.ts'
import { indexVector } from '#mail/search-vector.ts'
import { leavesOf, type MailLeaf } from '#mail/source-leaves.ts'
import { displayLine, storableText } from '#mail/storable-text.ts'
import type { StructurePart } from '#protocol/imap/fetch-envelopes.ts'
import type { BodyRow, PartFacts } from '#store/body-columns.ts'
import type { BodyToFetch } from '#store/sync-bodies.ts'

/** At most this much of one text part is read, shown and indexed; the rest is in the source. Bytes as encoded. */
export const maxTextPartBytes = 1024 * 1024
const maxTextParts = 8
const maxReportParts = 4
/** A report stands at the beginning of its mail; what comes back with it may be of any size. */
export const reportBytes = 256 * 1024
const maxIndexedText = 256 * 1024

const structure = z.array(
  z.object({
    path: z.string(),
    type: z.string(),
    encoding: z.string(),
    charset: z.string(),
    size: z.number(),
    filename: z.string().nullable(),
    disposition: z.string().nullable(),
    contentId: z.string().nullable(),
  }),
)
const peopleLists = z.array(z.array(z.object({ name: z.string(), address: z.string() })))

/**
 * Which parts are the text of a mail, and which are its attachments; of those `reportParts` say what became of another mail.
 * Pure.
 */
export type BodyPlan = { textParts: StructurePart[]; reportParts: StructurePart[]; others: StructurePart[] }

/** What reading a mail takes of what is stored of it already. */
export type MailFacts = Pick<BodyToFetch, 'messageId' | 'receivedAt' | 'subject' | 'people' | 'sizeBytes'>

/** A mail as it was fetched: text parts by path, as the server holds them. */
export type PartsToRead = { facts: MailFacts; plan: BodyPlan; parts: ReadonlyMap<string, Uint8Array> }

/** A mail as it came. */
export type SourceToRead = { facts: MailFacts; source: Uint8Array }

export const planBody = (stored: unknown): BodyPlan => {
  const parts = structure.parse(stored)
  const isText = (part: StructurePart) =>
    (part.type === 'text/plain' || part.type === 'text/html') &&
    part.disposition !== 'attachment' &&
    part.filename === null
  const textParts = parts.filter(isText).slice(0, maxTextParts)
  const others = parts.filter((part) => !textParts.includes(part))
  // A mail that is nothing but one named text is read like any other, and can be saved under its name.
  if (textParts.length === 0 && parts.length === 1 && parts[0]?.type.startsWith('text/')) textParts.push(parts[0])
  const reportParts = others.some(({ type }) => tellsOfMail(type))
    ? others.filter(({ type }) => isReportType(type)).slice(0, maxReportParts)
    : []
  return { textParts, reportParts, others }
}

/** Of a mail that comes back, its header is enough. RFC 9051 6.4.5.1. */
const sectionOf = ({ path, type }: StructurePart): string =>
  type === 'message/rfc822' || type === 'message/global' ? `${path}.header` : path

/** What is fetched of a mail to read it. */
export const sectionsOf = ({ textParts, reportParts }: BodyPlan): string[] => [
  ...textParts.map(({ path }) => path),
  ...reportParts.map(sectionOf),
]

const toFacts = (part: StructurePart, position: number): PartFacts => ({
  position,
  path: part.path,
  contentType: storableText(part.type),
  encoding: storableText(part.encoding),
  charset: storableText(part.charset),
  filename: part.filename,
  contentId: part.contentId,
  isInline: part.disposition !== 'attachment' && part.contentId !== null,
  // Base64 carries three bytes in four, and a line break every 76.
  sizeBytes: part.encoding === 'base64' ? Math.floor((part.size * 3 * 76) / (4 * 78)) : part.size,
})

/** Names and addresses, for the index of words. */
const peopleText = ({ people }: MailFacts): string =>
  peopleLists
    .parse(people)
    .flat()
    .slice(0, 100)
    .map(({ name, address }) => `${name} ${address}`)
    .join(' ')

/** What is stored of a mail, from its fetched text parts. Never throws for content: what cannot be read is said so. */
export const readBody = (wanted: MailFacts, plan: BodyPlan, fetched: Map<string, Buffer>): BodyRow => {
  const texts: string[] = []
  const htmls: string[] = []
  let isTruncated = false
  for (const part of plan.textParts) {
    const bytes = fetched.get(part.path)
    if (!bytes) continue
    if (bytes.length >= maxTextPartBytes) isTruncated = true
    const text = decodePart({ bytes, encoding: part.encoding, charset: part.charset })
    if (part.type === 'text/html') htmls.push(text)
    else texts.push(text)
  }
  const html = htmls.length > 0 ? htmls.join('\n<hr>\n') : null
  const text = texts.join('\n\n') || (html === null ? '' : htmlToText(html))
  const reports = plan.reportParts.flatMap((part): MailLeaf[] => {
    const bytes = fetched.get(sectionOf(part))
    return bytes ? [{ type: part.type, text: decodePart({ bytes, ...part }) }] : []
  })
  return {
    messageId: wanted.messageId,
    receivedAt: wanted.receivedAt,
    state: 'ready',
    text: storableText(text),
    html,
    isTruncated,
    preview: previewOf(text),
    vector: indexVector({
      subject: wanted.subject,
      people: peopleText(wanted),
      attachments: plan.others.map(({ filename }) => filename ?? '').join(' '),
      body: (texts.length > 0 && html !== null && text.length < 200
        ? `${text} ${htmlToText(html, maxIndexedText)}`
        : text
      ).slice(0, maxIndexedText),
    }),
    parts: plan.others.map(toFacts),
    report: reportIn(wanted, () => [{ type: 'text/plain', text }, ...reports], reports.length > 0),
  }
}

/**
 * A mail that has bytes, of which the server's structure gave nothing to read, or a part of no type at all: it is worth a look
 * at the whole source.
 */
export const isSuspiciouslyEmpty = (row: BodyRow, wanted: MailFacts): boolean =>
  row.text.trim() === '' &&
  row.html === null &&
  row.parts.every(({ contentType }) => !/^[^/\s]+\/[^/\s]+$/.test(contentType)) &&
  wanted.sizeBytes > 0n

/** Parts that only our own parser found have no path at the server. */
const parsedPath = /^parsed:(\d{1,4})$/

/** What our own parser, or else the bare source, gives of a mail that the server's structure could not. */
export const salvageBody = async (wanted: MailFacts, source: Buffer): Promise<BodyRow> => {
  const plain = readPlainMail(source)
  return sourceBody(wanted, plain ? { kind: 'parsed', ...plain } : await parseMessage(source), source)
}

/** `source` may be its beginning only. */
export const sourceBody = (
  wanted: MailFacts,
  { kind, text, html, parts }: ParsedMessage,
  source: Uint8Array,
): BodyRow => {
  const tells = parts.some(({ contentType }) => tellsOfMail(contentType))
  return {
    ...unparsableBody(wanted),
    report: reportIn(wanted, () => leavesOf(Buffer.from(source.subarray(0, reportBytes))), tells),
    state: kind === 'parsed' ? 'ready' : 'salvaged',
    text,
    html,
    isTruncated: kind === 'salvaged' && wanted.sizeBytes > maxSourceText,
    preview: previewOf(text),
    vector: indexVector({
      subject: wanted.subject,
      people: peopleText(wanted),
      attachments: parts.map(({ filename }) => filename ?? '').join(' '),
      body: text.slice(0, maxIndexedText),
    }),
    parts: parts.map((part, position) => ({
      position,
      path: `parsed:${position}`,
      contentType: displayLine(part.contentType, 100),
      encoding: '',
      charset: displayLine(part.charset, 100),
      filename: part.filename === null ? null : displayLine(part.filename, 255),
      contentId: part.contentId === null ? null : displayLine(part.contentId, 500),
      isInline: part.isInline,
      sizeBytes: part.sizeBytes,
    })),
  }
}

/** Most mails are none, which is seen at once. */
const reportIn = ({ people }: MailFacts, leaves: () => MailLeaf[], tells: boolean): MailReport | null => {
  const from = peopleLists.parse(people)[0]?.[0]?.address ?? ''
  if (!tells && !isFromMailSystem(from)) return null
  try {
    return readReport(leaves(), from)
  } catch {
    // It is shown as what it is: a mail.
    return null
  }
}

/** The place among the parts that our own parser finds; null for a part that has a path at the server. */
export const parsedPlace = (path: string): number | null => {
  const place = parsedPath.exec(path)?.[1]
  return place === undefined ? null : Number(place)
}

/** The stand-in for a mail whose parts break something: listed, openable from its source, never in the way of others. */
export const unparsableBody = (wanted: MailFacts): BodyRow => ({
  messageId: wanted.messageId,
  receivedAt: wanted.receivedAt,
  state: 'unparsable',
  text: '',
  html: null,
  isTruncated: false,
  preview: '',
  vector: indexVector({ subject: wanted.subject.slice(0, 1000), people: '', attachments: '', body: '' }),
  parts: [],
  report: null,
})
