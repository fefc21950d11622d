import type { DraftRecipient } from '@postern/shared/drafts.ts'
import { htmlOfLines } from '@postern/shared/written-lines.ts'
import { isAddress } from './address-list.ts'
import { plainSubject } from './format.ts'

/**
 * The places of a template that each mail fills in: in rich text a chip, `<span data-placeholder="sender.name">`, in plain text and in
 * subjects `{sender.name}`. A value is text wherever it goes, and never makes another placeholder.
 */
export const placeholderNames = [
  'recipient.firstName',
  'recipient.name',
  'recipient.address',
  'sender.name',
  'sender.address',
  'today.date',
  'answered.subject',
] as const
/** Where one goes on writing; stands in templates only. */
export const cursorName = 'cursor.here'
export type PlaceholderName = (typeof placeholderNames)[number]
export type ChipName = PlaceholderName | typeof cursorName
/** What is known; absent: not yet. */
export type PlaceholderValues = Partial<Record<PlaceholderName, string>>

const chipNames: readonly string[] = [...placeholderNames, cursorName]
export const isChipName = (name: string | null): name is ChipName => name !== null && chipNames.includes(name)

// Program text has such braces, too: doubled, or behind a dollar.
const pattern = `(?<![{$])\\{(${chipNames.map((name) => name.replace('.', '\\.')).join('|')})\\}(?!\\})`
const token = () => new RegExp(pattern, 'g')

export const writeToken = (name: ChipName): string => `{${name}}`

/** What is not known stays. */
export const fillText = (text: string, values: PlaceholderValues): string =>
  text.replace(token(), (whole, name: PlaceholderName) => values[name] ?? whole)

/** What of a plain text is filled in, in its order; lines that quote are somebody else's. */
export const placesToFill = (text: string, values: PlaceholderValues): { from: number; to: number; value: string }[] =>
  [...text.matchAll(token())].flatMap(({ 0: whole, 1: name, index: from }) => {
    const value = values[name as PlaceholderName] // the cursor has none
    const line = text.lastIndexOf('\n', from) + 1
    return value === undefined || text.startsWith('>', line) ? [] : [{ from, to: from + whole.length, value }]
  })

/** A text to be put in, and where one goes on writing in it. */
export const fillWithCursor = (text: string, values: PlaceholderValues): { text: string; cursor: number } => {
  const [before = '', ...after] = fillText(text, values).split(writeToken(cursorName))
  return { text: before + after.join(''), cursor: before.length }
}

/** Plain text as rich text, with its tokens as chips but for those of lines that quote. */
export const withChips = (text: string): string =>
  text
    .split('\n')
    .map((line) => (line.startsWith('>') ? htmlOfLines(line) : chipsIn(htmlOfLines(line))))
    .join('')

/** Where no tag has attributes. */
const chipsIn = (html: string): string =>
  html.replace(token(), (whole, name: ChipName) => `<span data-placeholder="${name}">${whole}</span>`)

/** Somebody else's text, or HTML, with its tokens looking the same and never filled in. Chips stay. */
export const withoutTokens = (text: string): string =>
  text.replace(token(), (whole, name: ChipName, at: number) =>
    text.endsWith(`data-placeholder="${name}">`, at) ? whole : whole.replace('{', '{\u2060'),
  )

/** What is left to be filled in, in the order of the mail. */
export const openPlaceholders = ({
  subject,
  text,
  html,
}: {
  subject: string
  text: string
  html: string | null
}): ChipName[] => {
  const own = html === null ? text.replace(/^>.*$/gm, '') : ''
  const chips = [...(html ?? '').matchAll(/<span\b[^<>]*\sdata-placeholder="([\w.]+)"/g)]
  const names = [...subject.matchAll(token()), ...own.matchAll(token()), ...chips].map(([, name = '']) => name)
  return [...new Set(names)].filter(isChipName)
}

export type ToFillFrom = {
  to: DraftRecipient[]
  sender: DraftRecipient | undefined
  /** With what answers put before it; null: nothing is answered. */
  answeredSubject: string | null
  now: Date
  /** The browser's, unless given. */
  locale?: string
  timeZone?: string
}

/** Of several recipients all are named; a name that one of them lacks is not known. */
export const placeholderValues = ({ to, sender, answeredSubject, now, locale, timeZone }: ToFillFrom) => {
  const recipients = to.filter(({ address }) => isAddress(address))
  const names = recipients.map(({ name }) => realName(name))
  const list = (items: string[]) =>
    items.includes('') ? '' : new Intl.ListFormat(locale, { type: 'conjunction' }).format(items)
  const known: Record<PlaceholderName, string> = {
    'recipient.firstName': list(names.map(firstNameOf)),
    'recipient.name': list(names),
    'recipient.address': list(recipients.map(({ address }) => address)),
    'sender.name': realName(sender?.name ?? ''),
    'sender.address': sender?.address ?? '',
    'today.date': new Intl.DateTimeFormat(locale, { dateStyle: 'long', ...(timeZone ? { timeZone } : {}) }).format(now),
    'answered.subject': plainSubject(answeredSubject ?? ''),
  }
  const values: PlaceholderValues = {}
  for (const name of placeholderNames) {
    const value = oneLine(known[name])
    if (value !== '') values[name] = value
  }
  return values
}

const longest = 1000

/** As it may stand in a text: nothing that ends a line or turns its direction, and no placeholder. */
const oneLine = (value: string): string =>
  value
    .replace(/[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]+/gu, ' ')
    .replace(token(), '$1')
    .replace(/\s+/g, ' ')
    .trim()
    .slice(0, longest)

/** A name that looks like an address is none. */
const realName = (name: string): string => (/[@\uff20]/.test(name) ? '' : name.replace(/^["']+|["']+$/g, '').trim())

const titles = /^(?:(?:dr|prof|mr|mrs|ms|mx|miss|sir|dame|herr|frau|hr|mme|mlle|sra|srta)|\p{L}[\p{L}.-]+\.)\s+/iu
/** What follows a name and its comma, and is none. */
const degrees = /^(?:ph\.?d|m\.?d|mba|jr|sr|esq|[bm]\.?[as]c?|ll\.?m|cpa|[ivx]+)\.?$/i
/** Written with the family name first, and called by both. */
const familyFirst = /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\s\u30fb]+$/u

/** How somebody of this name is greeted by those who call them by it: without titles, degrees and what stands in brackets. */
export const firstNameOf = (name: string): string => {
  const bare = name.replace(/[([{].*$/, '').trim()
  if (familyFirst.test(bare)) return bare
  const [before = '', after = ''] = bare.split(',', 2).map((part) => part.trim())
  const words = withoutTitles(after === '' || degrees.test(after) ? before : after).split(/\s+/)
  const first = words.findIndex((word) => !/^\p{L}\.$/u.test(word))
  // Of a name with initials only nobody knows what it is.
  return first > 0 && first === words.length - 1 ? bare : (words[first] ?? bare)
}

const withoutTitles = (name: string): string => (titles.test(name) ? withoutTitles(name.replace(titles, '')) : name)
