import { AppError } from '#platform/errors.ts'
import type { Pop3Session } from './open-session.ts'
import { pipelined } from './pipeline.ts'
import { refusalOf } from './status-line.ts'

export type Deletion = { number: number; error: AppError | null }

/**
 * DELE: marks messages by the numbers of this session. Nothing is removed before QUIT is answered with +OK, and nothing
 * at all when the session ends otherwise. Throws connect.*, and whatever `mayAct` throws. RFC 1939 5.
 */
export const deleteMessages = async (session: Pop3Session, numbers: Iterable<number>): Promise<Deletion[]> => {
  const done: Deletion[] = []
  const toCommand = (number: number) => {
    session.mayAct()
    return `DELE ${number}`
  }
  for await (const { item: number, status } of pipelined(session, numbers, toCommand)) {
    if (status.kind === 'ok') session.marked.add(number)
    done.push({ number, error: status.kind === 'ok' ? null : refusalOf(status, notDeleted()) })
  }
  return done
}

/** RSET: takes all marks back. Throws mailbox.*, connect.*. */
export const resetMaildrop = (session: Pop3Session): Promise<void> =>
  session.channel.alone(async () => {
    session.channel.send('RSET')
    const status = await session.channel.readStatus()
    if (status.kind === 'refused')
      throw refusalOf(status, new AppError('mailbox.refused', 'The server does not take the deletions back.'))
    session.marked.clear()
  })

const notDeleted = () =>
  new AppError('mailbox.refused', 'The server does not delete this message.', {
    hint: 'It stays there; we try again with the next look.',
  })
