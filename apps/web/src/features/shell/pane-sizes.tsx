import { type CSSProperties, type RefObject, useRef, useState } from 'react'
import { paneLimits as limits, type PaneSizes, paneNames, readPaneSizes, rememberedPanes } from '#lib/pane-sizes.ts'
import { t } from '#lib/text.ts'
import { Separator } from '#ui/separator.tsx'

type Panes = {
  ref: RefObject<HTMLElement | null>
  style: CSSProperties
  sizes: PaneSizes
  set: (which: keyof PaneSizes, px: number) => void
}

/** The sizes of the panes in px, remembered on this device. */
export const usePaneSizes = (): Panes => {
  const ref = useRef<HTMLElement>(null)
  const [sizes, setSizes] = useState(() => readPaneSizes(limits, rememberedPanes))
  const set = (which: keyof PaneSizes, px: number) => {
    const next = { ...sizes, [which]: px }
    setSizes(next)
    localStorage.setItem(rememberedPanes, paneNames.map((name) => next[name]).join(','))
  }
  const style = {
    '--tree-width': `${sizes.tree}px`,
    '--list-width': `${sizes.list}px`,
    '--list-height': `${sizes.listHeight}px`,
  } as CSSProperties // custom properties are not part of React's own style type
  return { ref, style, sizes, set }
}

/** The lines one can draw: which ones there are depends on the layout. */
export const PaneSeparators = ({ panes: { ref, sizes, set }, layout }: { panes: Panes; layout: string }) => {
  const fromStart = (x: number): number => {
    const box = ref.current?.getBoundingClientRect()
    if (!box) return 0
    return document.documentElement.dir === 'rtl' ? box.right - x : x - box.left
  }
  const line = (which: keyof PaneSizes, valueAt: (pointer: { clientX: number; clientY: number }) => number) => (
    <Separator
      key={which}
      label={t(`pane.${which}`)}
      orientation={which === 'listHeight' ? 'horizontal' : 'vertical'}
      value={sizes[which]}
      min={limits[which].min}
      max={limits[which].max}
      valueAt={valueAt}
      onChange={(px) => set(which, px)}
    />
  )
  return (
    <>
      {line('tree', ({ clientX }) => fromStart(clientX))}
      {layout === 'columns' && line('list', ({ clientX }) => fromStart(clientX) - sizes.tree)}
      {layout === 'bottom' &&
        line('listHeight', ({ clientY }) => clientY - (ref.current?.getBoundingClientRect().top ?? 0))}
    </>
  )
}
