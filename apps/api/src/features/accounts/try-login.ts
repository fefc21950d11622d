import type { AccountCreate, AccountPatch } from '@postern/shared/accounts.ts'
import type { MaildropEntry } from '#engine/engine.ts'
import { type EgressPolicy, resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import type { AccountRow } from '#store/accounts.ts'
import type { ListedName } from '#store/pop-ledger.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { isSameServer, requireCheck } from '../judge-servers.ts'
import { presentAccount } from '../present-account.ts'

/** The login is tried before anything is stored. Throws the failure of the step that went wrong. */
export const requireLogin = async (
  { engine, ca }: FeatureDeps,
  body: AccountCreate,
  { policy, onListed }: { policy: EgressPolicy; onListed?: (newest: MaildropEntry[]) => void },
): Promise<void> => {
  const check = { wanted: body, policy, ca, until: 'login' as const, ...(onListed ? { onListed } : {}) }
  await requireCheck((onEvent) => engine.checkAccount(check, onEvent))
}

/** The same, and of a maildrop the newest mails that it lists by name. */
export const requireLoginAndList = async (
  deps: FeatureDeps,
  body: AccountCreate,
  policy: EgressPolicy,
): Promise<ListedName[]> => {
  const listed: ListedName[] = []
  const onListed = (newest: MaildropEntry[]): void => {
    for (const { uniqueId, sizeBytes } of newest)
      if (uniqueId !== null) listed.push({ key: uniqueId, sizeBytes: sizeBytes ?? 0 })
  }
  await requireLogin(deps, body, { policy, onListed })
  return listed
}

/**
 * The same test for an edit of servers or passwords. A stored password is never sent to a server it was not entered for:
 * whoever takes over a browser session must not be able to have it sent to a server of theirs. Answers whether the
 * incoming server's address is private; null when the edit touches neither servers nor passwords. Throws
 * account.password_needed and the failure of the step that went wrong.
 */
export const requireEditedLogin = async (
  deps: FeatureDeps,
  row: AccountRow,
  body: AccountPatch,
  policy: EgressPolicy,
): Promise<boolean | null> => {
  const old = presentAccount(row)
  const incoming = body.incoming ?? old.incoming
  const outgoing = body.outgoing === undefined ? old.outgoing : body.outgoing
  const isMoved = !isSameServer(incoming, old.incoming) || (outgoing !== null && !isSameServer(outgoing, old.outgoing))
  if (!isMoved && body.password === undefined && typeof body.outgoingPassword !== 'string') return null
  if (body.password === undefined)
    throw new AppError('account.password_needed', 'Enter the password of this account again.', {
      hint: 'A stored password is never sent to a server it was not entered for.',
      fields: { password: 'is needed for this change' },
    })
  const [address] = await resolveChecked(incoming.host, incoming.port, policy)
  const { address: mailAddress, name, kind } = old
  // A password of its own for sending stays as it is when only the incoming side changes: nothing to test there.
  const keepsOutgoing =
    row.outgoingCredential !== null &&
    body.outgoingPassword === undefined &&
    outgoing !== null &&
    isSameServer(outgoing, old.outgoing)
  await requireLogin(
    deps,
    {
      address: mailAddress,
      name,
      kind,
      incoming,
      outgoing: keepsOutgoing ? null : outgoing,
      password: body.password,
      outgoingPassword: body.outgoingPassword ?? null,
    },
    { policy },
  )
  return address?.kind !== 'public'
}
