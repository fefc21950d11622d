import type { KeyboardEvent, PointerEvent } from 'react'

const step = 16

/** The line between two panes: drawn with the pointer, or moved with the arrow keys, Home and End. */
export const Separator = ({
  label,
  orientation,
  value,
  min,
  max,
  valueAt,
  onChange,
}: {
  label: string
  /** Of the line itself: a vertical one lies between left and right. */
  orientation: 'vertical' | 'horizontal'
  value: number
  min: number
  max: number
  /** The size in px that puts the line under the pointer. */
  valueAt: (pointer: { clientX: number; clientY: number }) => number
  onChange: (value: number) => void
}) => {
  const change = (next: number) => onChange(Math.round(Math.min(max, Math.max(min, next))))
  const onKeyDown = (event: KeyboardEvent) => {
    const forward =
      orientation === 'horizontal' ? 'ArrowDown' : document.documentElement.dir === 'rtl' ? 'ArrowLeft' : 'ArrowRight'
    const backward =
      orientation === 'horizontal' ? 'ArrowUp' : document.documentElement.dir === 'rtl' ? 'ArrowRight' : 'ArrowLeft'
    const next = { [forward]: value + step, [backward]: value - step, Home: min, End: max }[event.key]
    if (next === undefined) return
    event.preventDefault()
    // The list has plans for these keys too.
    event.stopPropagation()
    change(next)
  }
  return (
    <div
      className={`separator ${orientation}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={orientation}
      aria-valuenow={value}
      aria-valuemin={min}
      aria-valuemax={max}
      onKeyDown={onKeyDown}
      onPointerDown={(event: PointerEvent<HTMLElement>) => event.currentTarget.setPointerCapture(event.pointerId)}
      onPointerMove={(event: PointerEvent<HTMLElement>) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) change(valueAt(event))
      }}
    />
  )
}
