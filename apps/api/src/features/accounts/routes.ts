import { PassThrough } from 'node:stream'
import type { AccountCreate, AccountPatch, CheckEvent, ServerSettings } from '@postern/shared/accounts.ts'
import { errorCodes } from '@postern/shared/error-codes.ts'
import { type EgressPolicy, resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { openDataKey, sealCredential } from '#store/account-credentials.ts'
import { type AccountRow, createAccount, findAccount, listAccounts } from '#store/accounts.ts'
import { commit, type Unit } from '#store/commit.ts'
import { eraseAccount } from '#store/erase-account.ts'
import { egressPolicyFor, readOwnerPolicy, writeOwnerPolicy } from '#store/owner-policy.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { presentAccount } from '../present-account.ts'

/** Adding, editing, pausing, ordering and removing accounts. */
export const registerAccounts = (deps: FeatureDeps): void => {
  const { router, store, engine, masterKey, ca } = deps
  const own = async (userId: bigint, accountId: string): Promise<AccountRow> => {
    const row = await store.read(userId, (tx) => findAccount(tx, userId, BigInt(accountId)))
    if (!row) throw new AppError('not_found', 'There is no such account.')
    return row
  }

  router.on('listAccounts', async ({ user }) => ({
    accounts: (await store.read(user.userId, (tx) => listAccounts(tx, user.userId))).map(presentAccount),
  }))
  router.on('getAccount', async ({ user, params }) => presentAccount(await own(user.userId, params.accountId)))

  router.on('checkAccount', async ({ user, body, reply }) => {
    const policy = await allow(deps, user.userId, [body.incoming, body.outgoing])
    const lines = new PassThrough()
    reply.header('content-type', 'application/x-ndjson; charset=utf-8').header('x-accel-buffering', 'no')
    engine
      .checkAccount(body, policy, ca, (event) => lines.write(`${JSON.stringify(event)}\n`))
      .catch((error: unknown) => deps.logger.warn({ err: error }, 'an account check broke off'))
      .finally(() => lines.end())
    return reply.send(lines)
  })

  router.on('createAccount', async ({ user, body }) => {
    const policy = await allow(deps, user.userId, [body.incoming, body.outgoing])
    await requireLogin(deps, body, policy)
    const [address] = await resolveChecked(body.incoming.host, body.incoming.port, policy)
    const { password, outgoingPassword, ...settings } = body
    const accountId = await commit(store, { kind: 'user', userId: user.userId }, (unit) =>
      createAccount(unit, {
        userId: user.userId,
        settings,
        password,
        outgoingPassword,
        masterKey,
        isPrivateHost: address?.kind !== 'public',
      }),
    )
    if (accountId === null) throw new AppError('account.exists', 'This mailbox is here already.')
    return presentAccount(await own(user.userId, accountId.toString()))
  })

  router.on('patchAccount', async ({ user, params, body }) => {
    const row = await own(user.userId, params.accountId)
    const policy = await allow(deps, user.userId, [body.incoming ?? null, body.outgoing ?? null])
    const isPrivateHost = await requireEditedLogin(deps, row, body, policy)
    const { password, outgoingPassword, dailyByteBudget, outgoing, ...plain } = body
    await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      await unit.tx.account.update({
        where: { id: row.id },
        data: {
          ...plain,
          ...(isPrivateHost === null ? {} : { isPrivateHost }),
          ...(outgoing ? { outgoing } : {}),
          ...(dailyByteBudget === undefined
            ? {}
            : { dailyByteBudget: dailyByteBudget === null ? null : BigInt(dailyByteBudget) }),
        },
      })
      if (outgoing === null) await unit.tx.$executeRaw`UPDATE account SET outgoing = NULL WHERE id = ${row.id}`
      await storePasswords(unit, row, masterKey, password, outgoingPassword)
      if (body.isPaused !== undefined)
        await unit.tx
          .$executeRaw`UPDATE account SET state = ${body.isPaused ? 'paused' : 'new'}, problem = NULL, retry_at = NULL WHERE id = ${row.id}`
      unit.log({ accountId: row.id }, { kind: 'account', accountId: row.id.toString() })
    })
    const mustReconnect = body.isPaused !== undefined || password !== undefined || body.incoming !== undefined
    if (mustReconnect) engine.accountChanged(row.id)
    return presentAccount(await own(user.userId, params.accountId))
  })

  router.on('orderAccounts', async ({ user, body }) => {
    await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      for (const [position, id] of body.accountIds.entries()) {
        const { count } = await unit.tx.account.updateMany({
          where: { id: BigInt(id), userId: user.userId },
          data: { position },
        })
        if (count > 0) unit.log({ userId: user.userId }, { kind: 'account', accountId: id })
      }
    })
    return { accounts: (await store.read(user.userId, (tx) => listAccounts(tx, user.userId))).map(presentAccount) }
  })

  router.on('removeAccount', async ({ user, params, query }) => {
    const row = await own(user.userId, params.accountId)
    await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      // The lease goes to a higher epoch first: what the worker still has in hand can no longer be written.
      await unit.tx
        .$executeRaw`UPDATE account_lease SET epoch = epoch + 1, expires_at = 'epoch', owner = '' WHERE account_id = ${row.id}`
      if (query.mode === 'erase') await eraseAccount(unit, row.id)
      else
        await unit.tx.account.update({
          where: { id: row.id },
          data: {
            disconnectedAt: new Date(),
            state: 'disconnected',
            credential: new Uint8Array(),
            outgoingCredential: null,
          },
        })
      await unit.tx.auditEvent.create({
        data: { userId: user.userId, kind: 'account_removed', detail: { mode: query.mode } },
      })
      unit.log({ userId: user.userId }, { kind: 'accountRemoved', accountId: row.id.toString() })
    })
    engine.accountChanged(row.id)
  })

  router.on('syncAccount', async ({ user, params }) => {
    await engine.requestSync((await own(user.userId, params.accountId)).id)
    return { ok: true as const }
  })
  router.on('resyncAccount', async ({ user, params }) => {
    await engine.requestResync((await own(user.userId, params.accountId)).id)
    return { ok: true as const }
  })
  router.on('listSyncEvents', async ({ user, params }) => {
    const { id } = await own(user.userId, params.accountId)
    const rows = await store.read(user.userId, (tx) =>
      tx.syncEvent.findMany({ where: { accountId: id }, orderBy: { id: 'desc' }, take: 200 }),
    )
    return {
      events: rows.map((row) => ({
        id: row.id.toString(),
        at: row.at.toISOString(),
        kind: row.kind,
        code: errorCodes.find((code) => code === row.code) ?? null,
        text: row.text,
      })),
    }
  })

  router.on('getOwnerPolicy', async ({ user }) => store.read(user.userId, readOwnerPolicy))
  router.on('putOwnerPolicy', async ({ user, body }) => {
    await store.prisma.$transaction((tx) => writeOwnerPolicy(tx, body))
    return store.read(user.userId, readOwnerPolicy)
  })
}

