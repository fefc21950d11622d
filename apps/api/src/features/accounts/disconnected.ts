import type { DisconnectedAccount } from '@postern/shared/accounts.ts'
import { accountKind, serverSettings } from '@postern/shared/accounts.ts'
import { resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { type AccountRow, findAccount, listDisconnected } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { countKept, type KeptAccount, setIncoming, takeUpAgain } from '#store/disconnected.ts'
import { erasing, letGoOfAccount } from '#store/erase-account.ts'
import { announceErasing } from '#store/remove-person.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { allowServers } from '../judge-servers.ts'
import { presentAccount } from '../present-account.ts'
import { isOtherProvider } from './same-mailbox.ts'
import { toImap } from './switch-account.ts'
import { isElsewhere, requireOwnLogin, returnCandidate } from './switch-target.ts'
import { requireLogin } from './try-login.ts'

/** Accounts whose mail is kept though nobody looks after them: what they hold, taking them up again, erasing them. */
export const registerDisconnected = (deps: FeatureDeps): void => {
  const { router, store, engine, masterKey, logger } = deps
  const own = async (userId: bigint, accountId: string): Promise<AccountRow> => {
    const rows = await store.read(userId, (tx) => listDisconnected(tx, userId))
    const row = rows.find(({ id }) => id === BigInt(accountId))
    if (!row) throw new AppError('not_found', 'There is no such disconnected account.')
    return row
  }

  router.on('listDisconnected', async ({ user: { userId } }) => ({
    accounts: (await store.read(userId, (tx) => countKept(tx, userId))).map(presentKept),
  }))

  router.on('connectAccount', async ({ user: { userId }, params, body }) => {
    const account = { ...(await own(userId, params.accountId)), isPaused: false }
    const { kind, incoming, password } = body
    if (account.kind === 'imap' && kind === 'pop3')
      throw new AppError('request.conflict', 'This account was left as an IMAP account.', {
        hint: 'Connect it again by IMAP. On its page it can change to POP3 then, keeping everything.',
      })
    const policy = await allowServers(deps, userId, [incoming])
    const isSwitched = account.kind !== kind
    const change = isSwitched ? await toImap(deps, { account, body, policy }) : null
    const isMoved = !isSwitched && isElsewhere(account, incoming)
    if (!change) {
      await requireOwnLogin(store, account, { kind, incoming })
      const { address, name } = account
      const { returned } = await requireLogin(
        deps,
        { address, name, kind, incoming, outgoing: null, password, outgoingPassword: null },
        { policy, returning: isMoved ? [returnCandidate(account, incoming)] : [] },
      )
      if (isMoved && returned === null)
        throw new AppError(
          'request.conflict',
          'The mail there is not that of this account: it looks like another mailbox.',
          {
            hint: 'Check the server and the user name. If they are right, add it as an account of its own: what this one holds stays.',
          },
        )
    }
    const [address] = await resolveChecked(incoming.host, incoming.port, policy)
    const isPrivateHost = address?.kind !== 'public'
    await commit(store, { kind: 'user', userId }, async (unit) => {
      await takeUpAgain(unit, account, { isMoved: isSwitched ? isOtherProvider(account, incoming) : isMoved })
      if (change) await change(unit, { account, body, policy, isPrivateHost })
      else await setIncoming(unit, account, { incoming, password, masterKey, isPrivateHost })
      await unit.tx.auditEvent.create({
        data: { userId, kind: 'account_connected', detail: { accountId: params.accountId, kind } },
      })
    })
    logger.info({ accountId: params.accountId, kind }, 'an account was connected again')
    engine.accountChanged(account.id)
    const row = await store.read(userId, (tx) => findAccount(tx, userId, account.id))
    if (!row) throw new AppError('not_found', 'There is no such account.')
    return presentAccount(row)
  })

  router.on('eraseDisconnected', async ({ user: { userId }, params }) => {
    const { id } = await own(userId, params.accountId)
    await commit(
      store,
      { kind: 'user', userId },
      async ({ tx }) => {
        await letGoOfAccount(tx, id, erasing)
        await tx.auditEvent.create({ data: { userId, kind: 'account_removed', detail: { mode: 'erase' } } })
      },
      // Removing makes room.
      { isVital: true },
    )
    logger.info({ accountId: params.accountId, mode: 'erase' }, 'an account was removed')
    announceErasing(store)
  })
}

const presentKept = ({ row, mails, bytes, unlisted }: KeptAccount): DisconnectedAccount => ({
  id: row.id.toString(),
  kind: accountKind.parse(row.kind),
  address: row.address,
  name: row.name,
  incoming: serverSettings.parse(row.incoming),
  disconnectedAt: (row.disconnectedAt ?? new Date()).toISOString(),
  mails,
  bytes,
  onlyHere: row.kind === 'pop3' ? unlisted : null,
})
