import { attachmentRoom, maxAttachments } from '@postern/shared/attachment-room.ts'
import type { DraftAttachment } from '@postern/shared/drafts.ts'
import { t } from '#lib/composer-text.ts'
import { fileSize } from '#lib/format.ts'
import { newId } from '#lib/new-id.ts'
import { ApiError, call, explain, failureOf } from './api.ts'
import { app } from './app-state.ts'
import { draftsHere, findDraft, patchDraft, whenDraftsChange } from './draft-state.ts'
import { identityOf } from './identities.ts'
import { Observable, useObservable } from './observable.ts'
import { saveNow, settle } from './save-drafts.ts'
import { sendFile } from './send-file.ts'
import { showToast } from './toasts.ts'
import { tellDone } from './undo-list.ts'

/** Files on their way to a draft. */
export type Upload = {
  id: string
  /** Of the panel. */
  key: string
  file: File
  contentId: string | null
  sentBytes: number
  state: { kind: 'sending' } | { kind: 'failed' | 'lost' | 'refused'; reason: string }
  /** Sendings of it that the line did not carry. */
  losses: number
}
const firstRetryMs = 2000
const mostRetryMs = 30_000
/** More are no accident of the line. */
const mostLosses = 10
const askEveryMs = 10_000

const uploads = new Observable<{ list: Upload[] }>({ list: [] })
const stops = new Map<string, AbortController>()
/** Pictures that are shown before they have arrived, by content id. */
const pictures = new Map<string, string>()

export const useUploads = (key: string): Upload[] =>
  useObservable(uploads, ({ list }) => list.filter((one) => one.key === key))
export const uploadsOf = (key: string): Upload[] => uploads.get().list.filter((one) => one.key === key)

const patch = (id: string, change: Partial<Upload>): void =>
  uploads.set(({ list }) => ({ list: list.map((one) => (one.id === id ? { ...one, ...change } : one)) }))
const drop = (id: string): void => uploads.set(({ list }) => ({ list: list.filter((one) => one.id !== id) }))
const isSending = ({ state }: Upload): boolean => state.kind === 'sending'

/** A draft knows how many are on their way to it: whoever closes or sends it looks there. */
const count = (key: string): void => {
  const uploading = uploadingOf(key)
  if (findDraft(key)?.uploading === uploading) return
  patchDraft(key, { uploading })
  if (uploading === 0) settle(key)
}
/** A lost one is on its way, too: it is sent again by itself. */
export const uploadingOf = (key: string): number =>
  uploadsOf(key).filter(({ state }) => state.kind === 'sending' || state.kind === 'lost').length

/** What files may come to in a mail of this draft, bytes; null: the server did not say. */
export const limitOf = (identityId: string): number | null => {
  const most = identityOf(identityId)?.maxMessageBytes
  return most ? attachmentRoom(most) : null
}

export const attachedBytes = (key: string): number => {
  const draft = findDraft(key)
  // Pictures that were taken out of the text do not go along.
  const attached = (draft?.attachments ?? []).filter(
    ({ contentId }) => contentId === null || draft?.content.html?.includes(contentId) !== false,
  )
  const coming = uploadsOf(key).filter(({ state }) => state.kind !== 'refused')
  return attached.reduce((sum, one) => sum + one.sizeBytes, 0) + coming.reduce((sum, { file }) => sum + file.size, 0)
}

/** All that the server counts: those that were refused are not on their way to it. */
export const attachedCount = (key: string): number =>
  (findDraft(key)?.attachments.length ?? 0) + uploadsOf(key).filter(({ state }) => state.kind !== 'refused').length

/** Each begins at once. What the server would not take is told before anything of it is sent. Answers their ids. */
export const attachFiles = (key: string, files: File[]): string[] =>
  files.flatMap((file) => begin(key, file, null) ?? [])

/** What was stopped on its way. */
export const attachAgain = (key: string, { file, contentId }: Pick<Upload, 'file' | 'contentId'>): void =>
  void begin(key, file, contentId)

/** Answers the `src` by which the text shows it. */
export const attachPicture = (key: string, file: File): string => {
  const contentId = `${newId()}@postern`
  pictures.set(contentId, URL.createObjectURL(file))
  begin(key, file, contentId)
  return `cid:${contentId}`
}

const begin = (key: string, file: File, contentId: string | null): string | null => {
  const draft = findDraft(key)
  if (!draft) return null
  const id = newId()
  const reason = refusalOf(key, file, draft.content.identityId)
  const state = reason === null ? { kind: 'sending' as const } : { kind: 'refused' as const, reason }
  uploads.set(({ list }) => ({ list: [...list, { id, key, file, contentId, sentBytes: 0, state, losses: 0 }] }))
  count(key)
  if (reason === null) void send(id)
  return id
}

