import { type ReactNode, useState } from 'react'
import { ConfirmDiscard } from './confirm-discard.tsx'
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
      {isAsking && <ConfirmDiscard onDiscard={onClose} onStay={() => setAsking(false)} />}
    </>
  )
}
