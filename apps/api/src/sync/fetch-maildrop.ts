import { isAppError } from '#platform/errors.ts'
import { forgetPassing } from '#platform/release-memory.ts'
import { newSha256 } from '#platform/sha256.ts'
import { type Retrieved, retrieveMessages, retrieveTops } from '#protocol/pop3/retrieve-messages.ts'
import { appendChunk, createBlob, verifyBlob } from '#store/blobs.ts'
import { commitBulk, type EngineScope } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import { type Arrival, storeArrivals } from '#store/store-arrivals.ts'
import { announceUids } from './announce-arrivals.ts'
import { toArrivalEnvelope } from './arrival-envelope.ts'
import type { MaildropContext } from './maildrop-context.ts'

/** Larger mails go into the database in pieces as they come. */
const smallMailBytes = 2 * 1024 * 1024
const pieceBytes = 256 * 1024
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
}
export type FetchWishes = {
  /** Told after each batch that became visible. */
  onStored: (mails: number) => Promise<void>
  /** What comes is news: a notice is due. Not so for what a new account holds. */
  isNews: boolean
}

/**
 * Fetches mails in the order given, each to its place in the ledger, and makes them visible batch by batch, while the next
 * ones come. Killed anywhere, what was visible stays and everything else is fetched again: pieces without a row are swept.
 * Answers how many were stored, and how many turned out to be here already.
 */
export const fetchMails = async (
  context: MaildropContext,
  mails: ToFetch[],
  wishes: FetchWishes,
): Promise<{ stored: number; copies: number }> => {
  const { maxBytes } = context.retrieval
  const whole = mails.filter(({ sizeBytes, isRest }) => isRest || maxBytes === null || sizeBytes <= maxBytes)
  const headersOnly = mails.filter((mail) => !whole.includes(mail))
  const batches = new Batches(context, wishes)
  const byNumber = new Map(mails.map((mail) => [mail.number, mail]))
  const take = async (answers: AsyncGenerator<Retrieved, void, void>, isWhole: boolean): Promise<void> => {
    for await (const answer of answers) {
      context.signal.throwIfAborted()
      const mail = byNumber.get(answer.number)
      // A single refusal waits for the next look; one that concerns all of them ends this one.
      if (answer.kind === 'refused') {
        if (isAppError(answer.error) && !answer.error.code.startsWith('message.')) throw answer.error
        context.logger.info({ accountId: `${context.accountId}`, code: answer.error.code }, 'a mail was not given')
      } else if (mail) await batches.add(await readMail(context, mail, answer.content, isWhole))
    }
  }
  const numbers = (list: ToFetch[]) => list.map(({ number }) => number)
  const ahead = batches.isCautious ? { ahead: 1 } : {}
  if (whole.length > 0) await take(retrieveMessages(context.session, numbers(whole), ahead), true)
  if (headersOnly.length > 0)
    await take(retrieveTops(context.session, numbers(headersOnly), { lines: 0, ...ahead }), false)
  return batches.finish()
}

/** Reads one answer to its end: small mails into memory, large ones into pieces that are read back once. */
const readMail = async (
  { store, scope, clock }: MaildropContext,
  { ledgerId, sizeBytes, isRest }: ToFetch,
  content: AsyncIterable<Buffer>,
  isWhole: boolean,
): Promise<Arrival> => {
  const hash = newSha256()
  let length = 0
  let kept: Buffer[] = []
  let large: LargeMail | undefined
  for await (const piece of content) {
    hash.update(piece)
    length += piece.length
    if (large) await large.add(piece)
    else kept.push(piece)
    if (large || length < smallMailBytes) continue
    large = new LargeMail(store, scope, await createBlob(store, scope))
    for (const first of kept) await large.add(first)
    kept = []
  }
  const rawHash = Buffer.from(hash.digest())
  const describe = (raw: Buffer) =>
    toArrivalEnvelope(raw, { rawHash, sizeBytes: isWhole ? length : sizeBytes, now: clock.now() })
  if (!large) {
    const bytes = Buffer.concat(kept)
    return { ledgerId, envelope: await describe(bytes), rawHash, isWhole, isRest, source: { kind: 'bytes', bytes } }
  }
  const { blobId, head } = await large.finish()
  await verifyBlob(store, scope, { blobId, sha256: rawHash, sizeBytes: length })
  return {
    ledgerId,
    envelope: await describe(head),
    rawHash,
    isWhole,
    isRest,
    source: { kind: 'staged', blobId },
  }
}

