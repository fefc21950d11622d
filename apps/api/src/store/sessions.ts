import { Prisma, type UserSetting } from './generated/client.ts'
import { changeChannel, sessionsEndedNotice } from './notify.ts'
import type { Store, Tx } from './open-store.ts'
import type { Statement } from './reader.ts'

export type SessionUser = {
  sessionId: bigint
  userId: bigint
  name: string
  address: string
  role: 'owner' | 'member'
  lastSeenAt: Date
}

type SessionRow = { id: bigint; user_id: bigint; name: string; address: string; role: string; last_seen_at: Date }

/** Who holds this token; null when it is unknown or over. Asked with every request. */
export const findSession = async (store: Store, tokenHash: Uint8Array): Promise<SessionUser | null> => {
  const [row] = await store.readOne<SessionRow>({
    name: 'session',
    sql: Prisma.sql`
    SELECT s.id, s.user_id, u.name, u.address, u.role, s.last_seen_at FROM session s JOIN app_user u ON u.id = s.user_id
    WHERE s.token_hash = ${tokenHash} AND s.expires_at > now() AND s.last_seen_at > now() - interval '30 days'`,
  })
  return row
    ? {
        sessionId: row.id,
        userId: row.user_id,
        name: row.name,
        address: row.address,
        role: row.role === 'owner' ? 'owner' : 'member',
        lastSeenAt: row.last_seen_at,
      }
    : null
}

export const personOf = (userId: bigint): Statement<{ id: bigint; name: string; address: string; role: string }> => ({
  name: 'person',
  sql: Prisma.sql`SELECT id, name, address, role FROM app_user WHERE id = ${userId}`,
})

export type SettingRow = Pick<UserSetting, 'key' | 'value'>

export const settingsOf = (userId: bigint): Statement<SettingRow> => ({
  name: 'settings',
  sql: Prisma.sql`SELECT key, value FROM user_setting WHERE user_id = ${userId}`,
})

/** Sessions were deleted: their sockets end now, not at the next look. */
export const announceEndedSessions = ({ notifier }: Store): void => notifier.notify(changeChannel, sessionsEndedNotice)

export const touchSession = async (tx: Tx, sessionId: bigint): Promise<void> => {
  await tx.$executeRaw`UPDATE session SET last_seen_at = now() WHERE id = ${sessionId}`
}

export const isLiveSession = async (tx: Tx, sessionId: bigint): Promise<boolean> => {
  const rows = await tx.$queryRaw<unknown[]>`SELECT 1 FROM session WHERE id = ${sessionId} AND expires_at > now()`
  return rows.length > 0
}
