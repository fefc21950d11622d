import { resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { type AccountRow, findAccount } from '#store/accounts.ts'
import { commit } from '#store/commit.ts'
import { switchToImap } from '#store/switch-account.ts'
import { readMailboxes } from '#store/sync-mailboxes.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentAccount } from '../present-account.ts'
import { readProof } from './switch-target.ts'
import { allowServers } from './try-login.ts'

/** From POP3 to IMAP: the server is signed in to and gets what mailboxes it lacks before anything changes here. */
export const registerAccountSwitch = (deps: FeatureDeps): void => {
  const { router, store, engine, masterKey, ca } = deps
  const own = async (userId: bigint, accountId: string): Promise<AccountRow> => {
    const row = await store.read(userId, (tx) => findAccount(tx, userId, BigInt(accountId)))
    if (!row) throw new AppError('not_found', 'There is no such account.')
    return row
  }

  router.on('switchAccount', async ({ user, params, body: { incoming, password } }) => {
    const { userId } = user
    const account = await own(userId, params.accountId)
    if (account.kind !== 'pop3') throw new AppError('request.conflict', 'This account is an IMAP account already.')
    const policy = await allowServers(deps, userId, [incoming])
    const mailboxes = await store.read(userId, (tx) => readMailboxes(tx, account.id))
    const proof = await readProof(store, account, incoming)
    const plan = await engine.prepareSwitch({ incoming, password, policy, ca, mailboxes, proof })
    const [address] = await resolveChecked(incoming.host, incoming.port, policy)
    const isPrivateHost = address?.kind !== 'public'
    await commit(store, { kind: 'user', userId }, async (unit) => {
      await switchToImap(unit, { account, incoming, password, masterKey, isPrivateHost, mailboxes: plan })
      await unit.tx.auditEvent.create({
        data: { userId, kind: 'account_switched', detail: { accountId: params.accountId, kind: 'imap' } },
      })
    })
    engine.accountChanged(account.id)
    return presentAccount(await own(userId, params.accountId))
  })
}
