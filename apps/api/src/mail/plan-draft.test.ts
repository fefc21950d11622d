import { describe, expect, it } from 'vitest'
import { type AnsweredMail, planAnswer, planWriter } from './plan-draft.ts'

const people = (...addresses: string[]) => addresses.map((address) => ({ name: '', address }))
const mail = (parts: Partial<AnsweredMail>): AnsweredMail => ({
  from: people('ann@example.org'),
  replyTo: [],
  to: people('me@example.org'),
  cc: [],
  bcc: [],
  ...parts,
})
const own = ['me@example.org', 'me@bücher.example']
const answer = (parts: Partial<AnsweredMail>, isToAll: boolean) => {
  const { to, cc } = planAnswer(mail(parts), own, isToAll)
  return [to, cc].map((list) => list.map(({ address }) => address))
}

describe('an answer', () => {
  it('goes to the sender, or where the sender wants it', () => {
    expect(answer({}, false)).toEqual([['ann@example.org'], []])
    expect(answer({ replyTo: people('desk@example.org') }, false)).toEqual([['desk@example.org'], []])
  })
  it('to all leaves oneself out, however the address is spelled, and names everybody once', () => {
    const parts = {
      to: people('Me+shop@EXAMPLE.org', 'bob@example.org', 'ann@example.org'),
      cc: people('me@xn--bcher-kva.example', 'BOB@example.org', 'eve@example.org'),
    }
    expect(answer(parts, true)).toEqual([['ann@example.org'], ['bob@example.org', 'eve@example.org']])
  })
  it('to one’s own mail goes on to those it went to', () => {
    const parts = { from: people('me@example.org'), to: people('bob@example.org'), cc: people('eve@example.org') }
    expect(answer(parts, false)).toEqual([['bob@example.org'], []])
    expect(answer(parts, true)).toEqual([['bob@example.org'], ['eve@example.org']])
  })
  it('to a note to oneself goes to oneself', () => {
    expect(answer({ from: people('me@example.org') }, false)).toEqual([['me@example.org'], []])
    expect(answer({ from: people('me@example.org') }, true)).toEqual([['me@example.org'], []])
  })
  it('to all reaches the author where a list wants answers for itself', () => {
    const parts = { replyTo: people('list@example.org'), to: people('list@example.org') }
    expect(answer(parts, true)).toEqual([['list@example.org', 'ann@example.org'], []])
    expect(answer(parts, false)).toEqual([['list@example.org'], []])
  })
  it('to a mail that names nobody has nobody', () => {
    expect(answer({ from: people(''), to: [] }, true)).toEqual([[], []])
  })
})

describe('who answers', () => {
  const writers = [
    { id: 1n, accountId: 1n, address: 'me@example.org', isDefault: false, bar: null },
    { id: 2n, accountId: 1n, address: 'desk@example.org', isDefault: true, bar: null },
    { id: 3n, accountId: 2n, address: 'other@example.org', isDefault: true, bar: null },
    { id: 4n, accountId: 3n, address: 'mute@example.org', isDefault: true, bar: 'no_server' },
  ]
  const who = (written: string[][], delivered: string[] = [], accountId = 1n) => {
    const { writer, isCertain } = planWriter(writers, { accountId, written, delivered })
    return [writer?.id, isCertain]
  }
  it('is who it was written to', () => {
    expect(who([['bob@example.org', 'ME@example.org']])).toEqual([1n, true])
    expect(who([['me+news@example.org']])).toEqual([1n, true])
    expect(who([['other@example.org']])).toEqual([3n, true])
    expect(who([['other@example.org', 'me@example.org']])).toEqual([1n, true])
  })
  it('is who stands in To before who stands in Cc, whichever account shows it', () => {
    expect(who([['other@example.org'], ['me@example.org']])).toEqual([3n, true])
    expect(who([['other+shop@example.org'], ['me@example.org']])).toEqual([3n, true])
    expect(who([['me@example.org'], ['other@example.org']])).toEqual([1n, true])
    expect(who([['desk@example.org'], ['me@example.org']], [], 2n)).toEqual([2n, true])
  })
  it('is nobody of another account that cannot send', () => {
    expect(who([['mute@example.org'], ['me@example.org']])).toEqual([1n, true])
    expect(who([['mute@example.org']])).toEqual([2n, false])
    expect(who([['mute@example.org'], ['me@example.org']], [], 3n)).toEqual([4n, true])
  })
  it('is whom it was delivered to, where no header that people see says so', () => {
    expect(who([['list@example.org']], ['me@example.org'])).toEqual([1n, true])
  })
  it('is else the default of the account, and nobody without any', () => {
    expect(who([['list@example.org']])).toEqual([2n, false])
    expect(planWriter([], { accountId: 1n, written: [], delivered: [] }).writer).toBeNull()
  })
})
