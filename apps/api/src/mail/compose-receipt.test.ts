import { expect, it } from 'vitest'
import { composeReceipt } from './compose-receipt.ts'
import { readReport } from './read-report.ts'
import { leavesOf } from './source-leaves.ts'

const compose = async (more: Partial<Parameters<typeof composeReceipt>[0]> = {}): Promise<Buffer> => {
  const pieces = composeReceipt({
    from: { name: 'Böb', address: 'bob@example.org' },
    to: 'ann@example.org',
    about: { subject: 'Plans', messageId: '<m1@example.org>' },
    subject: 'Read: Plans',
    text: 'It was read.',
    date: new Date('2026-11-26T10:00:00Z'),
    messageId: '<r1@example.org>',
    ...more,
  })
  const all: Buffer[] = []
  for await (const piece of pieces) all.push(piece)
  return Buffer.concat(all)
}

it('a receipt is what others read as one', async () => {
  const source = await compose()
  expect(source.toString()).toMatch(
    /^Content-Type: multipart\/report; report-type=disposition-notification;\r?\n? +boundary=/m,
  )
  expect(source.toString()).toContain('Disposition: manual-action/MDN-sent-manually; displayed\r\n')
  expect(readReport(leavesOf(source), 'bob@example.org')).toEqual({
    kind: 'receipt',
    aboutId: 'm1@example.org',
    envelopeId: null,
    recipients: [{ action: 'displayed', address: 'bob@example.org', originalAddress: null, status: null, text: null }],
  })
})

it('a receipt takes no second header line from what the mail says', async () => {
  await expect(compose({ to: 'ann@example.org\r\nBcc: eve@example.org' })).rejects.toMatchObject({
    code: 'request.invalid',
  })
  await expect(compose({ about: { subject: '', messageId: '<a@b>\r\nX: <c>' } })).rejects.toMatchObject({
    code: 'request.invalid',
  })
})
