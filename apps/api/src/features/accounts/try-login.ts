import type { AccountCreate, AccountPatch } from '@postern/shared/accounts.ts'
import type { MaildropEntry, ReturnCandidate } from '#engine/engine.ts'
import { type EgressPolicy, resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import type { AccountRow } from '#store/accounts.ts'
import type { ListedName } from '#store/pop-ledger.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { isSameServer, requireCheck } from '../judge-servers.ts'
import { presentAccount } from '../present-account.ts'

/** What the sending server takes in one mail, in bytes, null where it does not say; undefined: it was not asked. */
export type MailLimit = number | null | undefined

export type TriedLogin = {
  limit: MailLimit
  /** Of the accounts that may go on there, the one that does; null: none. */
  returned: bigint | null
}

/**
 * The login is tried before anything is stored, and by the same one is seen which of `returning` goes on there: a server may want
 * minutes until the next. Throws the failure of the step that went wrong.
 */
export const requireLogin = async (
  { engine, ca }: FeatureDeps,
  body: AccountCreate,
  {
    policy,
    returning: candidates = [],
    onListed,
  }: { policy: EgressPolicy; returning?: ReturnCandidate[]; onListed?: (newest: MaildropEntry[]) => void },
): Promise<TriedLogin> => {
  let limit: MailLimit
  let returned: bigint | null = null
  const onLimit = (maxBytes: number | null): void => {
    limit = maxBytes
  }
  const onFound = (accountId: bigint | null): void => {
    returned = accountId
  }
  const wishes = {
    ...(onListed ? { onListed } : {}),
    ...(candidates.length > 0 ? { returning: { candidates, onFound } } : {}),
  }
  const check = { wanted: body, policy, ca, until: 'login' as const, onLimit, ...wishes }
  await requireCheck((onEvent) => engine.checkAccount(check, onEvent))
  // By the relay, what its own server takes is nothing to the account.
  return { limit: body.usesRelay ? undefined : limit, returned }
}

/** The same, and of a maildrop the newest mails that it lists by name. */
export const requireLoginAndList = async (
  deps: FeatureDeps,
  body: AccountCreate,
  more: { policy: EgressPolicy; returning: ReturnCandidate[] },
): Promise<TriedLogin & { listed: ListedName[] }> => {
  const listed: ListedName[] = []
  const onListed = (newest: MaildropEntry[]): void => {
    for (const { uniqueId, sizeBytes } of newest)
      if (uniqueId !== null) listed.push({ key: uniqueId, sizeBytes: sizeBytes ?? 0 })
  }
  return { ...(await requireLogin(deps, body, { ...more, onListed })), listed }
}

export type EditedLogin = { /** Of the incoming server's address. */ isPrivateHost: boolean; limit: MailLimit }

/**
 * The same test for an edit of servers or passwords. A stored password is never sent to a server it was not entered for:
 * whoever takes over a browser session must not be able to have it sent to a server of theirs. Null when the edit touches
 * neither servers nor passwords. Throws account.password_needed and the failure of the step that went wrong.
 */
export const requireEditedLogin = async (
  deps: FeatureDeps,
  row: AccountRow,
  body: AccountPatch,
  policy: EgressPolicy,
): Promise<EditedLogin | null> => {
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
  const usesRelay = body.usesRelay ?? old.usesRelay
  // Nothing to test there: a password of its own for sending stays as it is when only the incoming side changes, and by the relay
  // the account does not send there, which may be because nobody can.
  const isIdle = usesRelay && typeof body.outgoingPassword !== 'string'
  const isUntouched = row.outgoingCredential !== null && body.outgoingPassword === undefined
  const keepsOutgoing = (isIdle || isUntouched) && outgoing !== null && isSameServer(outgoing, old.outgoing)
  const { limit } = await requireLogin(
    deps,
    {
      address: mailAddress,
      name,
      kind,
      incoming,
      outgoing: keepsOutgoing ? null : outgoing,
      usesRelay,
      password: body.password,
      outgoingPassword: body.outgoingPassword ?? null,
    },
    { policy },
  )
  return { isPrivateHost: address?.kind !== 'public', limit }
}
