import { describe, expect, it } from 'vitest'
import { placesFor } from './places.ts'

const of = (...places: ('docked' | 'minimized' | 'full')[]) => places.map((place) => ({ place }))

describe('panels of drafts', () => {
  it('stand beside each other where there is room, and the older ones show their titles', () => {
    expect(placesFor(of('docked', 'docked'), false, 1440)).toEqual(['docked', 'docked'])
    expect(placesFor(of('docked', 'docked', 'docked'), false, 1440)).toEqual(['minimized', 'docked', 'docked'])
    expect(placesFor(of('docked', 'docked'), false, 820)).toEqual(['minimized', 'docked'])
    expect(placesFor(of('docked', 'minimized'), false, 820)).toEqual(['docked', 'minimized'])
  })

  it('cover the screen one at a time, on a phone the newest', () => {
    expect(placesFor(of('docked', 'full', 'docked'), false, 1440)).toEqual(['minimized', 'full', 'minimized'])
    expect(placesFor(of('docked', 'docked'), true, 390)).toEqual(['minimized', 'full'])
    expect(placesFor(of('docked', 'minimized'), true, 390)).toEqual(['minimized', 'minimized'])
  })
})
