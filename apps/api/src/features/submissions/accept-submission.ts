import type { submissionCreate } from '@postern/shared/submissions.ts'
import { z } from 'zod'
import { asAttachment } from '#mail/attached-mail.ts'
import { composeMessage, isMessageId, type OutgoingMessage, type OutgoingPart } from '#mail/compose-message.ts'
import { readAddress } from '#mail/mail-address.ts'
import { outgoingContent } from '#mail/outgoing-content.ts'
import { redirectMessage } from '#mail/redirect-message.ts'
import { idsShownIn } from '#mail/shown-pictures.ts'
import { displayLine } from '#mail/storable-text.ts'
import { AppError } from '#platform/errors.ts'
import { newSha256 } from '#platform/sha256.ts'
import type { QuickTx } from '#store/bare-tx.ts'
import { readPieces, stageContent } from '#store/blobs.ts'
import { commitTogether, type Unit } from '#store/commit.ts'
import { learnWritten } from '#store/correspondents.ts'
import { isOpen, type WholeDraft } from '#store/drafts.ts'
import type { OwnIdentity } from '#store/identities.ts'
import { ownSubmission, type SubmissionRow } from '#store/read-submissions.ts'
import { readWanted } from '#store/read-wanted.ts'
import type { SendingBar } from '#store/relay.ts'
import { takeDraft } from '#store/steer-submissions.ts'
import { insertSubmission } from '#store/submissions.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { type Addressed, addressesOf, type Departure, departureOf } from './check-submission.ts'
import { readOriginal, readSource, readTies } from './read-original.ts'

type Deps = Pick<FeatureDeps, 'store' | 'engine' | 'logger'>
export type Wanted = z.output<typeof submissionCreate>

/** No server of people takes more. */
const mostBytes = 150 * 1024 * 1024
/** Headers and the borders between parts. */
const frameBytes = 2000

/**
 * Takes a mail for sending: everything that could be wrong with it is looked at first, then it is composed, once, and is durable
 * with all that sends it in one transaction. Answers how it stands; the same request again does nothing, and answers null. Throws
 * not_found, request.invalid (`fields` say what is wrong), request.conflict, message.too_large, message.gone, message.unavailable.
 */
export const acceptSubmission = async (deps: Deps, userId: bigint, wanted: Wanted): Promise<SubmissionRow | null> => {
  const { store } = deps
  const requestHash = hashOf(wanted)
  const { known, draft, identity: writer, now } = await readWanted(store, userId, wanted)
  if (known) {
    requireSame(known.user_id === userId && requestHash.equals(known.request_hash))
    return null
  }
  if (!draft || draft.row.discardedAt !== null) throw new AppError('not_found', 'There is no such draft.')
  if (!isOpen(draft.row)) throw new AppError('request.conflict', 'This draft is being sent already.')
  if (draft.row.version !== wanted.version) throw changed()
  const identity = requireIdentity(draft, writer)
  const addressed = addressesOf(draft.content)
  requireFew(addressed, identity)
  const departure = departureOf(wanted, now)
  const messageIdHeader = `<${wanted.id}@${domainOf(identity.address)}>`
  const limit = Math.min(mostBytes, Number(identity.maxMessageBytes ?? mostBytes))
  const { octets, subject } = await compose(deps, {
    userId,
    draft,
    identity,
    addressed,
    departure,
    messageIdHeader,
    limit,
  })
  const scope = { kind: 'user' as const, userId, accountId: identity.accountId }
  const content = await stageContent(store, scope, within(limit, octets))
  const { about, wantsReport } = draft.content
  const send = async (unit: Unit<QuickTx>): Promise<SubmissionRow | null> => {
    const submission = {
      id: wanted.id,
      userId,
      accountId: identity.accountId,
      requestHash,
      messageIdHeader,
      fromName: identity.name,
      fromAddress: wireOf(identity.address),
      draftId: draft.row.id,
      wantsCopy: true,
      subject,
      octets: content,
      isUnicode: addressed.isUnicode || needsUnicode(identity),
      wantsReport,
      notBefore: departure.notBefore,
      schedule: departure.schedule,
      about: about && { messageId: BigInt(about.messageId), kind: about.kind },
      recipients: addressed.recipients,
    }
    // At once: where one of them does not come about, none does.
    const [inserted, isTaken, , [row]] = await Promise.all([
      insertSubmission(unit, submission),
      takeDraft(unit, draft, { submissionId: wanted.id, version: wanted.version }),
      learnWritten(unit.tx, userId, addressed.recipients),
      unit.tx.ask(ownSubmission(userId, wanted.id)),
    ])
    if (inserted.kind !== 'new') throw new SentBefore(inserted.kind === 'known')
    if (!isTaken) throw changed()
    return row ?? null
  }
  return commitTogether(store, scope, send).catch((error: unknown) => {
    if (!(error instanceof SentBefore)) throw error
    requireSame(error.isSame)
    return null
  })
}

