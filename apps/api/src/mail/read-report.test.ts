import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { listCorpus } from '../../test/support/corpus.ts'
import { readReport } from './read-report.ts'
import { addressOf } from './report-facts.ts'
import { leavesOf } from './source-leaves.ts'

const read = (source: string | Buffer, from = 'MAILER-DAEMON@mx.example.net') =>
  readReport(leavesOf(Buffer.from(source)), from)
const report = (status: string, returned = 'Message-ID: <m1@example.org>\nSubject: Plans') =>
  `From: MAILER-DAEMON@mx.example.net\nContent-Type: multipart/report; report-type=delivery-status;\n boundary="b/1"\n\nA MIME mail.\n--b/1\nContent-Type: text/plain\n\nIt did not work.\n--b/1\nContent-Type: message/delivery-status\n\n${status}\n\n--b/1\nContent-Type: text/rfc822-headers\n\n${returned}\n\n--b/1--\n`
const words = (text: string) => `From: MAILER-DAEMON@mx.example.net\r\nSubject: failure notice\r\n\r\n${text}`

describe('reports of delivery (RFC 3464)', () => {
  it('are read once, whatever stands where an address should', () => {
    expect(addressOf(`rfc822; x${"'".repeat(300_000)}x`)).toBeNull()
    expect(addressOf(' rfc822 ; <"bob@example.net"> ')).toBe('bob@example.net')
  })

  it('of Postfix tell who did not get it, why, and which mail it was', () => {
    const found = read(
      report(
        'Reporting-MTA: dns; mx.example.net\nOriginal-Envelope-Id: 5f0a+2D1\nX-Postfix-Queue-ID: 9B78\n\nFinal-Recipient: rfc822; bob@example.net\nOriginal-Recipient: rfc822;Bob@Example.net\nAction: failed\nStatus: 5.1.1\nRemote-MTA: dns; in.example.net\nDiagnostic-Code: smtp; 550 5.1.1 <bob@example.net>: Recipient address\n    rejected: User unknown\n\nFinal-Recipient: rfc822; cy@example.net\nAction: delayed\nStatus: 4.2.2\n',
      ),
    )
    expect(found).toEqual({
      kind: 'delivery',
      aboutId: 'm1@example.org',
      envelopeId: '5f0a-1',
      recipients: [
        {
          action: 'failed',
          address: 'bob@example.net',
          originalAddress: 'Bob@Example.net',
          status: '5.1.1',
          text: '550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown',
        },
        { action: 'delayed', address: 'cy@example.net', originalAddress: null, status: '4.2.2', text: null },
      ],
    })
  })

  it('of Exchange and Gmail are read by the same fields', () => {
    const exchange = read(
      report(
        'Reporting-MTA: dns;AM0PR01.prod.outlook.com\nArrival-Date: Thu, 26 Nov 2026 09:00:00 +0000\n\nFinal-Recipient: rfc822;nobody@contoso.example\nAction: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup\nX-Display-Name: nobody',
        'Received: from a by b\nMESSAGE-ID:\n <CAF+x=1@mail.example.org>\n',
      ),
      'postmaster@contoso.example',
    )
    expect(exchange).toMatchObject({
      aboutId: 'CAF+x=1@mail.example.org',
      recipients: [{ action: 'failed', address: 'nobody@contoso.example', status: '5.1.10' }],
    })
    const gmail = read(
      report(
        'Reporting-MTA: dns; googlemail.com\nX-Original-Message-ID: <x@example.org>\n\nFinal-Recipient: rfc822; full@gmail.example\nAction: failed\nStatus: 4.2.2\nDiagnostic-Code: smtp; The recipient server did not accept our requests to connect.\nWill-Retry-Until: soon',
      ),
    )
    expect(gmail?.recipients).toMatchObject([{ action: 'failed', status: '4.2.2' }])
  })

  it('say delivered, relayed and expanded as well, and take a word that is missing from the status', () => {
    const groups = ['delivered', 'RELAYED (on its way)', 'expanded', '']
      .map(
        (action, n) => `Final-Recipient: rfc822; <r${n}@example.net>\nStatus: 2.0.0${action && `\nAction: ${action}`}`,
      )
      .join('\n\n')
    expect(read(report(groups))?.recipients.map(({ action }) => action)).toEqual([
      'delivered',
      'relayed',
      'expanded',
      'delivered',
    ])
    expect(read(report('Final-Recipient: rfc822; a@example.net\nSubject: nothing'))).toBeNull()
    expect(read(report('Final-Recipient: rfc822; nobody\nAction: failed'))).toBeNull()
  })

  it('part recipients that no blank line parts, and addresses in any script (RFC 6533)', () => {
    const found = read(
      report(
        'Final-Recipient: rfc822; a@example.net\nAction: failed\nFinal-Recipient: utf-8; j\\x{00F6}rg@example.net\nAction: failed',
      ),
    )
    expect(found?.recipients.map(({ address }) => address)).toEqual(['a@example.net', 'jörg@example.net'])
  })

  it('are read out of the public test mails', () => {
    const known: Record<string, string> = {
      'mime-mimekit/messages__delivery-status.txt':
        'failed newsletter-request@imusic.com of 31FC7EB4.41C6@netscape.com',
      'mime-mimekit/messages__delivery-status-no-blank-line.txt':
        'failed newsletter-request@imusic.com of 31FC7EB4.41C6@netscape.com',
      'mime-mimekit/messages__delivery-status-multiple-blank-lines.txt': 'failed orig_recip@customer.com of null',
      'mime-mimekit/messages__disposition-notification.txt':
        'displayed Joe_Recipient@example.com of 199509192301.23456@example.org',
      'mime-ruby-mail/multipart_report_emails__report_422.eml':
        'delayed fraser@oooooooo.com.au of 15655788.13.1200472642578.JavaMail.Administrator@mail.ttttt.com.au',
      'mime-ruby-mail/multipart_report_emails__multi_address_bounce2.eml':
        'failed bbbbvhvbbvkjbhfbvbvjhb@gmail.com of 118707422.15521266992174819.JavaMail.root@lvmail01',
    }
    const mails = listCorpus()
    const found = mails.flatMap(({ name, path }): [string, string][] => {
      const report = read(readFileSync(path), '')
      return report
        ? [[name, `${report.recipients[0]?.action} ${report.recipients[0]?.address} of ${report.aboutId}`]]
        : []
    })
    const expected = Object.entries(known).filter(([name]) => mails.some((mail) => mail.name === name))
    expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected))
  })

  it('make their words fit for a line, cut, and never take more than a hundred recipients', () => {
    const many = Array.from(
      { length: 300 },
      (_, n) =>
        `Final-Recipient: rfc822; r${n}@example.net\nAction: failed\nDiagnostic-Code: smtp; \u202e\u0000${'x'.repeat(900)}`,
    ).join('\n\n')
    const found = read(report(many))
    expect(found?.recipients.length).toBe(100)
    expect(found?.recipients.every(({ text }) => /^x{1,500}$/.test(text ?? ''))).toBe(true)
  })

  it('cannot make the reader fail, whatever is in them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), fc.string({ maxLength: 200 }), (status, returned) => {
        const found = read(report(status, returned))
        for (const one of found?.recipients ?? []) expect(JSON.stringify(one)).not.toMatch(/\\u0000|\\n/)
        read(words(status))
        leavesOf(Buffer.from(`Content-Type: multipart/mixed; boundary=${returned}\n\n--${returned}\n${status}`))
      }),
    )
  })
})

