import type { Command } from '@postern/shared/commands.ts'
import { t } from '#lib/text.ts'
import { showToast } from './toasts.ts'

/**
 * A command the server refused, or one that came too late for some: their rows come back by the change log; here the person
 * is told why.
 */
const told = new Set<string>()

export const settleCommand = (command: Command): void => {
  const { id, state, missed, error } = command
  if ((state !== 'failed' && !(state === 'done' && missed > 0)) || told.has(id)) return
  told.add(id)
  const late = () => t(missed === 1 ? 'done.missed' : 'many.missed', { n: missed.toLocaleString() })
  showToast({ kind: 'problem', text: state === 'failed' ? (error?.message ?? t('error.refused')) : late() })
}