/** Goes into the database in pieces as it comes, by way of the same memory. */
class LargeMail {
  readonly #store: Store
  readonly #scope: EngineScope
  readonly #blobId: bigint
  readonly #piece = Buffer.allocUnsafeSlow(pieceBytes)
  readonly #forget = forgetPassing()
  #filled = 0
  #pieces = 0
  #head: Buffer | undefined

  constructor(store: Store, scope: EngineScope, blobId: bigint) {
    this.#store = store
    this.#scope = scope
    this.#blobId = blobId
  }

  async add(bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.#piece, this.#filled, at)
      at += copied
      this.#filled += copied
      if (this.#filled === this.#piece.length) await this.#flush()
    }
  }

  /** `head`: what the mail begins with. */
  async finish(): Promise<{ blobId: bigint; head: Buffer }> {
    if (this.#filled > 0) await this.#flush()
    return { blobId: this.#blobId, head: this.#head ?? Buffer.alloc(0) }
  }

  async #flush(): Promise<void> {
    const bytes = this.#piece.subarray(0, this.#filled)
    this.#head ??= Buffer.from(bytes)
    await appendChunk(this.#store, this.#scope, { blobId: this.#blobId, n: this.#pieces++, bytes })
    this.#forget(this.#filled)
    this.#filled = 0
  }
}

/** Collects arrivals and stores them while the next ones are being fetched; one batch is on its way at a time. */
class Batches {
  readonly #context: MaildropContext
  readonly #wishes: FetchWishes
  #open: Arrival[] = []
  #bytes = 0
  #since = 0
  #storing: Promise<void> = Promise.resolve()
  #stored = 0
  #copies = 0

  constructor(context: MaildropContext, wishes: FetchWishes) {
    this.#context = context
    this.#wishes = wishes
  }

  /** The server may remove a mail once it was retrieved (EXPIRE 0): each is safe on disk before the next is asked for. */
  get isCautious(): boolean {
    return this.#context.session.capabilities.expire?.afterDays === 0
  }

  async add(arrival: Arrival): Promise<void> {
    const now = this.#context.clock.monotonicMs()
    if (this.#open.length === 0) this.#since = now
    this.#open.push(arrival)
    if (arrival.source.kind === 'bytes') this.#bytes += arrival.source.bytes.length
    const isFull = this.#open.length >= batchMails || this.#bytes >= batchBytes || now - this.#since >= batchMs
    if (!isFull && !this.isCautious) return
    await this.#storing
    this.#begin()
    if (this.isCautious) await this.#storing
  }

  async finish(): Promise<{ stored: number; copies: number }> {
    await this.#storing
    this.#begin()
    await this.#storing
    return { stored: this.#stored, copies: this.#copies }
  }

  #begin(): void {
    const batch = this.#open
    if (batch.length === 0) return
    this.#open = []
    this.#bytes = 0
    this.#storing = this.#store(batch)
    // Awaited before the next one; until then a failure is not unhandled.
    this.#storing.catch(() => undefined)
  }

  async #store(batch: Arrival[]): Promise<void> {
    const { store, scope, accountId, inboxId } = this.#context
    const place = { accountId, mailboxId: inboxId }
    const { uids, copies, completed } = await commitBulk(
      store,
      scope,
      async (unit) => {
        const stored = await storeArrivals(unit, place, batch)
        if (stored.uids.length > bulkFrom) unit.touchThreadsInBulk(accountId, stored.threadIds)
        else unit.touchThreads(accountId, stored.threadIds)
        if (this.#wishes.isNews) await announceUids(unit, place, stored.uids)
        return stored
      },
      { isDurable: this.isCautious },
    )
    this.#stored += uids.length + completed
    this.#copies += copies
    await this.#wishes.onStored(batch.length)
  }
}

/** From so many on, lists are told that they grew, not of each. */
const bulkFrom = 50
