import { deleteMessages } from '#protocol/pop3/delete-messages.ts'
import { quitSession } from '#protocol/pop3/quit-session.ts'
import { commit } from '#store/commit.ts'
import { addListed, findVerified, markDamaged, markLedger, markMissing } from '#store/pop-ledger.ts'
import { compareHeadersAtAnyCost } from './compare-headers.ts'
import type { MaildropContext } from './maildrop-context.ts'
import type { MaildropPlan } from './plan-maildrop.ts'

/** So many stored mails are read back by one statement. */
const verifyAtOnce = 200

/**
 * Removes mails at the server and ends the session: what is stored of each is read back and must have the hash it came
 * with; what the server has under its name must be that mail; that we are about to ask is on disk before the first DELE; and only the server's OK to QUIT counts as done. A kill
 * anywhere leaves rows that the next listing makes sense of. Answers the numbers of those that were removed.
 */
export const removeAndQuit = async (
  context: MaildropContext,
  wanted: MaildropPlan['remove'],
): Promise<ReadonlySet<number>> => {
  const { store, scope, accountId, session, logger } = context
  if (wanted.length === 0) {
    await quitSession(session)
    return new Set()
  }
  const verified = await leaveReplaced(context, await verify(context, wanted))
  const mark = (ids: bigint[], to: 'dele_sent' | 'to_delete' | 'gone') =>
    commit(store, scope, (unit) =>
      markLedger(unit, accountId, ids, { from: ['fetched', 'to_delete', 'dele_sent'], to }),
    )
  await mark(
    verified.map(({ row }) => row.id),
    'dele_sent',
  )
  const rowOf = new Map(verified.map(({ number, row }) => [number, row.id]))
  const answers = await deleteMessages(session, rowOf.keys())
  const idsOf = (isDone: boolean) =>
    answers.filter(({ error }) => (error === null) === isDone).flatMap(({ number }) => rowOf.get(number) ?? [])
  await mark(idsOf(false), 'to_delete')
  const end = await quitSession(session)
  if (end.kind === 'notAllRemoved') {
    // Nobody says which: the next listing does.
    logger.info({ accountId: `${accountId}`, code: end.error.code }, 'the server did not remove all it was asked to')
    return new Set()
  }
  const gone = idsOf(true)
  await mark(gone, 'gone')
  if (gone.length > 0)
    logger.info({ accountId: `${accountId}`, mails: gone.length }, 'mails were removed at the provider')
  return new Set(answers.filter(({ error }) => error === null).map(({ number }) => number))
}

/** What is damaged here stays at the server, which has it as it came: the next look fetches it anew. */
const verify = async (
  { store, scope, accountId, logger, signal }: MaildropContext,
  wanted: MaildropPlan['remove'],
): Promise<MaildropPlan['remove']> => {
  const sound = new Set<bigint>()
  for (let at = 0; at < wanted.length; at += verifyAtOnce) {
    signal.throwIfAborted()
    const ids = wanted.slice(at, at + verifyAtOnce).map(({ row }) => row.id)
    for (const id of await store.readSystem((tx) => findVerified(tx, accountId, ids))) sound.add(id)
  }
  const damaged = wanted.flatMap(({ row }) => (sound.has(row.id) ? [] : [row.id]))
  if (damaged.length > 0) {
    logger.warn(
      { accountId: `${accountId}`, mails: damaged.length },
      'mails stay at the server, and are fetched anew: what is stored of them is not what came',
    )
    await commit(store, scope, (unit) => markDamaged(unit, accountId, damaged))
  }
  return wanted.filter(({ row }) => sound.has(row.id))
}

/**
 * A server may have given the name of a mail to another one, of the same size even, since the last look. That stays, as a mail
 * of which the next look hears for the first time; the one that had its name is away. Whether it is so is not asked of names
 * that are made of what the server has (plan-maildrop.ts).
 */
const leaveReplaced = async (
  context: MaildropContext,
  verified: MaildropPlan['remove'],
): Promise<MaildropPlan['remove']> => {
  const { store, scope, accountId, session, logger } = context
  if (session.capabilities.uniqueIds === false || verified.length === 0) return verified
  const { same, others } = await compareHeadersAtAnyCost(context, verified)
  const replaced = verified.flatMap(({ row }) => (others.has(row.id) ? [row] : []))
  if (replaced.length > 0) {
    logger.warn(
      { accountId: `${accountId}`, mails: replaced.length },
      'mails stay at the server: it gave the names of others to them',
    )
    await commit(store, scope, async (unit) => {
      await markMissing(unit, accountId, [...others], true)
      await addListed(unit, accountId, replaced)
    })
  }
  return verified.filter(({ row }) => same.has(row.id))
}
