import type { AccountSwitch } from '@postern/shared/accounts.ts'
import { type EgressPolicy, resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { type AccountRow, findAccount, keepOutgoingPassword } from '#store/accounts.ts'
import { beginSwitchToPop3, cancelSwitchToPop3, countHome } from '#store/bring-home.ts'
import { commit, type Unit } from '#store/commit.ts'
import { countOnlyHere } from '#store/pop-ledger.ts'
import { formerServer } from '#store/start-at-server.ts'
import { switchToImap } from '#store/switch-account.ts'
import { readMailboxes } from '#store/sync-mailboxes.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { allowServers } from '../judge-servers.ts'
import { presentAccount } from '../present-account.ts'
import { isOtherProvider } from './same-mailbox.ts'
import { hasNameOf, readProof, requireOwnLogin } from './switch-target.ts'

/** What the other protocol's server is signed in to before anything changes here. */
type Asked = { account: AccountRow; body: AccountSwitch; policy: EgressPolicy }
type Wanted = Asked & { isPrivateHost: boolean }

/** From POP3 to IMAP at once, mailboxes first; from IMAP to POP3 when all is here that no maildrop has. */
export const registerAccountSwitch = (deps: FeatureDeps): void => {
  const { router, store, engine } = deps
  const own = async (userId: bigint, accountId: string): Promise<AccountRow> => {
    const row = await store.read(userId, (tx) => findAccount(tx, userId, BigInt(accountId)))
    if (!row) throw new AppError('not_found', 'There is no such account.')
    return row
  }
  const ownImap = async (userId: bigint, accountId: string): Promise<AccountRow> => {
    const row = await own(userId, accountId)
    if (row.kind !== 'imap') throw new AppError('request.conflict', 'This account is a POP3 account already.')
    return row
  }

  router.on('switchAccount', async ({ user: { userId }, params, body }) => {
    const account = await own(userId, params.accountId)
    if (account.kind === body.kind)
      throw new AppError(
        'request.conflict',
        `This account is ${body.kind === 'imap' ? 'an IMAP' : 'a POP3'} account already.`,
      )
    const policy = await allowServers(deps, userId, [body.incoming])
    const change = await (body.kind === 'imap' ? toImap : toPop3)(deps, { account, body, policy })
    const [address] = await resolveChecked(body.incoming.host, body.incoming.port, policy)
    const wanted = { account, body, policy, isPrivateHost: address?.kind !== 'public' }
    await commit(store, { kind: 'user', userId }, async (unit) => {
      if (isOtherProvider(account, body.incoming)) await keepOutgoingPassword(unit, account, deps.masterKey)
      await change(unit, wanted)
      await unit.tx.auditEvent.create({
        data: { userId, kind: 'account_switched', detail: { accountId: params.accountId, kind: body.kind } },
      })
    })
    engine.accountChanged(account.id)
    return presentAccount(await own(userId, params.accountId))
  })

  router.on('planSwitch', async ({ user: { userId }, params }) => {
    const { id, kind, ...account } = await own(userId, params.accountId)
    // Added anew by the protocol it had changed to it knows nothing of the other one.
    const former = formerServer.safeParse(account.formerServer).data
    const incoming = former && former.kind !== kind ? former.incoming : null
    if (kind === 'pop3') return { incoming, ...(await store.read(userId, (tx) => countOnlyHere(tx, id))), leftOut: [] }
    const { away, awayBytes, leftOut } = await store.read(userId, (tx) => countHome(tx, id))
    return { incoming, mails: away, bytes: awayBytes, leftOut }
  })

  router.on('cancelSwitch', async ({ user: { userId }, params }) => {
    const { id } = await ownImap(userId, params.accountId)
    const isCancelled = await commit(store, { kind: 'user', userId }, (unit) => cancelSwitchToPop3(unit, id))
    if (isCancelled) engine.accountChanged(id)
    return presentAccount(await own(userId, params.accountId))
  })
}

type Change = (unit: Unit, wanted: Wanted) => Promise<void>

/** Signs in at the IMAP server, and makes what mailboxes it lacks; what it answers changes the account. */
export const toImap = async (
  { store, engine, masterKey, ca }: FeatureDeps,
  { account, body: { incoming, password }, policy }: Asked,
): Promise<Change> => {
  const mailboxes = await store.readSystem((tx) => readMailboxes(tx, account.id))
  const proof = await readProof(store, account, incoming)
  const plan = await engine.prepareSwitch({ incoming, password, policy, ca, mailboxes, proof })
  return (unit, { isPrivateHost }) =>
    switchToImap(unit, { account, incoming, password, masterKey, isPrivateHost, mailboxes: plan })
}

const toPop3 = async (
  { store, engine, masterKey, ca }: FeatureDeps,
  { account, body: { incoming, password }, policy }: Asked,
): Promise<Change> => {
  await requireOwnLogin(store, account, { kind: 'pop3', incoming })
  const isSameName = hasNameOf(account, incoming)
  const maildrop = await engine.proveMaildrop({ incoming, password, policy, ca, accountId: account.id, isSameName })
  return (unit, { isPrivateHost }) =>
    beginSwitchToPop3(unit, { account, incoming, password, masterKey, isPrivateHost, maildrop })
}
