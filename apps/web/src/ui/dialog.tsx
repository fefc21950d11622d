import { type ReactNode, useEffect, useRef } from 'react'

/** A modal dialog of the browser's own kind: focus stays inside, Escape closes. */
export const Dialog = ({
  title,
  onClose,
  children,
  isWide = false,
}: {
  title: string
  onClose: () => void
  children: ReactNode
  isWide?: boolean
}) => {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = ref.current
    dialog?.showModal()
    return () => dialog?.close()
  }, [])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the click outside is a convenience; Escape and the button do the same
    <dialog
      ref={ref}
      className={isWide ? 'dialog wide' : 'dialog'}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
      onClick={(event) => {
        if (event.target === ref.current) onClose()
      }}
    >
      <div className="dialog-body">
        <h2>{title}</h2>
        {children}
      </div>
    </dialog>
  )
}
