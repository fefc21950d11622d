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

/** The last line of a change in the timeline, alike both ways. */
export const endLine = ({ to, found, brought, left, inPart }: SwitchSums): string => {
  const [title, where] = to === 'imap' ? ['POP3 to IMAP', 'there'] : ['IMAP to POP3', 'here whole']
  const sums = `${countMails(found)} found again at the provider, ${countMails(brought)} brought ${where}, ${countMails(left)} here only.`
  return [`Changed from ${title}: ${sums}`, ...(left > 0 ? [leftLine(to, inPart)] : [])].join(' ')
}

/** Whether something is missing is what a person has to know. */
const leftLine = (to: SwitchSums['to'], inPart: number): string => {
  if (to === 'imap') return 'What could not be brought there can be read here as before.'
  if (inPart === 0) return 'Text and attachments of these are here.'
  return `Of ${countMails(inPart)} attachments or text are missing here: they are at the provider, and a change back to IMAP shows them again.`
}
