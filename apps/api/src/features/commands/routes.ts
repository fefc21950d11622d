import { enqueueCommand, presentCommand, undoCommand } from '#outbox/outbox.ts'
import { AppError } from '#platform/errors.ts'
import { findOwnCommand } from '#store/commands.ts'
import type { FeatureDeps } from '../feature-deps.ts'

export const registerCommands = ({ router, store }: FeatureDeps): void => {
  router.on('runCommand', ({ user, body }) => enqueueCommand(store, user.userId, body))
  router.on('undoCommand', ({ user, params, body }) => undoCommand(store, user.userId, params.commandId, body.id))
  router.on('getCommand', async ({ user, params }) => {
    const row = await store.read(user.userId, (tx) => findOwnCommand(tx, user.userId, params.commandId))
    if (!row) throw new AppError('not_found', 'There is no such command.')
    return presentCommand(row)
  })
}