/** By another process, since it was looked for: nothing is done twice. */
class SentBefore extends Error {
  readonly isSame: boolean
  constructor(isSame: boolean) {
    super('This id was taken meanwhile.')
    this.isSame = isSame
  }
}

/** What sends it, and when, is not what it is: asked again with another hold, it is the same mail. */
const hashOf = ({ draftId, version, sendAt }: Wanted): Buffer =>
  Buffer.from(
    newSha256()
      .update(JSON.stringify([draftId, version, sendAt]))
      .digest(),
  )

const requireSame = (isSame: boolean): void => {
  if (isSame) return
  throw new AppError('request.conflict', 'Another mail was sent under this id.', {
    hint: 'Make a new id for every mail.',
  })
}

const changed = (): AppError =>
  new AppError('request.conflict', 'This draft has changed meanwhile, on another device or in another window.', {
    hint: 'Look at it as it is now, then send it.',
  })

const requireIdentity = ({ row }: WholeDraft, identity: OwnIdentity | null): OwnIdentity => {
  if (!identity || identity.accountId !== row.accountId || !readAddress(identity.address))
    throw new AppError('request.invalid', 'This sender is none of yours.', {
      hint: 'Choose who writes.',
      fields: { identityId: 'is none of your identities' },
    })
  if (identity.bar !== null)
    throw new AppError('request.invalid', barred[identity.bar], {
      hint: 'Look at sending on the page of the account, or choose another sender.',
      fields: {
        identityId: identity.bar === 'not_carried' ? 'is not carried' : 'is of an account that cannot send',
      },
    })
  return identity
}

const barred: Record<SendingBar, string> = {
  no_server: 'This account has no server to send with.',
  no_relay: 'The relay by which this account sends is not there any more.',
  not_carried: 'The relay by which this account sends does not carry mail from this sender.',
}

const requireFew = ({ recipients }: Addressed, { recipientsPerMail: most }: OwnIdentity): void => {
  if (most !== null && recipients.length > most)
    throw new AppError(
      'request.invalid',
      `The relay by which this account sends takes ${most} recipients in one mail.`,
      {
        hint: 'Send it to fewer at once, or choose another sender.',
        fields: { to: `are more than ${most}` },
      },
    )
}

const wireOf = (address: string): string => {
  const read = readAddress(address)
  return read ? `${read.local}@${read.domain}` : address
}
const domainOf = (address: string): string => readAddress(address)?.domain ?? 'localhost'
const needsUnicode = ({ address }: OwnIdentity): boolean => readAddress(address)?.isUnicode === true

type Composition = {
  userId: bigint
  draft: WholeDraft
  identity: OwnIdentity
  addressed: Addressed
  departure: Departure
  messageIdHeader: string
  limit: number
}

