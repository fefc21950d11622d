import { X } from 'lucide-react'
import { dismiss, useToasts } from '#data/toasts.ts'
import { t } from '#lib/text.ts'

/** What was just done, with its undo; what went wrong, with its reason. */
export const Toasts = () => {
  const toasts = useToasts()
  return (
    <div className="toasts" role="status" aria-live="polite">
      {toasts.map((toast) => (
        <div key={toast.id} className={`toast ${toast.kind}`}>
          <span>{toast.text}</span>
          {toast.undo && (
            <button
              type="button"
              className="toast-undo"
              onClick={() => {
                toast.undo?.()
                dismiss(toast.id)
              }}
            >
              {t('undo')}
            </button>
          )}
          {toast.action && (
            <button
              type="button"
              className="toast-undo"
              onClick={() => {
                toast.action?.run()
                dismiss(toast.id)
              }}
            >
              {toast.action.label}
            </button>
          )}
          <button type="button" className="icon-button" aria-label={t('close')} onClick={() => dismiss(toast.id)}>
            <X size={16} aria-hidden />
          </button>
        </div>
      ))}
    </div>
  )
}
