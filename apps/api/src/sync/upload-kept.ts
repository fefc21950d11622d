import { withCrlf } from '#mail/crlf-buffer.ts'
import { flagNames } from '#mail/flags.ts'
import { headerOf } from '#mail/read-envelope.ts'
import { readMessageId } from '#mail/read-message-id.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import { type AppendedMail, appendMessage, findAppended } from '#protocol/imap/append-message.ts'
import { createMailbox } from '#protocol/imap/change-mailboxes.ts'
import { fetchEnvelopes } from '#protocol/imap/fetch-envelopes.ts'
import { type SelectedMailbox, selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { isConnectionFault } from '#protocol/session-error.ts'
import { readBlobHead, readPieces } from '#store/blobs.ts'
import { commitBulk } from '#store/commit.ts'
import {
  endSwitch,
  findUnmet,
  type KeptBatch,
  type KeptMail,
  nextKeptBatch,
  noteRefused,
  noteSent,
} from '#store/switch-uploads.ts'
import { storeEnvelopes } from '#store/sync-envelopes.ts'
import { collectEnvelopes } from './collect-envelopes.ts'
import { type SyncContext, writeBulk } from './sync-context.ts'

/** A full mailbox may have room again, and a limit may be raised. */
const retryMs = 24 * 3_600_000

/**
 * The end of a change from POP3 to IMAP, after every mailbox was read: what the server does not have is brought there, with its
 * date and flags, and takes the uid it gets; nothing is sent twice. Killed anywhere it goes on where it was: what was
 * under way is looked for before it is sent again. Answers whether the switch is over. Throws connect.*, lease.lost.
 */
export const bringKeptMails = async (
  context: SyncContext,
  onSent: (mails: number) => void = () => undefined,
): Promise<boolean> => {
  for (;;) {
    const batch = await writeBulk(context, (unit) => nextKeptBatch(unit, context.accountId))
    if (batch === null) return writeBulk(context, (unit) => endSwitch(unit, context.accountId))
    context.signal.throwIfAborted()
    await bring(context, batch)
    onSent(batch.mails.length)
    await context.yieldToCommands()
  }
}

const bring = async (context: SyncContext, batch: KeptBatch): Promise<void> => {
  const { store, scope, session } = context
  const selected = await selectOrCreate(context, batch.path)
  const fromUid = batch.mails.reduce(
    (lowest, { sentFromUid }) => (sentFromUid !== null && sentFromUid < lowest ? sentFromUid : lowest),
    selected.uidNext || 1n,
  )
  await commitBulk(store, scope, (unit) => noteSent(unit, batch, fromUid), { isDurable: true })
  const uids = new Map<number, bigint>()
  const refused: bigint[] = []
  for (const mail of batch.mails) {
    context.signal.throwIfAborted()
    try {
      const uid = await append(context, { selected, taken: uids }, mail)
      if (uid !== null) uids.set(uid, mail.messageId)
    } catch (error) {
      if (!isAppError(error) || isConnectionFault(error)) throw error
      context.logger.info({ accountId: `${context.accountId}`, code: error.code }, 'a kept mail was not taken')
      refused.push(mail.messageId)
    }
  }
  await meet(context, batch, { fromUid, uids })
  await writeBulk(context, async (unit) => {
    const unmet = await findUnmet(
      unit.tx,
      batch.mails.map(({ messageId }) => messageId),
    )
    const isRefused = new Set(refused)
    await noteRefused(unit, refused, new Date(context.clock.now().getTime() + retryMs))
    // The server took it and shows nothing that is like it: to send it again would not make it more.
    await noteRefused(
      unit,
      unmet.filter((id) => !isRefused.has(id)),
      null,
    )
  })
  if (!session.isOpen()) throw new AppError('connect.closed', 'The server ended the connection.')
}

/** A mailbox that somebody removed at the server meanwhile is made again: there is mail for it. */
const selectOrCreate = async ({ session }: SyncContext, path: string): Promise<SelectedMailbox> => {
  try {
    return await selectMailbox(session, path)
  } catch (error) {
    if (!isAppError(error) || error.code !== 'mailbox.missing') throw error
    await createMailbox(session, path)
    return selectMailbox(session, path)
  }
}

/** Its uid; null where the server does not say. */
const append = async (
  { store, session }: SyncContext,
  { selected, taken }: { selected: SelectedMailbox; taken: Map<number, bigint> },
  mail: KeptMail,
): Promise<number | null> => {
  const { blobId, sentFromUid } = mail
  const octets = () => withCrlf(readPieces(store, blobId))
  let sizeBytes = 0
  let hasNul = false
  for await (const piece of octets()) {
    sizeBytes += piece.length
    hasNul ||= piece.includes(0)
  }
  if (sentFromUid !== null) {
    const header = headerOf(Buffer.from((await store.readSystem((tx) => readBlobHead(tx, blobId))) ?? []))
    const messageId = await readMessageId(header)
    const place = { fromUid: sentFromUid, taken: new Set(taken.keys()) }
    const uid = await findAppended(session, { messageId, sizeBytes, header }, place)
    if (uid !== null) return uid
  }
  const keeps = (keyword: string) => selected.canCreateKeywords || selected.permanentFlags.includes(keyword)
  const facts: AppendedMail = {
    sizeBytes,
    octets: octets(),
    hasNul,
    flags: [...flagNames(mail.bits), ...mail.keywords.filter(keeps)],
    internalDate: mail.receivedAt,
  }
  return (await appendMessage(session, selected.path, facts))?.uid ?? null
}

/** Reads what lies there now: each takes the uid the server gave it, or is recognised. */
const meet = async (
  context: SyncContext,
  { mailboxId }: KeptBatch,
  { fromUid, uids }: { fromUid: bigint; uids: Map<number, bigint> },
): Promise<void> => {
  const { session, accountId } = context
  const listed = await collectEnvelopes(context, mailboxId, fetchEnvelopes(session, `${fromUid}:*`))
  // What came in from elsewhere meanwhile is the next sync's.
  const rows = listed.flatMap((row) => {
    const messageId = uids.get(Number(row.uid)) ?? row.messageId
    return messageId === undefined ? [] : [{ ...row, messageId }]
  })
  await writeBulk(context, async (unit) => {
    const { threadIds } = await storeEnvelopes(unit, { accountId, mailboxId }, rows)
    unit.touchThreads(accountId, threadIds)
  })
}
