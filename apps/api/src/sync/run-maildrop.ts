import { headerOf } from '#mail/read-envelope.ts'
import { newSha256 } from '#platform/sha256.ts'
import { listMaildrop, type Maildrop } from '#protocol/pop3/list-maildrop.ts'
import { quitSession } from '#protocol/pop3/quit-session.ts'
import { retrieveMessages, retrieveTops } from '#protocol/pop3/retrieve-messages.ts'
import { commitBulk } from '#store/commit.ts'
import {
  addListed,
  markLedger,
  markMissing,
  readLedger,
  readStoredHeader,
  storeMaildropFacts,
} from '#store/pop-ledger.ts'
import { fetchMails, type ToFetch } from './fetch-maildrop.ts'
import type { MaildropContext } from './maildrop-context.ts'
import { type ListedMail, type MaildropPlan, planMaildrop } from './plan-maildrop.ts'
import { removeAndQuit } from './remove-from-maildrop.ts'

export type MaildropLook = {
  messages: number
  sizeBytes: number
  stored: number
  copies: number
  removed: number
}

/**
 * One look at a maildrop, from its listing to QUIT: writes down what is new, fetches it newest first, removes what is to
 * go. Ends the session. Killed anywhere and run again it loses nothing and shows nothing twice (reliability is the plan's
 * and the ledger's; a test kills it at every step). Throws connect.*, mailbox.*, storage.*, lease.lost.
 */
export const lookAtMaildrop = async (
  context: MaildropContext,
  onProgress: (done: number, total: number) => Promise<void> = async () => undefined,
): Promise<MaildropLook> => {
  const { store, scope, accountId, session, retrieval, clock } = context
  const sessionStartedAt = clock.now()
  const drop = await listMaildrop(session)
  const listing = await nameMails(context, drop)
  const rows = await store.readSystem((tx) => readLedger(tx, accountId))
  const { policy, isOnHold } = retrieval
  const plan = planMaildrop(listing, rows, { policy, isOnHold, sessionStartedAt, now: clock.now() })
  const same = await findUnchanged(context, plan.returned)
  const others = plan.returned.filter((back) => !same.has(back.row.id))
  const sizeBytes = listing.reduce((sum, mail) => sum + mail.sizeBytes, 0)
  const toWrite: ListedMail[] = [
    ...plan.fresh,
    ...others.map(({ row, number }) => ({ number, key: row.key, sizeBytes: row.sizeBytes })),
  ]
  const written = await commitBulk(
    store,
    scope,
    async (unit) => {
      await markLedger(unit, accountId, idsOf(plan.gone), { from: ['dele_sent'], to: 'gone' })
      await markMissing(unit, accountId, idsOf(plan.missing), true)
      await markMissing(unit, accountId, [...same], false)
      await storeMaildropFacts(unit, accountId, { messages: listing.length, bytes: sizeBytes })
      return addListed(unit, accountId, toWrite)
    },
    { isDurable: true },
  )
  const toFetch: ToFetch[] = [
    ...plan.fetch.map(({ row, number }) => ({ ledgerId: row.id, number, sizeBytes: row.sizeBytes })),
    ...toWrite.map(({ number, sizeBytes: size }, n) => ({ ledgerId: written[n] ?? 0n, number, sizeBytes: size })),
  ].sort((a, b) => b.number - a.number)
  let done = 0
  const { stored, copies } = await fetchMails(context, toFetch, {
    isNews: rows.length > 0,
    onStored: async (mails) => {
      done += mails
      await onProgress(done, toFetch.length)
    },
  })
  const removed = plan.remove.length > 0 ? await removeAndQuit(context, plan.remove) : await quit(context)
  return { messages: listing.length, sizeBytes, stored, copies, removed }
}

const idsOf = (rows: { id: bigint }[]): bigint[] => rows.map(({ id }) => id)

const quit = async ({ session }: MaildropContext): Promise<0> => {
  await quitSession(session)
  return 0
}

/**
 * A lasting name for each listed mail: its unique-id. Where the server has none, a hash of its header, or of the whole
 * mail where it has no TOP either: such a maildrop is read through at every look, which the person is told.
 */
const nameMails = async ({ session, signal }: MaildropContext, { entries }: Maildrop): Promise<ListedMail[]> => {
  const named = entries.filter(({ uniqueId }) => uniqueId !== null)
  const nameless = entries.filter(({ uniqueId }) => uniqueId === null).map(({ number }) => number)
  const names = new Map(named.map(({ number, uniqueId }) => [number, uniqueId ?? '']))
  const nameBy = async (kind: 'top' | 'octets', numbers: number[]): Promise<void> => {
    const answers = kind === 'top' ? retrieveTops(session, numbers, { lines: 0 }) : retrieveMessages(session, numbers)
    for await (const answer of answers) {
      signal.throwIfAborted()
      if (answer.kind === 'refused') continue
      names.set(answer.number, `${kind}:${await hashOf(answer.content)}`)
    }
  }
  if (nameless.length > 0 && session.capabilities.top !== false) await nameBy('top', nameless)
  const left = nameless.filter((number) => !names.has(number))
  if (left.length > 0 && session.capabilities.top === false) await nameBy('octets', left)
  return entries.flatMap(({ number, sizeBytes }) => {
    const key = names.get(number)
    // What could not be named is left for the next look.
    return key === undefined ? [] : [{ number, key, sizeBytes: sizeBytes ?? 0 }]
  })
}

const hashOf = async (content: AsyncIterable<Buffer>): Promise<string> => {
  const hash = newSha256()
  for await (const piece of content) hash.update(piece)
  return hash.digest('hex')
}

/**
 * Of mails that were away and are listed again, those that still have the header we stored. A server that once lists
 * nothing, by a fault of its own, must not make anybody download everything again.
 */
const findUnchanged = async (
  { store, accountId, session, signal }: MaildropContext,
  returned: MaildropPlan['returned'],
): Promise<Set<bigint>> => {
  const same = new Set<bigint>()
  if (returned.length === 0 || session.capabilities.top === false) return same
  const rowOf = new Map(returned.map(({ number, row }) => [number, row]))
  for await (const answer of retrieveTops(session, rowOf.keys(), { lines: 0 })) {
    signal.throwIfAborted()
    const row = rowOf.get(answer.number)
    if (answer.kind === 'refused' || !row) continue
    const pieces: Buffer[] = []
    for await (const piece of answer.content) pieces.push(Buffer.from(piece))
    const stored = await store.readSystem((tx) => readStoredHeader(tx, accountId, row.id))
    if (stored !== null && headerOf(Buffer.concat(pieces)).equals(headerOf(Buffer.from(stored)))) same.add(row.id)
  }
  return same
}
