import { expect, it } from 'vitest'
import { switchWords } from './switch-words.ts'

const switching = { to: 'pop3' as const, total: 0, found: 0, brought: 0, isTold: false }

it('says how many mails a change still has to find or to bring, and how many it has', () => {
  expect(switchWords('imap', { ...switching, total: 9, brought: 4 })).toEqual({
    text: 'Fetching what POP3 does not reach; 5 to go. Everything can be used meanwhile.',
    counts: 'brought here whole: 4',
  })
  expect(switchWords('pop3', { ...switching, total: 9, found: 3, brought: 4 })).toEqual({
    text: 'Finding the mails of the inbox again by POP3; 2 to go.',
    counts: 'found again: 3 · brought here whole: 4',
  })
  expect(switchWords('imap', { ...switching, to: 'imap', total: 9, found: 7, brought: 1, isTold: true })).toEqual({
    text: 'One could not be brought to the provider; it stays readable here, and is tried again each day.',
    counts: 'found again: 7 · brought there: 1',
  })
  expect(switchWords('imap', { ...switching, to: 'imap', total: 9, found: 7, isTold: true }).text).toBe(
    '2 could not be brought to the provider; they stay readable here, and are tried again each day.',
  )
})

it('never says that nothing is to go, or that nothing was found', () => {
  const all = [
    switchWords('imap', switching),
    switchWords('pop3', switching),
    switchWords('imap', { ...switching, to: 'imap' }),
  ]
  for (const { text, counts } of all) expect([text, counts]).toEqual([expect.not.stringContaining('0'), ''])
})
