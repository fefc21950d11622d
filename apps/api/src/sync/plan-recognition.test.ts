import { describe, expect, it } from 'vitest'
import type { HereMail } from '#store/switch-mail.ts'
import { isSameHeader, planRecognition } from './plan-recognition.ts'

const at = new Date('2026-11-23T10:00:00Z')
const ann = [{ name: 'Ann', address: 'ann@example.org' }]
const here = (messageId: bigint, more: Partial<HereMail> = {}): HereMail => ({
  messageId,
  identityKey: `key ${messageId}`,
  messageIdHash: 'id',
  sizeBytes: 100n,
  subject: 'Hello',
  from: ann,
  sentAt: at,
  blobId: 1n,
  sentTo: null,
  sentFromUid: null,
  ...more,
})
const listed = {
  uid: 7n,
  refHashes: ['id', 'other'],
  hasOwnId: true,
  subject: 'Hello',
  people: { from: [{ name: 'Ann Lee', address: 'ANN@example.org' }], replyTo: [], to: [], cc: [], bcc: [] },
  sentAt: at,
  sizeBytes: 100n,
}
const nameless = { ...listed, hasOwnId: false, refHashes: [] }
const kind = (candidates: HereMail[], row = listed) => planRecognition(row, 1n, candidates).kind

describe('a mail at a new server', () => {
  it('is the one here that agrees in Message-ID, size, date, sender and subject', () => {
    expect(planRecognition(listed, 1n, [here(1n)])).toEqual({ kind: 'same', messageId: 1n })
  })

  it('is looked at more closely when only some of that agrees, and is new when the Message-ID does not', () => {
    for (const other of [
      { sizeBytes: 101n },
      { subject: 'Hallo' },
      { sentAt: null },
      { sentAt: new Date(0) },
      { from: [{ name: 'Ann', address: 'eve@example.org' }] },
    ])
      expect(kind([here(1n, other)])).toBe('compareHeaders')
    expect(kind([here(1n, { messageIdHash: 'other' })])).toBe('new')
    expect(kind([])).toBe('new')
  })

  it('has its text compared where two mails here share all of it', () => {
    expect(kind([here(1n), here(2n)])).toBe('compareTexts')
  })

  it('without a Message-ID is sought by size, up to the line end that POP3 adds', () => {
    expect(kind([here(1n, { messageIdHash: null })], nameless)).toBe('same')
    expect(kind([here(1n, { messageIdHash: null, sizeBytes: 102n })], nameless)).toBe('compareHeaders')
    expect(kind([here(1n, { messageIdHash: null, sizeBytes: 99n })], nameless)).toBe('new')
    expect(kind([here(1n, { messageIdHash: null, sentAt: null })], { ...nameless, sentAt: at })).toBe('compareHeaders')
  })

  it('is the one that was just sent there, whatever the server made of it', () => {
    const sent = { sizeBytes: 140n, sentTo: 1n, sentFromUid: 7n }
    expect(kind([here(1n, sent)])).toBe('same')
    expect(kind([here(1n, { ...sent, sentFromUid: 8n })])).toBe('compareHeaders')
    expect(kind([here(1n, { ...sent, sentTo: 2n })])).toBe('compareHeaders')
  })

  it('has the same header when only folding, line ends and the notes of servers differ', () => {
    const header = Buffer.from('Subject: a\r\n long one\r\nFrom: ann@example.org\r\n')
    expect(isSameHeader(header, Buffer.from('Subject: a long one\nFrom: ann@example.org\nStatus: RO\nX-UIDL: 7'))).toBe(
      true,
    )
    expect(isSameHeader(header, Buffer.from('Subject: a long one\nFrom: eve@example.org\n'))).toBe(false)
  })
})
