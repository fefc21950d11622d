import { AppError } from '#platform/errors.ts'
import { findOwnMailbox } from '#store/commands.ts'
import { type ListKey, ladder, listHidden, mailboxSize, threadPage } from '#store/list-threads.ts'
import { threadMessages, threadPlacements, threadWinner } from '#store/read-messages.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { parseCursor, presentMessage, presentThreadPage, presentThreadRow } from '../present-mail.ts'
import { createLadders, ladderStep } from './ladders.ts'

export const registerThreads = ({ router, store }: FeatureDeps): void => {
  const ladders = createLadders((mailboxId, step) => store.readOne(ladder(mailboxId, step)))

  router.on('listThreads', async ({ user, params, query }) => {
    const mailboxId = BigInt(params.mailboxId)
    const start = await startOf(user.userId, mailboxId, query)
    const wish = { limit: query.limit + 1, filter: query.filter, ...start }
    const [found] = await store.readAs(user.userId, [threadPage(user.userId, mailboxId, wish)])
    const page = presentThreadPage(found, query)
    if (!page) throw noMailbox()
    return { ...page, ...(query.position === undefined ? {} : { position: query.position }) }
  })

  const startOf = async (
    userId: bigint,
    mailboxId: bigint,
    query: { after?: string | undefined; position?: number | undefined; filter: string },
  ): Promise<{ after: ListKey | null; offset: number }> => {
    if (query.after !== undefined) {
      const { at, id } = parseCursor(query.after)
      return { after: { at, threadId: id }, offset: 0 }
    }
    // Filtered lists are short enough to be walked, and so is the top of any.
    const position = query.position ?? 0
    if (query.filter !== 'all' || position < ladderStep) return { after: null, offset: position }
    const [[mailbox]] = await store.readAs(userId, [mailboxSize(userId, mailboxId)])
    if (!mailbox) throw noMailbox()
    return ladders.locate(mailboxId, mailbox.conversations, position)
  }

  router.on('listHiddenMessages', async ({ user, params, query }) =>
    store.read(user.userId, async (tx) => {
      const mailbox = await findOwnMailbox(tx, user.userId, BigInt(params.mailboxId))
      if (!mailbox) throw noMailbox()
      return { rows: (await listHidden(tx, mailbox.id, query.limit)).map(presentThreadRow) }
    }),
  )

  router.on('getThread', async ({ user, params }) => {
    for (let threadId = BigInt(params.threadId); ; ) {
      const [messages, placements] = await store.readAs(user.userId, [
        threadMessages(user.userId, threadId),
        threadPlacements(user.userId, threadId),
      ])
      const first = messages[0]
      if (first)
        return {
          threadId: threadId.toString(),
          accountId: first.account_id.toString(),
          messages: messages.map((row) =>
            presentMessage(
              row,
              placements.filter((placement) => placement.message_id === row.id),
            ),
          ),
        }
      const [[winner]] = await store.readAs(user.userId, [threadWinner(user.userId, threadId)])
      if (!winner?.id) throw new AppError('not_found', 'There is no such conversation.')
      threadId = winner.id
    }
  })
}

const noMailbox = (): AppError => new AppError('not_found', 'There is no such mailbox.')
