import { formatUidSet } from '#mail/uid-set.ts'
import { fetchParts } from '#protocol/imap/fetch-content.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { type BodyRow, type BodyToFetch, nextBodies, storeBodies } from '#store/sync-bodies.ts'
import { type BodyPlan, maxTextPartBytes, planBody, readBody, unparsableBody } from './read-body.ts'
import { type SyncContext, write } from './sync-context.ts'

const batchSize = 250

/**
 * Fetches the text of the newest messages without one: one mailbox at a time, messages that share part paths in one FETCH.
 * Answers how many it dealt with and how many bytes came; zero means nothing is left.
 */
export const syncNextBodies = async (context: SyncContext): Promise<{ messages: number; bytes: number }> => {
  const wanted = await context.store.readSystem((tx) => nextBodies(tx, context.accountId, batchSize))
  const first = wanted[0]
  if (!first) return { messages: 0, bytes: 0 }
  const mailbox = await context.store.readSystem((tx) => tx.mailbox.findUnique({ where: { id: first.mailboxId } }))
  if (!mailbox) return { messages: 0, bytes: 0 }
  const selected = await selectMailbox(context.session, mailbox.path)
  // The mailbox has begun a new life since its rows were read: the next sync of it comes first.
  if (selected.uidValidity !== mailbox.uidValidity) return { messages: 0, bytes: 0 }
  const { rows, bytes } = await fetchBodies(context, wanted)
  await write(context, (unit) => storeBodies(unit, context.accountId, rows))
  return { messages: rows.length, bytes }
}

/** One body in the selected mailbox. */
export const syncOneBody = async (context: SyncContext, wanted: BodyToFetch): Promise<void> => {
  const { rows } = await fetchBodies(context, [wanted])
  await write(context, (unit) => storeBodies(unit, context.accountId, rows))
}

type Group = { paths: string[]; members: { wanted: BodyToFetch; plan: BodyPlan }[] }

const fetchBodies = async (
  context: SyncContext,
  wanted: BodyToFetch[],
): Promise<{ rows: BodyRow[]; bytes: number }> => {
  const groups = new Map<string, Group>()
  const rows: BodyRow[] = []
  let bytes = 0
  for (const body of wanted) {
    try {
      const plan = planBody(body.structure)
      const paths = plan.textParts.map(({ path }) => path)
      const group = groups.get(paths.join(' ')) ?? { paths, members: [] }
      group.members.push({ wanted: body, plan })
      groups.set(paths.join(' '), group)
    } catch {
      // A structure we cannot read; the source still can be shown.
      rows.push(unparsableBody(body))
    }
  }
  for (const { paths, members } of groups.values()) {
    const uidSet = formatUidSet(members.map(({ wanted }) => Number(wanted.uid)))
    const fetched = paths.length === 0 ? [] : await fetchParts(context.session, uidSet, paths, maxTextPartBytes)
    const byUid = new Map(fetched.map(({ uid, parts }) => [uid, parts]))
    for (const { wanted, plan } of members) {
      const parts = byUid.get(Number(wanted.uid)) ?? new Map<string, Buffer>()
      for (const part of parts.values()) bytes += part.length
      rows.push(readSafely(wanted, plan, parts))
    }
  }
  return { rows, bytes }
}

const readSafely = (wanted: BodyToFetch, plan: BodyPlan, parts: Map<string, Buffer>): BodyRow => {
  try {
    return readBody(wanted, plan, parts)
  } catch {
    // One poison mail must not stop the rest.
    return unparsableBody(wanted)
  }
}
