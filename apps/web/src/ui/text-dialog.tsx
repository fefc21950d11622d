import { type ReactNode, useState } from 'react'
import { t } from '#lib/composer-text.ts'
import { Confirm } from './confirm.tsx'
import { Dialog } from './dialog.tsx'

/** For a form with a text that stands nowhere else yet: what was changed in it is not thrown away by a slip of key or pointer. */
export const TextDialog = ({
  title,
  isChanged,
  onClose,
  children,
}: {
  title: string
  isChanged: boolean
  onClose: () => void
  children: ReactNode
}) => {
  const [isAsking, setAsking] = useState(false)
  return (
    <>
      <Dialog title={title} onClose={() => (isChanged ? setAsking(true) : onClose())} size="wide">
        {children}
      </Dialog>
      {isAsking && (
        <Confirm
          title={t('leave.title')}
          text={t('leave.text')}
          action={t('leave.discard')}
          cancel={t('leave.stay')}
          onConfirm={onClose}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  )
}
