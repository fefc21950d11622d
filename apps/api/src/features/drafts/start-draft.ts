import type { DraftContent, DraftStart } from '@postern/shared/drafts.ts'
import { htmlOfLines } from '@postern/shared/written-lines.ts'
import { answerTies, ownTies, type Ties } from '#mail/answer-references.ts'
import { forwardSubject, replySubject } from '#mail/draft-subject.ts'
import { planAnswer } from '#mail/plan-draft.ts'
import { withoutPage } from '#mail/returned-draft.ts'
import { displayLine } from '#mail/storable-text.ts'
import { AppError } from '#platform/errors.ts'
import { commit } from '#store/commit.ts'
import { addComing, type ComingAttachment } from '#store/draft-attachments.ts'
import { adoptCopy } from '#store/draft-copies.ts'
import {
  findDraftOfMessage,
  findOwnDraft,
  insertDraft,
  noteTies,
  restoreDraft,
  type WholeDraft,
  wantCopy,
} from '#store/drafts.ts'
import { listIdentities, type OwnIdentity } from '#store/identities.ts'
import { readMessage } from '#store/read-messages.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { openSource, peek, requireOwnMessage } from '../mail-content.ts'
import { presentDraft } from '../present-draft.ts'
import { presentPeople } from '../present-mail.ts'
import { type AboutMail, carryParts } from './carry-parts.ts'
import { chooseWriter } from './choose-writer.ts'
import { continueDraft } from './continue-draft.ts'
import type { AttachmentFetching } from './fetch-attachments.ts'
import { fetchQuoted } from './fetch-quoted.ts'
import { onItsWay, takenId, wasSent } from './refusals.ts'
import { soundContent } from './sound-content.ts'
import { writeAgain } from './write-again.ts'

type NewStart = Extract<DraftStart['start'], { kind: 'new' }>
type MailStart = Exclude<DraftStart['start'], NewStart | { kind: 'writeAgain' }>

/** How a draft begins. */
type Begun = {
  writer: OwnIdentity
  content: Omit<DraftContent, 'identityId'>
  attachments: ComingAttachment[]
  ties: Ties
  /** The mail in Drafts that it goes on from: its copy, until there is one of ours. */
  adopts: bigint | null
}

const noTies: Ties = { inReplyTo: null, refs: [] }
const maxHeaderBytes = 256 * 1024
const maxHtmlLength = 5_000_000
const empty = {
  to: [],
  cc: [],
  bcc: [],
  subject: '',
  text: '',
  html: '',
  about: null,
  quotes: false,
  wantsReceipt: false,
  wantsReport: false,
} satisfies Omit<DraftContent, 'identityId'>

