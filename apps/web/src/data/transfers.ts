import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { Transfer } from '@postern/shared/transfers.ts'
import type { ImportFile, ImportFolder } from '#lib/import-files.ts'
import { t } from '#lib/page-text.ts'
import { ApiError, call, explain } from './api.ts'
import { app } from './app-state.ts'
import { Observable, useObservable } from './observable.ts'
import { addMailbox } from './patch-mailbox.ts'
import { showToast } from './toasts.ts'

/** Mail that is brought in: what is asked for, and how far what is under way is. */
export type Question = { kind: Transfer['kind']; mailbox: Mailbox }
export type Shown = {
  transfer: Transfer
  /** Who sends the files: this page, which may have been cut off, or another one. */
  sender: 'here' | 'brokenOff' | 'elsewhere'
  /** Files that were not even taken. */
  refusedFiles: { name: string; reason: string }[]
}
type State = { question: Question | null; list: Shown[] }

const state = new Observable<State>({ question: null, list: [] })
const lookEveryMs = 700
/** Small files pass quicker beside each other. */
const filesAtOnce = 4
const sending = new Map<string, AbortController>()
/** Known before the server says so: nothing more is sent, begun or finished. */
const cancelled = new Set<string>()

export const useTransfers = <Picked>(select: (state: State) => Picked): Picked => useObservable(state, select)

export const transfersShown = (): Shown[] => state.get().list

export const askTransfer = (question: Question): void => {
  state.set({ question })
  app.set({ hasTransfers: true })
}
export const closeQuestion = (): void => state.set({ question: null })
/** No longer shown on this page. */
export const forgetTransfers = (ids: string[]): void =>
  state.set(({ list }) => ({ list: list.filter(({ transfer }) => !ids.includes(transfer.id)) }))

/** Those that have ended are put away on every device; what could not be comes back. */
export const dismissTransfers = async (ids: string[]): Promise<void> => {
  const isWanted = ({ transfer }: Shown) => ids.includes(transfer.id) && isOver(transfer)
  const transferIds = transfersShown().flatMap((shown) => (isWanted(shown) ? [shown.transfer.id] : []))
  if (transferIds.length === 0) return
  const before = transfersShown()
  forgetTransfers(transferIds)
  try {
    await call('dismissTransfers', 'POST', '/v1/transfers/dismiss', { body: { transferIds } })
  } catch (error) {
    state.set(({ list }) => ({
      list: [...before.filter(({ transfer }) => !list.some((one) => one.transfer.id === transfer.id)), ...list],
    }))
    showToast({ kind: 'problem', text: explain(error) })
  }
}

/**
 * Answers its id as soon as it is begun; the rest goes on by itself, one mailbox after the other where there are some below. Throws
 * ApiError.
 */
export const startImport = async (mailbox: Mailbox, folders: ImportFolder[]): Promise<string> => {
  const own = folders.find(({ names }) => names.length === 0)
  const { id, sent } = await beginImport(mailbox, own?.files ?? [])
  void importBelow(
    { id, mailbox, sent },
    folders.filter((folder) => folder !== own),
  )
  return id
}

/** What cannot be made below is told where the import into the mailbox itself is, as long as that is shown. */
const importBelow = async (
  { id, mailbox, sent }: { id: string; mailbox: Mailbox; sent: Promise<void> },
  folders: ImportFolder[],
): Promise<void> => {
  await sent
  for (const { names, files } of folders) {
    const main = transfersShown().find(({ transfer }) => transfer.id === id)
    if (cancelled.has(id) || main?.transfer.state === 'cancelled') return
    try {
      let place = mailbox
      for (const name of names) place = await mailboxBelow(place, name)
      await (await beginImport(place, files)).sent
    } catch (error) {
      const reason = explain(error)
      const name = `${names.join('/')} (${files.length.toLocaleString()})`
      // It may have been put away here or on another device.
      if (!isShown(id)) showToast({ kind: 'problem', text: `${name}: ${reason}` })
      patch(id, (shown) => ({ ...shown, refusedFiles: [...shown.refusedFiles, { name, reason }] }))
    }
  }
}

/** Made when it is missing. Throws ApiError. */
const mailboxBelow = async (above: Mailbox, name: string): Promise<Mailbox> => {
  const isIt = (place: Mailbox) => place.parentId === above.id && place.name.toLowerCase() === name.toLowerCase()
  const known = Object.values(app.get().mailboxes).find(isIt)
  if (known) return known
  const body = { name, parentId: above.id }
  const made = await call('createMailbox', 'POST', `/v1/accounts/${above.accountId}/mailboxes`, { body })
  addMailbox(made)
  return made
}

const beginImport = async (mailbox: Mailbox, files: ImportFile[]): Promise<{ id: string; sent: Promise<void> }> => {
  const expectedBytes = files.reduce((sum, { file }) => sum + file.size, 0)
  const transfer = await call('createImport', 'POST', `/v1/mailboxes/${mailbox.id}/imports`, {
    body: { expectedBytes },
  })
  show(transfer)
  const sent = sendAll(transfer.id, files)
  void follow(transfer.id)
  return { id: transfer.id, sent }
}

/** Throws ApiError. */
export const startUpload = async (mailbox: Mailbox, toMailboxId: string): Promise<string> => {
  const transfer = await call('createUpload', 'POST', `/v1/mailboxes/${mailbox.id}/uploads`, { body: { toMailboxId } })
  show(transfer)
  void follow(transfer.id)
  return transfer.id
}

