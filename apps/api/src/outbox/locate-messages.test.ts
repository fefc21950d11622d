import { describe, expect, it } from 'vitest'
import type { FetchedEnvelope } from '#protocol/imap/fetch-envelopes.ts'
import { toEnvelopeRow } from '#sync/envelope-row.ts'
import { identityOf, UidsByIdentity } from './locate-messages.ts'

const envelope = (more: Partial<FetchedEnvelope> = {}): FetchedEnvelope => ({
  uid: 1,
  flags: { bits: 0, keywords: [] },
  modseq: 0n,
  internalDate: new Date('2026-11-23T10:00:00Z'),
  sizeBytes: 100,
  subject: 'Grüße',
  from: [{ name: 'Ann', address: 'Ann@Example.org' }],
  replyTo: [],
  to: [
    { name: '', address: 'bob@example.org' },
    { name: '', address: 'C@example.org' },
  ],
  cc: [],
  bcc: [],
  sentAt: new Date('2026-11-23T09:59:00Z'),
  messageId: '<m1@example.org>',
  inReplyTo: null,
  references: null,
  parts: [],
  serverMessageId: null,
  ...more,
})

describe('finding messages again', () => {
  it('gives a message the identity that sync stored for it', () => {
    const variants = [{}, { serverMessageId: 'M1' }, { internalDate: null, sentAt: null, messageId: null, from: [] }]
    for (const more of variants)
      expect(identityOf(envelope(more))).toBe(toEnvelopeRow(envelope(more), new Date()).identityKey)
  })

  it('tells apart mails that share only their Message-ID', () => {
    expect(identityOf(envelope({ sizeBytes: 101 }))).not.toBe(identityOf(envelope()))
  })

  it('hands out each copy once, the newest first, and the same one again when asked again', () => {
    const uids = new UidsByIdentity()
    for (const uid of [3, 5, 5, 9]) uids.add('a', uid)
    uids.add('b', 4)
    const item = (placementId: bigint, identityKey: string) => ({ placementId, identityKey })
    expect(uids.assign([item(1n, 'a'), item(2n, 'a'), item(3n, 'b'), item(4n, 'c')])).toEqual(
      new Map([
        [1n, 9],
        [2n, 5],
        [3n, 4],
      ]),
    )
    expect(uids.assign([item(1n, 'a'), item(5n, 'a'), item(6n, 'a')])).toEqual(
      new Map([
        [1n, 9],
        [5n, 3],
      ]),
    )
  })
})
