import type { RawEnvelope } from '#mail/read-envelope.ts'
import { AppError } from '#platform/errors.ts'
import { type FetchedEnvelope, fetchRawEnvelopes, isMisread } from '#protocol/imap/fetch-envelopes.ts'
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
  return toRows(context, mailboxId, found, await readMisread(context, found))
}

export type Written = Map<number, Pick<RawEnvelope, 'subject' | 'from' | 'replyTo' | 'to' | 'cc' | 'bcc'>>

/** The headers of what the library could not read. No FETCH may be under way. */
export const readMisread = ({ session }: SyncContext, found: FetchedEnvelope[]): Promise<Written> =>
  fetchRawEnvelopes(
    session,
    found.filter(isMisread).map(({ uid }) => uid),
  )

/**
 * A message that is told of twice is one. It shows what is written in its header where that was asked for, and is known by what
 * the library makes of it: other looks compare with that.
 */
export const toRows = (
  context: SyncContext,
  mailboxId: bigint,
  found: FetchedEnvelope[],
  written: Written,
): Promise<EnvelopeRow[]> => {
  const now = context.clock.now()
  const rows = new Map(
    found.map((fetched) => {
      const row = toEnvelopeRow(fetched, now)
      const { subject, from, replyTo, to, cc, bcc } = written.get(fetched.uid) ?? fetched
      return [fetched.uid, { ...row, subject, people: { from, replyTo, to, cc, bcc } }]
    }),
  )
  return recogniseMails(context, mailboxId, [...rows.values()])
}
