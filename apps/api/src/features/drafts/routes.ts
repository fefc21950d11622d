import type { DraftContent } from '@postern/shared/drafts.ts'
import { AppError } from '#platform/errors.ts'
import { commit, type Unit } from '#store/commit.ts'
import {
  discardDraft,
  findOwnDraft,
  holdOwnDraft,
  insertDraft,
  listDrafts,
  restoreDraft,
  saveDraft,
  type WholeDraft,
  wantCopy,
} from '#store/drafts.ts'
import { findOwnIdentity } from '#store/identities.ts'
import type { Tx } from '#store/open-store.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentDraft } from '../present-draft.ts'
import { registerAttachments } from './attachments.ts'
import { createAttachmentFetching } from './fetch-attachments.ts'
import { noDraft, onItsWay, takenId } from './refusals.ts'
import { soundContent } from './sound-content.ts'
import { registerDraftStart } from './start-draft.ts'

/** What a person is writing. */
export const registerDrafts = (deps: FeatureDeps): void => {
  const { router, store } = deps
  const fetching = createAttachmentFetching(deps)
  const write = <T>(userId: bigint, work: (unit: Unit) => Promise<T>): Promise<T> =>
    commit(store, { kind: 'user', userId }, work)

  router.on('listDrafts', async ({ user: { userId } }) => {
    const drafts = await store.read(userId, (tx) => listDrafts(tx, userId))
    for (const draft of drafts) fetching.begin(draft)
    return { drafts: drafts.map(presentDraft) }
  })
  router.on('getDraft', async ({ user: { userId }, params }) => {
    const draft = await store.read(userId, (tx) => requireOpen(tx, userId, params.draftId))
    fetching.begin(draft)
    return presentDraft(draft)
  })
  router.on('saveDraft', async ({ user: { userId }, params: { draftId: id }, body: { baseVersion, content } }) => {
    const sound = soundContent(content)
    const { draft, isOther } = await write(userId, async (unit) => {
      const { tx } = unit
      const known = await holdOwnDraft(tx, userId, id)
      if (known?.row.submissionId != null) throw onItsWay()
      if (!known && baseVersion > 0) throw noDraft()
      const accountId = await requireWriter(tx, userId, sound)
      if (!known) {
        const isNew = await insertDraft(unit, {
          id,
          userId,
          accountId,
          content: sound,
          origin: { inReplyTo: null, refs: [] },
        })
        if (!isNew) throw takenId()
        await wantCopy(unit, id)
        return { draft: await requireOwn(tx, userId, id), isOther: false }
      }
      const saved = await saveDraft(unit, known, { baseVersion, content: sound, accountId })
      return { draft: await requireOwn(tx, userId, saved.id), isOther: saved.kind === 'other' }
    })
    // What its twin still lacks, it lacks, too.
    if (isOther) fetching.begin(draft)
    return { draft: presentDraft(draft), isOther }
  })
  router.on('discardDraft', ({ user: { userId }, params, query: { version } }) =>
    write(userId, async (unit) => {
      const { row } = await requireHeld(unit.tx, userId, params.draftId)
      if (row.submissionId !== null) throw onItsWay()
      if (version !== undefined && row.version !== version) throw writtenOn()
      await discardDraft(unit, row)
    }),
  )
  router.on('restoreDraft', ({ user: { userId }, params }) =>
    write(userId, async (unit) => {
      const { row } = await requireHeld(unit.tx, userId, params.draftId)
      if (row.submissionId !== null) throw onItsWay()
      await restoreDraft(unit, row)
      return presentDraft(await requireOwn(unit.tx, userId, row.id))
    }),
  )
  registerDraftStart(deps, fetching)
  registerAttachments(deps, fetching)
}

const writtenOn = () =>
  new AppError('request.conflict', 'Somebody has written on in this draft meanwhile.', {
    hint: 'Look at it as it is now, then discard it.',
  })

const requireOwn = async (tx: Tx, userId: bigint, id: string): Promise<WholeDraft> => {
  const draft = await findOwnDraft(tx, userId, id)
  if (!draft) throw noDraft()
  return draft
}

const requireOpen = async (tx: Tx, userId: bigint, id: string): Promise<WholeDraft> => {
  const draft = await requireOwn(tx, userId, id)
  if (draft.row.discardedAt !== null) throw noDraft()
  if (draft.row.submissionId !== null) throw onItsWay()
  return draft
}

const requireHeld = async (tx: Tx, userId: bigint, id: string): Promise<WholeDraft> => {
  const draft = await holdOwnDraft(tx, userId, id)
  if (!draft) throw noDraft()
  return draft
}

/** Of whose account the identity is that it is written as. */
const requireWriter = async (tx: Tx, userId: bigint, { identityId }: DraftContent): Promise<bigint> => {
  const identity = await findOwnIdentity(tx, userId, BigInt(identityId))
  if (!identity) throw new AppError('not_found', 'There is no such identity.')
  return identity.accountId
}
