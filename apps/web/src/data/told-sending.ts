import type { Submission } from '@postern/shared/submissions.ts'
import { t } from '#lib/composer-text.ts'
import { navigate } from '#lib/route.ts'
import { changeToast, dismiss, type Toast } from './toasts.ts'
import { endUndo, type Told, tellDone } from './undo-list.ts'

/** What is said of a mail from the click until it has left: at each moment what is true then. Once it was closed nothing more comes. */
const told = new Map<string, { own: Told; undoUntil: number }>()

/** After the time in which it can be taken back, for the server to take it. */
const awaitMs = 8000
const endMs = 5000

/** `undo`: how it is taken back, and how long that is offered. */
export const tellSending = (submission: Submission, undo: { takeBack: () => void; forMs: number } | null): void => {
  const said = wordsFor(submission)
  if (!said) return
  const forMs = undo?.forMs ?? 0
  const own = tellDone(said.text, undo?.takeBack, forMs + awaitMs)
  told.set(submission.id, { own, undoUntil: Date.now() + forMs })
  if (undo) setTimeout(() => endUndo(own), forMs)
  tellProgress(submission)
}

/** It went on, or not. */
export const tellProgress = (submission: Submission): void => {
  const known = told.get(submission.id)
  if (!known) return
  const { own, undoUntil } = known
  const said = wordsFor(submission)
  if (!said || submission.state === 'sent') {
    told.delete(submission.id)
    endUndo(own)
  }
  if (!said) {
    // Of everything else that can have come of it there are words of their own.
    dismiss(own.toastId)
    return
  }
  const { forMs, ...words } = said
  // Why it waits may be known from the start, as of a paused account: said no shorter than it can be taken back.
  const stayMs = words.action && forMs ? Math.max(0, undoUntil - Date.now()) + forMs : forMs
  changeToast(own.toastId, ({ action: _, ...toast }) => ({ ...toast, ...words }), stayMs)
}

type Words = Pick<Toast, 'text' | 'action'> & { forMs?: number }

const wordsFor = ({ state, problem }: Submission): Words | null => {
  if (state === 'sent') return { text: t('compose.sent'), forMs: endMs }
  if (state !== 'scheduled' && state !== 'queued' && state !== 'sending' && state !== 'deferred') return null
  if (!problem) return { text: t('compose.onItsWay') }
  const action = { label: t('outbox.open'), run: () => navigate('/outbox') }
  return { text: t('compose.notYet', { reason: problem.message }), action, forMs: awaitMs }
}
