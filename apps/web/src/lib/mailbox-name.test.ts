import { describe, expect, it } from 'vitest'
import { nameOf, pathOf } from './mailbox-name.ts'

describe('the name of a mailbox', () => {
  it('is one word for the inbox and for spam, whatever the server writes', () => {
    expect(nameOf({ role: 'inbox', name: 'INBOX' })).toBe('Inbox')
    for (const name of ['Junk', 'Junk E-mail', 'Spam', 'junk email'])
      expect(nameOf({ role: 'junk', name })).toBe('Spam')
    expect(pathOf({ role: 'junk', path: 'INBOX.Junk' })).toBe('Spam')
  })
  it('is a person’s own where somebody chose it', () => {
    expect(nameOf({ role: 'junk', name: 'Rubbish' })).toBe('Rubbish')
    expect(nameOf({ role: null, name: 'Junk' })).toBe('Junk')
  })
})