const compose = async (
  deps: Deps,
  composition: Composition,
): Promise<{ octets: AsyncIterable<Buffer>; subject: string }> => {
  const { userId, draft, identity, addressed, departure, messageIdHeader: messageId, limit } = composition
  const { content, row } = draft
  const { to, cc } = addressed
  const { date, zoneMinutes } = departure
  const from = { name: identity.name, address: identity.address }
  if (content.about?.kind === 'redirect') {
    if (draft.attachments.length > 0) throw notAlong()
    const { sizeBytes, chunks: source, subject } = await readSource(deps, userId, content.about)
    requireSize((sizeBytes ?? 0) + frameBytes, limit)
    return { octets: redirectMessage({ from, to, cc, date, zoneMinutes, messageId, source }), subject }
  }
  // A picture that was taken out of the text stays out of the mail; a plain one has all as files.
  const shown = content.html === null ? null : idsShownIn(content.html)
  const sent = draft.attachments.filter(({ contentId }) => contentId === null || shown === null || shown.has(contentId))
  const parts = sent.map(({ filename, contentType, contentId, blobId }): OutgoingPart => {
    if (blobId === null) throw notHere(filename)
    return { filename, contentType, contentId, octets: () => readPieces(deps.store, blobId) }
  })
  const encodedBytes = sent.reduce((sum, { sizeBytes }) => sum + encodedSize(Number(sizeBytes)), 0)
  requireSize(encodedBytes + Math.max(content.text.length, content.html?.length ?? 0) + frameBytes, limit)
  const original = content.about && content.quotes ? await readOriginal(deps, userId, content.about) : null
  const isUntied = content.about?.kind === 'reply' && row.inReplyTo === null && row.refs.length === 0
  const { inReplyTo, refs } = isUntied && content.about ? await readTies(deps, userId, content.about) : row
  const attachments = await Promise.all(parts.map(asAttachment))
  const written = { text: content.text, html: content.html, attachments, original, zoneMinutes }
  const message: OutgoingMessage = {
    from,
    replyTo: replyToOf(identity),
    to,
    cc,
    subject: content.subject,
    date,
    zoneMinutes,
    messageId,
    inReplyTo: inReplyTo !== null && isMessageId(inReplyTo) ? inReplyTo : null,
    references: refs.filter(isMessageId),
    receiptTo: content.wantsReceipt ? from : null,
    ...outgoingContent({ ...written, domain: domainOf(identity.address) }),
  }
  return { octets: composeMessage(message), subject: content.subject }
}

const storedReplyTo = z.object({ name: z.string(), address: z.string() })
const notAlong = (): AppError =>
  new AppError('request.conflict', 'A redirected mail goes on unchanged: what is attached would not go along.', {
    hint: 'Take it out, or forward the mail instead.',
    fields: { attachments: 'do not go along with a redirected mail' },
  })
const notHere = (filename: string): AppError =>
  new AppError('request.conflict', `“${displayLine(filename, 100)}” is not here yet.`, {
    hint: 'Wait until it has come, or take it out.',
    fields: { attachments: 'are not all here' },
  })

const replyToOf = ({ replyTo }: OwnIdentity): OutgoingMessage['replyTo'] => {
  const stored = storedReplyTo.safeParse(replyTo)
  return stored.success ? [stored.data] : []
}

/** base64, in lines of 76 with their ends. */
const encodedSize = (bytes: number): number => Math.ceil((Math.ceil(bytes / 3) * 4 * 78) / 76)

const requireSize = (bytes: number, limit: number): void => {
  if (bytes > limit) throw tooLarge(limit)
}

async function* within(limit: number, octets: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of octets) {
    bytes += piece.length
    requireSize(bytes, limit)
    yield piece
  }
}

const tooLarge = (limit: number): AppError =>
  new AppError('message.too_large', 'This mail is larger than the sending server takes.', {
    hint: `It takes ${Math.floor(limit / 1_000_000)} MB, and attachments count a third more. Send less, or a link.`,
    fields: { attachments: 'are too large' },
  })
