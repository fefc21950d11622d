import type { Place } from './draft-state.ts'

/** A panel of this tab, which comes back when it is loaded again. `begun`: nothing was written into it. */
export type Panel = { id: string; place: Place; begun: Begun | null }
/** Its signature is not at the server yet, if it has one. */
export type Begun = { version: number; isSigned: boolean; attachments: string[] }

/** In the memory of the tab. */
export const panelsKey = 'composers'

/** Asked before anything of the composer is loaded. */
export const rememberedPanels = (): Panel[] => {
  try {
    const list: unknown = JSON.parse(sessionStorage.getItem(panelsKey) ?? '[]')
    return Array.isArray(list) ? list : [] // written by rememberPanels only
  } catch {
    return []
  }
}
