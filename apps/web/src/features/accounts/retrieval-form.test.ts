import { describe, expect, it } from 'vitest'
import {
  consequenceOf,
  type RetrievalWishes,
  readRetrieval,
  retrievalFormOf,
  usualRetrieval,
} from './retrieval-form.ts'

const usual = retrievalFormOf(usualRetrieval)

describe('the form of how a maildrop is looked at', () => {
  it('gives back what it was made of', () => {
    const all: RetrievalWishes[] = [
      usualRetrieval,
      { policy: { kind: 'afterDownload' }, everyMinutes: 1, maxBytes: 25_000_000 },
      { policy: { kind: 'afterDays', days: 3650 }, everyMinutes: 7, maxBytes: 268_000_000 },
      { policy: { kind: 'whenDeletedHere' }, everyMinutes: 60, maxBytes: null },
      { policy: { kind: 'newest', count: 1 }, everyMinutes: 1440, maxBytes: null },
    ]
    for (const wishes of all) expect(readRetrieval(retrievalFormOf(wishes))).toEqual({ kind: 'read', wishes })
  })

  it('takes the most that the server takes for the most it can say', () => {
    const form = retrievalFormOf({ ...usualRetrieval, maxBytes: 256 * 1024 * 1024 })
    expect(readRetrieval(form)).toMatchObject({ kind: 'read', wishes: { maxBytes: 268_000_000 } })
  })

  it('says what a policy means with the numbers as they stand', () => {
    const said = (more: Partial<typeof usual>) => consequenceOf({ ...usual, ...more })
    expect(said({ policy: 'afterDays', days: '3650' })).toContain('3,650 days after')
    expect(said({ policy: 'afterDays', days: '1' })).toContain('a day after')
    expect(said({ policy: 'newest', count: '1' })).toContain('The newest mail stays')
    expect(said({ policy: 'newest', count: 'x' })).toContain('The newest … mails stay')
  })

  it('says which number is none, and looks at no field that is not used', () => {
    const said = (more: Partial<typeof usual>) => {
      const read = readRetrieval({ ...usual, ...more })
      return read.kind === 'wrong' ? Object.keys(read.errors) : 'read'
    }
    for (const days of ['', '0', '-1', '1.5', '1e3', '3651', 'many']) {
      expect(said({ policy: 'afterDays', days }), days).toEqual(['days'])
      expect(said({ policy: 'keep', days }), days).toBe('read')
    }
    expect(said({ policy: 'newest', count: '1000001', megabytes: '0' })).toEqual(['count', 'megabytes'])
    expect(said({ megabytes: '269' })).toEqual(['megabytes'])
    expect(said({ megabytes: ' ' })).toBe('read')
  })
})
