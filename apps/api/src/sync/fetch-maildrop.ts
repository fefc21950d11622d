import { maxMessageBytes } from '@postern/shared/retrieval.ts'
import { toArrivalEnvelope } from '#mail/arrival-envelope.ts'
import { headerOf } from '#mail/read-envelope.ts'
import { isAppError } from '#platform/errors.ts'
import { forgetPassing } from '#platform/release-memory.ts'
import { ReusedMemory } from '#platform/reused-memory.ts'
import { newSha256 } from '#platform/sha256.ts'
import { type Retrieved, retrieveMessages, retrieveTops } from '#protocol/pop3/retrieve-messages.ts'
import { smallBytes, stageContent, verifyBlob } from '#store/blobs.ts'
import { commitBulk } from '#store/commit.ts'
import { recountParts, tellOfParts } from '#store/maildrop-parts.ts'
import { markTooLarge } from '#store/pop-ledger.ts'
import { type Arrival, storeArrivals } from '#store/store-arrivals.ts'
import { dropStaged, stageSources } from '#store/store-sources.ts'
import { announceUids } from './announce-arrivals.ts'
import type { MaildropContext } from './maildrop-context.ts'

/** A batch becomes visible as soon as one of these is reached. */
const batchMails = 500
const batchBytes = 8 * 1024 * 1024
const batchMs = 1000

export type ToFetch = {
  ledgerId: bigint
  number: number
  sizeBytes: number
  /** Its header is here and the person asked for the rest: it is fetched whole, whatever the limit is. */
  isRest: boolean
  /** Not so for what is larger than is kept: of that only the header comes. */
  isTakable: boolean
}
export type Fetched = { stored: number; completed: number; copies: number }
export type FetchWishes = {
  /** Told after each batch that became visible. */
  onStored: (mails: number) => Promise<void>
  /** What comes is news: a notice is due. Not so for what a new account holds. */
  isNews: boolean
  /** Mails are here by their header alone: what comes whole under another key may be one of them. */
  hasParts: boolean
}

/**
 * Fetches mails in the order given, each to its place in the ledger, and makes them visible batch by batch, while the next
 * ones come. Killed anywhere, what was visible stays and everything else is fetched again: pieces without a row are swept.
 * Answers how many came, of how many the rest came, and how many turned out to be here already.
 */
export const fetchMails = async (context: MaildropContext, mails: ToFetch[], wishes: FetchWishes): Promise<Fetched> => {
  const { session, retrieval } = context
  const { maxBytes } = retrieval
  const isWholeWanted = ({ sizeBytes, isRest }: ToFetch) => isRest || maxBytes === null || sizeBytes <= maxBytes
  const whole = mails.filter((mail) => mail.isTakable && isWholeWanted(mail))
  const wholeOnes = new Set(whole)
  const headersOnly = mails.filter((mail) => !wholeOnes.has(mail) && !mail.isRest)
  const batches = new Batches(context, wishes)
  const byNumber = new Map(mails.map((mail) => [mail.number, mail]))
  const readOrMark = (content: AsyncIterable<Buffer>, mail: ToFetch, isWhole: boolean) =>
    readMail(context, mail, { content, isWhole, hasParts: wishes.hasParts, memory: batches.takeMemory() }).catch(
      async (error: unknown) => {
        const { store, scope, accountId } = context
        // A server that lists too small a size, or none, ends one look, not each later one too.
        if (isWhole && isAppError(error) && error.code === 'message.too_large')
          await commitBulk(store, scope, async (unit) =>
            tellOfParts(unit, accountId, await markTooLarge(unit, accountId, mail.ledgerId)),
          )
        throw error
      },
    )
  const take = async (answers: AsyncGenerator<Retrieved, void, void>, isWhole: boolean): Promise<void> => {
    for await (const answer of answers) {
      context.signal.throwIfAborted()
      const mail = byNumber.get(answer.number)
      // A single refusal waits for the next look; one that concerns all of them ends this one.
      if (answer.kind === 'refused') {
        if (isAppError(answer.error) && !answer.error.code.startsWith('message.')) throw answer.error
        context.logger.info({ accountId: `${context.accountId}`, code: answer.error.code }, 'a mail was not given')
      } else if (mail) await batches.add(await readOrMark(answer.content, mail, isWhole))
    }
  }
  const numbers = (list: ToFetch[]) => list.map(({ number }) => number)
  const limits = { ...(batches.isCautious ? { ahead: 1 } : {}), maxBytes: context.maxAnswerBytes ?? maxMessageBytes }
  const takeAll = async (): Promise<void> => {
    if (whole.length > 0) await take(retrieveMessages(session, numbers(whole), limits), true)
    const [first, ...others] = numbers(headersOnly)
    if (first === undefined) return
    await take(retrieveTops(session, [first], { lines: 0 }), false)
    // A server that cannot give a header alone gives all or nothing.
    if (session.capabilities.top === false)
      await take(retrieveMessages(session, numbers(headersOnly.filter((mail) => mail.isTakable)), limits), true)
    else if (others.length > 0) await take(retrieveTops(session, others, { lines: 0, ...limits }), false)
  }
  try {
    await takeAll()
    return await batches.finish()
  } catch (error) {
    // What came whole stays, however often the connection ends.
    await batches.finish().catch(() => undefined)
    throw error
  } finally {
    // Whoever looks next must find in the ledger what is still on its way.
    await batches.settled()
  }
}

