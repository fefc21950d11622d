import { countMails } from './account-state.ts'

/** What a change of protocol came to, of how many mails. */
export type SwitchSums = {
  to: 'imap' | 'pop3'
  found: number
  /** To IMAP: to the provider. To POP3: from there, whole. */
  brought: number
  /** The provider does not have them, or not for this protocol. */
  left: number
  /** Of those left something is at the provider that is not here. */
  inPart: number
}

/** The last line of a change in the timeline, alike both ways; what there is none of goes unsaid. */
export const endLine = ({ to, found, brought, left, inPart }: SwitchSums): string => {
  const [title, where] = to === 'imap' ? ['POP3 to IMAP', 'there'] : ['IMAP to POP3', 'here whole']
  const sums = [
    ...(found > 0 ? [`${countMails(found)} found again at the provider`] : []),
    ...(brought > 0 ? [`${countMails(brought)} brought ${where}`] : []),
    ...(left > 0 ? [`${countMails(left)} here only`] : []),
  ]
  const changed = `Changed from ${title}${sums.length > 0 ? `: ${sums.join(', ')}` : ''}.`
  return [changed, ...(left > 0 ? [leftLine(to, inPart)] : [])].join(' ')
}

/** Whether something is missing is what a person has to know. */
const leftLine = (to: SwitchSums['to'], inPart: number): string => {
  if (to === 'imap') return 'What could not be brought there can be read here as before.'
  if (inPart === 0) return 'Text and attachments of these are here.'
  return `Of ${countMails(inPart)} attachments or text are missing here: they are at the provider, and a change back to IMAP shows them again.`
}
