import { useEffect, useRef } from 'react'
import { closeDraft } from '#data/open-drafts.ts'
import { goBack, navigate } from '#lib/route.ts'

const step = '#compose'
const isAtStep = (): boolean => location.hash === step
const below = (): string => location.pathname + location.search

/** A step of the history of its own for a panel that has the whole phone, so that the back gesture closes it and nothing else. */
export const useBack = (key: string | null, beforeClose: () => void): void => {
  const now = useRef({ key, beforeClose })
  now.current = { key, beforeClose }
  /** Its step is being left because the panel is gone: that is nobody's gesture. */
  const isLeaving = useRef(false)
  useEffect(() => {
    if (isLeaving.current) return
    // In the place of the drawer, where one writes from there.
    if (key !== null && !isAtStep()) navigate(below() + step, { replace: location.hash !== '' })
    else if (key === null && isAtStep()) {
      goBack(below())
      isLeaving.current = isAtStep()
    }
  }, [key])
  useEffect(() => {
    const onStep = () => {
      const { key, beforeClose } = now.current
      const isOwn = isLeaving.current
      isLeaving.current = false
      // The page below was left by another way while the panel stood over it: nothing is behind this step any more.
      if (key === null && isAtStep()) return goBack(below())
      if (key === null || isAtStep()) return
      // Opened while the step before was still being left.
      if (isOwn) return navigate(below() + step)
      beforeClose()
      closeDraft(key)
    }
    addEventListener('popstate', onStep)
    return () => removeEventListener('popstate', onStep)
  }, [])
}