export const registerDraftStart = (deps: FeatureDeps, fetching: AttachmentFetching): void => {
  const { router, store, engine, logger } = deps

  router.on('startDraft', async ({ user: { userId }, body: { id, start } }) => {
    const known = await store.read(userId, (tx) => findOwnDraft(tx, userId, id))
    if (known) return presentDraft(known)
    if (start.kind === 'continue') {
      const open = await goOn(userId, BigInt(start.messageId))
      if (open) return presentDraft(open)
    }
    if (start.kind === 'writeAgain') return presentDraft(await writeAgain(store, userId, { id, ...start }))
    const begun = start.kind === 'new' ? await beginNew(userId, start) : await beginFrom(userId, start)
    const draft = await create(userId, id, begun)
    fetching.begin(draft)
    if (draft.content.about?.kind === 'reply') void learnTies(draft)
    void fetchQuoted(deps, draft)
    return presentDraft(draft)
  })

  const create = (userId: bigint, id: string, { writer, content, attachments, ties, adopts }: Begun) =>
    commit(store, { kind: 'user', userId }, async (unit): Promise<WholeDraft> => {
      const { accountId } = writer
      const whole = soundContent({ ...content, identityId: writer.id.toString() })
      if (await insertDraft(unit, { id, userId, accountId, content: whole, origin: ties })) {
        await addComing(unit, { id, accountId }, attachments)
        if (adopts === null || !(await adoptCopy(unit, { id, accountId, version: 1 }, adopts))) await wantCopy(unit, id)
      }
      const made = await findOwnDraft(unit.tx, userId, id)
      if (!made) throw takenId()
      return made
    })

  /** The draft that a message in Drafts is the copy of already. */
  const goOn = async (userId: bigint, messageId: bigint): Promise<WholeDraft | null> =>
    commit(store, { kind: 'user', userId }, async (unit) => {
      const known = await findDraftOfMessage(unit.tx, userId, messageId)
      if (!known) return null
      // A second draft of it would be sent a second time.
      if (known.row.submissionId !== null) throw known.row.discardedAt === null ? onItsWay() : wasSent()
      if (known.row.discardedAt !== null) {
        await adoptCopy(unit, known.row, messageId)
        await restoreDraft(unit, known.row)
      }
      return findOwnDraft(unit.tx, userId, known.row.id)
    })

  const beginNew = async (userId: bigint, start: NewStart): Promise<Begun> => {
    const identities = await store.read(userId, (tx) => listIdentities(tx, userId))
    const wanted = start.identityId === undefined ? undefined : BigInt(start.identityId)
    const writer =
      wanted === undefined
        ? (identities.find(({ bar }) => bar === null) ?? identities[0])
        : identities.find(({ id }) => id === wanted)
    if (!writer) throw wanted === undefined ? nobody() : new AppError('not_found', 'There is no such identity.')
    const { to = [], cc = [], bcc = [], subject = '', text = '' } = start
    const content = { ...empty, to, cc, bcc, subject, text, html: text === '' ? '' : htmlOfLines(text) }
    return { writer, content, attachments: [], ties: noTies, adopts: null }
  }

  const beginFrom = async (userId: bigint, { kind, messageId, isPlain = false }: MailStart): Promise<Begun> => {
    const mail = await readAbout(userId, messageId, kind)
    const identities = await store.read(userId, (tx) => listIdentities(tx, userId))
    const isOwnText = kind === 'editAsNew' || kind === 'continue'
    const writer = await chooseWriter(identities, mail, {
      isOwnText,
      readHead: () => headOf(userId, messageId),
    })
    if (!writer) throw nobody()
    const html = isPlain || mail.html === null ? null : ''
    const about = (what: 'reply' | 'forward' | 'redirect') => ({ messageId, kind: what })
    const none = { attachments: [], ties: noTies, adopts: null }
    switch (kind) {
      case 'reply':
      case 'replyAll': {
        const own = identities.map(({ address }) => address)
        const written = planAnswer(mail, own, kind === 'replyAll')
        const subject = replySubject(mail.subject)
        return {
          writer,
          ...none,
          content: { ...empty, ...written, subject, html, about: about('reply'), quotes: true },
        }
      }
      case 'forward': {
        const content = { ...empty, subject: forwardSubject(mail.subject), html, about: about('forward'), quotes: true }
        // Plain, nothing below shows a picture.
        const quoted = html === null ? { ...mail, html: null } : mail
        return { writer, ...none, content, attachments: carryParts(quoted, { areQuoted: true }).attachments }
      }
      case 'forwardAttached': {
        const content = { ...empty, subject: forwardSubject(mail.subject), about: about('forward') }
        return { writer, ...none, content: { ...content, html: isPlain ? null : '' }, attachments: [wholeMail(mail)] }
      }
      case 'redirect':
        return { writer, ...none, content: { ...empty, subject: mail.subject, html: null, about: about('redirect') } }
      case 'editAsNew':
      case 'continue': {
        const isRich = !isPlain && mail.html !== null && mail.html.length <= maxHtmlLength
        const { to, cc, bcc, subject } = mail
        const shown = { ...mail, html: isRich ? mail.html : null }
        if (kind === 'editAsNew') {
          const { html: written, attachments } = carryParts(
            { ...shown, html: shown.html && withoutPage(shown.html) },
            { areQuoted: false },
          )
          return {
            writer,
            ...none,
            content: { ...empty, to, cc, bcc, subject, text: mail.text, html: written },
            attachments,
          }
        }
        // What would be lost with it stays where it is.
        const isWhole = mail.bodyState === 'ready' && !mail.isTruncated && isRich === (mail.html !== null)
        const adopts = isWhole ? mail.id : null
        const ties = await ownTies(await headOf(userId, messageId))
        const { text, about: quoted, quotes, ...taken } = await continueDraft(deps, userId, { ...shown, ...ties })
        const { html: written, attachments } = carryParts({ ...mail, ...taken }, { areQuoted: false })
        const content = { ...empty, to, cc, bcc, subject, text, html: written, about: quoted, quotes }
        return { writer, content, attachments, ties, adopts }
      }
    }
  }

  const readAbout = async (userId: bigint, messageId: string, kind: MailStart['kind']): Promise<AboutMail> => {
    let found = await readMessage(store, userId, BigInt(messageId))
    const needsBody = kind !== 'redirect' && kind !== 'forwardAttached'
    if (found && needsBody && found.message.body_state === 'absent' && !found.message.is_header_only) {
      await engine.openBody(found.message.account_id, found.message.id)
      found = await readMessage(store, userId, BigInt(messageId))
    }
    const row = found && (await store.read(userId, (tx) => tx.message.findUnique({ where: { id: BigInt(messageId) } })))
    if (!found || !row) throw new AppError('not_found', 'There is no such message.')
    return {
      id: row.id,
      accountId: row.accountId,
      subject: row.subject,
      sizeBytes: Number(row.sizeBytes),
      from: presentPeople(row.fromAddresses),
      replyTo: presentPeople(row.replyTo),
      to: presentPeople(row.toAddresses),
      cc: presentPeople(row.cc),
      bcc: presentPeople(row.bcc),
      text: found.body?.text ?? '',
      html: found.body?.html ?? null,
      bodyState: found.message.body_state,
      isTruncated: found.body?.is_truncated ?? found.message.is_header_only,
      parts: found.parts,
    }
  }

  const headOf = async (userId: bigint, messageId: string): Promise<Uint8Array> => {
    const message = await requireOwnMessage(store, userId, messageId)
    const { head, whole } = await peek(await openSource(store, engine, message), maxHeaderBytes)
    whole.destroy()
    return head
  }

  /** Behind the answer: nobody waits for a mail server to begin to write. */
  const learnTies = async ({ row: { id, userId }, content: { about } }: WholeDraft): Promise<void> => {
    try {
      const ties = await answerTies(await headOf(userId, about?.messageId ?? ''))
      await commit(store, { kind: 'user', userId }, (unit) => noteTies(unit, id, ties))
    } catch (error) {
      logger.info({ err: error, draftId: id }, 'a draft does not know yet what it answers')
    }
  }
}

const nobody = () =>
  new AppError('account.not_ready', 'There is no account to write from.', { hint: 'Add an account first.' })

const wholeMail = ({ id, subject, sizeBytes }: AboutMail): ComingAttachment => ({
  id: crypto.randomUUID(),
  filename: `${displayLine(subject, 80) || 'message'}.eml`,
  contentType: 'message/rfc822',
  contentId: null,
  sizeBytes,
  from: { messageId: id, partId: null },
})
