import type { ErrorCode } from '@postern/shared/error-codes.ts'
import { withCrlf } from '#mail/crlf-buffer.ts'
import { DELETED, type Flags } from '#mail/flags.ts'
import { flagsOfFileName, flagsOfHeader } from '#mail/kept-flags.ts'
import { beginsWithField, headerOf } from '#mail/read-envelope.ts'
import { splitMbox, timesOfFromLine } from '#mail/split-mbox.ts'
import { displayLine } from '#mail/storable-text.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import { ReusedMemory } from '#platform/reused-memory.ts'
import { type BlobScope, type StagedContent, smallBytes, stageContent } from '#store/blobs.ts'
import type { Store } from '#store/open-store.ts'
import { addItems, type NewItem, noteSender } from '#store/transfers.ts'

/** No mail server takes more, and nobody reads it. */
export const maxMailBytes = 256 * 1024 * 1024
/** Mails become safe, and are put into the mailbox, so many at a time. */
const batchMails = 200
const batchBytes = 4 * 1024 * 1024
const batchMs = 1000
/** Each time so much of a file has come, its sender is known to be there. */
const heardBytes = 4 * 1024 * 1024
const maxNameLength = 200

export type MailFile = {
  type: 'application/mbox' | 'message/rfc822'
  name: string
  modifiedAt: Date | null
  content: AsyncIterable<Uint8Array>
}

type Receiver = { store: Store; scope: BlobScope; transferId: bigint }

/**
 * Takes a file as it comes, in little memory whatever its size. What was taken when it breaks off stays; a mail of which the
 * end is missing is not among that. Throws import.no_mail, import.no_header, message.too_large (a single mail), request.conflict, storage.*.
 */
export const receiveFile = async (receiver: Receiver, { type, name, modifiedAt, content }: MailFile): Promise<void> => {
  const batch = new Batch(receiver)
  const counted = counting(content, (bytes) => batch.count(bytes))
  const shown = nameOf(name)
  if (type === 'message/rfc822') {
    const item = await takeMail(receiver, withCrlf(counted), batch.memory)
    if (item.kind === 'refused') return batch.refuse(item.code)
    const header = headerOf(item.content.head)
    // In an mbox the line above each says that it is a mail; of a file only this tells it from any other text.
    if (!beginsWithField(header)) return batch.refuse('import.no_header')
    const flags = flagsOfFileName(name) ?? flagsOfHeader(header)
    await batch.add(toItem(shown, item, flags, { cameAt: null, fileAt: modifiedAt }))
  } else {
    let n = 0
    for await (const { fromLine, octets } of splitMbox(counted)) {
      const item = await takeMail(receiver, octets, batch.memory)
      const flags = item.kind === 'mail' ? flagsOfHeader(headerOf(item.content.head)) : { bits: 0, keywords: [] }
      await batch.add(toItem(`${shown}, ${++n}`, item, flags, timesOfFromLine(fromLine)))
    }
    if (n === 0) return batch.refuse('import.no_mail')
  }
  await batch.store()
}

type Taken = { kind: 'mail'; content: StagedContent } | { kind: 'refused'; code: ErrorCode }

const takeMail = async (
  { store, scope }: Receiver,
  octets: AsyncIterable<Buffer>,
  memory: ReusedMemory,
): Promise<Taken> => {
  try {
    const content = await stageContent(store, scope, within(maxMailBytes, octets), memory)
    return content.sizeBytes === 0 ? { kind: 'refused', code: 'import.no_mail' } : { kind: 'mail', content }
  } catch (error) {
    if (isAppError(error) && error.code === 'message.too_large') return { kind: 'refused', code: error.code }
    throw error
  }
}

type Times = Pick<NewItem, 'cameAt' | 'fileAt'>

/** What was deleted there, and only not cleared away yet, is nothing that anybody wants back. */
const toItem = (name: string, taken: Taken, { bits, keywords }: Flags, times: Times): NewItem => {
  const facts = { name, bits, keywords, ...times }
  if (taken.kind === 'mail' && bits & DELETED) return { ...facts, kind: 'refused', code: 'import.left_out' }
  return { ...facts, ...taken }
}

const refusal = (code: ErrorCode): AppError => {
  if (code === 'message.too_large') return new AppError(code, 'This mail is larger than 256 MB.')
  if (code === 'import.no_header') return new AppError(code, 'This file is no mail: it has no header.')
  return new AppError('import.no_mail', 'There is no mail in this file.')
}

async function* within(maxBytes: number, octets: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of octets) {
    bytes += piece.length
    if (bytes > maxBytes) throw new AppError('message.too_large', 'This mail is too large.')
    yield piece
  }
}

async function* counting(
  content: AsyncIterable<Uint8Array>,
  count: (bytes: number) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    await count(piece.length)
    yield piece
  }
}

/** The file itself, without the folders it lies in. */
const nameOf = (path: string): string => displayLine(path.slice(path.lastIndexOf('/') + 1), maxNameLength) || '?'

class Batch {
  /** Where its mails are, until they are stored. */
  readonly memory = new ReusedMemory(batchBytes + smallBytes)
  readonly #receiver: Receiver
  #items: NewItem[] = []
  #bytes = 0
  #since = performance.now()
  #counted = 0
  #unheard = 0

  constructor(receiver: Receiver) {
    this.#receiver = receiver
  }

  /** Bytes of the file that have come. */
  async count(bytes: number): Promise<void> {
    this.#counted += bytes
    this.#unheard += bytes
    if (this.#unheard < heardBytes) return
    this.#unheard = 0
    await noteSender(this.#receiver.store, this.#receiver.transferId)
  }

  /** The file holds no mail; it has come all the same. */
  async refuse(code: ErrorCode): Promise<never> {
    await this.store()
    throw refusal(code)
  }

  async add(item: NewItem): Promise<void> {
    this.#items.push(item)
    if (item.kind === 'mail' && item.content.blobId === null) this.#bytes += item.content.sizeBytes
    const isFull = this.#items.length >= batchMails || this.#bytes >= batchBytes
    if (isFull || performance.now() - this.#since >= batchMs) await this.store()
  }

  async store(): Promise<void> {
    const { store, scope, transferId } = this.#receiver
    if (!(await addItems(store, scope, { transferId, items: this.#items, bytes: this.#counted })))
      throw new AppError('request.conflict', 'This import is over: nothing more is taken.', {
        hint: 'Begin a new one; what is here already is not stored twice.',
      })
    this.memory.reuse()
    this.#items = []
    this.#bytes = 0
    this.#counted = 0
    this.#since = performance.now()
  }
}
