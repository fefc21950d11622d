import { type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'

export type MenuItem = { label: string; onSelect: () => void; isDisabled?: boolean; icon?: ReactNode }

/** A button that opens a list of choices. Arrow keys move, typing filters when `hasFilter`, Escape closes. */
export const Menu = ({
  label,
  icon,
  items,
  hasFilter = false,
  isDisabled = false,
  title,
  text,
}: {
  label: string
  icon: ReactNode
  items: MenuItem[]
  hasFilter?: boolean
  isDisabled?: boolean
  title?: string
  text?: string
}) => {
  const [isOpen, setOpen] = useState(false)
  const [filter, setFilter] = useState('')
  const root = useRef<HTMLDivElement>(null)
  const id = useId()
  const shown = items.filter((item) => item.label.toLowerCase().includes(filter.toLowerCase()))

  useEffect(() => {
    if (!isOpen) return
    const onOutside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    document.addEventListener('pointerdown', onOutside)
    root.current?.querySelector<HTMLElement>(hasFilter ? 'input' : '[role=menuitem]')?.focus()
    return () => document.removeEventListener('pointerdown', onOutside)
  }, [isOpen, hasFilter])

  const close = () => {
    setOpen(false)
    setFilter('')
    root.current?.querySelector('button')?.focus()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) return
    event.stopPropagation()
    if (event.key === 'Escape') return close()
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
    event.preventDefault()
    const all = [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]:not([disabled])') ?? [])]
    const at = all.indexOf(document.activeElement as HTMLElement)
    all[(at + (event.key === 'ArrowDown' ? 1 : -1) + all.length) % all.length]?.focus()
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: keys are handled for the buttons inside
    <div className="menu" ref={root} onKeyDown={onKeyDown}>
      <button
        type="button"
        className={text ? 'button' : 'icon-button'}
        aria-label={label}
        title={title ?? label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        aria-controls={id}
        disabled={isDisabled}
        onClick={() => setOpen(!isOpen)}
        data-menu={label}
      >
        {icon}
        {text}
      </button>
      {isOpen && (
        <div className="menu-panel" id={id}>
          {hasFilter && (
            <input
              className="input"
              aria-label={label}
              placeholder={label}
              value={filter}
              onChange={(event) => setFilter(event.target.value)}
            />
          )}
          <div role="menu" aria-label={label} className="menu-items">
            {shown.map((item) => (
              <button
                type="button"
                role="menuitem"
                tabIndex={-1}
                key={item.label}
                disabled={item.isDisabled}
                onClick={() => {
                  close()
                  item.onSelect()
                }}
              >
                {item.icon}
                {item.label}
              </button>
            ))}
          </div>
        </div>
      )}
    </div>
  )
}
