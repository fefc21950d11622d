import { Readable } from 'node:stream'
import { decodeCharset } from '#mail/decode-part.ts'
import { displayLine } from '#mail/storable-text.ts'
import { AppError } from '#platform/errors.ts'
import { commit } from '#store/commit.ts'
import { wantRest } from '#store/maildrop-parts.ts'
import { findQuotedSender } from '#store/quoted-sender.ts'
import { type ReadableMessage, readMessage } from '#store/read-messages.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { collect, openPart, openSource, peek, requireOwnMessage } from '../mail-content.ts'
import { parseHeaders } from '../parse-headers.ts'
import { attachmentDisposition, previewKind, safeHeaders, sniffImage } from '../part-headers.ts'
import { presentBodyState } from '../present-mail.ts'
import { registerRemoteImages } from './remote-images.ts'

const maxHeaderBytes = 256 * 1024
const maxPreviewText = 1024 * 1024

export const registerMessages = (deps: FeatureDeps): void => {
  const { router, store, engine } = deps

  const requireMessage = async (userId: bigint, messageId: string): Promise<ReadableMessage> => {
    const found = await readMessage(store, userId, BigInt(messageId))
    if (!found) throw new AppError('not_found', 'There is no such message.')
    return found
  }

  const isTrustedSender = async (userId: bigint, address: string | null): Promise<boolean> =>
    address !== null && (await store.read(userId, (tx) => tx.trustedSender.count({ where: { userId, address } }))) > 0

  router.on('getMessageBody', async ({ user, params }) => {
    let found = await requireMessage(user.userId, params.messageId)
    // Nobody could read more of it than is here until its rest was fetched.
    if (found.message.body_state === 'absent' && !found.message.is_header_only) {
      await engine.openBody(found.message.account_id, found.message.id)
      found = await requireMessage(user.userId, params.messageId)
    }
    const { message, body, parts } = found
    const sender = found.isWritten
      ? await store.read(user.userId, (tx) => findQuotedSender(tx, user.userId, message.id))
      : message.from_address
    const isTrusted = found.isWritten ? await isTrustedSender(user.userId, sender) : found.isTrusted
    return {
      messageId: params.messageId,
      state: presentBodyState(message.body_state),
      text: body?.text ?? '',
      html: body?.html ?? null,
      isTruncated: body?.is_truncated ?? false,
      isHeaderOnly: message.is_header_only,
      parts: parts.map((part) => ({
        id: part.id.toString(),
        filename: part.filename,
        contentType: part.content_type,
        sizeBytes: Number(part.size_bytes),
        contentId: part.content_id,
        isInline: part.is_inline,
        preview: previewKind(part.content_type, part.filename),
      })),
      remoteContentAllowed: isTrusted,
      remoteContentSender: sender,
    }
  })

  router.on('fetchRest', async ({ user, params }) => {
    const message = await requireOwnMessage(store, user.userId, params.messageId)
    if (!message.is_header_only) return { ok: true as const }
    await commit(store, { kind: 'user', userId: user.userId }, (unit) => wantRest(unit, message.account_id, message.id))
    await engine.requestSync(message.account_id)
    return { ok: true as const }
  })

  router.on('getMessageHeaders', async ({ user, params }) => {
    const message = await requireOwnMessage(store, user.userId, params.messageId)
    const { head, whole } = await peek(await openSource(store, engine, message), maxHeaderBytes)
    whole.destroy()
    return { headers: parseHeaders(Buffer.from(head)) }
  })

  router.on('getMessageSource', async ({ user, params, reply }) => {
    const message = await requireOwnMessage(store, user.userId, params.messageId)
    const content = await openSource(store, engine, message)
    const name = `${displayLine(message.subject, 80) || 'message'}.eml`
    reply.headers({
      ...safeHeaders,
      'content-type': 'message/rfc822',
      'content-disposition': attachmentDisposition(name),
    })
    if (content.sizeBytes !== null) reply.header('content-length', content.sizeBytes)
    return reply.send(Readable.from(content.chunks, { objectMode: false }))
  })

  const requirePart = async (userId: bigint, messageId: string, partId: string) => {
    const message = await requireOwnMessage(store, userId, messageId)
    const part = await store.read(userId, (tx) =>
      tx.part.findFirst({ where: { id: BigInt(partId), messageId: message.id } }),
    )
    if (!part) throw new AppError('not_found', 'There is no such attachment.')
    return { message, part }
  }

  router.on('getPart', async ({ user, params, reply }) => {
    const { message, part } = await requirePart(user.userId, params.messageId, params.partId)
    const content = await openPart(store, engine, message, part)
    reply.headers({
      ...safeHeaders,
      'content-type': 'application/octet-stream',
      'content-disposition': attachmentDisposition(part.filename ?? 'attachment'),
    })
    if (content.sizeBytes !== null) reply.header('content-length', content.sizeBytes)
    return reply.send(Readable.from(content.chunks, { objectMode: false }))
  })

  router.on('getPartPreview', async ({ user, params, reply }) => {
    const { message, part } = await requirePart(user.userId, params.messageId, params.partId)
    const kind = previewKind(part.contentType, part.filename)
    if (kind === null)
      throw new AppError('message.unparsable', 'There is no preview of this kind of file.', {
        hint: 'Download it instead.',
      })
    const content = await openPart(store, engine, message, part)
    reply.headers({ ...safeHeaders, 'content-disposition': 'inline' })
    if (kind === 'text') {
      const text = decodeCharset(await collect(content, maxPreviewText), part.charset)
      return reply.header('content-type', 'text/plain; charset=utf-8').send(text)
    }
    const { head, whole } = await peek(content, 16)
    if (kind === 'pdf') return reply.header('content-type', 'application/octet-stream').send(whole)
    const type = sniffImage(head)
    if (type === null) {
      // Nobody could know before it was here: an answer, no error.
      whole.destroy()
      return reply.code(204).send()
    }
    return reply.header('content-type', type).send(whole)
  })

  router.on('trustSender', async ({ user, body }) => {
    const key = { userId: user.userId, address: body.address.toLowerCase() }
    await store.prisma.trustedSender.upsert({ where: { userId_address: key }, create: key, update: {} })
    return { ok: true as const }
  })
  router.on('distrustSender', async ({ user, query }) => {
    await store.prisma.trustedSender.deleteMany({
      where: { userId: user.userId, address: query.address.toLowerCase() },
    })
  })

  registerRemoteImages(deps)
}
