import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { Transfer } from '@postern/shared/transfers.ts'
import type { ImportFile } from '#lib/import-files.ts'
import { ApiError, call } from './api.ts'
import { app } from './app-state.ts'
import { Observable, useObservable } from './observable.ts'

/** Mail that is brought in: what is asked for, and what was begun on this page and how far it is. */
export type Question = { kind: Transfer['kind']; mailbox: Mailbox }
export type Shown = {
  transfer: Transfer
  /** The page could not send everything. */
  isBroken: boolean
  /** Files that were not even taken. */
  refusedFiles: { name: string; reason: string }[]
}
type State = { question: Question | null; list: Shown[] }

const state = new Observable<State>({ question: null, list: [] })
const lookEveryMs = 700
/** Small files pass quicker beside each other. */
const filesAtOnce = 4
const sending = new Map<string, AbortController>()

export const useTransfers = <Picked>(select: (state: State) => Picked): Picked => useObservable(state, select)

export const askTransfer = (question: Question): void => {
  state.set({ question })
  app.set({ hasTransfers: true })
}
export const closeQuestion = (): void => state.set({ question: null })
export const dismissTransfer = (id: string): void =>
  state.set(({ list }) => ({ list: list.filter(({ transfer }) => transfer.id !== id) }))

/** Answers its id as soon as it is begun; the rest goes on by itself. Throws ApiError. */
export const startImport = async (mailbox: Mailbox, files: ImportFile[]): Promise<string> => {
  const expectedBytes = files.reduce((sum, { file }) => sum + file.size, 0)
  const transfer = await call('createImport', 'POST', `/v1/mailboxes/${mailbox.id}/imports`, {
    body: { expectedBytes },
  })
  show(transfer)
  void sendAll(transfer.id, files)
  void follow(transfer.id)
  return transfer.id
}

/** Throws ApiError. */
export const startUpload = async (mailbox: Mailbox, toMailboxId: string): Promise<string> => {
  const transfer = await call('createUpload', 'POST', `/v1/mailboxes/${mailbox.id}/uploads`, { body: { toMailboxId } })
  show(transfer)
  void follow(transfer.id)
  return transfer.id
}

/** What is on its way to the mail server comes to its end; nothing else is begun. */
export const cancelTransfer = async (id: string): Promise<void> => {
  sending.get(id)?.abort()
  await call('cancelTransfer', 'DELETE', `/v1/transfers/${id}`)
}

const show = (transfer: Transfer): void => {
  patch(transfer.id, (shown) => ({ ...shown, transfer }), { transfer, isBroken: false, refusedFiles: [] })
}

const patch = (id: string, change: (shown: Shown) => Shown, fresh?: Shown): void =>
  state.set(({ list }) => ({
    list: list.some(({ transfer }) => transfer.id === id)
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
  } catch {
    if (!stop.signal.aborted) patch(id, (shown) => ({ ...shown, isBroken: true }))
    stop.abort()
  } finally {
    sending.delete(id)
    if (sending.size === 0) removeEventListener('beforeunload', warnBeforeLeaving)
  }
  // What has arrived is carried out all the same.
  await call('finishTransfer', 'POST', `/v1/transfers/${id}/finish`).catch(() => undefined)
}

/** A file that holds no mail is told of; the others go on. Throws what stops all of them. */
const sendFile = async (id: string, { file, path }: ImportFile, signal: AbortSignal): Promise<void> => {
  try {
    const query = { name: path.slice(-500), modifiedAt: new Date(file.lastModified).toISOString() }
    const content = { type: await typeOf(file), file }
    await call('sendTransferContent', 'POST', `/v1/transfers/${id}/content`, { query, content, signal })
  } catch (error) {
    const isOnlyThis = error instanceof ApiError && /^(import|message|request\.invalid)/.test(error.code)
    if (!isOnlyThis) throw error
    const reason = [error.message, error.detail.hint].filter(Boolean).join(' ')
    patch(id, (shown) => ({ ...shown, refusedFiles: [...shown.refusedFiles, { name: file.name, reason }] }))
  }
}

const typeOf = async (file: File): Promise<string> => {
  const start = await file.slice(0, 64).text()
  return /^\s*From /.test(start) || /\.mbo?x$/i.test(file.name) ? 'application/mbox' : 'message/rfc822'
}

const isOver = ({ state: now }: Transfer): boolean => now === 'done' || now === 'cancelled'

const follow = async (id: string): Promise<void> => {
  for (;;) {
    await new Promise((done) => setTimeout(done, lookEveryMs))
    const transfer = await call('getTransfer', 'GET', `/v1/transfers/${id}`).catch(() => null)
    // Closed by the person: nobody looks any more.
    if (!state.get().list.some((shown) => shown.transfer.id === id)) return
    if (transfer) show(transfer)
    if (transfer && isOver(transfer)) return
  }
}
