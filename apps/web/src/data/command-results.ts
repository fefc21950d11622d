import type { Command } from '@postern/shared/commands.ts'
import { t } from '#lib/text.ts'
import { showToast } from './toasts.ts'

/** A command the server refused: its rows come back by the change log; here the person is told why. */
const told = new Set<string>()

export const settleCommand = (command: Command): void => {
  if (command.state !== 'failed' || told.has(command.id)) return
  told.add(command.id)
  showToast({ kind: 'problem', text: command.error?.message ?? t('error.refused') })
}