/** What was begun elsewhere is shown while it runs, and afterwards only where something was left out. */
const isNews = (transfer: Transfer, sender: Shown['sender']): boolean =>
  sender !== 'elsewhere' || transfer.state !== 'done' || transfer.refusedMails > 0 || transfer.isCutOff

/** Shows again what an earlier page began, or another one. Throws ApiError. */
export const resumeTransfers = async (): Promise<void> => {
  const { transfers } = await call('listTransfers', 'GET', '/v1/transfers')
  for (const transfer of transfers.filter((one) => !isShown(one.id) && isNews(one, 'elsewhere'))) {
    app.set({ hasTransfers: true })
    show(transfer, 'elsewhere')
    if (!isOver(transfer)) void follow(transfer.id)
  }
}

/** What is on its way to the mail server comes to its end; nothing else is begun. */
export const cancelTransfer = async (id: string): Promise<void> => {
  cancelled.add(id)
  const stop = sending.get(id)
  stop?.abort()
  try {
    await call('cancelTransfer', 'DELETE', `/v1/transfers/${id}`)
  } catch (error) {
    showToast({ kind: 'problem', text: explain(error) })
    cancelled.delete(id)
    if (!stop) return
    // No more files go; what has arrived is no longer waited with.
    patch(id, (shown) => ({ ...shown, sender: 'brokenOff' }))
    await finish(id, { isCutOff: true })
  }
}

const show = (transfer: Transfer, sender: Shown['sender'] = 'here'): void =>
  patch(transfer.id, (shown) => ({ ...shown, transfer }), { transfer, sender, refusedFiles: [] })

const isShown = (id: string): boolean => transfersShown().some(({ transfer }) => transfer.id === id)

const patch = (id: string, change: (shown: Shown) => Shown, fresh?: Shown): void =>
  state.set(({ list }) => ({
    list: isShown(id)
      ? list.map((shown) => (shown.transfer.id === id ? change(shown) : shown))
      : [...list, ...(fresh ? [fresh] : [])],
  }))

const warnBeforeLeaving = (event: BeforeUnloadEvent) => event.preventDefault()

const sendAll = async (id: string, files: ImportFile[]): Promise<void> => {
  const stop = new AbortController()
  sending.set(id, stop)
  addEventListener('beforeunload', warnBeforeLeaving)
  const waiting = [...files]
  const work = async () => {
    for (let next = waiting.shift(); next && !stop.signal.aborted; next = waiting.shift())
      await sendFile(id, next, stop.signal)
  }
  try {
    await Promise.all(Array.from({ length: filesAtOnce }, work))
  } catch (error) {
    // It was cancelled on another page.
    if (error instanceof ApiError && error.code === 'request.conflict') cancelled.add(id)
    else if (!stop.signal.aborted) patch(id, (shown) => ({ ...shown, sender: 'brokenOff' }))
    stop.abort()
  } finally {
    sending.delete(id)
    if (sending.size === 0) removeEventListener('beforeunload', warnBeforeLeaving)
  }
  if (cancelled.has(id)) return
  await finish(id, { isCutOff: stop.signal.aborted })
}

/** What has arrived is carried out all the same. */
const finish = (id: string, body: { isCutOff: boolean }): Promise<unknown> =>
  call('finishTransfer', 'POST', `/v1/transfers/${id}/finish`, { body }).catch(() => undefined)

/** A file that holds no mail, or cannot be read, is told of; the others go on. Throws what stops all of them. */
const sendFile = async (id: string, { file, path }: ImportFile, signal: AbortSignal): Promise<void> => {
  const refuse = (reason: string) =>
    patch(id, (shown) => ({ ...shown, refusedFiles: [...shown.refusedFiles, { name: file.name, reason }] }))
  const type = await typeOf(file).catch(() => null)
  if (!type) return refuse(t('transfer.unreadable'))
  try {
    const query = { name: path.slice(-500), modifiedAt: new Date(file.lastModified).toISOString() }
    const content = { type, file }
    await call('sendTransferContent', 'POST', `/v1/transfers/${id}/content`, { query, content, signal })
  } catch (error) {
    const isOnlyThis = error instanceof ApiError && /^(import|message|request\.invalid)/.test(error.code)
    if (!isOnlyThis) throw error
    refuse(explain(error))
  }
}

const typeOf = async (file: File): Promise<string> => {
  const start = await file.slice(0, 64).text()
  return /^\s*From /.test(start) || /\.mbo?x$/i.test(file.name) ? 'application/mbox' : 'message/rfc822'
}

export const isOver = ({ state: now }: Transfer): boolean => now === 'done' || now === 'cancelled'

const follow = async (id: string): Promise<void> => {
  for (;;) {
    await new Promise((done) => setTimeout(done, lookEveryMs))
    // Signed out: whoever comes next has nothing to do with it.
    if (!app.get().hasTransfers) forget()
    // Closed by the person: nobody looks any more.
    if (!isShown(id)) return
    if (app.get().phase !== 'ready') continue
    try {
      const transfer = await call('getTransfer', 'GET', `/v1/transfers/${id}`)
      const shown = transfersShown().find((one) => one.transfer.id === id)
      if (shown && !isNews(transfer, shown.sender)) return forgetTransfers([id])
      if (shown) show(transfer)
      // Of one that was cancelled some mails may still be on their way.
      if (isOver(transfer) && transfer.open === 0) return
    } catch (error) {
      // It went with its account. Anything else passes.
      if (error instanceof ApiError && error.code === 'not_found') return forgetTransfers([id])
    }
  }
}

const forget = (): void => {
  for (const stop of sending.values()) stop.abort()
  cancelled.clear()
  state.set({ question: null, list: [] })
}
