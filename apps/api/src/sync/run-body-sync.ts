import { maxSourceText } from '#mail/parse-message.ts'
import { formatUidSet } from '#mail/uid-set.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import { fetchParts, fetchSource, hasMessage } from '#protocol/imap/fetch-content.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { type BodyColumns, toColumns } from '#store/body-columns.ts'
import { type BodyToFetch, nextBodies, storeBodies } from '#store/sync-bodies.ts'
import type { ReadParts } from './body-reader.ts'
import { type BodyPlan, maxTextPartBytes, type PartsToRead, planBody, sectionsOf, unparsableBody } from './read-body.ts'
import { type SyncContext, writeBulk } from './sync-context.ts'

/** Rows read at a time; they are fetched and stored in smaller batches, bounded in number and in bytes. */
const rowsAtOnce = 4000
/** The next rows are looked up while the last ones of these are being fetched. */
const lookAheadRows = 1000
const batchSize = 500
const batchBytes = 16 * 1024 * 1024
/** A larger mail is not fetched whole only because its structure says nothing. */
export const maxSalvageBytes = 4 * 1024 * 1024

/** So many batches are here to be read while another is being fetched: the wire does not wait for one that takes longer. */
const readsAtOnce = 2
/** So many batches are written beside each other, while the next ones are being read and fetched. */
const storesAtOnce = 2

export type BodyWishes = {
  /** May be fetched; a single message may go beyond it. Null: any amount. */
  mostBytes: bigint | null
  /** Told after each stored batch: how many messages, and the bytes fetched today. False ends the run. */
  onBodies: (messages: number, bytesToday: bigint) => Promise<boolean>
}

type Store = { batch: BodyToFetch[]; stored: Promise<boolean> }

/**
 * Fetches the text of every message without one, newest first, mailbox by mailbox. Four things go on beside each other: the
 * next rows are looked up, a batch is fetched, earlier ones are read, and those before them are stored. Ends when nothing
 * is left, when `onBodies` says so, when `mostBytes` are used up, or at a mailbox that begins a new life: its next sync
 * comes first. So it does for a mail that is not there any more: it may only have been moved, and its text is then where
 * it is.
 */
export const syncBodies = async (context: SyncContext, { mostBytes, onBodies }: BodyWishes): Promise<void> => {
  const reading: Reading[] = []
  const storing: Store[] = []
  const gone: bigint[] = []
  let ahead: Promise<BodyToFetch[]> | undefined
  let bytesLeft = mostBytes === null ? Number.POSITIVE_INFINITY : Number(mostBytes)
  /** Without those that are on their way already, or were not found where they should be. */
  const lookUp = (fetching: BodyToFetch[]): Promise<BodyToFetch[]> => {
    const underWay = [fetching, ...reading.map(({ batch }) => batch), ...storing.map(({ batch }) => batch)].flat()
    const ids = [...new Set(underWay.map(({ messageId }) => messageId).concat(gone))]
    return context.store.readSystem((tx) => nextBodies(tx, context.accountId, rowsAtOnce, ids))
  }
  const oldestStored = async (): Promise<boolean> => (await storing.shift()?.stored) ?? true
  /** Hands batches that were read on to the store until `most` are left. False ends the run. */
  const handOn = async (most: number): Promise<boolean> => {
    for (let oldest = reading[0]; oldest && reading.length > most; oldest = reading[0]) {
      const read = await completeReading(context, oldest, bytesLeft)
      gone.push(...read.gone)
      bytesLeft -= read.bytes - oldest.bytes
      if (storing.length === storesAtOnce && !(await oldestStored())) return false
      const messages = read.columns.reduce((sum, { messageIds }) => sum + messageIds.length, 0)
      const stored = storeSafely(context, oldest, read).then((bytesToday) => onBodies(messages, bytesToday))
      // It is awaited some batches later; a failure must not count as unhandled until then.
      stored.catch(() => undefined)
      reading.shift()
      storing.push({ batch: oldest.batch, stored })
    }
    return true
  }
  /** False ends the run. */
  const fetchAll = async (wanted: BodyToFetch[]): Promise<boolean> => {
    let open = wanted.length
    for (const batch of inBatches(wanted, () => bytesLeft)) {
      context.signal.throwIfAborted()
      if (open <= lookAheadRows) {
        ahead ??= lookUp(wanted)
        ahead.catch(() => undefined)
      }
      open -= batch.length
      const next = await beginReading(context, batch)
      bytesLeft -= next.bytes
      reading.push(next)
      if (!(await handOn(readsAtOnce))) return false
    }
    return true
  }
  const run = async (): Promise<void> => {
    let mailboxId: bigint | undefined
    while (bytesLeft > 0) {
      let wanted = await (ahead ?? lookUp([]))
      // Before another mailbox is selected: a mail of this one may be wanted whole.
      if (wanted[0]?.mailboxId !== mailboxId && !(await handOn(0))) return
      // What was looked up ahead knows nothing of what was left out since.
      if (ahead && wanted.length === 0) wanted = await lookUp([])
      ahead = undefined
      if (!(await openMailboxOf(context, wanted))) {
        // Uids of what is being read may mean other mails by now; they are fetched again.
        reading.length = 0
        break
      }
      mailboxId = wanted[0]?.mailboxId
      if (!(await fetchAll(wanted))) return
    }
    if (!(await handOn(0))) return
    while (storing.length > 0) await oldestStored()
  }
  try {
    await run()
  } finally {
    // The session and the store may be closed after this.
    await Promise.allSettled([ahead, ...storing.map(({ stored }) => stored)])
  }
}