describe('bounces in words alone', () => {
  it('of qmail', () => {
    const found = read(
      words(
        "Hi. This is the qmail-send program at mx.example.net.\r\nI'm afraid I wasn't able to deliver your message to the following addresses.\r\nThis is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n<bob@example.net>:\r\nSorry, no mailbox here by that name. (#5.1.1)\r\n\r\n<cy@example.net>:\r\n192.0.2.1 does not like recipient.\r\nRemote host said: 552 5.2.2 over quota\r\n\r\n--- Below this line is a copy of the message.\r\n\r\nReturn-Path: <ann@example.org>\r\nMessage-ID: <q1@example.org>\r\nFrom: ann@example.org\r\nTo: bob@example.net\r\n\r\ndave@example.net\r\n",
      ),
    )
    expect(found).toEqual({
      kind: 'delivery',
      aboutId: 'q1@example.org',
      envelopeId: null,
      recipients: [
        {
          action: 'failed',
          address: 'bob@example.net',
          originalAddress: null,
          status: '5.1.1',
          text: 'Sorry, no mailbox here by that name. (#5.1.1)',
        },
        {
          action: 'failed',
          address: 'cy@example.net',
          originalAddress: null,
          status: '5.2.2',
          text: '192.0.2.1 does not like recipient. Remote host said: 552 5.2.2 over quota',
        },
      ],
    })
  })

  it.each([
    [
      'Exim',
      'This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  bob@example.net\n    (generated from team@example.org)\n    SMTP error from remote mail server after RCPT TO:<bob@example.net>:\n    host mx.example.net [192.0.2.1]: 550 5.1.1 unknown user\n\n------ This is a copy of the message, including all the headers. ------\n\nReturn-path: <ann@example.org>\nMessage-Id: <e1@example.org>\n\nHi\n',
      'failed bob@example.net 5.1.1 e1@example.org',
    ],
    [
      'Exim, when it takes longer',
      'This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\nrecipients after more than 24 hours on the queue on mx.example.net.\n\nThe address to which the message has not yet been delivered is:\n\n  bob@example.net\n    Delay reason: 451 4.7.1 try again later\n\nNo action is required on your part. Delivery attempts will continue for\nsome time.\n',
      'delayed bob@example.net 4.7.1 null',
    ],
    [
      'Sendmail',
      'The original message was received at Thu, 26 Nov 2026 10:00:00 GMT\nfrom localhost [127.0.0.1]\n\n   ----- The following addresses had permanent fatal errors -----\n<bob@example.net>\n    (reason: 550 5.7.1 relaying denied)\n\n   ----- Transcript of session follows -----\n... while talking to mx.example.net.:\n>>> RCPT To:<bob@example.net>\n<<< 550 5.7.1 relaying denied\n\n   ----- Original message follows -----\n\nMessage-ID: <s1@example.org>\n',
      'failed bob@example.net 5.7.1 s1@example.org',
    ],
    [
      'Exchange',
      "Your message did not reach some or all of the intended recipients.\n\n      Subject:\tPlans\n      Sent:\t11/26/2026 10:00 AM\n\nThe following recipient(s) cannot be reached:\n\n      'bob@example.net' on 11/26/2026 10:01 AM\n            550 5.1.1 unknown user\n",
      'failed bob@example.net 5.1.1 null',
    ],
    [
      'Gmail',
      'Delivery to the following recipient failed permanently:\n\n     bob@example.net\n\nTechnical details of permanent failure: \nGoogle tried to deliver your message, but it was rejected. The error that the other server returned was:\n550 5.2.1 The account is disabled\n\n----- Original message -----\n\nReceived: by 192.0.2.9\nMessage-ID: <g1@mail.gmail.example>\n\nHi\n',
      'failed bob@example.net 5.2.1 g1@mail.gmail.example',
    ],
  ])('of %s', (_server, text, expected) => {
    const found = read(words(text))
    const [one] = found?.recipients ?? []
    expect(`${one?.action} ${one?.address} ${one?.status} ${found?.aboutId}`).toBe(expected)
    expect(found?.recipients.length).toBe(1)
  })

  it('are no report when a person writes them, or when they name nobody', () => {
    const text = 'It could not be delivered:\n\nbob@example.net\n  550 5.1.1 unknown user\n'
    expect(read(words(text))?.recipients.length).toBe(1)
    expect(read(words(text), 'ann@example.org')).toBeNull()
    expect(read(words('It could not be delivered, sorry.\n'))).toBeNull()
    expect(read(words('See you tomorrow:\n\nbob@example.net\n'))).toBeNull()
  })
})

describe('receipts (RFC 8098)', () => {
  const receipt = (disposition: string) =>
    `From: bob@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nRead.\n--b\ncontent-type: message/disposition-notification\n\nReporting-UA: x; y\nFinal-Recipient: rfc822;bob@example.net\nOriginal-Message-ID: <m1@example.org>\nDisposition: ${disposition}\n\n--b--\n`
  it('say that a mail was read, or thrown away', () => {
    expect(read(receipt('manual-action/MDN-sent-manually; displayed'), 'bob@example.net')).toEqual({
      kind: 'receipt',
      aboutId: 'm1@example.org',
      envelopeId: null,
      recipients: [
        { action: 'displayed', address: 'bob@example.net', originalAddress: null, status: null, text: null },
      ],
    })
    expect(read(receipt('automatic-action/MDN-sent-automatically;deleted/error'))?.recipients[0]?.action).toBe(
      'deleted',
    )
    expect(read(receipt('manual-action/MDN-sent-manually; denied'))).toBeNull()
  })
})
