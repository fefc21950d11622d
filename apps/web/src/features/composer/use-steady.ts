import { useEffect, useLayoutEffect, useRef } from 'react'

const steadyAfterMs = 500

/**
 * A press is meant for what was seen under the pointer. Where panels have just moved, as when the one beside them was sent, it would
 * reach another one: the second half of a double click would send that, too. `arrangement` names the panels and their places.
 */
export const useSteady = (arrangement: string): void => {
  const seen = useRef({ at: 0, width: 0, lefts: new Map<string, number>(), moved: new Set<string>() })
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is measured when that changes, and not at every letter.
  useLayoutEffect(() => {
    const { at, width, lefts: before, moved } = seen.current
    const lefts = new Map(
      [...document.querySelectorAll<HTMLElement>('[data-composer]')].map((panel) => [
        // One that was made larger or smaller was so by hand.
        `${panel.dataset.composer} ${panel.className}`,
        panel.getBoundingClientRect().left,
      ]),
    )
    const still = performance.now() - at < steadyAfterMs ? moved : []
    const isResized = innerWidth !== width
    const now = [...lefts].flatMap(([name, left]) =>
      isResized || (before.get(name) ?? left) === left ? [] : [name.slice(0, name.indexOf(' '))],
    )
    const changedAt = now.length > 0 ? performance.now() : at
    seen.current = { at: changedAt, width: innerWidth, lefts, moved: new Set([...still, ...now]) }
  }, [arrangement])
  useEffect(() => {
    const onPress = (event: MouseEvent) => {
      const { at, moved } = seen.current
      const panel = event.target instanceof Element && event.target.closest<HTMLElement>('[data-composer]')
      // Zero: by a key, which is never meant for what stands at a place.
      if (!panel || event.detail === 0 || event.timeStamp - at > steadyAfterMs) return
      if (!moved.has(panel.dataset.composer ?? '')) return
      event.preventDefault()
      event.stopPropagation()
    }
    for (const kind of presses) addEventListener(kind, onPress, true)
    return () => {
      for (const kind of presses) removeEventListener(kind, onPress, true)
    }
  }, [])
}
const presses = ['mousedown', 'click', 'auxclick'] as const
