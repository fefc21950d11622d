import type { DraftContent, DraftRecipient } from '@postern/shared/drafts.ts'
import { domainOf } from './address-list.ts'
import { type ChipName, openPlaceholders } from './placeholders.ts'

/** What is worth a second look before a mail leaves. None of it forbids anything. */
export type Warning =
  | { kind: 'attachment'; word: string }
  | { kind: 'subject' | 'text' }
  | { kind: 'many'; count: number }
  | { kind: 'external'; domains: string[] }
  /** `answersNone`: one of them is of the mail that is answered, and there is none. */
  | { kind: 'placeholders'; names: ChipName[]; answersNone: boolean }

const manyRecipients = 10

export type ToCheck = {
  content: DraftContent
  /** What was written, as text: without the quote and the signature. */
  written: string
  /** Without the pictures in the text: no word of it promises them. */
  attachments: number
  /** Of the identity. */
  ownAddress: string
  /** Everybody in the mail that is answered; null: it answers none. */
  conversation: Pick<DraftRecipient, 'address'>[] | null
}

export const listWarnings = ({ content, written, attachments, ownAddress, conversation }: ToCheck): Warning[] => {
  const { to, cc, bcc, subject, quotes } = content
  const word = attachments === 0 ? attachmentWord(written) : null
  const isRedirected = content.about?.kind === 'redirect'
  const isPassedOn = isRedirected || (quotes && content.about?.kind === 'forward')
  const hasPicture = /\ssrc="cid:/.test(content.html ?? '')
  const hasText = written.trim() !== '' || isPassedOn || hasPicture || attachments > 0
  const isSeenByMany = to.length + cc.length > manyRecipients
  const external = conversation ? strangeDomains([...to, ...cc, ...bcc], ownAddress, conversation) : []
  const open = openPlaceholders(content)
  const answersNone = content.about === null && open.includes('answered.subject')
  return [
    ...(open.length > 0 ? [{ kind: 'placeholders' as const, names: open, answersNone }] : []),
    ...(word === null ? [] : [{ kind: 'attachment' as const, word }]),
    ...(subject.trim() === '' && !isRedirected ? [{ kind: 'subject' as const }] : []),
    ...(hasText ? [] : [{ kind: 'text' as const }]),
    ...(isSeenByMany ? [{ kind: 'many' as const, count: to.length + cc.length }] : []),
    ...(external.length > 0 ? [{ kind: 'external' as const, domains: external }] : []),
  ]
}

/** Stems of words by which people say that something is attached. */
const stems = [
  'attach(?:ed|ing|ments?)?',
  'enclosed',
  'anhang',
  'anhänge',
  'angehängt\\w*',
  'anbei',
  'beigefügt\\w*',
  'anlage',
  'beiliegend\\w*',
  'ci-joints?',
  'ci-jointes?',
  'pièces? jointes?',
  'adjunt[oa]s?',
  'adjuntad[oa]s?',
  'anexos?',
  'em anexo',
  'allegat[oaie]',
  'bijlagen?',
  'bijgevoegde?',
  'załącz\\w*',
  'bifoga\\w*',
  'bilagor',
  'bilaga\\w*',
  'vedhæftet',
  'vedhæftede',
  'vedlagt\\w*',
  'vedlegg\\w*',
  'liitteenä',
  'liitte\\w*',
  'přílo[hz]\\w*',
  'příloze',
  'вложени\\w*',
  'прилага\\w*',
  'прикрепл\\w*',
  'додатк\\w*',
  'ekte',
  'ekli',
  'ekteki',
]
const spaced = new RegExp(
  `(?<![\\p{L}\\p{N}_])(?:${stems.join('|').replaceAll('\\w', '[\\p{L}\\p{N}]')})(?![\\p{L}\\p{N}_])`,
  'iu',
)
/** Scripts that put nothing between words. */
const unspaced = /添付|附件|첨부|مرفق|מצורפ|מצורף/u

/** The word that promises an attachment; null: none does. Lines that quote are somebody else's. */
export const attachmentWord = (written: string): string | null => {
  const own = written
    .split('\n')
    .filter((line) => !line.startsWith('>'))
    .join('\n')
  return (spaced.exec(own) ?? unspaced.exec(own))?.[0] ?? null
}

/** Hosts of which everybody has an address: theirs say nothing of who belongs together. */
const freemail =
  /^(?:(?:gmail|googlemail|outlook|hotmail|live|msn|icloud|me|mac|aol|gmx|zoho|fastmail|proton|protonmail|tutanota|yandex|mail|posteo|web|t-online|freenet|mailbox)\.(?:com|org|net|de|me|ru|at|ch|fm|eu)|(?:yahoo|hotmail|live|outlook)\.[a-z.]{2,6}|pm\.me|orange\.fr|laposte\.net|free\.fr|wanadoo\.fr|libero\.it|seznam\.cz|wp\.pl|o2\.pl|interia\.pl|qq\.com|163\.com|126\.com|naver\.com|daum\.net)$/

export const isFreemail = (domain: string): boolean => freemail.test(domain)

const belongsTo = (domain: string, known: string): boolean => domain === known || domain.endsWith(`.${known}`)

const strangeDomains = (
  recipients: DraftRecipient[],
  ownAddress: string,
  conversation: Pick<DraftRecipient, 'address'>[],
): string[] => {
  const own = domainOf(ownAddress)
  if (isFreemail(own)) return []
  const known = [own, ...conversation.map(({ address }) => domainOf(address))]
  const strange = recipients
    .map(({ address }) => domainOf(address))
    .filter((domain) => !known.some((one) => belongsTo(domain, one)))
  return [...new Set(strange)]
}
