import type { z } from 'zod'
import { changeBatch, focusRequest, resumeReply, resumeRequest } from './changes.ts'

/** What goes over the socket, for the reference: `from` says who speaks, `answer` is what the acknowledgement brings. */
type SocketEvent = { from: 'server' | 'client'; summary: string; payload?: z.ZodType; answer?: z.ZodType }

export const socketEvents = {
  ready: { from: 'server', summary: 'The server listens: the client may speak now.' },
  resume: {
    from: 'client',
    summary:
      'Follow all streams of this person, from where the client stands. `reset` streams are too old: load everything again.',
    payload: resumeRequest,
    answer: resumeReply,
  },
  changes: {
    from: 'server',
    summary:
      'All changes of one stream up to `seq`. Delivered at most once: after a break, resume from the last `seq`.',
    payload: changeBatch,
  },
  focus: {
    from: 'client',
    summary: 'The mailboxes on the screen, so that they are watched closely. Say it again every minute while it holds.',
    payload: focusRequest,
  },
  signedOut: { from: 'server', summary: 'The session is over; the server closes the socket.' },
} as const satisfies Record<string, SocketEvent>
