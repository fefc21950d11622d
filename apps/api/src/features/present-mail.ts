import { mailboxRoles } from '@postern/shared/mailbox-roles.ts'
import type { Mailbox as WireMailbox } from '@postern/shared/mailboxes.ts'
import type { Message, MessageFlags, ThreadRow, threadList } from '@postern/shared/messages.ts'
import type { EmailAddress } from '@postern/shared/wire.ts'
import { z } from 'zod'
import { ANSWERED, DELETED, DRAFT, FLAGGED, SEEN } from '#mail/flags.ts'
import { rightsOf } from '#outbox/outbox.ts'
import type { Filter, PageRow, ThreadListRow } from '#store/list-threads.ts'
import type { MessageRow, PlacementRow } from '#store/read-messages.ts'
import type { MailboxRow } from '#store/sync-mailboxes.ts'

/** Rows of the store to shapes of the wire. */
const people = z.array(z.object({ name: z.string(), address: z.string() }))
const senderList = z.array(z.object({ from: people, seen: z.boolean() })).nullable()

export const presentPeople = (stored: unknown): EmailAddress[] => people.parse(stored)

export const presentFlags = (bits: number, keywords: string[]): MessageFlags => ({
  seen: (bits & SEEN) !== 0,
  answered: (bits & ANSWERED) !== 0,
  flagged: (bits & FLAGGED) !== 0,
  draft: (bits & DRAFT) !== 0,
  deleted: (bits & DELETED) !== 0,
  keywords: keywords.filter((keyword) => keyword !== ''),
})

export const formatCursor = (at: Date, id: bigint): string => `${at.getTime()}_${id}`
export const parseCursor = (text: string): { at: Date; id: bigint } => {
  const [at = '0', id = '0'] = text.split('_')
  return { at: new Date(Number(at)), id: BigInt(id) }
}

const maxSenders = 6

const presentSenders = (stored: unknown): ThreadRow['senders'] => {
  const senders = new Map<string, ThreadRow['senders'][number]>()
  for (const { from, seen } of senderList.parse(stored) ?? [])
    for (const person of from) {
      const key = person.address.toLowerCase()
      const known = senders.get(key)
      senders.set(key, { ...person, isUnread: (known?.isUnread ?? false) || !seen })
    }
  const all = [...senders.values()]
  return all.length <= maxSenders ? all : [...all.slice(0, 1), ...all.slice(1 - maxSenders)]
}

export const presentThreadRow = (row: ThreadListRow): ThreadRow => ({
  threadId: row.thread_id.toString(),
  mailboxId: row.mailbox_id.toString(),
  accountId: row.account_id.toString(),
  latestMessageId: row.latest_message_id.toString(),
  latestAt: row.latest_at.toISOString(),
  subject: row.subject,
  senders: presentSenders(row.senders),
  recipients: presentPeople(row.to_addresses).slice(0, 3),
  preview: row.preview,
  messages: row.messages,
  unread: row.unread,
  isFlagged: row.flagged > 0,
  isAnswered: row.answered > 0,
  hasAttachment: row.attachments > 0,
  isInPart: row.in_part,
  sizeBytes: Number(row.size_bytes),
  cursor: formatCursor(row.latest_at, row.thread_id),
})

/** A page that was read with one row more than `limit`, to know whether it goes on; null when there is no such mailbox. */
export const presentThreadPage = (
  found: PageRow[],
  { limit, filter }: { limit: number; filter: Filter },
): z.infer<typeof threadList> | null => {
  const [first] = found
  if (!first) return null
  const rows = found.filter((row) => row.thread_id !== null)
  const page = rows.slice(0, limit).map(presentThreadRow)
  const last = page.at(-1)
  return {
    rows: page,
    ...(rows.length > limit && last ? { next: last.cursor } : {}),
    ...(filter === 'all' ? { total: first.total } : filter === 'unread' ? { total: first.unread_total } : {}),
  }
}

export const presentPlacements = (rows: PlacementRow[]): Message['placements'] =>
  rows.map((row) => ({
    mailboxId: row.shown_mailbox_id.toString(),
    copies: row.copies,
    flags: presentFlags(row.flags, row.keywords),
  }))

const bodyStates = ['absent', 'ready', 'salvaged', 'unparsable'] as const

export const presentBodyState = (state: string): Message['body'] =>
  bodyStates.find((known) => known === state) ?? 'absent'

export const presentMessage = (row: MessageRow, placements: PlacementRow[]): Message => ({
  id: row.id.toString(),
  threadId: row.thread_id.toString(),
  accountId: row.account_id.toString(),
  subject: row.subject,
  from: presentPeople(row.from_addresses),
  replyTo: presentPeople(row.reply_to),
  to: presentPeople(row.to_addresses),
  cc: presentPeople(row.cc),
  bcc: presentPeople(row.bcc),
  date: row.sent_at?.toISOString() ?? null,
  receivedAt: row.received_at.toISOString(),
  sizeBytes: Number(row.size_bytes),
  preview: row.preview,
  hasAttachment: row.has_attachment,
  body: presentBodyState(row.body_state),
  isHeaderOnly: row.is_header_only,
  isRestComing: row.is_rest_coming,
  placements: presentPlacements(placements),
  draftId: row.draft_id,
})

/** `parentId` is the mailbox whose path is this one's, one name shorter. */
export const presentMailboxes = (rows: MailboxRow[], all: MailboxRow[] = rows): WireMailbox[] => {
  const byPath = new Map(all.map((row) => [row.path, row]))
  return rows.map((row) => {
    const cut = row.delimiter === null ? -1 : row.path.lastIndexOf(row.delimiter)
    const parent = cut > 0 ? byPath.get(row.path.slice(0, cut)) : undefined
    const role = row.chosenRole === 'none' ? null : (row.chosenRole ?? row.role)
    return {
      id: row.id.toString(),
      accountId: row.accountId.toString(),
      path: row.path,
      name: row.name,
      parentId: parent?.id.toString() ?? null,
      role: mailboxRoles.find((known) => known === role) ?? null,
      roleIsChosen: row.chosenRole !== null,
      isSelectable: row.isSelectable,
      isSynced: row.isSynced,
      isWatched: row.isWatched,
      rights: rightsOf(row),
      messages: row.messages,
      unreadMessages: row.unreadMessages,
      conversations: row.conversations,
      unreadConversations: row.unreadConversations,
      sync: {
        state: row.isSynced
          ? row.fillUid === 1n
            ? 'complete'
            : row.fillUid === null
              ? 'listed'
              : 'filling'
          : 'excluded',
        envelopesStored: row.envelopesStored,
        envelopesTotal: Math.max(row.serverMessages, row.envelopesStored),
      },
    }
  })
}
