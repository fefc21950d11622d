import { AppError } from '#platform/errors.ts'
import type { FetchedEnvelope } from '#protocol/imap/fetch-envelopes.ts'
import type { EnvelopeRow } from '#store/sync-envelopes.ts'
import { toEnvelopeRow } from './envelope-row.ts'
import { recogniseMails } from './recognise-mails.ts'
import type { SyncContext } from './sync-context.ts'

/** A server may tell of other messages beside the batch it was asked for; one that never stops is cut off. */
const mostUnasked = 10_000

/** What a FETCH in the selected mailbox tells, ready to be stored. Throws connect.protocol. */
export const collectEnvelopes = async (
  context: SyncContext,
  mailboxId: bigint,
  envelopes: AsyncGenerator<FetchedEnvelope>,
): Promise<EnvelopeRow[]> => {
  const found: FetchedEnvelope[] = []
  for await (const fetched of envelopes) {
    if (found.push(fetched) > mostUnasked)
      throw new AppError('connect.protocol', 'The server tells of more messages than it was asked for.')
  }
  return toRows(context, mailboxId, found)
}

/** A message that is told of twice is one. */
export const toRows = (context: SyncContext, mailboxId: bigint, found: FetchedEnvelope[]): Promise<EnvelopeRow[]> => {
  const now = context.clock.now()
  const rows = new Map(found.map((fetched) => [fetched.uid, toEnvelopeRow(fetched, now)]))
  return recogniseMails(context, mailboxId, [...rows.values()])
}
