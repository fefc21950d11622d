import { describe, expect, it } from 'vitest'
import { type RetrievalWishes, readRetrieval, retrievalFormOf, usualRetrieval } from './retrieval-form.ts'

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
