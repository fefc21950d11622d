import type { OpenDraft, Place } from '#data/draft-state.ts'

/** Pixels that one panel takes, and that the title of a minimised one does. */
const panelWidth = 552
const titleWidth = 232

/** The newest stay open. On a phone one has the whole screen. */
export const placesFor = (drafts: Pick<OpenDraft, 'place'>[], isPhone: boolean, width: number): Place[] => {
  const last = drafts.length - 1
  if (isPhone) return drafts.map(({ place }, at) => (at === last && place !== 'minimized' ? 'full' : 'minimized'))
  const full = drafts.findLastIndex(({ place }) => place === 'full')
  if (full >= 0) return drafts.map((_, at) => (at === full ? 'full' : 'minimized'))
  const titles = drafts.filter(({ place }) => place === 'minimized').length
  let room = width - 32 - titles * titleWidth
  const places: Place[] = []
  for (const { place } of drafts.toReversed()) {
    const isFirst = !places.includes('docked')
    const fits = place === 'docked' && (isFirst || room >= panelWidth)
    if (fits) room -= panelWidth
    else if (place === 'docked') room -= titleWidth
    places.push(fits ? 'docked' : 'minimized')
  }
  return places.reverse()
}