/** Why the server would not take it beside what is attached; null: it would. */
const refusalOf = (key: string, { size }: File, identityId: string): string | null => {
  if (attachedCount(key) >= maxAttachments) return t('attach.tooMany', { n: maxAttachments })
  const limit = limitOf(identityId)
  const together = attachedBytes(key) + size
  if (limit === null || together <= limit) return null
  return size > limit
    ? t('attach.tooLarge')
    : t('attach.tooLargeTogether', { size: fileSize(together), limit: fileSize(limit) })
}

const send = async (id: string): Promise<void> => {
  const upload = uploads.get().list.find((one) => one.id === id)
  if (!upload) return
  const { key, file, contentId } = upload
  const stop = new AbortController()
  stops.set(id, stop)
  patch(id, { state: { kind: 'sending' }, sentBytes: 0 })
  count(key)
  try {
    // The browser reports a file that is gone or changed as it does a line that is cut.
    if (!(await isReadable(file))) throw new Error(t('attach.unreadable'))
    if (findDraft(key)?.version === 0) await saveNow(key)
    const onProgress = (bytes: number) => patch(id, { sentBytes: Math.min(bytes, file.size) })
    for (let attachmentId = id; ; attachmentId = newId()) {
      stop.signal.throwIfAborted()
      const draft = findDraft(key)
      if (draft?.save.kind === 'offline' && draft.version === 0) throw new ApiError('unreachable', {})
      if (!draft || draft.version === 0) throw new Error(t('attach.noDraft'))
      const query = new URLSearchParams({
        id: attachmentId,
        name: file.name,
        type: file.type || 'application/octet-stream',
        ...(contentId === null ? {} : { contentId }),
      })
      const address = `/v1/drafts/${draft.id}/attachments?${query}`
      const attachment = (await sendFile(address, { file, signal: stop.signal, onProgress })) as DraftAttachment // by the contract
      // Somebody else wrote on that draft meanwhile: what is written here has become another one, without the file.
      if ((findDraft(key)?.id ?? draft.id) !== draft.id) continue
      addTo(key, attachment)
      // The server may have put its name into order.
      takeBackProblem(key, file.name)
      drop(id)
      break
    }
  } catch (error) {
    const reason = error instanceof Error && !(error instanceof DOMException) ? explainAny(error) : ''
    if (failureOf(error) === 'offline') lose(id)
    else patch(id, { state: { kind: 'failed', reason } })
    showAgain(key, file)
  } finally {
    stops.delete(id)
    count(key)
  }
}

const isReadable = (file: File): Promise<boolean> =>
  file
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    )

/** Tried again by itself: after a while, and as soon as the line is back. */
const lose = (id: string): void => {
  const losses = (uploads.get().list.find((one) => one.id === id)?.losses ?? 0) + 1
  if (losses >= mostLosses && app.get().isOnline) {
    patch(id, { state: { kind: 'failed', reason: t('attach.failed') }, losses: 0 })
    return
  }
  patch(id, { state: { kind: 'lost', reason: t('attach.lost') }, losses })
  setTimeout(() => retryIfLost(id), Math.min(mostRetryMs, firstRetryMs * 2 ** (losses - 1)))
}
const retryIfLost = (id: string): void => {
  if (uploads.get().list.some((one) => one.id === id && one.state.kind === 'lost')) void send(id)
}
export const retryLost = (): void => {
  for (const { id } of uploads.get().list) {
    patch(id, { losses: 0 })
    retryIfLost(id)
  }
}

/** Closed meanwhile: the panel comes back with the file that can be tried again. Whoever sends it is told by the sending. */
const showAgain = (key: string, file: File): void => {
  const draft = findDraft(key)
  if (!draft?.isClosed || draft.isSending || !uploadsOf(key).some((one) => one.file === file)) return
  patchDraft(key, { isClosed: false })
  showToast({ kind: 'problem', text: t('attach.notAll', { name: file.name }) })
}

const explainAny = (error: Error): string =>
  error.name === 'Error' && !('code' in error) ? error.message : explain(error)

const addTo = (key: string, attachment: DraftAttachment): void => {
  const draft = findDraft(key)
  if (!draft) return
  patchDraft(key, { attachments: [...draft.attachments.filter(({ id }) => id !== attachment.id), attachment] })
  takeBackProblem(key, attachment.filename)
}

