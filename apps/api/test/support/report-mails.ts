/** A report of delivery as Postfix writes it. */
export const deliveryReport = ({
  about,
  to,
  envelopeId,
  action = 'failed',
  text = '550 5.1.1 User unknown',
}: {
  about?: string
  to: string
  envelopeId?: string
  action?: 'failed' | 'delayed' | 'delivered'
  text?: string
}): string => {
  const status = { failed: '5.1.1', delayed: '4.4.1', delivered: '2.0.0' }[action]
  return [
    'From: MAILER-DAEMON@mx.example.net (Mail Delivery System)',
    'To: ann@example.org',
    'Subject: Undelivered Mail Returned to Sender',
    `Message-ID: <${crypto.randomUUID()}@mx.example.net>`,
    'Date: Thu, 26 Nov 2026 10:00:00 +0000',
    'MIME-Version: 1.0',
    'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
    '',
    '--b',
    'Content-Type: text/plain; charset=us-ascii',
    '',
    'This is the mail system at host mx.example.net.',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.net',
    ...(envelopeId === undefined ? [] : [`Original-Envelope-Id: ${envelopeId}`]),
    '',
    `Final-Recipient: rfc822; ${to}`,
    `Action: ${action}`,
    `Status: ${status}`,
    `Diagnostic-Code: smtp; ${text}`,
    '',
    '--b',
    'Content-Type: message/rfc822',
    '',
    'From: ann@example.org',
    'Subject: Plans',
    ...(about === undefined ? [] : [`Message-ID: <${about}>`]),
    '',
    'Hi Bob',
    '',
    '--b--',
    '',
  ].join('\r\n')
}
