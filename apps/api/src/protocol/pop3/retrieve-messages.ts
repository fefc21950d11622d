import { maxMessageBytes } from '@postern/shared/retrieval.ts'
import { AppError } from '#platform/errors.ts'
import type { Pop3Session } from './open-session.ts'
import { pipelined } from './pipeline.ts'
import { refusalOf, type Status } from './status-line.ts'

/**
 * A message as the server sends it, without the dots of the protocol: CR LF, 8-bit, NUL and bare LF as they come. Its
 * last line ends with CR LF even where the stored one does not, as no server can send it otherwise (RFC 1939 3).
 */
export type Retrieved =
  | {
      kind: 'message'
      number: number
      /** Has to be read to its end before the next is asked for; leaving it ends the session. What it gives stays as it is. */
      content: AsyncIterable<Buffer>
    }
  | { kind: 'refused'; number: number; error: AppError }

export type RetrieveLimits = {
  /** Of one message; a longer one ends the session with message.too_large, as POP3 cannot stop an answer. */
  maxBytes?: number
  /** Commands sent before their turn. 1 where a message must be safe before the next is asked for (EXPIRE 0). */
  ahead?: number
}

/** RETR of each number, in their order, as one stream with back-pressure. Throws connect.*, message.too_large. RFC 1939 5. */
export const retrieveMessages = (
  session: Pop3Session,
  numbers: Iterable<number>,
  limits: RetrieveLimits = {},
): AsyncGenerator<Retrieved, void, void> =>
  retrieve(session, numbers, { ...limits, toCommand: (number) => `RETR ${number}`, onStatus: () => undefined })

/**
 * TOP of each number: the header and the first `lines` of the body. Learns `capabilities.top` where it was not known; a
 * server without it refuses every number. RFC 1939 7.
 */
export const retrieveTops = (
  session: Pop3Session,
  numbers: Iterable<number>,
  { lines, ...limits }: RetrieveLimits & { lines: number },
): AsyncGenerator<Retrieved, void, void> => {
  const { capabilities } = session
  return retrieve(session, numbers, {
    ...limits,
    // Before it is known that there is TOP, no window full of refusals is asked for: some servers count errors.
    ...(capabilities.top === true ? {} : { ahead: 1 }),
    toCommand: (number) => `TOP ${number} ${lines}`,
    onStatus: ({ kind, code }) => {
      if (kind === 'ok') capabilities.top = true
      else if (code === null) capabilities.top ??= false
    },
  })
}

type Retrieval = RetrieveLimits & { toCommand: (number: number) => string; onStatus: (status: Status) => void }

async function* retrieve(
  session: Pop3Session,
  numbers: Iterable<number>,
  { maxBytes = maxMessageBytes, ahead, toCommand, onStatus }: Retrieval,
): AsyncGenerator<Retrieved, void, void> {
  for await (const { item: number, status } of pipelined(session, numbers, toCommand, ahead)) {
    onStatus(status)
    yield status.kind === 'ok'
      ? { kind: 'message', number, content: session.channel.readBody(maxBytes, tooLarge) }
      : { kind: 'refused', number, error: notGiven(status) }
  }
}

const tooLarge = () =>
  new AppError('message.too_large', 'The server sends a message that is larger than we keep.', {
    hint: 'It stays at the provider.',
  })

const notGiven = (status: Status): AppError =>
  refusalOf(
    status,
    new AppError('message.unavailable', 'The server does not give this message right now.', {
      hint: 'We try again by ourselves.',
    }),
  )
