import { useEffect, useState } from 'react'
import { untilHere } from '#lib/until-here.ts'

/**
 * The sanitiser and its frame come after the first screen. Once they are here a mail is drawn with them in one go; React's
 * own `lazy` shows a first use without them, and keeps that for 300 ms.
 */
type FrameModule = typeof import('./message-frame.tsx')
let loaded: FrameModule | null = null

export const loadFrame = async (): Promise<FrameModule> => {
  loaded ??= await untilHere(() => import('./message-frame.tsx'))
  return loaded
}

export const useFrameModule = (): FrameModule | null => {
  const [module, setModule] = useState(loaded)
  useEffect(() => {
    if (!module) void loadFrame().then(setModule)
  }, [module])
  return module
}
