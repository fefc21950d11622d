import { type ComponentType, useEffect, useState } from 'react'
import { t } from '#lib/text.ts'
import { Dialog } from './dialog.tsx'

/**
 * A dialog whose script comes when somebody asks for it. One that does not come says so in its place, and is asked for anew the next
 * time. Not React's own `lazy`, which keeps that it did not come, and takes the whole page with it.
 */
export const lateDialog = <Props extends { onClose: () => void }>(
  load: () => Promise<ComponentType<Props>>,
): ComponentType<Props> => {
  let here: ComponentType<Props> | undefined
  // biome-ignore lint/correctness/noComponentHookFactories: it is made once, where a module is read
  const Late = (props: Props) => {
    const [Shown, show] = useState(() => here)
    useEffect(() => {
      if (Shown) return
      load().then(
        (part) => {
          here = part
          show(() => part)
        },
        () => show(() => NotHere),
      )
    }, [Shown])
    return Shown ? <Shown {...props} /> : null
  }
  return Late
}

const NotHere = ({ onClose }: { onClose: () => void }) => (
  <Dialog title={t('broken.title')} onClose={onClose}>
    <p>{t('broken.text')}</p>
    <div className="row end">
      <button type="button" className="button" onClick={onClose}>
        {t('close')}
      </button>
    </div>
  </Dialog>
)