/** False when there is nothing to fetch, or the uids of its mailbox mean nothing any more. */
const openMailboxOf = async (context: SyncContext, wanted: BodyToFetch[]): Promise<boolean> => {
  const first = wanted[0]
  if (!first) return false
  const mailbox = await context.store.readSystem((tx) => tx.mailbox.findUnique({ where: { id: first.mailboxId } }))
  if (!mailbox) return false
  return (await selectMailbox(context.session, mailbox.path)).uidValidity === mailbox.uidValidity
}

/** One body in the selected mailbox. Throws message.gone. */
export const syncOneBody = async (context: SyncContext, wanted: BodyToFetch): Promise<void> => {
  const reading = await beginReading(context, [wanted])
  const read = await completeReading(context, reading, Number.POSITIVE_INFINITY)
  if (read.gone.length > 0) throw new AppError('message.gone', 'This message is no longer on the server.')
  await storeSafely(context, reading, read)
}

const plannedBytes = ({ structure }: BodyToFetch): number => {
  try {
    return planBody(structure).textParts.reduce((sum, { size }) => sum + Math.min(size, maxTextPartBytes), 0)
  } catch {
    return 0
  }
}

/** Never more than what may still be fetched, but for a single message that is more by itself. */
function* inBatches(wanted: BodyToFetch[], bytesLeft: () => number): Generator<BodyToFetch[]> {
  let batch: BodyToFetch[] = []
  let bytes = 0
  for (const body of wanted) {
    const size = plannedBytes(body)
    if (batch.length > 0 && (batch.length === batchSize || bytes + size > Math.min(batchBytes, bytesLeft()))) {
      yield batch
      if (bytesLeft() <= 0) return
      batch = []
      bytes = 0
    }
    batch.push(body)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

/** A batch of which the parts are here and are being read. */
type Reading = {
  batch: BodyToFetch[]
  mails: PartsToRead[]
  /** Their stored structure is nothing to plan by, or the server gave none of their parts. */
  unplanned: BodyToFetch[]
  bytes: number
  read: Promise<ReadParts>
}
type Read = {
  columns: BodyColumns[]
  bytes: number
  /** No longer in this mailbox. */
  gone: bigint[]
}
type Group = { paths: string[]; members: { wanted: BodyToFetch; plan: BodyPlan }[] }

/** Messages that share part paths are fetched by one command. */
const beginReading = async (context: SyncContext, batch: BodyToFetch[]): Promise<Reading> => {
  const groups = new Map<string, Group>()
  const mails: PartsToRead[] = []
  const unplanned: BodyToFetch[] = []
  let bytes = 0
  for (const wanted of batch) {
    try {
      const plan = planBody(wanted.structure)
      const paths = sectionsOf(plan)
      const group = groups.get(paths.join(' ')) ?? { paths, members: [] }
      group.members.push({ wanted, plan })
      groups.set(paths.join(' '), group)
    } catch {
      unplanned.push(wanted)
    }
  }
  for (const { paths, members } of groups.values()) {
    const uidSet = formatUidSet(members.map(({ wanted }) => Number(wanted.uid)))
    const fetched = paths.length === 0 ? [] : await fetchParts(context.session, uidSet, paths, maxTextPartBytes)
    const byUid = new Map(fetched.map(({ uid, parts }) => [uid, parts]))
    for (const { wanted, plan } of members) {
      const parts = byUid.get(Number(wanted.uid))
      if (paths.length > 0 && !parts) {
        unplanned.push(wanted)
        continue
      }
      for (const part of parts?.values() ?? []) bytes += part.length
      mails.push({ facts: factsOf(wanted), plan, parts: parts ?? new Map() })
    }
  }
  const read = context.reader.readParts(mails)
  // It is awaited after the next batch was fetched.
  read.catch(() => undefined)
  return { batch, mails, unplanned, bytes, read }
}

const factsOf = ({ messageId, receivedAt, subject, people, sizeBytes }: BodyToFetch) => ({
  messageId,
  receivedAt,
  subject,
  people,
  sizeBytes,
})

/** What the parts did not give comes from the source. What would cost more than `bytesLeft` waits, but for one of them. */
const completeReading = async (context: SyncContext, reading: Reading, bytesLeft: number): Promise<Read> => {
  const { columns: readable, unread, overran } = await reading.read
  const idsOf = (mails: PartsToRead[]) => new Set(mails.map(({ facts }) => facts.messageId))
  const [unreadIds, overranIds] = [idsOf(unread), idsOf(overran)]
  const columns = [readable]
  const gone: bigint[] = []
  let bytes = 0
  for (const body of reading.batch) {
    const isTooMuch = overranIds.has(body.messageId) || body.sizeBytes > maxSalvageBytes
    if (!overranIds.has(body.messageId) && !unreadIds.has(body.messageId) && !reading.unplanned.includes(body)) continue
    const mostBytes = isTooMuch ? maxSourceText : maxSalvageBytes
    if (columns.length > 1 && bytes + Math.min(Number(body.sizeBytes), mostBytes) > bytesLeft) continue
    const source = await fetchSource(context.session, Number(body.uid), mostBytes)
    bytes += source?.length ?? 0
    if (source === null && !(await hasMessage(context.session, Number(body.uid)))) {
      gone.push(body.messageId)
      continue
    }
    columns.push(
      source === null
        ? toColumns([unparsableBody(body)])
        : await context.reader.readSource(factsOf(body), source, !isTooMuch),
    )
  }
  return { columns, bytes: reading.bytes + bytes, gone }
}

/** Stores a batch; should the database refuse its content, each by itself, so that one mail never holds up the others. */
const storeSafely = async (
  context: SyncContext,
  { batch, mails }: Reading,
  { columns, bytes, gone }: Read,
): Promise<bigint> => {
  const { accountId } = context
  try {
    return await writeBulk(context, (unit) => storeBodies(unit, accountId, columns, bytes))
  } catch (error) {
    // What the store knows by code concerns every row alike; anything else is about the content of one.
    if (isAppError(error)) throw error
    context.logger.warn({ err: error }, 'a batch of bodies was refused; each is stored by itself')
  }
  for (const body of batch) {
    if (gone.includes(body.messageId)) continue
    const mail = mails.find(({ facts }) => facts.messageId === body.messageId)
    const alone = columns.slice(1).find(({ messageIds }) => messageIds[0] === body.messageId.toString())
    const own = alone ?? (mail && (await context.reader.readParts([mail])).columns)
    const put = (of: BodyColumns) => writeBulk(context, (unit) => storeBodies(unit, accountId, [of], 0))
    const placeholder = toColumns([unparsableBody(body)])
    await put(own && own.messageIds.length > 0 ? own : placeholder).catch(() => put(placeholder))
  }
  return writeBulk(context, (unit) => storeBodies(unit, accountId, [], bytes))
}
