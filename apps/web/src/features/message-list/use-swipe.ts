import { type PointerEvent, useRef } from 'react'

export type SwipeActions = {
  /** To the right; null: nothing to do there. */
  right: { label: string; run: () => void } | null
  left: { label: string; run: () => void } | null
}

const slop = 12
const settleMs = 140
/** How far is meant: a third of the row, never more than a thumb's reach. */
export const swipeThreshold = (width: number): number => Math.min(120, width / 3)

/**
 * Swiping a row with a finger. The row follows the finger; let go beyond the threshold and the action runs, before it and
 * the row goes back. Drawn past React, because it happens at every frame. Physical directions, in every script.
 */
export const useSwipe = ({ right, left }: SwipeActions) => {
  const from = useRef<{ id: number; x: number; y: number; isSwipe: boolean } | null>(null)
  const swallows = useRef(false)

  const draw = (row: HTMLElement, dx: number) => {
    const action = dx > 0 ? right : left
    row.style.translate = `${dx}px`
    row.dataset.swipe = dx > 0 ? 'right' : 'left'
    row.dataset.hint = action?.label ?? ''
    row.classList.toggle('armed', Math.abs(dx) >= swipeThreshold(row.offsetWidth))
  }
  const clear = (row: HTMLElement) => {
    row.style.translate = ''
    row.classList.remove('armed')
    delete row.dataset.swipe
    delete row.dataset.hint
  }
  const settle = async (row: HTMLElement, dx: number, to: number) => {
    if (!matchMedia('(prefers-reduced-motion: reduce)').matches)
      await row
        .animate([{ translate: `${dx}px` }, { translate: `${to}px` }], { duration: settleMs, easing: 'ease-out' })
        .finished.catch(() => undefined) // the row may leave the screen meanwhile
    clear(row)
  }
  /** Where the row goes: nowhere when there is nothing to do in that direction. */
  const offset = (event: PointerEvent): number => {
    const dx = event.clientX - (from.current?.x ?? event.clientX)
    return (dx > 0 && !right) || (dx < 0 && !left) ? dx / 8 : dx
  }
  return {
    onPointerDown: (event: PointerEvent<HTMLElement>) => {
      swallows.current = false
      from.current =
        event.pointerType === 'touch' && event.isPrimary
          ? { id: event.pointerId, x: event.clientX, y: event.clientY, isSwipe: false }
          : null
    },
    onPointerMove: (event: PointerEvent<HTMLElement>) => {
      const start = from.current
      if (start?.id !== event.pointerId) return
      const [dx, dy] = [event.clientX - start.x, event.clientY - start.y]
      if (!start.isSwipe && Math.abs(dx) > slop && Math.abs(dx) > 1.5 * Math.abs(dy)) {
        start.isSwipe = true
        swallows.current = true
      }
      if (start.isSwipe) draw(event.currentTarget, offset(event))
    },
    onPointerUp: (event: PointerEvent<HTMLElement>) => {
      const start = from.current
      from.current = null
      if (!start?.isSwipe) return
      const row = event.currentTarget
      const dx = event.clientX - start.x
      const action = dx > 0 ? right : left
      const isMeant = action !== null && Math.abs(dx) >= swipeThreshold(row.offsetWidth)
      void settle(row, dx, isMeant ? Math.sign(dx) * row.offsetWidth : 0).then(() => isMeant && action.run())
    },
    onPointerCancel: (event: PointerEvent<HTMLElement>) => {
      from.current = null
      clear(event.currentTarget)
    },
    /** The click that some browsers send after a swipe is none. */
    onClickCapture: (event: { stopPropagation: () => void; preventDefault: () => void }) => {
      if (!swallows.current) return
      swallows.current = false
      event.stopPropagation()
      event.preventDefault()
    },
  }
}
