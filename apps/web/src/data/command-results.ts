import type { Command } from '@postern/shared/commands.ts'
import { t } from '#lib/text.ts'
import { showToast } from './toasts.ts'

const told = new Set<string>()
/** Commands of this page that take others back. */
const undoing = new Set<string>()

/** Commands that the screen gave by itself: nobody is told of their end. */
const quiet = new Set<string>()

/** What becomes of the notice of a command that was given on this page, once it is known how much it came too late for. */
const given = new Map<string, (missed: number) => void>()

export const noteGiven = (id: string, whenMissed: (missed: number) => void): void => void given.set(id, whenMissed)
export const noteQuiet = (id: string): void => void quiet.add(id)
export const noteUndo = (id: string): void => void undoing.add(id)

/**
 * A command the server refused, or one that came too late for some: their rows come back by the change log; here the person
 * is told why. That it came too late is said where it was done: another window has said nothing of it.
 */
export const settleCommand = (command: Command): void => {
  const { id, state, missed, error } = command
  if (quiet.has(id)) return
  if (state === 'done' && missed > 0 && (given.has(id) || undoing.has(id))) tellMissed(command)
  // A page lives for weeks.
  if (state === 'done' || state === 'failed') given.delete(id)
  if (state !== 'failed' || told.has(id)) return
  told.add(id)
  showToast({ kind: 'problem', text: error?.message ?? t('error.refused') })
}

/** Once, whether its own answer or the change log says it first. */
export const tellMissed = ({ id, missed }: Command): void => {
  if (told.has(id)) return
  told.add(id)
  given.get(id)?.(missed)
  const key = undoing.has(id) ? 'notBack' : 'missed'
  const text = missed === 1 ? t(`done.${key}`) : t(`many.${key}`, { n: missed.toLocaleString() })
  showToast({ kind: 'problem', text })
}
