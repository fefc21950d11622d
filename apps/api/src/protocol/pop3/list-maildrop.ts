import { AppError } from '#platform/errors.ts'
import { readListing } from './listing.ts'
import type { Pop3Session } from './open-session.ts'
import { refusalOf, type Status } from './status-line.ts'

/** A message of the maildrop. Its number holds for this session only. */
export type MaildropEntry = {
  number: number
  /** Of the unique-id listing: outlives sessions, though some servers give one twice. Null when the server has none. */
  uniqueId: string | null
  /** As the server counts; not all count what they send. Null when it does not say. */
  sizeBytes: number | null
}

export type Maildrop = {
  /** Ascending by number; what either UIDL or LIST names. */
  entries: MaildropEntry[]
  /** What STAT says. It contradicts `entries` where a server lies. */
  stated: { messages: number; sizeBytes: number }
}

/** No maildrop that one person reads holds more. */
const maxEntries = 500_000
const maxNumber = 2 ** 31 - 1
/** RFC 1939 allows 70; some servers give more. What is longer would not be kept whole. */
const maxUniqueIdLength = 255

/**
 * STAT, UIDL and LIST: in one round trip where the server can. Learns `capabilities.uniqueIds` where it was not known.
 * Throws mailbox.*, connect.*.
 */
export const listMaildrop = (session: Pop3Session): Promise<Maildrop> =>
  session.channel.alone(async () => {
    const { capabilities, channel } = session
    const entries = new Map<number, MaildropEntry>()
    const at = (number: number): MaildropEntry => {
      const entry = entries.get(number) ?? { number, uniqueId: null, sizeBytes: null }
      if (entries.set(number, entry).size > maxEntries)
        throw channel.fail(
          new AppError('connect.protocol', 'The server lists far more messages than a mailbox can hold.'),
        )
      return entry
    }
    const readers: Record<string, (line: string) => void> = {
      UIDL: (line) => onRow(line, (number, value) => setUniqueId(at(number), value)),
      LIST: (line) => onRow(line, (number, value) => setSize(at(number), value)),
    }
    const commands = ['STAT', ...(capabilities.uniqueIds === false ? [] : ['UIDL']), 'LIST']
    const answers = new Map<string, Status>()
    if (capabilities.pipelining) channel.send(...commands)
    for (const command of commands) {
      if (!capabilities.pipelining) channel.send(command)
      const status = await channel.readStatus()
      answers.set(command, status)
      const onLine = readers[command]
      if (onLine && status.kind === 'ok') await readListing(channel, onLine)
    }
    const stated = readStat(answers.get('STAT'))
    const unique = answers.get('UIDL')
    // An old server refuses to list nothing, and one in trouble refuses what it can do at other times.
    if (unique?.kind === 'ok') capabilities.uniqueIds = true
    else if (unique && stated.messages > 0) {
      if (capabilities.uniqueIds === true || unique.code !== null) throw notListed(unique)
      capabilities.uniqueIds = false
    }
    const sizes = answers.get('LIST')
    if (sizes?.kind === 'refused' && stated.messages > 0) throw notListed(sizes)
    return { entries: [...entries.values()].sort((a, b) => a.number - b.number), stated }
  })

const notListed = (status: Status): AppError =>
  refusalOf(
    status,
    new AppError('mailbox.unavailable', 'The server does not say what is in the mailbox.', {
      hint: 'We try again by ourselves.',
    }),
  )

/** `+OK 2 320`. RFC 1939 5. */
const readStat = (status: Status | undefined): Maildrop['stated'] => {
  if (status?.kind === 'refused') throw notListed(status)
  const [, messages, sizeBytes] = /^(\d{1,10})[ \t]+(\d{1,15})/.exec(status?.text ?? '') ?? []
  if (messages === undefined || sizeBytes === undefined)
    throw new AppError('connect.protocol', 'The server does not say how many messages there are.')
  return { messages: Number(messages), sizeBytes: Number(sizeBytes) }
}

/** A row that makes no sense is no row. */
const onRow = (line: string, take: (number: number, value: string) => void): void => {
  const [, digits, value = ''] = /^\s*(\d{1,10})(?:[ \t]+(.*))?$/s.exec(line) ?? []
  const number = Number(digits)
  if (number >= 1 && number <= maxNumber) take(number, value.trimEnd())
}

const setUniqueId = (entry: MaildropEntry, value: string): void => {
  // The first word about a message counts.
  if (value !== '' && value.length <= maxUniqueIdLength && !/[\x00-\x1f\x7f]/.test(value)) entry.uniqueId ??= value
}

const setSize = (entry: MaildropEntry, value: string): void => {
  const digits = /^\d{1,15}(?=\s|$)/.exec(value)?.[0]
  if (digits !== undefined) entry.sizeBytes ??= Number(digits)
}
