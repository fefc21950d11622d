import { toArrivalEnvelope } from '#mail/arrival-envelope.ts'
import { DRAFT, SEEN } from '#mail/flags.ts'
import type { Clock } from '#platform/clock.ts'
import { stageContent } from '#store/blobs.ts'
import { commitBulk, type EngineScope } from '#store/commit.ts'
import {
  beginCopy,
  type DraftWork,
  endDraftWork,
  findDraftsHere,
  holdUnchanged,
  isSourceNeeded,
  keepCopy,
  nextDraftWork,
  postponeCopy,
  removeCopiesHere,
  seeCopyHere,
  sourceNeededMs,
  takeCopyId,
} from '#store/draft-copies.ts'
import type { Store } from '#store/open-store.ts'
import { storeArrivals } from '#store/store-arrivals.ts'
import { dropStaged } from '#store/store-sources.ts'
import { draftOctets } from './draft-octets.ts'

type Place = { store: Store; scope: EngineScope; accountId: bigint; clock: Clock }

/**
 * Looks after the copy of one draft in the Drafts mailbox of an account whose mail is kept here. The new copy comes and the
 * old one goes in one transaction. False when none is due.
 */
export const copyNextDraftHere = async (place: Place): Promise<boolean> => {
  const { store, accountId, clock } = place
  const work = await store.readSystem((tx) => nextDraftWork(tx, accountId))
  if (!work) return false
  if (isSourceNeeded(work, clock.now())) {
    await commitBulk(store, place.scope, (unit) => postponeCopy(unit, work.row, { accountId, delayMs: sourceNeededMs }))
    return true
  }
  const mailboxId = await store.readSystem((tx) => findDraftsHere(tx, accountId))
  if (work.isWanted && mailboxId !== null) await replaceCopy(place, work, mailboxId)
  else
    await commitBulk(
      store,
      place.scope,
      async (unit) => {
        await removeCopiesHere(unit, accountId, work.copies)
        if (work.row.accountId === accountId) await endDraftWork(unit, work.row, null)
      },
      { isDurable: true },
    )
  return true
}

const replaceCopy = async ({ store, scope, accountId, clock }: Place, work: DraftWork, mailboxId: bigint) => {
  const { row, copies, readAt: madeAt } = work
  const id = await store.readSystem(takeCopyId)
  const content = await stageContent(store, scope, draftOctets(store, work, id))
  const { head, blobId, sizeBytes, sha256: rawHash } = content
  const envelope = await toArrivalEnvelope(head, { rawHash, sizeBytes, now: clock.now(), cameAt: clock.now() })
  const isStored = await commitBulk(
    store,
    scope,
    async (unit) => {
      // Changed meanwhile: the next copy is of that.
      if (!(await holdUnchanged(unit, row))) return false
      const { threadIds, uids } = await storeArrivals(unit, { accountId, mailboxId }, [
        {
          ledgerId: null,
          envelope: { ...envelope, bits: SEEN | DRAFT, keywords: [] },
          rawHash,
          isWhole: true,
          isRest: false,
          source: blobId === null ? { kind: 'bytes', bytes: head } : { kind: 'staged', blobId },
        },
      ])
      const [uid] = uids
      if (uid === undefined) throw new Error('a copy of a draft was not stored')
      unit.touchThreads(accountId, threadIds)
      await beginCopy(unit, {
        id,
        draftId: row.id,
        accountId,
        mailboxId,
        version: row.version,
        fromUid: uid,
        uidValidity: 1n,
        madeAt,
      })
      await keepCopy(unit, id, { uid: Number(uid), uidValidity: 1n })
      const messageId = await seeCopyHere(unit, id)
      await removeCopiesHere(unit, accountId, copies)
      await endDraftWork(unit, row, { version: row.version, messageId })
      return true
    },
    { isDurable: true },
  )
  if (!isStored && blobId !== null) await commitBulk(store, scope, (unit) => dropStaged(unit, [blobId]))
}
