import { z } from 'zod'
import { isMachine } from '#mail/correspondent.ts'
import { commit } from './commit.ts'
import { learn } from './correspondents.ts'
import type { Store, Tx } from './open-store.ts'

/**
 * Learns whom people write with out of the mail that is here: to whom what lies in Sent went, and whose mail was read. Mail
 * is met in the order of its ids, once, some time after it was stored; nothing is done where it is stored.
 *
 *   new mail --two rounds later--> learned from | unread: remembered --read--> learned from
 *
 * `learned`: up to there mail was met. `seen`: the newest one of the round before; what was being stored then, under an id
 * below it, is there by now.
 */
const key = 'correspondents'
const progress = z.object({ learned: z.string(), seen: z.string() })
const mailsPerPiece = 1000
/** Mail that was not read in so long is not waited for. */
const unreadDays = 60

/** One bounded piece; answers whether more is left. Safe on several nodes: one works at a time. */
export const learnNextPiece = (store: Store): Promise<boolean> =>
  commit(store, { kind: 'system' }, async ({ tx }) => {
    const [lock] = await tx.$queryRaw<{ mine: boolean }[]>`
      SELECT pg_try_advisory_xact_lock(hashtext('postern.correspondents')) AS mine`
    if (!lock?.mine) return false
    const row = await tx.installationSetting.findUnique({ where: { key } })
    const { learned, seen } = row ? progress.parse(row.value) : { learned: '0', seen: '0' }
    if (learned === seen) return endRound(tx, seen)
    const rows = await tx.$queryRaw<{ id: bigint }[]>`
      SELECT id FROM message WHERE id > ${learned}::bigint AND id <= ${seen}::bigint ORDER BY id LIMIT ${mailsPerPiece}::int`
    const ids = rows.map(({ id }) => id)
    await learnFrom(tx, ids)
    const isLast = ids.length < mailsPerPiece
    await keep(tx, { learned: isLast ? seen : String(ids.at(-1)), seen })
    return true
  })

const keep = async (tx: Tx, value: z.infer<typeof progress>): Promise<void> => {
  await tx.installationSetting.upsert({ where: { key }, create: { key, value }, update: { value } })
}

/** Everything was met: what was read meanwhile counts, and the next round goes up to the mail that is newest now. */
const endRound = async (tx: Tx, seen: string): Promise<boolean> => {
  const read = await tx.$queryRaw<{ id: bigint }[]>`
    DELETE FROM correspondent_unread WHERE message_id IN (SELECT u.message_id FROM correspondent_unread u
      JOIN placement p ON p.message_id = u.message_id AND p.shown_flags & 1 = 1 LIMIT ${mailsPerPiece}::int) RETURNING message_id AS id`
  if (read.length > 0)
    await learnFrom(
      tx,
      read.map(({ id }) => id),
    )
  await tx.$executeRaw`DELETE FROM correspondent_unread WHERE received_at < now() - ${unreadDays}::int * interval '1 day'`
  const [newest] = await tx.$queryRaw<{ id: bigint | null }[]>`SELECT max(id) AS id FROM message`
  if (BigInt(newest?.id ?? 0) > BigInt(seen)) await keep(tx, { learned: seen, seen: String(newest?.id) })
  return read.length === mailsPerPiece
}

const people = z.array(z.object({ name: z.string(), address: z.string() }))
type Mail = {
  id: bigint
  userId: bigint
  at: Date
  from: unknown
  to: unknown
  isSent: boolean
  isRead: boolean
  isList: boolean
}

const learnFrom = async (tx: Tx, ids: bigint[]): Promise<void> => {
  // What was sent from here was learned of when it was; it is known in Sent by its Message-ID, as mail/threading.ts makes it.
  const mails = await tx.$queryRaw<Mail[]>`
    SELECT m.id, a.user_id AS "userId", m.received_at AS at, m.from_addresses AS from, m.to_addresses || m.cc || m.bcc AS to, o.is_sent AS "isSent", o.is_read AS "isRead",
      coalesce(jsonb_typeof(m.asks -> 'list') = 'object', false) AS "isList"
    FROM message m JOIN account a ON a.id = m.account_id JOIN app_user u ON u.id = a.user_id AND u.role <> 'removed'
    CROSS JOIN LATERAL (SELECT bool_or(r.role = 'sent') AS is_sent, bool_or(p.shown_flags & 1 = 1) AS is_read, bool_or(r.role IN ('junk', 'trash', 'drafts')) AS is_out
      FROM placement p JOIN mailbox b ON b.id = p.shown_mailbox_id CROSS JOIN LATERAL (SELECT coalesce(b.chosen_role, b.role, '') AS role) r
      WHERE p.message_id = m.id) o
    WHERE m.id = ANY (${ids}::bigint[]) AND NOT o.is_out AND coalesce(m.message_id_hash NOT IN (
      SELECT left(encode(sha256(convert_to('id:' || trim(BOTH '<>' FROM message_id_header), 'UTF8')), 'hex'), 32)::uuid FROM submission), true)
    ORDER BY m.id`
  const unread: Mail[] = []
  const signs = mails.flatMap((mail) => {
    const { userId, at } = mail
    const written = people.parse(mail.to)
    if (mail.isSent) return written.map((one) => ({ ...one, userId, at, isWritten: true }))
    const senders = people.parse(mail.from).filter(({ address }) => !mail.isList && !isMachine(address))
    if (!mail.isRead && senders.length > 0) unread.push(mail)
    return mail.isRead ? senders.map((one) => ({ ...one, userId, at, isWritten: false })) : []
  })
  await learn(tx, signs)
  await tx.$executeRaw`
    INSERT INTO correspondent_unread (message_id, received_at) SELECT id, received_at FROM message
    WHERE id = ANY (${unread.map(({ id }) => id)}::bigint[]) AND received_at > now() - ${unreadDays}::int * interval '1 day' ON CONFLICT DO NOTHING`
}