/** Plain text only to hosts the owner lists; private addresses by the person's policy. Throws account.plaintext_denied. */
const allow = async (
  { store }: FeatureDeps,
  userId: bigint,
  servers: (ServerSettings | null)[],
): Promise<EgressPolicy> => {
  const policy = await store.read(userId, readOwnerPolicy)
  const plain = servers.find(
    (server) =>
      server?.security === 'plain' && !policy.plaintextHosts.includes(`${server.host.toLowerCase()}:${server.port}`),
  )
  if (plain)
    throw new AppError('account.plaintext_denied', `A password would travel to ${plain.host} unprotected.`, {
      hint: `Use TLS or STARTTLS. If this really must be, the owner can list ${plain.host}:${plain.port} in the settings.`,
      fields: { 'incoming.security': 'is not allowed for this host' },
    })
  return store.read(userId, (tx) => egressPolicyFor(tx, userId))
}

/** The login is tried before anything is stored. Throws the failure of the step that went wrong. */
const requireLogin = async ({ engine, ca }: FeatureDeps, body: AccountCreate, policy: EgressPolicy): Promise<void> => {
  const failures: Extract<CheckEvent, { kind: 'failed' }>[] = []
  const isRight = await engine.checkAccount(body, policy, ca, (event) => {
    if (event.kind === 'failed') failures.push(event)
  })
  const [failure] = failures
  if (!isRight && failure)
    throw new AppError(failure.code, failure.message, {
      ...(failure.hint ? { hint: failure.hint } : {}),
      ...(failure.serverText ? { serverText: failure.serverText } : {}),
    })
}

/**
 * The same test for an edit of servers or passwords. A stored password is never sent to a server it was not entered for:
 * whoever takes over a browser session must not be able to have it sent to a server of theirs. Answers whether the
 * incoming server's address is private; null when the edit touches neither servers nor passwords. Throws
 * account.password_needed and the failure of the step that went wrong.
 */
const requireEditedLogin = async (
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
    policy,
  )
  return address?.kind !== 'public'
}

const isSameServer = (a: ServerSettings, b: ServerSettings | null): boolean =>
  b !== null &&
  a.host === b.host &&
  a.port === b.port &&
  a.security === b.security &&
  a.username === b.username &&
  a.pinnedFingerprint === b.pinnedFingerprint

const storePasswords = async (
  unit: Unit,
  row: AccountRow,
  masterKey: Buffer,
  password: string | undefined,
  outgoing: string | null | undefined,
): Promise<void> => {
  if (password === undefined && outgoing === undefined) return
  const owner = { accountId: row.id, userId: row.userId }
  const dataKey = openDataKey(masterKey, row.dataKey, owner)
  await unit.tx.account.update({
    where: { id: row.id },
    data: {
      ...(password === undefined
        ? {}
        : { credential: sealCredential(dataKey, password, 'credential', owner), loginFailures: 0 }),
      ...(outgoing === undefined
        ? {}
        : {
            outgoingCredential:
              outgoing === null ? null : sealCredential(dataKey, outgoing, 'outgoing_credential', owner),
          }),
    },
  })
}
