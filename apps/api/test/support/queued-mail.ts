import { stageContent } from '#store/blobs.ts'
import { commitBulk } from '#store/commit.ts'
import { learnWritten } from '#store/correspondents.ts'
import type { Store } from '#store/open-store.ts'
import { type Inserted, insertSubmission, type NewRecipient } from '#store/submissions.ts'

/** A mail that waits to be sent, as whoever wrote it leaves it. */
export const queueMail = async (
  store: Store,
  { userId, accountId }: { userId: bigint; accountId: bigint },
  {
    id,
    to,
    notBefore = new Date(Date.now() - 1000),
    requestHash = Buffer.from(id),
    text = 'hi',
    perBatch = to.length,
    draftId = null,
  }: {
    id: string
    to: string[]
    notBefore?: Date
    requestHash?: Buffer
    text?: string
    perBatch?: number
    draftId?: string | null
  },
): Promise<Inserted> => {
  async function* octets() {
    yield Buffer.from(`From: ann@example.org\r\nMessage-ID: <${id}@example.org>\r\n\r\n${text}\r\n`)
  }
  const recipients = to.map(
    (address, n): NewRecipient => ({ address, name: '', kind: 'to', batch: Math.floor(n / perBatch) }),
  )
  const staged = await stageContent(store, { kind: 'user', userId, accountId }, octets())
  return commitBulk(
    store,
    { kind: 'user', userId },
    async (unit) => {
      // As whoever accepts what was written.
      if (draftId) await learnWritten(unit.tx, userId, recipients)
      return insertSubmission(unit, {
        id,
        userId,
        accountId,
        requestHash,
        messageIdHeader: `<${id}@example.org>`,
        fromAddress: 'ann@example.org',
        subject: 'hi',
        draftId,
        octets: staged,
        isUnicode: false,
        wantsReport: false,
        notBefore,
        schedule: null,
        about: null,
        recipients,
      })
    },
    { isDurable: true },
  )
}
