import { headerOf } from '#mail/read-envelope.ts'
import { identityOfOctets } from '#mail/threading.ts'
import { newSha256 } from '#platform/sha256.ts'
import { fetchHeaderBlocks, fetchSource } from '#protocol/imap/fetch-content.ts'
import { readBlob, readBlobHead } from '#store/blobs.ts'
import { type HereMail, readHereMails } from '#store/switch-mail.ts'
import type { EnvelopeRow } from '#store/sync-envelopes.ts'
import { isSameHeader, ownIdOf, planRecognition, possibleSizes, type Recognition } from './plan-recognition.ts'
import type { SyncContext } from './sync-context.ts'

/** Two texts under one envelope are read and compared as long as they are no larger. */
const maxComparedBytes = 16 * 1024 * 1024

type Open = { row: EnvelopeRow; candidates: HereMail[] }

/**
 * While an account changes from POP3 to IMAP: says of each listed mail which of those here it is. The facts of the listing
 * tell nearly all; for the others headers are fetched, and a text only where two mails here have one envelope and one size.
 * The mailbox the rows are of must be selected.
 */
export const recogniseMails = async (
  context: SyncContext,
  mailboxId: bigint,
  rows: EnvelopeRow[],
): Promise<EnvelopeRow[]> => {
  if (!context.isSwitching() || rows.length === 0) return rows
  const { store, accountId } = context
  const idHashes = rows.flatMap((row) => ownIdOf(row) ?? [])
  const sizes = rows.flatMap((row) => (ownIdOf(row) === null ? possibleSizes(row.sizeBytes) : []))
  const here = await store.readSystem((tx) => readHereMails(tx, accountId, { idHashes, sizes }))
  if (here.length === 0) return rows
  const byId = Map.groupBy(here, ({ messageIdHash }) => messageIdHash)
  const found = new Map<EnvelopeRow, Recognition>(
    rows.map((row) => [row, planRecognition(row, mailboxId, byId.get(ownIdOf(row)) ?? [])]),
  )
  const same = new Map<EnvelopeRow, bigint>()
  for (const [row, plan] of found) if (plan.kind === 'same') same.set(row, plan.messageId)
  const pick = (kind: 'compareHeaders' | 'compareTexts'): Open[] =>
    [...found].flatMap(([row, plan]) => (plan.kind === kind ? [{ row, candidates: plan.candidates }] : []))
  const alike = await recogniseByHeaders(context, pick('compareHeaders'), same)
  for (const open of [...pick('compareTexts'), ...alike]) {
    const messageId = await compareTexts(context, open)
    if (messageId !== null) same.set(open.row, messageId)
  }
  return rows.map((row) => {
    const messageId = same.get(row)
    return messageId === undefined ? row : { ...row, messageId }
  })
}

/** What its header and size tell goes into `same`; answers those with one header, of which the texts have to be compared. */
const recogniseByHeaders = async (
  { store, session }: SyncContext,
  open: Open[],
  same: Map<EnvelopeRow, bigint>,
): Promise<Open[]> => {
  if (open.length === 0) return []
  const headers = await fetchHeaderBlocks(
    session,
    open.map(({ row }) => Number(row.uid)),
  )
  const left: Open[] = []
  for (const { row, candidates } of open) {
    const header = headers.get(Number(row.uid))
    if (!header) continue
    const alike: HereMail[] = []
    for (const mail of candidates) {
      const { blobId } = mail
      const head = blobId === null ? null : await store.readSystem((tx) => readBlobHead(tx, blobId))
      const isAlike = head === null ? isHeaderAlone(header, mail) : isSameHeader(headerOf(Buffer.from(head)), header)
      if (isAlike) alike.push(mail)
    }
    const [only, ...others] = alike
    // Of a header alone there is no text that could be another one.
    if (only && others.length === 0 && (only.blobId === null || only.sizeBytes === row.sizeBytes))
      same.set(row, only.messageId)
    else if (only) left.push({ row, candidates: alike })
  }
  return left
}

/** Its identity is the hash of what TOP gave; servers differ in whether the empty line belongs to it. */
const isHeaderAlone = (header: Buffer, { identityKey }: HereMail): boolean => {
  const bare = headerOf(header)
  return ['', '\r\n', '\r\n\r\n'].some(
    (end) => identityKey === identityOfOctets(newSha256().update(bare).update(end).digest()),
  )
}

/** The one that has this very text; null when none has. */
const compareTexts = async (
  { store, session, signal }: SyncContext,
  { row, candidates }: Open,
): Promise<bigint | null> => {
  if (row.sizeBytes > maxComparedBytes) return null
  signal.throwIfAborted()
  const there = await fetchSource(session, Number(row.uid), maxComparedBytes)
  if (!there) return null
  for (const { messageId, blobId, sizeBytes } of candidates) {
    if (blobId === null || sizeBytes > maxComparedBytes) continue
    if (textOf(await readBlob(store, blobId)) === textOf(there)) return messageId
  }
  return null
}

/** IMAP has no NUL in its literals; servers give 0x80 in its place (RFC 9051 4.3). POP3 gives it as it is. */
const textOf = (raw: Buffer): string =>
  raw.toString('latin1').slice(headerOf(raw).length).replace(/\r\n/g, '\n').replaceAll('\0', '\x80').trimEnd()
