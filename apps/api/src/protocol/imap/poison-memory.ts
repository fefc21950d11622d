import type { ImapFlow } from 'imapflow'

/**
 * Mails whose envelope or structure is more than the parser's limits allow. One such answer ends a session, so the next has
 * to know: a range that broke is asked for mail by mail, and the mail that breaks alone is never asked for that way again.
 * Anybody can send such a mail; without this it would keep an account from ever syncing.
 */
export type PoisonMemory = {
  /** Where the mail is that has not been found yet. */
  range: string | undefined
  /** The mail that is being asked for right now. */
  looking: number | undefined
  uids: Set<number>
}

const maxMailboxes = 1000
/** By server, login, mailbox and its generation. Only costs one more broken session when it is forgotten. */
const memories = new Map<string, PoisonMemory>()

const keyOf = (flow: ImapFlow): string | undefined =>
  flow.mailbox
    ? JSON.stringify([
        flow.host,
        flow.port,
        flow.options.auth?.user,
        flow.mailbox.path,
        String(flow.mailbox.uidValidity),
      ])
    : undefined

export const poisonOf = (flow: ImapFlow): PoisonMemory | undefined => {
  const key = keyOf(flow)
  return key === undefined ? undefined : memories.get(key)
}

export const notePoison = (flow: ImapFlow, range: string): void => {
  const key = keyOf(flow)
  if (key === undefined) return
  const memory = memories.get(key) ?? { range, looking: undefined, uids: new Set() }
  if (memory.looking === undefined) memory.range = range
  else memory.uids.add(memory.looking)
  memory.looking = undefined
  if (memories.size >= maxMailboxes) memories.delete(memories.keys().next().value ?? '')
  memories.set(key, memory)
}

export const breaksParser = (error: unknown): boolean =>
  error instanceof Error &&
  'code' in error &&
  /^(?:TooManyTokens|LiteralTooLarge|MAX_IMAP_NESTING_REACHED|ResponseTooLarge|LineTooLarge|ParserError\w+)$/.test(
    String(error.code),
  )
