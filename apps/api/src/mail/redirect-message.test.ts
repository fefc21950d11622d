import { expect, it } from 'vitest'
import { redirectMessage } from './redirect-message.ts'

const redirect = async (source: string, cut = 7) => {
  async function* pieces() {
    for (let at = 0; at < source.length; at += cut) yield Buffer.from(source.slice(at, at + cut), 'latin1')
  }
  const found: Buffer[] = []
  for await (const piece of redirectMessage({
    from: { name: 'Änn', address: 'ann@example.org' },
    to: [{ name: '', address: 'bob@example.org' }],
    cc: [{ name: 'Cy', address: 'cy@example.org' }],
    date: new Date('2026-03-01T10:00:00Z'),
    zoneMinutes: 60,
    messageId: '<new@example.org>',
    source: pieces(),
  }))
    found.push(piece)
  return Buffer.concat(found).toString('latin1')
}
const above = [
  'Resent-Date: Sun, 1 Mar 2026 11:00:00 +0100',
  'Resent-From: =?UTF-8?Q?=C3=84nn?= <ann@example.org>',
  'Resent-To: bob@example.org',
  'Resent-Cc: Cy <cy@example.org>',
  'Resent-Message-ID: <new@example.org>',
  '',
].join('\r\n')

it('a mail is redirected below who redirects it, octet for octet', async () => {
  const mail = 'Received: by x\r\nFrom: z@example.org\r\nSubject: \xe4\r\n\r\nBcc: in the text\r\n\xff.\r\n'
  for (const cut of [1, 7, 1000]) expect(await redirect(mail, cut)).toBe(above + mail)
})

it('who got it blindly is not given on', async () => {
  expect(
    await redirect('From: z@example.org\r\nBcc: a@example.org,\r\n b@example.org\r\nTo: c@example.org\r\n\r\nx'),
  ).toBe(`${above}From: z@example.org\r\nTo: c@example.org\r\n\r\nx`)
})
