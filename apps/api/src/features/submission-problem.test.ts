import { expect, it } from 'vitest'
import { explainReply } from './submission-problem.ts'

it('what servers say of a mail is told in plain words', () => {
  for (const [text, words] of [
    ['550 5.1.1 <x@example.org>: Recipient address rejected: User unknown', 'no such mailbox'],
    ['550-5.1.1 The email account does not exist', 'no such mailbox'],
    ['452 4.2.2 Mailbox full', 'full'],
    ['552 5.2.2 over quota', 'full'],
    ['552 5.3.4 Message size exceeds fixed limit', 'too large'],
    ['552 too big', 'too large'],
    ['554 5.7.1 spam', 'does not want'],
    ['550 5.7.26 unauthenticated', 'does not want'],
    ['451 4.7.1 Greylisted', 'patience'],
    ['553 5.7.60 cannot send as', 'as this sender'],
    ['530 5.7.8 sign in', 'login'],
    ['550 5.4.4 host not found', 'domain'],
    ['451 4.4.1 timed out', 'cannot be reached'],
    ['550 no', 'refuses it'],
    ['499 what', 'right now'],
    ['599 what', 'refuses it'],
  ] as const)
    expect(explainReply(null, text).message, text).toContain(words)
})
