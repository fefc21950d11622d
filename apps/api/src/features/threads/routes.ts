import { AppError } from '#platform/errors.ts'
import { findOwnMailbox } from '#store/commands.ts'
import { type ListKey, listHidden, listThreads, readLadder } from '#store/list-threads.ts'
import type { Tx } from '#store/open-store.ts'
import { readPlacements, readThreadMessages } from '#store/read-messages.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { parseCursor, presentMessage, presentThreadRow } from '../present-mail.ts'
import { createLadders } from './ladders.ts'

export const registerThreads = ({ router, store }: FeatureDeps): void => {
  const ladders = createLadders(readLadder)

  router.on('listThreads', async ({ user, params, query }) =>
    store.read(user.userId, async (tx) => {
      const mailbox = await findOwnMailbox(tx, user.userId, BigInt(params.mailboxId))
      if (!mailbox) throw new AppError('not_found', 'There is no such mailbox.')
      const start = await startOf(tx, mailbox.id, mailbox.conversations, query)
      const rows = await listThreads(tx, mailbox.id, { limit: query.limit + 1, filter: query.filter, ...start })
      const page = rows.slice(0, query.limit).map(presentThreadRow)
      const last = page.at(-1)
      return {
        rows: page,
        ...(rows.length > query.limit && last ? { next: last.cursor } : {}),
        ...(query.filter === 'all'
          ? { total: mailbox.conversations }
          : query.filter === 'unread'
            ? { total: mailbox.unreadConversations }
            : {}),
        ...(query.position === undefined ? {} : { position: query.position }),
      }
    }),
  )

  const startOf = async (
    tx: Tx,
    mailboxId: bigint,
    size: number,
    query: { after?: string | undefined; position?: number | undefined; filter: string },
  ): Promise<{ after: ListKey | null; offset: number }> => {
    if (query.after !== undefined) {
      const { at, id } = parseCursor(query.after)
      return { after: { at, threadId: id }, offset: 0 }
    }
    if (!query.position) return { after: null, offset: 0 }
    // Filtered lists are short enough to be walked.
    return query.filter === 'all'
      ? ladders.locate(tx, mailboxId, size, query.position)
      : { after: null, offset: query.position }
  }

  router.on('listHiddenMessages', async ({ user, params, query }) =>
    store.read(user.userId, async (tx) => {
      const mailbox = await findOwnMailbox(tx, user.userId, BigInt(params.mailboxId))
      if (!mailbox) throw new AppError('not_found', 'There is no such mailbox.')
      return { rows: (await listHidden(tx, mailbox.id, query.limit)).map(presentThreadRow) }
    }),
  )

  router.on('getThread', async ({ user, params }) =>
    store.read(user.userId, async (tx) => {
      const messages = await readThreadMessages(tx, user.userId, BigInt(params.threadId))
      const first = messages[0]
      if (!first) throw new AppError('not_found', 'There is no such conversation.')
      const placements = await readPlacements(tx, { threadIds: [first.thread_id] })
      return {
        threadId: params.threadId,
        accountId: first.account_id.toString(),
        messages: messages.map((row) =>
          presentMessage(
            row,
            placements.filter((placement) => placement.message_id === row.id),
          ),
        ),
      }
    }),
  )
}
