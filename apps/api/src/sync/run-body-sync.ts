import { formatUidSet } from '#mail/uid-set.ts'
import { isAppError } from '#platform/errors.ts'
import { fetchParts, fetchSource } from '#protocol/imap/fetch-content.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { type BodyRow, type BodyToFetch, nextBodies, storeBodies } from '#store/sync-bodies.ts'
import {
  type BodyPlan,
  isSuspiciouslyEmpty,
  maxTextPartBytes,
  planBody,
  readBody,
  salvageBody,
  unparsableBody,
} from './read-body.ts'
import { type SyncContext, writeBulk } from './sync-context.ts'

/** Rows read at a time; they are fetched and stored in smaller batches, bounded in number and in bytes. */
const rowsAtOnce = 4000
const batchSize = 500
const batchBytes = 16 * 1024 * 1024
/** A larger mail is not fetched whole only because its structure says nothing. */
const maxSalvageBytes = 4 * 1024 * 1024

/** So many batches are written beside each other, while the next one is being fetched. */
const storesAtOnce = 2

/** Told after each stored batch: how many messages, and the bytes fetched today. False ends the run. */
export type OnBodies = (messages: number, bytesToday: bigint) => Promise<boolean>

type Store = { ids: bigint[]; stored: Promise<boolean> }

/**
 * Fetches the text of every message without one, newest first, mailbox by mailbox; batches are stored while the next one
 * is being fetched. Ends when nothing is left, when `onBodies` says so, or at a mailbox that begins a new life: its next
 * sync comes first.
 */
export const syncBodies = async (context: SyncContext, onBodies: OnBodies): Promise<void> => {
  const underWay: Store[] = []
  const oldestDone = async (): Promise<boolean> => (await underWay.shift()?.stored) ?? true
  const run = async (): Promise<void> => {
    for (;;) {
      const wanted = await context.store.readSystem((tx) =>
        nextBodies(
          tx,
          context.accountId,
          rowsAtOnce,
          underWay.flatMap(({ ids }) => ids),
        ),
      )
      if (!(await openMailboxOf(context, wanted))) break
      for (const batch of inBatches(wanted)) {
        context.signal.throwIfAborted()
        const fetched = await fetchBodies(context, batch)
        if (underWay.length === storesAtOnce && !(await oldestDone())) return
        const stored = storeSafely(context, batch, fetched).then((bytesToday) => onBodies(batch.length, bytesToday))
        // It is awaited some batches later; a failure must not count as unhandled until then.
        stored.catch(() => undefined)
        underWay.push({ ids: batch.map(({ messageId }) => messageId), stored })
      }
    }
    while (underWay.length > 0) await oldestDone()
  }
  try {
    await run()
  } finally {
    // The session and the store may be closed after this.
    await Promise.allSettled(underWay.map(({ stored }) => stored))
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

/** One body in the selected mailbox. */
export const syncOneBody = async (context: SyncContext, wanted: BodyToFetch): Promise<void> => {
  await storeSafely(context, [wanted], await fetchBodies(context, [wanted]))
}

const plannedBytes = ({ structure }: BodyToFetch): number => {
  try {
    return planBody(structure).textParts.reduce((sum, { size }) => sum + Math.min(size, maxTextPartBytes), 0)
  } catch {
    return 0
  }
}

function* inBatches(wanted: BodyToFetch[]): Generator<BodyToFetch[]> {
  let batch: BodyToFetch[] = []
  let bytes = 0
  for (const body of wanted) {
    const size = plannedBytes(body)
    if (batch.length > 0 && (batch.length === batchSize || bytes + size > batchBytes)) {
      yield batch
      batch = []
      bytes = 0
    }
    batch.push(body)
    bytes += size
  }
  if (batch.length > 0) yield batch
}

type Fetched = { rows: BodyRow[]; bytes: number }

/** Stores a batch; should the database refuse its content, each by itself, so that one mail never holds up the others. */
const storeSafely = async (context: SyncContext, wanted: BodyToFetch[], { rows, bytes }: Fetched): Promise<bigint> => {
  const { accountId } = context
  try {
    return await writeBulk(context, (unit) => storeBodies(unit, accountId, rows, bytes))
  } catch (error) {
    // What the store knows by code concerns every row alike; anything else is about the content of one.
    if (isAppError(error)) throw error
    context.logger.warn({ err: error }, 'a batch of bodies was refused; each is stored by itself')
  }
  let spent = 0n
  for (const body of wanted) {
    const row = rows.find(({ messageId }) => messageId === body.messageId) ?? unparsableBody(body)
    spent = await writeBulk(context, (unit) => storeBodies(unit, accountId, [row], 0)).catch(() =>
      writeBulk(context, (unit) => storeBodies(unit, accountId, [unparsableBody(body)], 0)),
    )
  }
  return spent
}

type Group = { paths: string[]; members: { wanted: BodyToFetch; plan: BodyPlan }[] }

/** Messages that share part paths are fetched by one command. */
const fetchBodies = async (context: SyncContext, wanted: BodyToFetch[]): Promise<Fetched> => {
  const groups = new Map<string, Group>()
  const rows: BodyRow[] = []
  const unreadable: BodyToFetch[] = []
  let bytes = 0
  for (const body of wanted) {
    try {
      const plan = planBody(body.structure)
      const paths = plan.textParts.map(({ path }) => path)
      const group = groups.get(paths.join(' ')) ?? { paths, members: [] }
      group.members.push({ wanted: body, plan })
      groups.set(paths.join(' '), group)
    } catch {
      unreadable.push(body)
    }
  }
  for (const { paths, members } of groups.values()) {
    const uidSet = formatUidSet(members.map(({ wanted }) => Number(wanted.uid)))
    const fetched = paths.length === 0 ? [] : await fetchParts(context.session, uidSet, paths, maxTextPartBytes)
    const byUid = new Map(fetched.map(({ uid, parts }) => [uid, parts]))
    for (const { wanted, plan } of members) {
      const parts = byUid.get(Number(wanted.uid)) ?? new Map<string, Buffer>()
      for (const part of parts.values()) bytes += part.length
      const row = readSafely(wanted, plan, parts)
      if (row === null || isSuspiciouslyEmpty(row, wanted)) unreadable.push(wanted)
      else rows.push(row)
    }
  }
  for (const body of unreadable) {
    const source = body.sizeBytes > maxSalvageBytes ? null : await fetchSource(context.session, Number(body.uid))
    bytes += source?.length ?? 0
    rows.push(source === null ? unparsableBody(body) : await salvageBody(body, source))
  }
  return { rows, bytes }
}

/** Null for poison: one mail must not stop the rest. */
const readSafely = (wanted: BodyToFetch, plan: BodyPlan, parts: Map<string, Buffer>): BodyRow | null => {
  try {
    return readBody(wanted, plan, parts)
  } catch {
    return null
  }
}
