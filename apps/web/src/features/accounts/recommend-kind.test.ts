import { describe, expect, it } from 'vitest'
import { meaningOf, recommendKind, usualAnswers } from './recommend-kind.ts'

const both = { imap: true, pop3: true }

describe('how a mailbox should come here', () => {
  it('is IMAP for whoever answers nothing', () => {
    expect(recommendKind(usualAnswers, both)).toEqual({
      kind: 'imap',
      policy: { kind: 'keep' },
      reason: 'inStep',
      missing: null,
    })
  })

  it.each([
    ['one', true, false, 'imap', { kind: 'keep' }, 'atOnce'],
    ['one', true, true, 'pop3', { kind: 'newest', count: 1000 }, 'newestStay'],
    ['one', false, false, 'pop3', { kind: 'afterDownload' }, 'movesHere'],
    ['one', false, true, 'pop3', { kind: 'afterDownload' }, 'movesHere'],
    ['several', true, false, 'imap', { kind: 'keep' }, 'inStep'],
    ['several', true, true, 'imap', { kind: 'newest', count: 1000 }, 'makeRoom'],
    ['several', false, false, 'pop3', { kind: 'afterDays', days: 30 }, 'movesLater'],
    ['several', false, true, 'pop3', { kind: 'afterDays', days: 30 }, 'movesLater'],
  ] as const)(
    'for %s reading it, staying %s, space short %s, is %s',
    (devices, stays, isSpaceShort, kind, policy, reason) => {
      expect(recommendKind({ devices, stays, isSpaceShort }, both)).toEqual({ kind, policy, reason, missing: null })
    },
  )

  it('is what there is where only one was found, and names the other', () => {
    const moving = { devices: 'one', stays: false, isSpaceShort: false } as const
    const onlyPop = { imap: false, pop3: true }
    const onlyImap = { imap: true, pop3: false }
    expect(recommendKind(usualAnswers, onlyPop)).toMatchObject({ kind: 'pop3', reason: 'popInstead', missing: 'imap' })
    expect(recommendKind(moving, onlyPop)).toMatchObject({ kind: 'pop3', reason: 'movesHere', missing: 'imap' })
    expect(recommendKind(moving, onlyImap)).toMatchObject({ kind: 'imap', reason: 'imapInstead', missing: 'pop3' })
    expect(recommendKind(usualAnswers, onlyImap)).toMatchObject({ kind: 'imap', reason: 'inStep', missing: 'pop3' })
  })

  it('is told by what is chosen for the mail at the provider, whatever was recommended', () => {
    const moving = recommendKind({ devices: 'one', stays: false, isSpaceShort: false }, both)
    expect(meaningOf({ kind: 'pop3', policy: 'afterDownload' }, moving)).toBe('movesHere')
    expect(meaningOf({ kind: 'pop3', policy: 'keep' }, moving)).toBe('keptHere')
    expect(meaningOf({ kind: 'imap', policy: 'keep' }, moving)).toBe('imapInstead')
  })

  it('rests on the answers alone where nothing was found', () => {
    expect(recommendKind(usualAnswers, { imap: false, pop3: false })).toMatchObject({ kind: 'imap', missing: null })
  })
})
