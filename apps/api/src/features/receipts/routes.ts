import { composeReceipt } from '#mail/compose-receipt.ts'
import { readAddress, wireAddress } from '#mail/mail-address.ts'
import { displayLine } from '#mail/storable-text.ts'
import { enqueueCommand } from '#outbox/outbox.ts'
import { AppError, isAppError } from '#platform/errors.ts'
import { commit } from '#store/commit.ts'
import { findAnswerer, findKeywordPlace, messageAsks, noteAnswer, parseAsks } from '#store/mail-asks.ts'
import { findOwnMessage, type OwnMessage } from '#store/read-messages.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { collectOctets, newMessageId, queueSmallMail, type SmallMail } from '../queue-small-mail.ts'

/** The keyword of RFC 3503: whoever sees it does not ask again, whatever the answer was. */
const answeredKeyword = '$MDNSent'

/** A receipt goes out when its person says so, once, and never by itself. RFC 8098. */
export const registerReceipts = ({ router, store, logger }: FeatureDeps): void => {
  router.on('answerReceipt', async ({ user, params, body }) => {
    const { userId } = user
    const messageId = BigInt(params.messageId)
    const message = await findOwnMessage(store, userId, messageId)
    const [[row]] = await store.readAs(userId, [messageAsks(userId, messageId)])
    if (!message) throw new AppError('not_found', 'There is no such message.')
    const receipt = row && parseAsks(row.asks).receipt
    if (!row || !receipt) throw new AppError('request.conflict', 'This mail asks for no receipt.')
    if (row.answer !== null || row.is_mdn_sent) return { ok: true as const }
    const id = body.answer === 'send' ? crypto.randomUUID() : null
    const mail = id === null ? null : await writeReceipt(message, receipt)
    const isNew = await commit(store, { kind: 'user', userId }, async (unit) => {
      const { account_id: accountId } = message
      // First: of two devices that answer at the same time one does.
      if (!(await noteAnswer(unit, { accountId, messageId }, id === null ? 'refused' : 'sent', id))) return false
      if (id !== null && mail) await queueSmallMail(unit, { id, userId, accountId }, mail)
      return true
    })
    if (isNew) await markAnswered(userId, messageId)
    return { ok: true as const }
  })

  const writeReceipt = async (
    message: OwnMessage,
    { to, messageId }: { to: string; messageId: string | null },
  ): Promise<SmallMail> => {
    const from = await store.readSystem((tx) => findAnswerer(tx, message.account_id, message.id))
    if (!from)
      throw new AppError('account.not_ready', 'This account has no server to send with.', {
        hint: 'Look at sending on the page of the account.',
      })
    const address = readAddress(to)
    if (!address)
      throw new AppError('request.conflict', 'A receipt cannot be sent to the address that this mail gives.')
    const own = newMessageId(from.address)
    const subject = displayLine(message.subject, 500)
    const octets = await collectOctets(
      composeReceipt({
        from,
        to,
        about: { subject, messageId },
        subject: `Read: ${subject}`,
        text: `Your mail “${subject}” to ${from.address} was opened.\n\nThis does not say that it was read or understood.\n`,
        date: new Date(),
        messageId: own,
      }),
    )
    return { sender: '', to: wireAddress(address), subject: `Read: ${subject}`, messageId: own, octets }
  }

  /** For other mail programs; here the answer is known already. */
  const markAnswered = async (userId: bigint, messageId: bigint): Promise<void> => {
    const mailboxId = await store.readSystem((tx) => findKeywordPlace(tx, messageId))
    if (mailboxId === null) return
    const target = { kind: 'messages' as const, mailboxId: mailboxId.toString(), messageIds: [messageId.toString()] }
    const command = { kind: 'setFlags' as const, target, add: [], remove: [], addKeywords: [answeredKeyword] }
    try {
      await enqueueCommand(store, userId, { id: crypto.randomUUID(), command: { ...command, removeKeywords: [] } })
    } catch (error) {
      if (!isAppError(error)) throw error
      logger.info({ err: error }, 'that a receipt was answered is not marked at the mail server')
    }
  }
}
