import { Dialog } from './dialog.tsx'

/** Asks before something that cannot be taken back. Cancel has the focus. */
export const Confirm = ({
  title,
  text,
  action,
  cancel,
  onConfirm,
  onClose,
}: {
  title: string
  text: string
  action: string
  cancel: string
  onConfirm: () => void
  /** Told whether it was confirmed. */
  onClose: (isConfirmed: boolean) => void
}) => (
  <Dialog title={title} onClose={() => onClose(false)}>
    <p>{text}</p>
    <div className="row end">
      <button type="button" className="button" onClick={() => onClose(false)}>
        {cancel}
      </button>
      <button
        type="button"
        className="button danger"
        onClick={() => {
          onClose(true)
          onConfirm()
        }}
      >
        {action}
      </button>
    </div>
  </Dialog>
)
