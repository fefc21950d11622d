import { commandBody } from '@postern/shared/commands.ts'
import { bccHeader } from '#mail/compose-message.ts'
import { SEEN } from '#mail/flags.ts'
import { messageIdHash } from '#mail/threading.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import type { Logger } from '#platform/logger.ts'
import { idFrom } from '#platform/sha256.ts'
import { readPieces, stageContent } from '#store/blobs.ts'
import { commit, type EngineScope, type Unit } from '#store/commit.ts'
import type { Lease } from '#store/lease.ts'
import type { Store } from '#store/open-store.ts'
import {
  bccOf,
  endCopy,
  isInSent,
  markFollowed,
  nextSentMail,
  postponeCopy,
  queueCopy,
  type SentMail,
} from '#store/sent-copies.ts'
import { endDraft } from '#store/steer-submissions.ts'
import { enqueueCommand } from './outbox.ts'
import { mailboxForRole } from './role-mailbox.ts'

/**
 * What follows once somebody has a mail: the one it answers is marked, its draft goes, and a copy comes to Sent. Each step is
 * found by what it left in the database, and harmless when it is done again; none of them touches the sending.
 *
 *   unfollowed -> followed, copy waiting -> is in Sent already: stored
 *                                        +-> in the queue of mails -> stored | refused (store/sent-copies.ts, settleCopies)
 */
export type Following = { store: Store; lease: Lease; logger: Logger }

/** These put what is sent through them into Sent by themselves, a moment later (docs/provider-quirks.md). */
const savesSentByItself = /(^|\.)(gmail\.com|googlemail\.com|office365\.com|outlook\.com|hotmail\.com)$/i
/** Time for a look to find what they put there. */
const lookFirstMs = 90_000
/** The mailboxes of the account are not known yet. */
const againMs = 60_000
const longestWaitMs = 24 * 3_600_000

/** Does the next step. False when nothing is left to do now. */
export const followNextSent = async (following: Following): Promise<boolean> => {
  const { store, lease } = following
  const next = (wanted: 'unfollowed' | 'copies') => store.readSystem((tx) => nextSentMail(tx, lease.accountId, wanted))
  const sent = await next('unfollowed')
  if (sent) {
    await markOriginal(following, sent)
    await commit(store, scopeOf(following), (unit) => follow(unit, sent))
    return true
  }
  const due = await next('copies')
  if (due) await copyToSent(following, due)
  return due !== null
}

const scopeOf = ({ lease }: Following): EngineScope => ({ kind: 'engine', ...lease })

const follow = async (unit: Unit, mail: SentMail): Promise<void> => {
  if (mail.draftId !== null) await endDraft(unit, { id: mail.id, draftId: mail.draftId })
  await markFollowed(unit, mail, savesSentByItself.test(mail.host ?? '') ? lookFirstMs : 0)
}

/** As if its person did it, wherever it lies; each mailbox once, however often this runs. */
const markOriginal = async ({ store, logger }: Following, mail: SentMail): Promise<void> => {
  const { id, userId, aboutMessageId, aboutKind } = mail
  if (aboutMessageId === null || aboutKind === 'redirect') return
  const places = await store.readSystem((tx) =>
    tx.placement.findMany({
      where: { messageId: aboutMessageId, shownMailboxId: { not: null } },
      select: { shownMailboxId: true },
      distinct: ['shownMailboxId'],
    }),
  )
  for (const { shownMailboxId } of places) {
    const target = { kind: 'messages', mailboxId: `${shownMailboxId}`, messageIds: [`${aboutMessageId}`] }
    const mark = aboutKind === 'reply' ? { add: ['answered'] } : { addKeywords: ['$Forwarded'] }
    const command = commandBody.parse({ kind: 'setFlags', target, ...mark })
    try {
      await enqueueCommand(store, userId, { id: idFrom(`${id} ${shownMailboxId}`), command })
    } catch (error) {
      // A mailbox where nothing may be marked, or that is gone: the mail was sent all the same.
      if (!isAppError(error) || error.code.startsWith('storage.')) throw error
      logger.info({ code: error.code }, 'a mail that was answered is not marked')
    }
  }
}

const copyToSent = async (following: Following, mail: SentMail): Promise<void> => {
  const { store } = following
  const scope = scopeOf(following)
  const hash = messageIdHash(mail.messageIdHeader)
  if (await store.readSystem((tx) => isInSent(tx, mail.accountId, hash)))
    return commit(store, scope, (unit) => endCopy(unit, mail, 'stored'))
  const bcc = await store.readSystem((tx) => bccOf(tx, mail.id))
  const needsOwn = bcc.length > 0 || mail.isKeptHere
  const octets = needsOwn ? await stageContent(store, scope, withHeader(bccHeader(bcc), store, mail)) : null
  await commit(store, scope, async (unit) => {
    try {
      const { id: mailboxId } = await mailboxForRole(unit, mail.accountId, 'sent')
      await queueCopy(unit, mail, { mailboxId, octets, seenBit: SEEN })
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'mailbox.missing') throw error
      if (mail.ageMs > longestWaitMs) await endCopy(unit, mail, 'none')
      else await postponeCopy(unit, mail, againMs)
    }
  })
}

async function* withHeader(header: Buffer, store: Store, { blobId }: SentMail): AsyncGenerator<Buffer> {
  yield header
  for await (const chunk of readPieces(store, blobId)) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
}
