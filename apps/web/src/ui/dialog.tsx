import { type KeyboardEvent, type ReactNode, useLayoutEffect, useRef } from 'react'

/** A modal dialog of the browser's own kind: focus stays inside, Escape closes. `full` uses the whole window. */
export const Dialog = ({
  title,
  onClose,
  onKeyDown,
  children,
  size = 'narrow',
  head,
}: {
  title: string
  onClose: () => void
  onKeyDown?: (event: KeyboardEvent) => void
  children: ReactNode
  size?: 'narrow' | 'wide' | 'full'
  /** Stands instead of the heading. */
  head?: ReactNode
}) => {
  const ref = useRef<HTMLDialogElement>(null)
  /** A text that is drawn over from inside and let go beside it is no click beside it. */
  const isPressedBeside = useRef(false)
  // While it still stands in the page: only then does closing give the focus back to where it was.
  useLayoutEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])
  return (
    <dialog
      ref={ref}
      className={`dialog ${size}`}
      aria-label={title}
      onKeyDown={onKeyDown}
      onCancel={(event) => {
        // A file chooser inside that is left without a choice says so by the same event, and it bubbles.
        if (event.target !== ref.current) return
        event.preventDefault()
        onClose()
      }}
      // The browser asks nobody when somebody goes back or escapes twice; whoever stays is shown again.
      onClose={(event) => {
        const dialog = ref.current
        if (!dialog?.isConnected || event.target !== dialog) return
        dialog.showModal()
        onClose()
      }}
      onPointerDown={(event) => {
        isPressedBeside.current = event.target === ref.current
      }}
      onClick={(event) => {
        if (event.target === ref.current && isPressedBeside.current) onClose()
      }}
    >
      <div className="dialog-body">
        {head ?? <h2 dir="auto">{title}</h2>}
        {children}
      </div>
    </dialog>
  )
}
