import type { ListExit } from '@postern/shared/reports.ts'
import { composeMessage } from '#mail/compose-message.ts'
import { findListLinks, readMailto } from '#mail/find-list-exit.ts'
import { readAddress, wireAddress } from '#mail/mail-address.ts'
import { maxHeaderBytes } from '#mail/read-envelope.ts'
import { egressFetch } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { commit } from '#store/commit.ts'
import { findAnswerer, listKeyOf, messageAsks, noteLeave, parseAsks } from '#store/mail-asks.ts'
import type { OwnMessage } from '#store/read-messages.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { openSource, peek, requireOwnMessage } from '../mail-content.ts'
import { collectOctets, newMessageId, queueSmallMail } from '../queue-small-mail.ts'

const limits = { maxBytes: 0, timeoutMs: 10_000, maxRedirects: 0, accept: '*/*', allowHttp: false }
/** RFC 8058 3.2. */
const post = { type: 'application/x-www-form-urlencoded', body: 'List-Unsubscribe=One-Click' }

/** What is needed to carry it out, and what of it the person sees. */
type Plan = { exit: ListExit; url: string; from: { name: string; address: string } | null }

/** A list is left when its person says so, by the way they were shown. */
export const registerUnsubscribe = ({ router, store, engine, texts, ca }: FeatureDeps): void => {
  router.on('getListExit', async ({ user, params }) => {
    const message = await requireOwnMessage(store, user.userId, params.messageId)
    return (await planExit(message)).exit
  })

  router.on('leaveList', async ({ user, params, body }) => {
    const { userId } = user
    const message = await requireOwnMessage(store, userId, params.messageId)
    const [[row]] = await store.readAs(userId, [messageAsks(userId, message.id)])
    // Asked for again, by another device or because the answer was lost.
    if (row?.left_at) return { ok: true as const }
    const plan = await planExit(message)
    const { exit } = plan
    const target = exit.kind === 'mail' ? exit.to : exit.host
    if (exit.kind !== body.kind || target !== body.target)
      throw new AppError('request.conflict', 'This list is left in another way by now.', { hint: 'Try again.' })
    if (exit.kind === 'oneClick') await askOnce(plan.url)
    const mail = exit.kind === 'mail' ? await writeExit(plan) : null
    const list = listKeyOf(row ? parseAsks(row.asks).list : null, message.from_address)
    await commit(store, { kind: 'user', userId }, async (unit) => {
      const { id: messageId, account_id: accountId } = message
      // First: of two requests at the same time one sends the mail.
      if (!(await noteLeave(unit, { accountId, messageId }, list))) return
      if (mail) await queueSmallMail(unit, { id: crypto.randomUUID(), userId, accountId }, mail)
    })
    return { ok: true as const }
  })

  const planExit = async (message: OwnMessage): Promise<Plan> => {
    const { head, whole } = await peek(await openSource(store, engine, message), maxHeaderBytes)
    try {
      const receivedAt = message.received_at
      const links = await findListLinks(Buffer.from(head), () => whole, { texts, receivedAt })
      return await chooseExit(message, links)
    } finally {
      whole.destroy()
    }
  }

  const chooseExit = async (
    message: OwnMessage,
    { oneClick, mailto, https }: Awaited<ReturnType<typeof findListLinks>>,
  ): Promise<Plan> => {
    if (oneClick !== null)
      return { exit: { kind: 'oneClick', host: new URL(oneClick).host }, url: oneClick, from: null }
    const mail = mailto === null ? null : readMailto(mailto)
    const from = mail && (await store.readSystem((tx) => findAnswerer(tx, message.account_id, message.id)))
    if (mailto !== null && mail && from)
      return { exit: { kind: 'mail', to: mail.to, from: from.address }, url: mailto, from }
    if (https !== null) return { exit: { kind: 'link', host: new URL(https).host, url: https }, url: https, from: null }
    if (mail)
      throw new AppError('account.not_ready', 'This account has no server to send with.', {
        hint: 'Look at sending on the page of the account.',
      })
    throw new AppError('request.conflict', 'This mail does not say how to leave its list.')
  }

  /** Like remote images: never a private address, nothing that tells who asks; and no other address than this one. */
  const askOnce = async (url: string): Promise<void> => {
    const policy = { allowPrivate: false, privateHosts: [] }
    const { status } = await egressFetch(url, { ...limits, policy, post, ...(ca ? { ca } : {}) })
    if (status < 200 || status >= 300)
      throw new AppError('remote_content.unavailable', 'The list did not take it.', {
        hint: 'Try again later, or leave it on its own page.',
      })
  }

  const writeExit = async ({ url, from }: Plan) => {
    const mail = readMailto(url)
    const to = mail && readAddress(mail.to)
    if (!mail || !to || !from)
      throw new AppError('request.conflict', 'The address that this list gives is none that mail can be sent to.')
    const messageId = newMessageId(from.address)
    const message = {
      from,
      replyTo: [],
      to: [{ name: '', address: mail.to }],
      cc: [],
      subject: mail.subject,
      date: new Date(),
      zoneMinutes: 0,
      messageId,
      inReplyTo: null,
      references: [],
      text: mail.body,
      html: null,
      inline: [],
      attachments: [],
      receiptTo: null,
    }
    const octets = await collectOctets(composeMessage(message))
    return { sender: from.address, to: wireAddress(to), subject: mail.subject, messageId, octets }
  }
}
