import { AppError } from '#platform/errors.ts'
import type { Pop3Session } from './open-session.ts'
import { refusalOf } from './status-line.ts'

/** `ended`: what was marked is removed. `notAllRemoved`: some of it is not, and nobody says which. */
export type QuitResult = { kind: 'ended' } | { kind: 'notAllRemoved'; error: AppError }

const politeMs = 2000

/**
 * QUIT, which removes what was marked. When it throws (connect.*) only a new unique-id listing tells what was removed.
 * RFC 1939 6.
 */
export const quitSession = (session: Pop3Session): Promise<QuitResult> =>
  session.channel.alone(async () => {
    const { channel } = session
    if (session.marked.size > 0) session.mayAct()
    channel.send('QUIT')
    const status = await channel.readStatus()
    channel.end()
    session.marked.clear()
    if (status.kind === 'ok') return { kind: 'ended' }
    const error = new AppError('mailbox.refused', 'The server did not remove all messages it was asked to.', {
      hint: 'We try again with the next look.',
    })
    return { kind: 'notAllRemoved', error: refusalOf(status, error) }
  })

/** Ends politely within two seconds, and by cutting the connection where a QUIT would remove something. Never throws. */
export const leaveSession = async (session: Pop3Session): Promise<void> => {
  if (session.marked.size > 0 || !session.isOpen()) return session.destroy()
  const timer = setTimeout(() => session.destroy(), politeMs)
  try {
    await quitSession(session)
  } catch {
    session.destroy()
  } finally {
    clearTimeout(timer)
  }
}
