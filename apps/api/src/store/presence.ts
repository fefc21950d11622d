import { Prisma } from './generated/client.ts'
import type { Store } from './open-store.ts'
import { toStoreError } from './store-error.ts'

/** A person counts as present this long after the last sign of their browser; signs come every `presenceSignMs`. */
export const presenceMs = 90_000
export const presenceSignMs = 30_000

export const markPresent = async (store: Store, userIds: bigint[]): Promise<void> => {
  if (userIds.length === 0) return
  await store.prisma.$executeRaw`UPDATE app_user SET online_at = now() WHERE id = ANY (${userIds}::bigint[])`.catch(
    (error: unknown) => {
      throw toStoreError(error)
    },
  )
}

/** Accounts whose person has a browser open. */
export const listPresentAccounts = async (store: Store): Promise<bigint[]> => {
  const rows = await store.prisma.$queryRaw<{ id: bigint }[]>`
    SELECT a.id FROM app_user u JOIN account a ON a.user_id = u.id
    WHERE u.online_at > now() - ${presenceMs} * interval '1 millisecond'`.catch((error: unknown) => {
    throw toStoreError(error)
  })
  return rows.map(({ id }) => id)
}

/** Accounts that somebody wants something of: a request, a command or a mail to be put somewhere is waiting. */
export const listAccountsWithWork = async (store: Store): Promise<bigint[]> => {
  const rows = await store.prisma.$queryRaw<{ account_id: bigint }[]>`
    SELECT account_id FROM engine_request WHERE state = 'pending'
    UNION SELECT account_id FROM command WHERE state IN ('pending', 'running')
    UNION SELECT account_id FROM transfer_item WHERE state IN ('waiting', 'sending')`.catch((error: unknown) => {
    throw toStoreError(error)
  })
  return rows.map((row) => row.account_id)
}

/** Accounts with mail that could leave by now. */
export const listAccountsWithMail = async (store: Store): Promise<bigint[]> => {
  const rows = await store.readOne<{ account_id: bigint }>({
    name: 'presence.mail',
    sql: Prisma.sql`SELECT DISTINCT account_id FROM submission_batch WHERE state = 'queued' AND due_at <= now()`,
  })
  return rows.map((row) => row.account_id)
}
