import { useEffect, useState } from 'react'
import { useApp } from '#data/app-state.ts'
import { onMailtoClick } from '#data/compose-wish.ts'
import { rememberedPanels } from '#data/open-panels.ts'
import { untilHere } from '#lib/until-here.ts'

type ComposerModule = typeof import('#features/composer/composers.tsx')

const afterStartMs = 1200

/**
 * The composer and its editor come when the page has nothing else to do, so that the first press of a key finds them here; sooner
 * when somebody asks, or when panels were open before the page was loaded again. Not React's own `lazy`, which holds a first use back.
 */
export const useComposers = (isSignedIn: boolean): ComposerModule | null => {
  const [module, setModule] = useState<ComposerModule | null>(null)
  const [hasOpen] = useState(() => rememberedPanels().length > 0)
  const isAsked = useApp((state) => state.hasComposers) || hasOpen || location.pathname === '/compose'
  useEffect(() => {
    if (!isSignedIn || module) return
    const load = () => void untilHere(() => import('#features/composer/composers.tsx')).then(setModule)
    if (isAsked) return load()
    const timer = setTimeout(load, afterStartMs)
    return () => clearTimeout(timer)
  }, [isSignedIn, isAsked, module])
  return isSignedIn ? module : null
}

/** Links that write to somebody open here, on whatever page they stand; those of a sealed mail by its frame. */
export const useMailtoLinks = (): void =>
  useEffect(() => {
    document.addEventListener('click', onMailtoClick)
    return () => document.removeEventListener('click', onMailtoClick)
  }, [])