/** It was not sent because of this file: that is no longer so. */
const takeBackProblem = (key: string, name: string): void => {
  if (findDraft(key)?.problem === t('attach.notAll', { name })) patchDraft(key, { problem: null })
}

export const retryUpload = (id: string): void => void send(id)

export const cancelUpload = (id: string): void => {
  stops.get(id)?.abort()
  const upload = uploads.get().list.find((one) => one.id === id)
  drop(id)
  if (!upload) return
  takeBackProblem(upload.key, upload.file.name)
  count(upload.key)
}

/** Comes back when nothing that `waitsFor` names is on its way any more: from here, or out of a mail that the server fetches. */
export const whenAttached = (
  key: string,
  waitsFor: (file: Pick<Upload, 'contentId'>) => boolean = () => true,
): Promise<void> =>
  new Promise((done) => {
    const isDone = () =>
      !uploadsOf(key).some((one) => isSending(one) && waitsFor(one)) &&
      !findDraft(key)?.attachments.some((one) => isComing(one) && waitsFor(one))
    if (isDone()) return done()
    const look = () => {
      if (!isDone()) return
      clearInterval(asking)
      for (const unsubscribe of watched) unsubscribe()
      done()
    }
    const watched = [uploads.subscribe(look), whenDraftsChange(look)]
    const asking = setInterval(() => void askAttached(key), askEveryMs)
  })

const isComing = ({ state }: DraftAttachment): boolean => state === 'coming'

/** That one has come is told once; and one that a server that ended had begun to fetch is fetched as soon as somebody asks. */
const askAttached = async (key: string): Promise<void> => {
  const draft = findDraft(key)
  if (!draft?.attachments.some(isComing)) return
  const now = await call('getDraft', 'GET', `/v1/drafts/${draft.id}`).catch(() => null)
  if (now && findDraft(key)?.id === now.id) patchDraft(key, { attachments: now.attachments })
}

/** A mail, or a part of one; answers what it is attached as. Throws ApiError. */
export const attachFromMail = async (
  key: string,
  { messageId, partId }: { messageId: string; partId: string | null },
): Promise<DraftAttachment> => {
  if (findDraft(key)?.version === 0) await saveNow(key)
  const draft = findDraft(key)
  if (!draft || draft.version === 0) throw new ApiError('unreachable', { message: t('attach.noDraft') })
  const attachment = await call('addAttachmentFromMail', 'POST', `/v1/drafts/${draft.id}/mail-attachments`, {
    body: { id: newId(), messageId, partId },
  })
  addTo(key, attachment)
  return attachment
}

/** What was to come out of a mail and did not. */
export const fetchAgain = async (key: string, { id, source }: DraftAttachment): Promise<void> => {
  const draft = findDraft(key)
  if (!draft || !source) return
  const body = { id, ...source }
  addTo(key, await call('addAttachmentFromMail', 'POST', `/v1/drafts/${draft.id}/mail-attachments`, { body }))
}

/** Gone from the list at once, with a way back. */
export const removeAttachment = async (key: string, attachment: DraftAttachment): Promise<void> => {
  try {
    const putBack = await takeOut(key, attachment)
    tellDone(t('attach.removed', { name: attachment.filename }), () => void putBack())
  } catch (error) {
    showToast({ kind: 'problem', text: explain(error) })
  }
}

/** The same without a word; answers the way back. Throws ApiError, and then it is there as before. */
export const takeOut = async (key: string, attachment: DraftAttachment): Promise<() => Promise<void>> => {
  const draft = findDraft(key)
  if (!draft) return async () => undefined
  const address = `/v1/drafts/${draft.id}/attachments/${attachment.id}`
  patchDraft(key, { attachments: draft.attachments.filter(({ id }) => id !== attachment.id) })
  takeBackProblem(key, attachment.filename)
  try {
    await call('removeAttachment', 'DELETE', address)
  } catch (error) {
    addTo(key, attachment)
    throw error
  }
  return async () => addTo(key, await call('restoreAttachment', 'POST', `${address}/restore`))
}

/** Where the page finds a picture that the text shows. */
export const pictureAddress = (key: string, source: string): string => {
  if (!source.startsWith('cid:')) return source
  const contentId = source.slice(4)
  const draft = draftsHere().find((one) => one.key === key)
  const attachment = draft?.attachments.find((one) => one.contentId === contentId)
  return pictures.get(contentId) ?? (draft && attachment ? `/v1/drafts/${draft.id}/attachments/${attachment.id}` : '')
}
