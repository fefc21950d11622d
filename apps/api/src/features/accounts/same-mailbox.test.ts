import { accountCreate } from '@postern/shared/accounts.ts'
import { describe, expect, it } from 'vitest'
import type { AccountRow } from '#store/accounts.ts'
import { findSameMailbox } from './same-mailbox.ts'

const wanted = (host: string, username: string, more: { kind?: 'imap' | 'pop3'; address?: string } = {}) =>
  accountCreate.parse({
    address: 'ann@other.example',
    kind: 'imap',
    incoming: { host, port: 993, security: 'tls', username },
    password: 'p',
    ...more,
  })
// What is looked at of a row.
const row = (host: string, username: string) =>
  ({
    disconnectedAt: null,
    kind: 'pop3',
    address: 'ann@example.org',
    incoming: { host, port: 995, security: 'tls', username },
  }) as unknown as AccountRow

describe('the same mailbox', () => {
  it.each([
    ['pop.example.org', 'ann', 'imap.example.org', 'ANN', true],
    ['pop.mail.example.co.uk', 'ann', 'imap.example.co.uk', 'ann', true],
    ['pop.one.co.uk', 'ann', 'imap.two.co.uk', 'ann', false],
    ['pop.example.org', 'ann', 'imap.example.org', 'bob', false],
    ['10.1.2.3', 'ann', '10.9.2.3', 'ann', false],
    ['localhost', 'ann', 'localhost', 'ann', true],
  ])('%s as %s, and %s as %s', (here, name, there, login, isSame) => {
    expect(findSameMailbox([row(here, name)], wanted(there, login)) !== null).toBe(isSame)
  })

  it('is told by the address alone', () => {
    const here = row('pop.example.org', 'ann')
    expect(findSameMailbox([here], wanted('imap.other.example', 'x', { address: 'Ann@Example.org' }))).toBe(here)
  })

  it('is by one protocol the maildrop of one login name, but not the account itself', () => {
    const here = row('pop.example.org', 'ann')
    expect(findSameMailbox([here], wanted('pop3.example.org', 'ann', { kind: 'pop3' }))).toBe(here)
    expect(findSameMailbox([here], wanted('pop.example.org', 'bob', { kind: 'pop3' }))).toBeNull()
    const again = wanted('pop.example.org', 'ann', { kind: 'pop3', address: 'ann@example.org' })
    expect(findSameMailbox([here], again)).toBeNull()
    const imap = { ...here, kind: 'imap' }
    expect(findSameMailbox([imap], wanted('imap.example.org', 'ann'))).toBeNull()
  })

  it('is that of a disconnected account, also by its own protocol at another host', () => {
    const gone = { ...row('old.example.org', 'ann'), kind: 'imap', disconnectedAt: new Date() }
    expect(findSameMailbox([gone], wanted('new.example.net', 'ann', { address: 'ann@example.org' }))).toBe(gone)
    expect(findSameMailbox([gone], wanted('imap.example.org', 'ann'))).toBe(gone)
    expect(findSameMailbox([gone], wanted('imap.example.net', 'ann'))).toBeNull()
    // The same host and address: it is that very account.
    expect(findSameMailbox([gone], wanted('old.example.org', 'x', { address: 'ann@example.org' }))).toBeNull()
  })
})
