import { AppError } from '#platform/errors.ts'
import type { Pop3Session } from './open-session.ts'
import { refusalOf } from './status-line.ts'

/** NOOP: servers end a session that says nothing for ten minutes, and some much earlier. RFC 1939 3 and 5. */
export const keepAlive = (session: Pop3Session): Promise<void> =>
  session.channel.alone(async () => {
    session.channel.send('NOOP')
    const status = await session.channel.readStatus()
    if (status.kind === 'refused') throw refusalOf(status, new AppError('mailbox.refused', 'The server refused.'))
  })
