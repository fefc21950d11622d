import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { describe, expect, it } from 'vitest'
import { findPlaces, isMatch, listPlaces } from './palette-items.ts'

describe('the palette', () => {
  it('finds by the beginnings of words, in any order, without accents', () => {
    expect(isMatch('set acc', 'Account settings: robin@example.org')).toBe(true)
    expect(isMatch('ubersicht', 'Übersicht/März')).toBe(true)
    expect(isMatch('exam', 'Account settings: robin@example.org')).toBe(true)
    expect(isMatch('ettings', 'Account settings')).toBe(false)
    expect(isMatch('', 'anything')).toBe(true)
  })
  it('finds the first mailboxes of many, by path and by account', () => {
    const mailbox = (n: number, given: Partial<Mailbox> = {}) =>
      ({
        id: String(n),
        accountId: '1',
        path: `Clients/Case ${n}`,
        role: null,
        isSelectable: true,
        ...given,
      }) as Mailbox // all that counts here
    const accounts = [{ id: '1', name: 'Work', address: 'ann@example.org' } as Account] // likewise
    const boxes = Array.from({ length: 10_000 }, (_, n) => mailbox(n, n === 42 ? { isSelectable: false } : {}))
    const places = listPlaces([mailbox(10_000, { role: 'inbox', path: 'INBOX' }), ...boxes], accounts)
    expect(findPlaces('work case', places, 8).map(({ label }) => label)).toHaveLength(8)
    expect(findPlaces('case 99', places, 2).map(({ label }) => label)).toEqual(['Clients/Case 99', 'Clients/Case 990'])
    expect(findPlaces('case 42', places, 1).map(({ label }) => label)).toEqual(['Clients/Case 420'])
    expect(findPlaces('inb', places, 8)).toMatchObject([{ label: 'Inbox', note: 'Work' }])
  })
})
