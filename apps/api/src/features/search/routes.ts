import { parseQuery, type QueryTerm, toTsquery } from '#mail/tokenize.ts'
import { AppError } from '#platform/errors.ts'
import { searchMessages } from '#store/search-messages.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { formatCursor, parseCursor, presentThreadRow } from '../present-mail.ts'
import { snippetsOf } from './snippet.ts'

export const registerSearch = ({ router, store }: FeatureDeps): void => {
  router.on('search', async ({ user, query }) => {
    const terms = parseQuery(query.q)
    const tsquery = toTsquery(terms)
    if (tsquery === null)
      throw new AppError('request.invalid', 'There is no word to look for.', { fields: { q: 'holds no word' } })
    const after = query.after ? parseCursor(query.after) : null
    const found = await searchMessages(store, {
      userId: user.userId,
      tsquery,
      limit: query.limit + 1,
      after: after && { at: after.at, messageId: after.id },
      accountId: query.accountId ? BigInt(query.accountId) : null,
      mailboxId: query.mailboxId ? BigInt(query.mailboxId) : null,
    })
    const page = found.rows.slice(0, query.limit)
    const last = page.at(-1)
    const snippetOf = snippetsOf(wordsOf(terms))
    return {
      hits: page.map((row) => ({
        row: presentThreadRow(row),
        messageId: row.message_id.toString(),
        snippet: snippetOf(row.text ?? ''),
      })),
      ...(found.rows.length > query.limit && last ? { next: formatCursor(last.received_at, last.message_id) } : {}),
      count: { messages: found.count, isExact: found.isExact },
      notIndexed: found.notIndexed,
    }
  })
}

const wordsOf = (terms: QueryTerm[]): string[] =>
  terms.filter(({ isExcluded }) => !isExcluded).flatMap(({ tokens }) => tokens)
