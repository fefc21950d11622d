import { describe, expect, it } from 'vitest'
import { writeDeparture } from './departure-text.ts'
import { ownZone } from './later-choices.ts'

describe('when a mail goes later', () => {
  // By the clock of wherever this runs.
  const now = new Date('2026-11-26T12:00:00')
  const elsewhere = ownZone() === 'Asia/Kathmandu' ? 'Europe/Lisbon' : 'Asia/Kathmandu'

  it('is said by its day unless that is today, by the clock of its place', () => {
    expect(writeDeparture({ wallTime: '2026-11-26T18:00', zone: ownZone() }, now)).toMatch(
      /^Goes out today at (?:0?6|18)\D+00/,
    )
    expect(writeDeparture({ wallTime: '2026-11-27T08:00', zone: ownZone() }, now)).toMatch(/^Goes out on .*27/)
  })

  it('names that place where it is not the reader’s own', () => {
    expect(writeDeparture({ wallTime: '2026-11-27T08:00', zone: elsewhere }, now)).toContain(`(${elsewhere})`)
  })
})
