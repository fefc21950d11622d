import { isDeepStrictEqual } from 'node:util'
import { type MaildropFacts, maxMessageBytes } from '@postern/shared/retrieval.ts'
import { listMaildrop, type Maildrop } from '#protocol/pop3/list-maildrop.ts'
import { retrieveMessages, retrieveTops } from '#protocol/pop3/retrieve-messages.ts'
import { commitBulk } from '#store/commit.ts'
import { isTakable } from '#store/count-parts.ts'
import { holdAccount } from '#store/maildrop-parts.ts'
import { addListed, type Ledger, markLedger, markMissing, readLedger, storeMaildropFacts } from '#store/pop-ledger.ts'
import { countSame } from '#store/switch-headers.ts'
import { compareHeaders } from './compare-headers.ts'
import { countMaildrop, type Listing } from './count-maildrop.ts'
import { fetchMails, type ToFetch } from './fetch-maildrop.ts'
import type { MaildropContext } from './maildrop-context.ts'
import { concludeMeeting, type Meeting, meetMails } from './meet-mails.ts'
import { isRestWanted, type LedgerRow, type ListedMail, type MaildropPlan, planMaildrop } from './plan-maildrop.ts'
import { readAnswer } from './read-answer.ts'
import { removeAndQuit } from './remove-from-maildrop.ts'

export type MaildropLook = {
  messages: number
  sizeBytes: number
  stored: number
  /** Were here by their header, and are whole now. */
  completed: number
  copies: number
  removed: number
  /** Are listed no more, though nobody here asked for that. What came again under another name is not among them. */
  goneElsewhere: number
  /** Of what is here since the account was IMAP not everything was met, and a look soon may find more of it. */
  isMeeting: boolean
  /** As the look leaves it. Stored already, unless nothing but `listedAt` is new. */
  facts: MaildropFacts
}

/**
 * One look at a maildrop, from its listing to QUIT: writes down what is new, fetches it newest first, removes what is to
 * go. Ends the session. Killed anywhere and run again it loses nothing and shows nothing twice (reliability is the plan's
 * and the ledger's; a test kills it at every step). One that finds nothing reads the ledger and writes nothing.
 * Throws connect.*, mailbox.*, storage.*, lease.lost.
 */
export const lookAtMaildrop = async (
  context: MaildropContext,
  onProgress: (done: number, total: number) => Promise<void> = async () => undefined,
): Promise<MaildropLook> => {
  const { store, accountId, session, retrieval, clock } = context
  const sessionStartedAt = clock.now()
  const [listing, ledger] = await Promise.all([
    listMaildrop(session).then((drop) => nameMails(context, drop)),
    readLedger(store, accountId),
  ])
  const { policy, isOnHold } = retrieval
  const plan = planMaildrop(listing.named, ledger.rows, { policy, isOnHold, sessionStartedAt, now: clock.now() })
  const found = factsOf(context, listing, ledger)
  const count = isNews(found, ledger.facts) ? (now: Ledger) => factsOf(context, listing, now) : null
  const { toFetch, meeting, facts } = await writeDown(context, plan, count)
  let done = 0
  const fetching = fetchMails(context, toFetch, {
    isNews: !context.isFirst || context.isMeeting,
    hasParts: ledger.rows.some(({ state, isWhole }) => state !== 'listed' && !isWhole),
    onStored: async (mails) => {
      done += mails
      await onProgress(done, toFetch.length)
    },
  })
  const { stored, completed, copies } = await fetching.catch(async (error: unknown) => {
    // What came before the end is here, and counts.
    await countAgain(context, listing).catch(() => undefined)
    throw error
  })
  const isMeeting = await concludeMeeting(context, meeting)
  const removed = await removeAndQuit(context, await planAgain(context, listing.named, plan.remove, sessionStartedAt))
  const isAsFound = toFetch.length + meeting.met + plan.remove.length === 0
  return {
    messages: found.messages,
    sizeBytes: found.bytes,
    stored,
    completed,
    copies,
    removed: removed.size,
    goneElsewhere: countGone(context, plan, copies),
    isMeeting,
    facts: isAsFound
      ? (facts ?? found)
      : await countAgain(context, { ...listing, named: listing.named.filter(({ number }) => !removed.has(number)) }),
  }
}

/**
 * What the listing means into the ledger, with the facts where there is something to `count`. Answers what is to be fetched, newest
 * first, what was met of that which is here since the account was IMAP, and the facts it wrote.
 */
const writeDown = async (
  context: MaildropContext,
  plan: MaildropPlan,
  count: ((ledger: Ledger) => MaildropFacts) | null,
): Promise<{ toFetch: ToFetch[]; meeting: Meeting; facts: MaildropFacts | null }> => {
  const { store, scope, accountId, isMeeting } = context
  // A server that once lists nothing, by a fault of its own, must not make anybody download everything again.
  const { same } = await compareHeaders(context, plan.returned)
  const others = plan.returned.filter((back) => !same.has(back.row.id))
  const meeting = await meetMails(context, [
    ...plan.fresh,
    ...others.map(({ row, number }) => ({ number, key: row.key, sizeBytes: row.sizeBytes })),
  ])
  const toWrite = meeting.fresh
  const isNothingNew = plan.gone.length + plan.missing.length + same.size + toWrite.length === 0
  const { ids: written, facts } =
    isNothingNew && count === null
      ? { ids: [], facts: null }
      : await commitBulk(
          store,
          scope,
          async (unit) => {
            const held = await holdAccount(unit, accountId)
            await markLedger(unit, accountId, idsOf(plan.gone), { from: ['dele_sent'], to: 'gone' })
            await markMissing(unit, accountId, idsOf(plan.missing), true)
            await markMissing(unit, accountId, [...same], false)
            if (isMeeting) await countSame(unit, accountId, [...same])
            const ids = await addListed(unit, accountId, toWrite)
            return { ids, facts: count && (await storeMaildropFacts(unit, { accountId, held }, count)) }
          },
          { isDurable: true },
        )
  const toFetch = [
    ...plan.fetch.map(({ row, number }) => ({
      ledgerId: row.id,
      number,
      sizeBytes: row.sizeBytes,
      isRest: isRestWanted(row),
      isTakable: isTakable(row),
    })),
    ...toWrite.map(({ number, sizeBytes }, n) => ({
      ledgerId: written[n] ?? 0n,
      number,
      sizeBytes,
      isRest: false,
      isTakable: isTakable({ sizeBytes, isTooLarge: false }),
    })),
  ]
  return {
    toFetch: toFetch.sort((a, b) => b.number - a.number),
    meeting: { ...meeting, met: meeting.met + same.size },
    facts,
  }
}

