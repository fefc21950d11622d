import type { Correspondent } from './compose-message.ts'
import { addressKey, keyBehindPlus } from './own-address.ts'

/** Whom an answer goes to, and as whom it is written. */
export type AnsweredMail = {
  from: Correspondent[]
  replyTo: Correspondent[]
  to: Correspondent[]
  cc: Correspondent[]
  bcc: Correspondent[]
}
export type WrittenTo = Pick<AnsweredMail, 'to' | 'cc' | 'bcc'>

/**
 * An answer goes where the sender wants it; an answer to one's own mail goes on to those it went to. An answer to all leaves
 * oneself out, unless nobody else is left. Where a mailing list put itself in Reply-To, an answer to all reaches the author too.
 */
export const planAnswer = (mail: AnsweredMail, own: string[], isToAll: boolean): WrittenTo => {
  const mine = new Set(own.map(addressKey))
  const isOwn = ({ address }: Correspondent) => mine.has(addressKey(address)) || mine.has(keyBehindPlus(address) ?? '')
  const isMine = mail.from.length > 0 && mail.from.every(isOwn)
  const wanted = mail.replyTo.length > 0 ? mail.replyTo : mail.from
  if (isMine && mail.to.length + mail.cc.length > 0) {
    const to = mail.to.length > 0 ? mail.to : mail.cc
    return isToAll ? apart(to, mail.cc) : apart(to, [])
  }
  if (!isToAll) return apart(wanted, [])
  const others = [...mail.to, ...mail.cc]
  const named = new Set(others.map(({ address }) => addressKey(address)))
  const isList = mail.replyTo.length > 0 && mail.replyTo.every(({ address }) => named.has(addressKey(address)))
  const first = [...wanted, ...(isList ? mail.from : [])]
  const to = first.filter((one) => !isOwn(one))
  const cc = others.filter((one) => !isOwn(one))
  return to.length > 0 ? apart(to, cc) : apart(cc.length > 0 ? cc : first, [])
}

/** Everybody once. */
const apart = (to: Correspondent[], cc: Correspondent[]): WrittenTo => {
  const seen = new Set<string>()
  const isNew = ({ address }: Correspondent) => {
    const { size } = seen
    return address !== '' && seen.add(addressKey(address)).size > size
  }
  return { to: to.filter(isNew), cc: cc.filter(isNew), bcc: [] }
}

export type Writer = {
  id: bigint
  accountId: bigint
  address: string
  isDefault: boolean
  /** Why it cannot send; null: it can. */
  bar: string | null
}

/**
 * As whom a mail is answered: the first identity that it was written to, exactly or with something behind a plus; else the default
 * of its account. `written` holds the addresses of each field, the one that says most first: who stands in To was meant, whichever
 * account shows the mail; of those in one field the account's own comes first. One of another account counts if that can send.
 * `delivered`: what the servers on its way say whom it was for.
 */
export const planWriter = <W extends Writer>(
  writers: W[],
  { accountId, written, delivered }: { accountId: bigint; written: string[][]; delivered: string[] },
): { writer: W | null; isCertain: boolean } => {
  const own = writers.filter((writer) => writer.accountId === accountId)
  const near = [...own, ...writers.filter((writer) => writer.accountId !== accountId && writer.bar === null)]
  for (const addresses of [...written, delivered])
    for (const keyOf of [addressKey, keyBehindPlus]) {
      const keys = new Set(addresses.map(keyOf))
      const found = near.find((writer) => keys.has(addressKey(writer.address)))
      if (found) return { writer: found, isCertain: true }
    }
  const usual = own.find(({ isDefault }) => isDefault) ?? own[0] ?? near[0] ?? writers[0]
  return { writer: usual ?? null, isCertain: false }
}
