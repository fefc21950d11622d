import type { ThreadRow } from '@postern/shared/messages.ts'
import { describe, expect, it } from 'vitest'
import { emptyList, withChanges, withPage } from './thread-list.ts'

const row = (n: number, minute = n): ThreadRow => ({
  threadId: String(n),
  mailboxId: '1',
  accountId: '1',
  latestMessageId: String(n),
  latestAt: new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString(),
  subject: `s${n}`,
  senders: [],
  recipients: [],
  preview: '',
  messages: 1,
  unread: 0,
  isFlagged: false,
  isAnswered: false,
  hasAttachment: false,
  isInPart: false,
  sizeBytes: 1,
  cursor: `0_${n}`,
})
const ids = (list: { rows: (ThreadRow | undefined)[] }) => list.rows.map((item) => item?.threadId ?? '.').join('')

describe('a list in the browser', () => {
  const five = withPage(emptyList, 0, [row(5), row(4), row(3), row(2), row(1)], 5)

  it('keeps its true length around what is loaded', () => {
    const list = withPage(withPage(emptyList, 0, [row(9), row(8)], 9), 4, [row(5)], 9)
    expect(ids(list)).toBe('98..5....')
  })
  it('puts new mail on top, and moves a conversation that grew', () => {
    expect(ids(withChanges(five, [row(6)], [], 6).list)).toBe('654321')
    expect(ids(withChanges(five, [row(2, 50)], [], 5).list)).toBe('25431')
  })
  it('takes out what went', () => {
    const { list, isExact } = withChanges(five, [], ['3'], 4)
    expect([ids(list), list.total, isExact]).toEqual(['5421', 4, true])
  })
  it('is exact when the server says what somebody saw at once', () => {
    const gappy = withPage(emptyList, 0, [row(9), row(8), row(7)], 6)
    const { list } = withChanges(gappy, [], ['8'], undefined)
    expect(withChanges(list, [], ['8'], 5)).toMatchObject({ isExact: true, list: { total: 5 } })
    expect(ids(withChanges(list, [row(8)], [], undefined).list)).toBe('987...')
  })
  it('says when a row belongs where nothing is loaded', () => {
    const gappy = withPage(emptyList, 0, [row(9), row(8)], 6)
    expect(withChanges(gappy, [row(4)], [], 7)).toMatchObject({ isExact: false, list: { total: 7 } })
    expect(withChanges(gappy, [], ['2'], 5).isExact).toBe(false)
  })
})
