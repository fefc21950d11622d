import { addressOf, type MailReport, maxSaid, messageIdIn, type ReportedRecipient, statusIn } from './report-facts.ts'
import { displayLine } from './storable-text.ts'

/**
 * A bounce in words alone, as qmail, older Exim, Sendmail, Exchange and Gmail write it: lines that are an address, what the
 * server said of it below, and the mail it is about after a line that says so. Null when no address is told of.
 */
export const readBounce = (text: string): MailReport | null => {
  const whole = text.slice(0, maxText).replace(/\r\n?/g, '\n')
  const cut = returnedBegins.exec(whole)
  const said = cut ? whole.slice(0, cut.index) : whole
  if (!couldNot.test(said)) return null
  const isDelay = willGoOn.test(said) && !forGood.test(said)
  const found = recipientsIn(said.split('\n').slice(0, maxLines))
  // Some tell why only once, far from the address.
  const reason = /^.*\b[45]\d\d[ -](?:[45]\.\d{1,3}\.\d{1,3}\b)?.*$/m.exec(said)?.[0] ?? null
  const recipients = found.slice(0, maxRecipients).map(({ address, lines }): ReportedRecipient => {
    const own = displayLine(lines.join(' '), maxSaid) || (reason && displayLine(reason, maxSaid)) || null
    const status = statusIn(own ?? '')
    return { action: isDelay ? 'delayed' : 'failed', address, originalAddress: null, status, text: own }
  })
  if (recipients.length === 0) return null
  const aboutId = cut ? messageIdIn(afterParagraph(whole.slice(cut.index + cut[0].length))) : null
  return { kind: 'delivery', aboutId, envelopeId: null, recipients }
}

const maxText = 256 * 1024
const maxLines = 400
const maxRecipients = 100

const returnedBegins =
  /^[ \t]*-{2,}[ \t]*(?:Below this line is a copy|This is a copy of (?:the|your) message|Original message|Unsent message|Message header|Message headers|Returned message|Original headers|The header of the original|Undelivered message|Forwarded message).*$/im
const couldNot =
  /could(?: not|n.t) (?:be |deliver)|cannot be (?:delivered|reached)|unable to deliver|undeliver|not (?:yet )?been delivered|was(?: not|n.t) (?:able|delivered)|delivery .{0,60}(?:failed|delayed)|did not reach|fatal errors|still undelivered|returned to sender|could not send/i
const willGoOn =
  /not yet been delivered|still undelivered|will (?:keep trying|continue|be retried)|delivery .{0,60}delayed|could not send message for past|warning message only/i
const forGood = /permanent (?:error|fatal|failure)|failed permanently|given up|giving up/i

/** Nothing else on the line; qmail ends it with a colon, Exchange with a date. */
const addressLine =
  /^[ \t]*(?:To:[ \t]*)?[<'"]?([^\s<>'"@,;:()]{1,64}@[^\s<>'"@,;:()]{1,255}?)[>'"]?(?:[ \t]*:?|[ \t]+on[ \t]+\S.{0,60})[ \t]*$/i
const generated = /^[ \t]*\((?:ultimately )?generated from /i

const recipientsIn = (lines: string[]): { address: string; lines: string[] }[] => {
  const found: { address: string; lines: string[] }[] = []
  let open: { address: string; lines: string[] } | null = null
  for (const line of lines) {
    const address = addressOf(addressLine.exec(line)?.[1])
    if (address !== null) {
      open = found.find((one) => one.address === address) ?? null
      if (open === null) {
        open = { address, lines: [] }
        found.push(open)
      }
    } else if (line.trim() === '') open = null
    else if (open && !generated.test(line) && open.lines.length < 8) open.lines.push(line.trim())
  }
  return found
}

/** The header may stand below an empty line, or be a `Return-Path` away. */
const afterParagraph = (text: string): string => text.replace(/^\s+/, '')
