import type SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'
import { displayLine } from '#mail/storable-text.ts'
import { AppError } from '#platform/errors.ts'
import { maxServerText } from '../session-error.ts'
import { askServer } from './ask-server.ts'

/**
 * Whether it takes mail of those who do not sign in, by where they are: for a stranger, as servers take mail for their own people
 * from anybody. No mail follows. Throws login.method, and what toSmtpError reads of a connection that ends.
 */
export const requireTrust = async (smtp: SMTPConnection): Promise<void> => {
  // Many judge nobody before they know for whom it is. The domain is there for examples (RFC 2606), and nobody's.
  for (const line of ['MAIL FROM:<>', 'RCPT TO:<postmaster@example.com>']) {
    const said = await askServer(smtp, line)
    if (said.startsWith('421')) throw Object.assign(new Error(said), { code: 'ECONNECTION', response: said })
    if (wantsLogin(said))
      throw new AppError(
        'login.method',
        'The sending server takes no mail from here without a user name and a password.',
        {
          hint: 'Enter both, or let it trust the address of this machine.',
          serverText: displayLine(said, maxServerText),
        },
      )
    if (!said.startsWith('2')) return
  }
}

/** Other refusals are about that mail. RFC 4954 6; Postfix defers what it does not relay (454), unless it is told to refuse it. */
const wantsLogin = (said: string): boolean =>
  /^(?:530|454)/.test(said) || /^5\d\d[ -].*(?:\b5\.7\.\d|relay|auth|rcpthosts|access denied)/is.test(said)
