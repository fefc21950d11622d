import { toArrivalEnvelope } from '#mail/arrival-envelope.ts'
import type { Clock } from '#platform/clock.ts'
import { commitBulk, type EngineScope, type UserScope } from '#store/commit.ts'
import type { Store } from '#store/open-store.ts'
import { type Arrival, storeArrivals } from '#store/store-arrivals.ts'
import {
  findOctetsIn,
  holdItems,
  type ItemOutcome,
  nextTransferItems,
  readHeads,
  settleItems,
  type TransferItem,
} from '#store/transfer-work.ts'

const batchMails = 100
/** From so many on, lists are told that they grew, not of each. */
const bulkFrom = 50

export type PlaceHere = { store: Store; scope: EngineScope | UserScope; accountId: bigint; clock: Clock }

/**
 * Puts the next imported mails into a mailbox that is kept here, in one transaction: what was staged becomes their source.
 * One whose very octets lie in that mailbox is there already. False when none waits.
 */
export const storeNextMails = async ({ store, scope, accountId, clock }: PlaceHere): Promise<boolean> => {
  const items = await store.readSystem((tx) => nextTransferItems(tx, accountId, batchMails))
  const [first] = items
  if (!first) return false
  const blobIds = items.flatMap(({ blobId }) => blobId ?? [])
  const heads = await store.readSystem((tx) => readHeads(tx, blobIds))
  const arrivals = new Map<bigint, Arrival>()
  for (const item of items) {
    const arrival = await toArrival(item, heads, clock.now())
    if (arrival) arrivals.set(item.id, arrival)
  }
  const place = { accountId, mailboxId: first.mailboxId }
  await commitBulk(
    store,
    scope,
    async (unit) => {
      const held = await holdItems(
        unit.tx,
        items.map(({ id }) => id),
      )
      const still = [...arrivals].filter(([id]) => held.has(id))
      const keys = still.map(([, arrival]) => arrival).map(({ envelope }) => envelope.identityKey)
      const known = await findOctetsIn(unit.tx, place, keys)
      const fresh = new Map<bigint, Arrival>()
      for (const [id, arrival] of still) {
        if (known.has(arrival.envelope.identityKey)) continue
        known.add(arrival.envelope.identityKey)
        fresh.set(id, arrival)
      }
      const { threadIds, tied } = await storeArrivals(unit, place, [...fresh.values()])
      if (fresh.size > bulkFrom) unit.touchThreadsInBulk(accountId, threadIds)
      else unit.touchThreads(accountId, threadIds)
      const isTied = new Set(tied)
      await settleItems(
        unit,
        items
          .filter(({ id }) => held.has(id))
          .map((item): ItemOutcome => {
            if (fresh.has(item.id))
              return {
                id: item.id,
                state: 'stored',
                uid: null,
                uidValidity: null,
                isKept: isTied.has(item.blobId ?? 0n),
              }
            return arrivals.has(item.id) ? { id: item.id, state: 'here' } : gone(item)
          }),
      )
    },
    // What was staged goes in the same transaction.
    { isDurable: true },
  )
  return true
}

const gone = ({ id, path }: TransferItem): ItemOutcome => ({
  id,
  state: 'refused',
  code: path === '' ? 'mailbox.missing' : 'message.gone',
})

const toArrival = async (
  { blobId, path, sha256, sizeBytes, bits, keywords, cameAt, fileAt }: TransferItem,
  heads: Map<bigint, Buffer>,
  now: Date,
): Promise<Arrival | null> => {
  if (blobId === null || path === '') return null
  const facts = { rawHash: sha256, sizeBytes, now, cameAt, fileAt }
  const envelope = await toArrivalEnvelope(heads.get(blobId) ?? Buffer.alloc(0), facts)
  const source = { kind: 'staged', blobId } as const
  return {
    ledgerId: null,
    envelope: { ...envelope, bits, keywords },
    rawHash: sha256,
    isWhole: true,
    isRest: false,
    source,
  }
}
