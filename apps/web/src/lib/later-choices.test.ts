import { describe, expect, it } from 'vitest'
import { isPast, laterChoices, wallAt } from './later-choices.ts'

const choices = (now: string, zone: string) =>
  laterChoices(new Date(now), zone).map(({ kind, wallTime }) => `${kind} ${wallTime}`)

describe('choices to send later', () => {
  it('go by the clock of the zone, not of the machine', () => {
    // A Thursday, one instant: morning in New York, evening in Berlin, Friday already in Auckland.
    expect(choices('2026-11-26T14:00:00Z', 'America/New_York')).toEqual([
      'today 2026-11-26T18:00',
      'tomorrow 2026-11-27T08:00',
      'monday 2026-11-30T08:00',
    ])
    expect(choices('2026-11-26T17:30:00Z', 'Europe/Berlin')).toEqual([
      'tonight 2026-11-26T21:00',
      'tomorrow 2026-11-27T08:00',
      'monday 2026-11-30T08:00',
    ])
    expect(choices('2026-11-26T14:00:00Z', 'Pacific/Auckland')).toEqual([
      'today 2026-11-27T18:00',
      'tomorrow 2026-11-28T08:00',
      'monday 2026-11-30T08:00',
    ])
  })

  it('offer no evening that is nearly over, and Monday once', () => {
    expect(choices('2026-11-29T22:10:00Z', 'Europe/Lisbon')).toEqual(['tomorrow 2026-11-30T08:00'])
    expect(choices('2026-11-30T09:00:00Z', 'UTC')).toEqual([
      'today 2026-11-30T18:00',
      'tomorrow 2026-12-01T08:00',
      'monday 2026-12-07T08:00',
    ])
  })

  it('keep their wall time across a change of the clocks and the end of a year', () => {
    expect(choices('2026-10-24T20:00:00Z', 'Europe/Berlin')).toEqual([
      'tomorrow 2026-10-25T08:00',
      'monday 2026-10-26T08:00',
    ])
    expect(choices('2026-12-31T23:30:00Z', 'UTC')).toEqual(['tomorrow 2027-01-01T08:00', 'monday 2027-01-04T08:00'])
  })
})

describe('a wall time', () => {
  it('is read off the clock of its zone, at midnight too', () => {
    expect(wallAt(new Date('2026-06-30T22:00:00Z'), 'Europe/Berlin')).toBe('2026-07-01T00:00')
    expect(wallAt(new Date('2026-01-01T00:00:00Z'), 'Asia/Kathmandu')).toBe('2026-01-01T05:45')
  })

  it('is past once its zone has seen it', () => {
    const now = new Date('2026-11-26T12:00:00Z')
    expect(isPast({ wallTime: '2026-11-26T12:30', zone: 'Europe/Berlin' }, now)).toBe(true)
    expect(isPast({ wallTime: '2026-11-26T12:30', zone: 'UTC' }, now)).toBe(false)
  })
})
