import { AppError } from '#platform/errors.ts'
import type { Unit } from '#store/commit.ts'
import { readTreeResult, withdrawTreeChange } from '#store/tree-changes.ts'

/** What became of a change of the tree that was ordered, told to whoever waited for it. */
export type TreeEnd = { kind: 'done'; mailboxId: bigint } | { kind: 'refused'; error: AppError }

/** One that nobody has begun by now is taken back: it would come true when it is wanted no more. */
export const endTreeChange = async (unit: Unit, commandId: string): Promise<TreeEnd> => {
  const result = await readTreeResult(unit.tx, commandId)
  if (result === null) return { kind: 'refused', error: unanswered(await withdrawTreeChange(unit, commandId)) }
  const { mailboxId, refusal } = result
  if (mailboxId !== null && refusal === null) return { kind: 'done', mailboxId }
  const { code, message, hint, fields, serverText } = refusal ?? {
    code: 'mailbox.refused' as const,
    message: 'The mail server refused this.',
    serverText: null,
  }
  return {
    kind: 'refused',
    error: new AppError(code, message, {
      ...(hint === undefined ? {} : { hint }),
      ...(fields === undefined ? {} : { fields }),
      ...(serverText === null ? {} : { serverText }),
    }),
  }
}

const unanswered = (isTakenBack: boolean) =>
  isTakenBack
    ? new AppError('mailbox.unavailable', 'The mail server does not answer right now; nothing was changed.', {
        hint: 'Try again in a moment.',
      })
    : new AppError('mailbox.unavailable', 'The mail server has not answered yet.', {
        hint: 'As soon as it does, the change shows here by itself.',
      })
