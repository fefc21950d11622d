import { type KeyboardEvent, type ReactNode, useEffect, useId, useLayoutEffect, useRef, useState } from 'react'

export type MenuItem = {
  /** Where labels may be the same. */
  id?: string
  label: string
  onSelect: () => void
  isDisabled?: boolean
  icon?: ReactNode
  /** Offered whatever was typed. */
  isAlways?: boolean
}

/** More than anybody reads; the filter finds the rest. */
const maxShown = 60
const gap = 8

/**
 * A button that opens a list of choices over everything else, inside the window wherever the button is, and rather over the panel
 * it belongs to than over what lies beside that. Arrow keys move, typing filters when `hasFilter` and Enter takes the first,
 * Escape closes.
 */
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
  const typed = filter.toLowerCase()
  const at = ({ label }: MenuItem) => label.toLowerCase().indexOf(typed)
  // What begins with it comes first.
  const found = items
    .filter((item) => !item.isAlways && at(item) >= 0)
    .sort((a, b) => Math.sign(at(a)) - Math.sign(at(b)))
  const shown = [...found.slice(0, maxShown), ...items.filter(({ isAlways }) => isAlways)]
  const panel = useRef<HTMLDivElement>(null)
  useLayoutEffect(() => {
    if (isOpen) panel.current?.showPopover()
  }, [isOpen])
  // biome-ignore lint/correctness/useExhaustiveDependencies: choices that come later need more room
  useLayoutEffect(() => {
    const box = panel.current
    if (!isOpen || !box || !root.current) return
    const button = root.current.getBoundingClientRect()
    const { offsetWidth, offsetHeight } = box
    const wanted = opensToTheRight(root.current) ? button.left : button.right - offsetWidth
    box.style.left = `${Math.max(gap, Math.min(wanted, innerWidth - offsetWidth - gap))}px`
    const fitsBelow = button.bottom + offsetHeight + gap < innerHeight
    box.style.top = `${fitsBelow ? button.bottom + 4 : Math.max(gap, button.top - offsetHeight - 4)}px`
  }, [isOpen, items.length])

  useEffect(() => {
    if (!isOpen) return
    const onOutside = (event: PointerEvent) => {
      if (!root.current?.contains(event.target as Node)) setOpen(false)
    }
    // It does not follow what scrolls or turns under it.
    const onMoved = () => setOpen(false)
    document.addEventListener('pointerdown', onOutside)
    addEventListener('resize', onMoved)
    root.current?.querySelector<HTMLElement>(hasFilter ? 'input' : '[role=menuitem]')?.focus()
    return () => {
      document.removeEventListener('pointerdown', onOutside)
      removeEventListener('resize', onMoved)
    }
  }, [isOpen, hasFilter])

  const close = () => {
    setOpen(false)
    setFilter('')
    root.current?.querySelector('button')?.focus()
  }
  const pick = (item: MenuItem | undefined) => {
    if (!item) return
    close()
    item.onSelect()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    if (!isOpen) return
    event.stopPropagation()
    if (event.key === 'Escape') {
      event.preventDefault()
      return close()
    }
    if (event.key === 'Tab') return close()
    if (event.key === 'Enter' && event.target instanceof HTMLInputElement) {
      event.preventDefault()
      // Nothing was found: only what is the one thing left to do is meant by it.
      const meant = found.length > 0 || filter === '' || shown.length === 1 ? shown : []
      return pick(meant.find((item) => !item.isDisabled))
    }
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
    event.preventDefault()
    const all = [...(root.current?.querySelectorAll<HTMLElement>('[role=menuitem]:not([disabled])') ?? [])]
    const at = all.indexOf(document.activeElement as HTMLElement)
    const next = event.key === 'ArrowDown' ? at + 1 : Math.max(at, 0) - 1
    all[(next + all.length) % all.length]?.focus()
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
        <div className="menu-panel" id={id} popover="manual" ref={panel}>
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
                key={item.id ?? item.label}
                disabled={item.isDisabled}
                onClick={() => pick(item)}
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

/** Where the row it stands in has more room. */
const opensToTheRight = (menu: HTMLElement): boolean => {
  const button = menu.getBoundingClientRect()
  const row = menu.parentElement?.getBoundingClientRect() ?? button
  const [middle, middleOfRow] = [button.left + button.right, row.left + row.right]
  return middle === middleOfRow ? document.documentElement.dir === 'rtl' : middle < middleOfRow
}
