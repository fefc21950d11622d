import type { Pop3Session } from './open-session.ts'
import type { Status } from './status-line.ts'

/** Commands on their way at most; more gains nothing even at 300 ms, and all are lost when a session breaks. RFC 2449 6.8. */
const window = 64

/**
 * One command per item, answers in their order. Where the server cannot take several at a time, and where `ahead` says
 * so, the next command leaves only when the next answer is asked for. Items are taken as late as they can be: whoever
 * gives them ends the run by giving no more. Leaving while answers are owed ends the session.
 */
export async function* pipelined<T>(
  session: Pop3Session,
  items: Iterable<T>,
  toCommand: (item: T) => string,
  ahead = window,
): AsyncGenerator<{ item: T; status: Status }, void, void> {
  const { channel } = session
  const most = session.capabilities.pipelining ? Math.max(1, ahead) : 1
  const end = channel.begin()
  const source = items[Symbol.iterator]()
  const sent: T[] = []
  let isMore = true
  /** Half a window at a time, so that commands share packets. */
  const refill = () => {
    if (!isMore || sent.length > most / 2) return
    const next: T[] = []
    while (isMore && sent.length + next.length < most) {
      const step = source.next()
      if (step.done) isMore = false
      else next.push(step.value)
    }
    if (next.length > 0) channel.send(...next.map(toCommand))
    sent.push(...next)
  }
  try {
    for (;;) {
      refill()
      const item = sent.shift()
      if (item === undefined) return
      yield { item, status: await channel.readStatus() }
    }
  } finally {
    source.return?.()
    end()
  }
}
