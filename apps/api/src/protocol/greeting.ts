import { AppError } from '#platform/errors.ts'

/** What a server says first tells which protocol it speaks. FTP greets as SMTP does and says its name. */
const greetings: [string, RegExp][] = [
  ['IMAP', /^\* (OK|PREAUTH|BYE)\b/i],
  ['FTP', /^220[ -].*\bFTP\b/i],
  ['SMTP', /^220[ -]/],
  ['POP3', /^\+OK\b/],
  ['SSH', /^SSH-\d/],
  ['HTTP', /^HTTP\/\d/],
]
const usualPorts = {
  IMAP: 'IMAP is usually at port 993 (TLS) or 143 (STARTTLS).',
  POP3: 'POP3 is usually at port 995 (TLS) or 110 (STARTTLS).',
  SMTP: 'Sending is usually at port 465 (TLS) or 587 (STARTTLS).',
}

/** The error for a server that greets in another protocol than the one wanted; null when it does not. */
export const wrongProtocol = (said: string, wanted: keyof typeof usualPorts): AppError | null => {
  const spoken = greetings.find(([, form]) => form.test(said))?.[0]
  if (spoken === undefined || spoken === wanted) return null
  return new AppError('connect.protocol', `This port speaks ${spoken}, not ${wanted}.`, { hint: usualPorts[wanted] })
}