/** Not at a server that hides or removes by itself what is old, or was fetched (EXPIRE, RFC 2449 6.7; Gmail). */
const countGone = ({ session }: MaildropContext, { missing }: MaildropPlan, copies: number): number =>
  session.capabilities.expire?.afterDays == null ? Math.max(0, missing.length - copies) : 0

/** A look may take hours: who chose another policy meanwhile, or laid a hold, is heard before anything is removed. */
const planAgain = async (
  { store, accountId, clock }: MaildropContext,
  listing: ListedMail[],
  planned: MaildropPlan['remove'],
  sessionStartedAt: Date,
): Promise<MaildropPlan['remove']> => {
  if (planned.length === 0) return planned
  const { rows, wishes } = await readLedger(store, accountId)
  const { remove } = planMaildrop(listing, rows, { ...wishes, sessionStartedAt, now: clock.now() })
  const still = new Map(remove.map(({ row, number }) => [row.id, number]))
  return planned.filter(({ row, number }) => still.get(row.id) === number)
}

/** The facts after something was done, and told when they changed. */
const countAgain = async (context: MaildropContext, left: Listing): Promise<MaildropFacts> => {
  const { store, scope, accountId } = context
  const ledger = await readLedger(store, accountId)
  const count = (now: Ledger) => factsOf(context, left, now)
  const facts = count(ledger)
  if (!isNews(facts, ledger.facts)) return facts
  return commitBulk(store, scope, async (unit) =>
    storeMaildropFacts(unit, { accountId, held: await holdAccount(unit, accountId) }, count),
  )
}

const factsOf = (
  { session, retrieval: { policy, maxBytes }, clock }: MaildropContext,
  listing: Listing,
  { rows, facts: told }: { rows: LedgerRow[]; facts: MaildropFacts | null },
): MaildropFacts => {
  // A look that tried neither knows as much as the one before.
  const hasTop = session.capabilities.top ?? told?.hasTop ?? true
  return {
    ...countMaildrop(listing, rows, { policy, maxBytes, now: clock.now(), hasTop }),
    came: told?.came ?? { mails: 0, bytes: 0 },
    listedAt: clock.now().toISOString(),
    hasUniqueIds: session.capabilities.uniqueIds ?? told?.hasUniqueIds ?? true,
    hasTop,
    loginDelaySeconds: session.capabilities.loginDelay?.seconds ?? null,
  }
}

const isNews = (facts: MaildropFacts, told: MaildropFacts | null): boolean =>
  told === null || !isDeepStrictEqual({ ...facts, listedAt: '' }, { ...told, listedAt: '' })

const idsOf = (rows: { id: bigint }[]): bigint[] => rows.map(({ id }) => id)

/**
 * A lasting name for each listed mail: its unique-id. Where the server has none, a hash of its header, or of the whole
 * mail where it has no TOP either: such a maildrop is read through at every look, which the person is told.
 */
const nameMails = async ({ session, signal }: MaildropContext, { entries }: Maildrop): Promise<Listing> => {
  const named = entries.filter(({ uniqueId }) => uniqueId !== null)
  const nameless = entries.filter(({ uniqueId }) => uniqueId === null).map(({ number }) => number)
  const names = new Map(named.map(({ number, uniqueId }) => [number, uniqueId ?? '']))
  const nameBy = async (kind: 'top' | 'octets', numbers: number[]): Promise<void> => {
    const answers = kind === 'top' ? retrieveTops(session, numbers, { lines: 0 }) : retrieveMessages(session, numbers)
    for await (const answer of answers) {
      signal.throwIfAborted()
      if (answer.kind === 'refused') continue
      names.set(answer.number, `${kind}:${(await readAnswer(answer.content)).hash.toString('hex')}`)
    }
  }
  if (nameless.length > 0 && session.capabilities.top !== false) await nameBy('top', nameless)
  const sizes = new Map(entries.map(({ number, sizeBytes }) => [number, sizeBytes ?? 0]))
  const left = nameless.filter((number) => !names.has(number) && (sizes.get(number) ?? 0) <= maxMessageBytes)
  if (left.length > 0 && session.capabilities.top === false) await nameBy('octets', left)
  // What could not be named is left for the next look.
  const unnamed = entries.filter(({ number }) => !names.has(number)).map(({ sizeBytes }) => sizeBytes ?? 0)
  return {
    named: entries.flatMap(({ number, sizeBytes }) => {
      const key = names.get(number)
      return key === undefined ? [] : [{ number, key, sizeBytes: sizeBytes ?? 0 }]
    }),
    unnamed,
  }
}
