import { expect, it } from 'vitest'
import { instantOf, zoneMinutesAt } from './wall-time.ts'

const at = (wallTime: string, zone: string) => instantOf({ wallTime, zone })?.toISOString()

it('a time by the clock of a place is an instant, in summer and in winter', () => {
  expect(at('2026-07-01T09:30', 'Europe/Lisbon')).toBe('2026-07-01T08:30:00.000Z')
  expect(at('2026-12-24T09:30', 'Europe/Lisbon')).toBe('2026-12-24T09:30:00.000Z')
  expect(at('2026-12-24T00:00', 'Asia/Kathmandu')).toBe('2026-12-23T18:15:00.000Z')
  expect(at('2026-01-01T00:10', 'Pacific/Auckland')).toBe('2025-12-31T11:10:00.000Z')
})

it('a time that a clock passes over is as much later', () => {
  // 02:00 becomes 03:00.
  expect(at('2026-03-29T01:59', 'Europe/Berlin')).toBe('2026-03-29T00:59:00.000Z')
  expect(at('2026-03-29T02:30', 'Europe/Berlin')).toBe('2026-03-29T01:30:00.000Z')
  expect(at('2026-03-29T03:00', 'Europe/Berlin')).toBe('2026-03-29T01:00:00.000Z')
  expect(at('2026-03-08T02:15', 'America/New_York')).toBe('2026-03-08T07:15:00.000Z')
})

it('a time that a clock shows twice is the first of the two', () => {
  // 03:00 becomes 02:00.
  expect(at('2026-10-25T01:59', 'Europe/Berlin')).toBe('2026-10-24T23:59:00.000Z')
  expect(at('2026-10-25T02:30', 'Europe/Berlin')).toBe('2026-10-25T00:30:00.000Z')
  expect(at('2026-10-25T03:00', 'Europe/Berlin')).toBe('2026-10-25T02:00:00.000Z')
  // By half an hour.
  expect(at('2026-04-05T01:45', 'Australia/Lord_Howe')).toBe('2026-04-04T14:45:00.000Z')
})

it('what is no time, or no place, is none', () => {
  expect(at('2026-02-31T10:00', 'Europe/Berlin')).toBeUndefined()
  expect(at('2026-02-01T24:30', 'Europe/Berlin')).toBeUndefined()
  expect(at('2026-02-01T10:00', 'Europe/Nowhere')).toBeUndefined()
})

it('a place says how far east it is at a time', () => {
  expect(zoneMinutesAt('Europe/Berlin', new Date('2026-07-01T00:00:00Z'))).toBe(120)
  expect(zoneMinutesAt('America/St_Johns', new Date('2026-01-01T00:00:00Z'))).toBe(-210)
})