type Reading = {
  content: AsyncIterable<Buffer>
  isWhole: boolean
  /** Mails are here by their header alone: what comes whole may be one of them. */
  hasParts: boolean
  memory: ReusedMemory
}

/** Reads one answer to its end: small mails into memory, large ones into pieces that are read back once. */
const readMail = async (
  { store, scope, clock }: MaildropContext,
  { ledgerId, sizeBytes, isRest }: ToFetch,
  { content, isWhole, hasParts, memory }: Reading,
): Promise<Arrival> => {
  const staged = await stageContent(store, scope, content, memory)
  const { sha256: rawHash, head, blobId } = staged
  if (blobId !== null) await verifyBlob(store, scope, { ...staged, blobId })
  const facts = { rawHash, sizeBytes: isWhole ? staged.sizeBytes : sizeBytes, now: clock.now() }
  return {
    ledgerId,
    envelope: await toArrivalEnvelope(head, facts),
    rawHash,
    isWhole,
    isRest,
    ...(isWhole && hasParts ? { topHashes: topHashesOf(head) } : {}),
    source: blobId === null ? { kind: 'bytes', bytes: head } : { kind: 'staged', blobId },
  }
}

/** Of its header as TOP gives it: with the empty line below, or without. */
const topHashesOf = (head: Buffer): Buffer[] => {
  const end = headerOf(head).length
  return [end + 4, end + 2].map((length) => Buffer.from(newSha256().update(head.subarray(0, length)).digest()))
}

/**
 * Collects arrivals and stores them while the next ones are being fetched: the octets of one batch are written beside the
 * rows of the one before it.
 */
class Batches {
  readonly #context: MaildropContext
  readonly #wishes: FetchWishes
  #open: Arrival[] = []
  #memory = newMemory()
  readonly #free: ReusedMemory[] = []
  readonly #forget = forgetPassing(passing)
  /** A mail is on its way into the memory of the open batch. */
  #isReading = false
  #bytes = 0
  #timer: NodeJS.Timeout | undefined
  #staging: Promise<unknown> = Promise.resolve()
  #storing: Promise<void> = Promise.resolve()
  #stored = 0
  #completed = 0
  #copies = 0

  constructor(context: MaildropContext, wishes: FetchWishes) {
    this.#context = context
    this.#wishes = wishes
  }

  /** The server may remove a mail once it was retrieved (EXPIRE 0): each is safe on disk before the next is asked for. */
  get isCautious(): boolean {
    return this.#context.session.capabilities.expire?.afterDays === 0
  }

  /** Where the next mail goes, until it is added. */
  takeMemory(): ReusedMemory {
    this.#isReading = true
    return this.#memory
  }

