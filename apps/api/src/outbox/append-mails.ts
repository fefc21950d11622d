import { type ArrivalEnvelope, toArrivalEnvelope } from '#mail/arrival-envelope.ts'
import { flagNames } from '#mail/flags.ts'
import { headerOf } from '#mail/read-envelope.ts'
import { AppError } from '#platform/errors.ts'
import { appendMessage, findAppended } from '#protocol/imap/append-message.ts'
import { createMailbox } from '#protocol/imap/change-mailboxes.ts'
import { findHeld } from '#protocol/imap/find-held.ts'
import { type SelectedMailbox, selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { isConnectionFault, toSessionError } from '#protocol/session-error.ts'
import { readPieces } from '#store/blobs.ts'
import { commitBulk, type EngineScope } from '#store/commit.ts'
import {
  beginItems,
  holdsNul,
  type ItemOutcome,
  isListedIn,
  nextTransferItems,
  readHeads,
  settleItems,
  type TransferItem,
} from '#store/transfer-work.ts'
import { isStorable } from './commands/command-step.ts'
import type { Execution } from './execution.ts'
import { looksRenamed } from './missing-mailbox.ts'

/**
 * Appends imported and uploaded mails to mailboxes of the server, each once. Killed anywhere and run again:
 *
 *   waiting -> sending (durable, before the first byte is sent, with the uid from which on it may be) -> stored | refused
 *      |          +-- cut off: the next run looks for it from that uid on before it sends it again
 *      +-> here: the mailbox has it already
 */
export type AppendRun = Omit<Execution, 'scope'> & { scope: EngineScope }

/** A batch is begun and settled in one transaction each; clicks and new mail get their turn between two. */
const batchMails = 16
const batchBytes = 4 * 1024 * 1024
/** A mail that was cut off so often goes alone, and then is given up: others wait behind it. */
const aloneFrom = 2
const maxAttempts = 5

type Mail = { item: TransferItem; blobId: bigint; envelope: ArrivalEnvelope; header: Buffer }

/** Carries out one batch. False when none waits. Throws connection faults; the mails then wait for the next connection. */
export const appendNextMails = async (run: AppendRun): Promise<boolean> => {
  const { store, accountId } = run
  const items = inBatch(await store.readSystem((tx) => nextTransferItems(tx, accountId, batchMails)))
  const [first] = items
  if (!first) return false
  const selected = first.path === '' ? null : await selectTarget(run, first)
  if (selected === null || selected instanceof AppError) {
    const code = selected?.code ?? 'mailbox.missing'
    await settle(
      run,
      items.map(({ id }) => ({ id, state: 'refused', code })),
    )
    return true
  }
  const { outcomes, mails } = await sortOut(run, selected, items)
  const begun = await commitBulk(
    run.store,
    run.scope,
    async (unit) => {
      await settleItems(unit, outcomes)
      return beginItems(
        unit,
        mails.map(({ item }) => item.id),
        { fromUid: selected.uidNext || 1n, uidValidity: selected.uidValidity },
      )
    },
    { isDurable: true },
  )
  await sendAll(
    run,
    selected,
    mails.filter(({ item }) => begun.has(item.id)),
  )
  return true
}

const inBatch = (found: TransferItem[]): TransferItem[] => {
  const [first] = found
  if (first && first.attempts >= aloneFrom) return [first]
  let bytes = 0
  return found.filter(({ sizeBytes, attempts }, n) => {
    bytes += sizeBytes
    return n === 0 || (bytes <= batchBytes && attempts < aloneFrom)
  })
}

/** Answers why the server does not open it. Throws connection faults. */
const selectTarget = async (run: AppendRun, item: TransferItem): Promise<SelectedMailbox | AppError> => {
  const { session } = run
  const { path, mailboxId } = item
  try {
    return await selectMailbox(session, path)
  } catch (error) {
    const known = toSessionError(error)
    if (isConnectionFault(known)) throw known
    // One that was made here for want of another is made there now, once.
    if (known.code !== 'mailbox.missing' || !item.isSentCopy || (await looksRenamed(run, mailboxId))) return known
    return createTarget(run, path)
  }
}

const createTarget = async ({ session, onTree }: AppendRun, path: string): Promise<SelectedMailbox | AppError> => {
  try {
    await createMailbox(session, path, 'sent')
    onTree?.()
    return await selectMailbox(session, path)
  } catch (error) {
    const known = toSessionError(error)
    if (isConnectionFault(known)) throw known
    return known
  }
}

/** What needs not be sent: it is there already, was appended by a run that was cut off, or is gone. The rest is to be sent. */
const sortOut = async (
  run: AppendRun,
  selected: SelectedMailbox,
  items: TransferItem[],
): Promise<{ outcomes: ItemOutcome[]; mails: Mail[] }> => {
  const { store, session, accountId, clock } = run
  const blobIds = items.flatMap(({ blobId }) => blobId ?? [])
  const heads = await store.readSystem((tx) => readHeads(tx, blobIds))
  const outcomes: ItemOutcome[] = []
  const mails: Mail[] = []
  const taken = new Set<number>()
  const octets = new Set<string>()
  for (const item of items) {
    const { id, blobId, sha256, sizeBytes, cameAt, fileAt, isRepeat } = item
    const head = heads.get(blobId ?? 0n)
    if (blobId === null || !head) {
      outcomes.push({ id, state: 'refused', code: 'message.gone' })
      continue
    }
    const facts = { rawHash: sha256, sizeBytes, now: clock.now(), cameAt, fileAt }
    const mail: Mail = { item, blobId, envelope: await toArrivalEnvelope(head, facts), header: headerOf(head) }
    if (item.isSentCopy && (await isHeld(run, mail))) {
      outcomes.push({ id, state: 'here' })
      continue
    }
    if (isRepeat) {
      const isSameLife = item.uidValidity === selected.uidValidity
      const fromUid = (isSameLife && item.fromUid) || 1n
      const uid = await findAppended(session, soughtOf(mail), { fromUid, taken })
      if (uid !== null) {
        taken.add(uid)
        outcomes.push({ id, state: 'stored', uid: BigInt(uid), uidValidity: selected.uidValidity, isKept: false })
        continue
      }
    }
    const isTwin = octets.has(sha256.toString('hex'))
    octets.add(sha256.toString('hex'))
    if (isTwin || (await store.readSystem((tx) => isListedIn(tx, listedAs(accountId, mail)))))
      outcomes.push({ id, state: 'here' })
    else if (item.attempts >= maxAttempts) outcomes.push({ id, state: 'refused', code: 'connect.closed' })
    else mails.push(mail)
  }
  return { outcomes, mails }
}

/** Some servers put what is sent through them there by themselves, changed as they like. */
const isHeld = async ({ session }: AppendRun, mail: Mail): Promise<boolean> => {
  const { messageId } = soughtOf(mail)
  if (messageId === null) return false
  for await (const held of findHeld(session, mail.item.path, [messageId])) if (held === messageId) return true
  return false
}

const soughtOf = ({ item: { sizeBytes }, header }: Mail) => ({
  messageId: /^message-id[ \t]*:\s*(<[^<>\s]+>)/im.exec(header.toString('latin1'))?.[1] ?? null,
  sizeBytes,
  header,
})

const listedAs = (accountId: bigint, { item: { mailboxId, sha256, sizeBytes }, envelope }: Mail) => ({
  accountId,
  mailboxId,
  sha256,
  sizeBytes,
  messageIdHash: envelope.hasOwnId ? (envelope.refHashes[0] ?? null) : null,
  subject: envelope.subject,
  receivedAt: envelope.receivedAt,
})

const sendAll = async (run: AppendRun, selected: SelectedMailbox, mails: Mail[]): Promise<void> => {
  const outcomes: ItemOutcome[] = []
  try {
    for (const mail of mails) outcomes.push(await send(run, selected, mail))
  } finally {
    await settle(run, outcomes)
  }
}

const send = async (run: AppendRun, selected: SelectedMailbox, mail: Mail): Promise<ItemOutcome> => {
  const { store, session, logger } = run
  const { item, blobId, envelope } = mail
  const { id } = item
  const keeps = (flag: string) => isStorable(selected, flag)
  try {
    const appended = await appendMessage(session, item.path, {
      sizeBytes: item.sizeBytes,
      octets: readPieces(store, blobId),
      hasNul: await store.readSystem((tx) => holdsNul(tx, blobId)),
      flags: [...flagNames(item.bits), ...item.keywords].filter(keeps),
      internalDate: envelope.receivedAt,
    })
    const at = appended ? { uid: BigInt(appended.uid), uidValidity: appended.uidValidity } : nowhere
    return { id, state: 'stored', ...at, isKept: false }
  } catch (error) {
    const known = toSessionError(error)
    if (!session.isOpen() || isConnectionFault(known)) throw known
    logger.info({ accountId: run.accountId.toString(), code: known.code }, 'the server does not take a mail')
    return { id, state: 'refused', code: known.code }
  }
}

const nowhere = { uid: null, uidValidity: null }

/** Not durable: a run that does not know of it looks for the mails first. */
const settle = async ({ store, scope }: AppendRun, outcomes: ItemOutcome[]): Promise<void> => {
  if (outcomes.length > 0) await commitBulk(store, scope, (unit) => settleItems(unit, outcomes))
}
