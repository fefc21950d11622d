import { changeToast, dismiss, showToast } from './toasts.ts'

/** Something that was done and told; `takeBack` where there is a way back. */
export type Told = { toastId: string; takeBack: (() => void) | undefined }

/** Everything that can be taken back, whatever it was; the newest is the last. */
const undoable: Told[] = []
const maxUndoable = 50

/** Says what was done. With a way back it is taken back by the button beside it, or by `z`, once. */
export const tellDone = (text: string, takeBack?: () => void, forMs?: number): Told => {
  const told: Told = { toastId: '', takeBack }
  const undo = takeBack && { undo: () => undoOne(told) }
  told.toastId = showToast({ kind: 'done', text, ...undo }, forMs)
  if (undo) undoable.push(told)
  if (undoable.length > maxUndoable) undoable.shift()
  return told
}

/** It did not happen, or is taken back: nothing of it is said or offered any more. */
export const withdraw = (told: Told): void => {
  forget(told)
  dismiss(told.toastId)
}

/** It is too late to take it back; what is said of it stays. */
export const endUndo = (told: Told): void => {
  forget(told)
  changeToast(told.toastId, ({ undo: _, ...rest }) => rest)
}

const forget = (told: Told): void => {
  const index = undoable.indexOf(told)
  if (index >= 0) undoable.splice(index, 1)
}

export const undoLast = (): void => {
  const last = undoable.at(-1)
  if (last) undoOne(last)
}

/** Whoever comes next is not told of it, and takes nothing back. */
export const forgetDone = (): void => {
  for (const told of [...undoable]) withdraw(told)
}

const undoOne = (told: Told): void => {
  withdraw(told)
  told.takeBack?.()
}
