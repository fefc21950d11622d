import { type CSSProperties, type RefObject, useRef, useState } from 'react'
import { t } from '#lib/text.ts'
import { Separator } from '#ui/separator.tsx'

type Sizes = { tree: number; list: number; listHeight: number }
type Panes = {
  ref: RefObject<HTMLElement | null>
  style: CSSProperties
  sizes: Sizes
  set: (which: keyof Sizes, px: number) => void
}

const limits: Record<keyof Sizes, { usual: number; min: number; max: number }> = {
  tree: { usual: 220, min: 150, max: 400 },
  list: { usual: 440, min: 280, max: 800 },
  listHeight: { usual: 380, min: 140, max: 1200 },
}
const names = ['tree', 'list', 'listHeight'] as const
const remembered = 'widths'

const readSizes = (): Sizes => {
  const stored = (localStorage.getItem(remembered) ?? '').split(',').map(Number)
  const size = (which: keyof Sizes, index: number) => {
    const { usual, min, max } = limits[which]
    const px = stored[index] ?? 0
    return px >= min && px <= max ? px : usual
  }
  return { tree: size('tree', 0), list: size('list', 1), listHeight: size('listHeight', 2) }
}

/** The sizes of the panes in px, remembered on this device. */
export const usePaneSizes = (): Panes => {
  const ref = useRef<HTMLElement>(null)
  const [sizes, setSizes] = useState(readSizes)
  const set = (which: keyof Sizes, px: number) => {
    const next = { ...sizes, [which]: px }
    setSizes(next)
    localStorage.setItem(remembered, names.map((name) => next[name]).join(','))
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
  const line = (which: keyof Sizes, valueAt: (pointer: { clientX: number; clientY: number }) => number) => (
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
