export type PaneSizes = { tree: number; list: number; listHeight: number }
export type PaneLimits = Record<keyof PaneSizes, { usual: number; min: number; max: number }>

export const paneLimits: PaneLimits = {
  tree: { usual: 220, min: 150, max: 400 },
  list: { usual: 440, min: 280, max: 800 },
  listHeight: { usual: 380, min: 140, max: 1200 },
}
/** The order in which they are remembered. */
export const paneNames = ['tree', 'list', 'listHeight'] as const
export const rememberedPanes = 'widths'

/** The sizes remembered on this device. Leans on nothing around it: the first paint takes its text along. */
export const readPaneSizes = (limits: PaneLimits, remembered: string): PaneSizes => {
  const stored = (localStorage.getItem(remembered) ?? '').split(',').map(Number)
  const size = (which: keyof PaneSizes, index: number) => {
    const { usual, min, max } = limits[which]
    const px = stored[index] ?? 0
    return px >= min && px <= max ? px : usual
  }
  return { tree: size('tree', 0), list: size('list', 1), listHeight: size('listHeight', 2) }
}
