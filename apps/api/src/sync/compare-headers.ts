import { isDeepStrictEqual } from 'node:util'
import { headerOf, readEnvelope } from '#mail/read-envelope.ts'
import { type Retrieved, retrieveMessages, retrieveTops } from '#protocol/pop3/retrieve-messages.ts'
import { readStoredMails, type StoredMail } from '#store/pop-ledger.ts'
import type { MaildropContext } from './maildrop-context.ts'
import type { LedgerRow } from './plan-maildrop.ts'
import { isSameHeader } from './plan-recognition.ts'
import { type Answer, readAnswer } from './read-answer.ts'

type Listed = { row: LedgerRow; number: number }

/** Ids of rows. What the server did not give right now is in neither. */
export type Compared = { same: Set<bigint>; others: Set<bigint> }

/** Which mails still have the header that is stored of their row. A server without TOP gives none. */
export const compareHeaders = (context: MaildropContext, listed: Listed[]): Promise<Compared> => {
  const { session } = context
  /** Ends with the first refusal that says that there is no TOP. */
  function* numbers(): Generator<number> {
    for (const { number } of listed) {
      if (session.capabilities.top === false) return
      yield number
    }
  }
  return compare(context, listed, retrieveTops(session, numbers(), { lines: 0 }))
}

/** The same at any cost: of what no header alone is given the whole mail is read once more. */
export const compareHeadersAtAnyCost = async (context: MaildropContext, listed: Listed[]): Promise<Compared> => {
  const { same, others } = await compareHeaders(context, listed)
  const left = listed.filter(({ row }) => !same.has(row.id) && !others.has(row.id))
  const numbers = left.map(({ number }) => number)
  const whole = await compare(context, left, retrieveMessages(context.session, numbers))
  return { same: new Set([...same, ...whole.same]), others: new Set([...others, ...whole.others]) }
}

/** Of so many what is stored is read by one statement, ahead of their answers. */
const readAhead = 200

const compare = async (
  { store, accountId, signal }: MaildropContext,
  listed: Listed[],
  answers: AsyncGenerator<Retrieved, void, void>,
): Promise<Compared> => {
  const compared: Compared = { same: new Set(), others: new Set() }
  const placeOf = new Map(listed.map(({ number }, place) => [number, place]))
  let ahead = new Map<bigint, StoredMail>()
  let readTo = 0
  for await (const answer of answers) {
    signal.throwIfAborted()
    const place = placeOf.get(answer.number)
    const id = listed[place ?? -1]?.row.id
    if (answer.kind === 'refused' || place === undefined || id === undefined) continue
    const given = await readAnswer(answer.content)
    if (place >= readTo) {
      // Answers come in the order in which they were asked for.
      readTo = place + readAhead
      const ids = listed.slice(place, readTo).map(({ row }) => row.id)
      ahead = await store.readSystem((tx) => readStoredMails(tx, accountId, ids))
    }
    const stored = ahead.get(id)
    const isSame = stored !== undefined && (await isHeaderOf(stored, given))
    compared[isSame ? 'same' : 'others'].add(id)
  }
  return compared
}

const isHeaderOf = async ({ isWhole, hash, header }: StoredMail, given: Answer): Promise<boolean> => {
  if (!isWhole && hash) return given.hash.equals(hash)
  if (!header) return false
  const [stored, listed] = [headerOf(Buffer.from(header)), headerOf(given.beginning)]
  return isSameHeader(stored, listed) || (await saySame(stored, listed))
}

/** Some servers write boundaries, and whatever else nobody reads, anew each time they give a mail. */
const saySame = async (a: Buffer, b: Buffer): Promise<boolean> => {
  // What breaks the parser says nothing.
  const [one, other] = await Promise.all([a, b].map((header) => readEnvelope(header).catch(() => null)))
  return one?.messageId != null && isDeepStrictEqual(one, other)
}
