import { z } from 'zod'
import { threadRow } from './messages.ts'
import { cursor, id } from './wire.ts'

export const searchQuery = z.object({
  q: z.string().trim().min(1).max(500),
  limit: z.coerce.number().int().min(1).max(100).default(50),
  after: cursor.optional(),
  accountId: id.optional(),
  mailboxId: id.optional(),
})

/** A found message in its conversation; `subject` and `snippet` have the found words between U+E000 and U+E001. */
export const searchHit = z.object({ row: threadRow, messageId: id, subject: z.string(), snippet: z.string() })

export const searchResult = z
  .object({
    hits: z.array(searchHit),
    next: cursor.optional(),
    /** Found messages; `isExact` false: at least this many. */
    count: z.object({ messages: z.int(), isExact: z.boolean() }),
    /** Messages whose text is not indexed yet: their bodies could not be searched. */
    notIndexed: z.int(),
  })
  .meta({ id: 'SearchResult' })
export type SearchResult = z.infer<typeof searchResult>