  async add(arrival: Arrival): Promise<void> {
    // By the clock, not by the next mail: that may take an hour to come. Who adds or finishes next hears of a failure.
    this.#timer ??= setTimeout(() => this.#begin().catch(() => undefined), batchMs)
    this.#open.push(arrival)
    this.#isReading = false
    if (arrival.source.kind === 'bytes') {
      this.#bytes += arrival.source.bytes.length
      this.#forget(arrival.source.bytes.length)
    }
    const isFull = this.#open.length >= batchMails || this.#bytes >= batchBytes
    if (!isFull && !this.isCautious) return
    await this.#begin()
    if (this.isCautious) await this.#storing
  }

  async finish(): Promise<Fetched> {
    await this.#begin()
    await this.#storing
    return { stored: this.#stored, completed: this.#completed, copies: this.#copies }
  }

  /** Never throws. */
  async settled(): Promise<void> {
    await Promise.allSettled([this.#storing])
  }

  /** Octets of one batch are on their way at a time, and rows of one. */
  async #begin(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    await this.#staging
    const batch = this.#open
    if (batch.length === 0) return
    // Begun by the clock while the next mail is coming: what that has so far lies behind the others, and stays there.
    const memory = this.#isReading ? null : this.#memory
    const earlier = this.#storing
    const staging = this.isCautious ? Promise.resolve(batch) : this.#stage(batch)
    this.#open = []
    this.#bytes = 0
    if (memory) this.#memory = this.#free.pop() ?? newMemory()
    // Both have ended when it has, even where one of them failed.
    this.#staging = Promise.allSettled([staging, earlier]).then(() => Promise.all([staging, earlier]))
    this.#storing = this.#staging.then(async () => {
      await this.#store(await staging)
      memory?.reuse()
      if (memory) this.#free.push(memory)
    })
    // Awaited before the next ones; until then a failure is not unhandled.
    this.#staging.catch(() => undefined)
    this.#storing.catch(() => undefined)
  }

  async #stage(batch: Arrival[]): Promise<Arrival[]> {
    const { store, scope, accountId } = this.#context
    const mails = batch.flatMap(({ isWhole, rawHash, source }) =>
      isWhole && source.kind === 'bytes' ? [{ rawHash, bytes: source.bytes }] : [],
    )
    if (mails.length < stagedFrom) return batch
    const blobIds = await commitBulk(store, scope, (unit) => stageSources(unit, accountId, mails))
    let at = 0
    return batch.map((arrival): Arrival => {
      const blobId = arrival.isWhole && arrival.source.kind === 'bytes' ? blobIds[at++] : undefined
      return blobId === undefined ? arrival : { ...arrival, source: { kind: 'staged', blobId } }
    })
  }

  async #store(batch: Arrival[]): Promise<void> {
    const { store, scope, accountId, inboxId } = this.#context
    const place = { accountId, mailboxId: inboxId }
    const { uids, copies, completed } = await commitBulk(
      store,
      scope,
      async (unit) => {
        // They come newest first; of mails of one second the one with the lower id is shown as the earlier.
        const stored = await storeArrivals(unit, place, batch.toReversed())
        const tied = new Set(stored.tied)
        const staged = batch.flatMap(({ source }) => (source.kind === 'staged' ? source.blobId : []))
        await dropStaged(
          unit,
          staged.filter((blobId) => !tied.has(blobId)),
        )
        if (stored.uids.length > bulkFrom) unit.touchThreadsInBulk(accountId, stored.threadIds)
        else unit.touchThreads(accountId, stored.threadIds)
        if (this.#wishes.isNews) await announceUids(unit, place, stored.uids, this.#context.newsSince)
        tellOfParts(unit, accountId, stored.completed)
        if (stored.completed.length > 0) await recountParts(unit, accountId, 'came')
        return stored
      },
      { isDurable: this.isCautious },
    )
    this.#stored += uids.length
    this.#completed += completed.length
    this.#copies += copies
    await this.#wishes.onStored(batch.length)
  }
}

const newMemory = () => new ReusedMemory(batchBytes + smallBytes)

/** What came from the network is copied at once, and none of it stays: collecting the young is enough, and seldom. */
const passing = { passedBytes: 16 * 1024 * 1024, stayedBytes: Number.POSITIVE_INFINITY }

/** Fewer are written with their rows: one round trip counts for more than what goes on beside it. */
const stagedFrom = 20

/** From so many on, lists are told that they grew, not of each. */
const bulkFrom = 50
