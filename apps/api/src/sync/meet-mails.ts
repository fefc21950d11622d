import { type Retrieved, retrieveMessages, retrieveTops } from '#protocol/pop3/retrieve-messages.ts'
import { commitBulk } from '#store/commit.ts'
import {
  type AwaitedMail,
  endMeeting,
  findAwaited,
  isMoreAwaited,
  type MetMail,
  storeMet,
} from '#store/switch-headers.ts'
import { headerHash } from './bring-home.ts'
import type { MaildropContext } from './maildrop-context.ts'
import type { ListedMail } from './plan-maildrop.ts'
import { possibleSizes } from './plan-recognition.ts'
import { readAnswer } from './read-answer.ts'

/** Met together, and safe from being met again. */
const batchMails = 200

/** `fresh`: not here. What could not be asked for waits for the next look: it might be here. */
export type Meeting = { fresh: ListedMail[]; met: number; unasked: number }

/**
 * After a change from IMAP to POP3: which of the mails that the ledger does not know are here already. Each is known by its
 * header, which was written down while the account was IMAP; of twins there are as many as lay in the inbox. Nothing is
 * downloaded for it but headers, unless the server can give nothing less than a whole mail. What lies in other mailboxes here is
 * met too, also when the change is long over: some maildrops show all mail, and not all of it at once.
 */
export const meetMails = async (context: MaildropContext, listed: ListedMail[]): Promise<Meeting> => {
  if (listed.length === 0 || !(await mayMeet(context))) return { fresh: listed, met: 0, unasked: 0 }
  const meeting: Meeting = { fresh: [], met: 0, unasked: 0 }
  for (let at = 0; at < listed.length; at += batchMails) {
    const batch = listed.slice(at, at + batchMails)
    const headers = await readHeaders(context, batch)
    const { fresh, met } = await pairMails(context, batch, headers)
    meeting.fresh.push(...fresh)
    meeting.met += met
    const unasked = batch.filter(({ number }) => !headers.has(number))
    if (context.isMeeting) meeting.unasked += unasked.length
    else meeting.fresh.push(...unasked)
  }
  return meeting
}

/** After the change not at the price of whole mails, which are fetched anyway. */
const mayMeet = async ({ store, session, accountId, isMeeting }: MaildropContext): Promise<boolean> =>
  isMeeting || (session.capabilities.top !== false && (await store.readSystem((tx) => isMoreAwaited(tx, accountId))))

/**
 * After the mails of a look are stored: nothing more is to be met, or nothing more is there. Answers true when only another
 * look can tell.
 */
export const concludeMeeting = async (
  { store, scope, accountId, isMeeting }: MaildropContext,
  { fresh, met, unasked }: Meeting,
): Promise<boolean> => {
  if (!isMeeting || unasked > 0) return false
  // A server that lists only some of its mails at a time goes on with the next ones.
  const isLast = fresh.length + met === 0
  return !(await commitBulk(store, scope, (unit) => endMeeting(unit, accountId, isLast), { isDurable: true }))
}

type Header = { hash: string; topHash: Buffer }

/** By number; what was refused is left out. */
const readHeaders = async (
  { session, signal, isMeeting }: MaildropContext,
  batch: ListedMail[],
): Promise<Map<number, Header>> => {
  const headers = new Map<number, Header>()
  const take = async (answers: AsyncGenerator<Retrieved, void, void>): Promise<void> => {
    for await (const answer of answers) {
      signal.throwIfAborted()
      if (answer.kind === 'refused') continue
      const { beginning, hash } = await readAnswer(answer.content)
      headers.set(answer.number, { hash: headerHash(beginning).toString('hex'), topHash: hash })
    }
  }
  const numbers = batch.map(({ number }) => number)
  if (session.capabilities.top !== false) await take(retrieveTops(session, numbers, { lines: 0 }))
  const left = numbers.filter((number) => !headers.has(number))
  if (isMeeting && left.length > 0 && session.capabilities.top === false) await take(retrieveMessages(session, left))
  return headers
}

const pairMails = async (
  { store, scope, accountId }: MaildropContext,
  batch: ListedMail[],
  headers: Map<number, Header>,
): Promise<{ fresh: ListedMail[]; met: number }> => {
  const hashes = [...new Set([...headers.values()].map(({ hash }) => hash))]
  const awaited = await store.readSystem((tx) => findAwaited(tx, accountId, hashes))
  const byHash = Map.groupBy(awaited, ({ hash }) => hash)
  const mails: MetMail[] = []
  const fresh: ListedMail[] = []
  for (const listed of batch) {
    const header = headers.get(listed.number)
    if (!header) continue
    const mail = pick(byHash.get(header.hash) ?? [], listed.sizeBytes)
    if (mail) {
      mail.copies--
      mails.push({ messageId: mail.messageId, key: listed.key, sizeBytes: listed.sizeBytes, topHash: header.topHash })
    } else fresh.push(listed)
  }
  if (mails.length > 0) await commitBulk(store, scope, (unit) => storeMet(unit, accountId, mails), { isDurable: true })
  return { fresh, met: mails.length }
}

/**
 * Of several with one header that with its size; a single one whatever the server says of sizes: some count them otherwise by
 * one protocol than by the other.
 */
const pick = (candidates: AwaitedMail[], sizeBytes: number): AwaitedMail | undefined => {
  const open = candidates.filter(({ copies }) => copies > 0)
  const [only, ...others] = open
  if (others.length === 0) return candidates.length === 1 ? only : only && isSize(only, sizeBytes) ? only : undefined
  return open.find((mail) => isSize(mail, sizeBytes))
}

const isSize = (mail: AwaitedMail, sizeBytes: number): boolean =>
  possibleSizes(mail.sizeBytes).includes(BigInt(sizeBytes))
