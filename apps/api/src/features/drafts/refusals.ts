import { AppError } from '#platform/errors.ts'
import type { Attached } from '#store/draft-attachments.ts'

export const noDraft = (): AppError => new AppError('not_found', 'There is no such draft.')

export const onItsWay = (): AppError =>
  new AppError('request.conflict', 'This mail is being sent.', { hint: 'Take it back first, while that is possible.' })

export const takenId = (): AppError =>
  new AppError('request.conflict', 'Something else was begun under this id.', {
    hint: 'Make a new id for every draft.',
  })

/** Throws why something is not attached. */
export const requireAttached = (kind: Attached['kind']): void => {
  if (kind === 'gone') throw noDraft()
  if (kind === 'onItsWay') throw onItsWay()
  if (kind === 'conflict') throw takenAttachmentId()
}

const takenAttachmentId = (): AppError =>
  new AppError('request.conflict', 'Something else is attached under this id.', {
    hint: 'Make a new id for every attachment.',
  })

export const staysAsItIs = (): AppError =>
  new AppError('request.conflict', 'A redirected mail goes on unchanged: nothing can be attached to it.', {
    hint: 'Forward it instead.',
    fields: { attachments: 'do not go along with a redirected mail' },
  })

export const wasSent = (): AppError =>
  new AppError('request.conflict', 'This mail was sent.', { hint: 'Look for it in Sent.' })
