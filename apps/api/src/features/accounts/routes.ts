import type { AccountCreate } from '@postern/shared/accounts.ts'
import { errorCodes } from '@postern/shared/error-codes.ts'
import { resolveChecked } from '#platform/egress.ts'
import { AppError } from '#platform/errors.ts'
import { sealPassword } from '#store/account-credentials.ts'
import {
  type AccountRow,
  createAccount,
  findAccount,
  isRejoinable,
  listAccounts,
  listDisconnected,
  mergeRetrieval,
  storeMaxMessageBytes,
} from '#store/accounts.ts'
import { cancelSwitchToPop3 } from '#store/bring-home.ts'
import { commit, type Unit } from '#store/commit.ts'
import { erasing, letGoOfAccount } from '#store/erase-account.ts'
import { recountParts, wantRests } from '#store/maildrop-parts.ts'
import { releaseCopies } from '#store/maildrop-wishes.ts'
import { readOwnerPolicy, writeOwnerPolicy } from '#store/owner-policy.ts'
import { readRelay } from '#store/relay.ts'
import { announceErasing } from '#store/remove-person.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { allowServers, isSameServer, streamCheck } from '../judge-servers.ts'
import { presentAccount } from '../present-account.ts'
import { registerDisconnected } from './disconnected.ts'
import { requireNewMailbox, requireNewMaildrop } from './same-mailbox.ts'
import { registerAccountSwitch } from './switch-account.ts'
import { isElsewhere, returnCandidate } from './switch-target.ts'
import { registerSyncs } from './syncs.ts'
import { requireEditedLogin, requireLoginAndList } from './try-login.ts'

/** Adding, editing, pausing, ordering and removing accounts. */
export const registerAccounts = (deps: FeatureDeps): void => {
  const { router, store, engine, masterKey, ca } = deps
  const own = async (userId: bigint, accountId: string): Promise<AccountRow> => {
    const row = await store.read(userId, (tx) => findAccount(tx, userId, BigInt(accountId)))
    if (!row) throw new AppError('not_found', 'There is no such account.')
    return row
  }

  /** Throws relay.missing where an account is to send by one. */
  const requireRelay = async (userId: bigint, { usesRelay }: { usesRelay?: boolean | undefined }): Promise<void> => {
    if (usesRelay && !(await store.read(userId, readRelay)))
      throw new AppError('relay.missing', 'There is no relay here by which mail could be sent.', {
        hint: 'Enter a server of its own, or ask the owner of this Postern.',
      })
  }

  /**
   * The disconnected accounts with its address and host: the one that this one is again, as nothing else has changed; and those that
   * it may be, where one of them proves to be.
   */
  const findBefore = async (userId: bigint, body: AccountCreate) => {
    const rows = await store.read(userId, (tx) => listDisconnected(tx, userId))
    const before = rows.filter((row) => isRejoinable(row, body))
    const same = before.find((row) => !isElsewhere(row, body.incoming))
    return { same, returning: same ? [] : before.map((row) => returnCandidate(row, body.incoming)) }
  }

  router.on('listAccounts', async ({ user }) => ({
    accounts: (await store.read(user.userId, (tx) => listAccounts(tx, user.userId))).map(presentAccount),
  }))
  router.on('getAccount', async ({ user, params }) => presentAccount(await own(user.userId, params.accountId)))

  router.on('checkAccount', async ({ user, body, reply }) => {
    const policy = await allowServers(deps, user.userId, [body.incoming, body.outgoing])
    return streamCheck(deps, reply, (signal, onEvent) =>
      engine.checkAccount({ wanted: body, policy, ca, until: 'messages', signal }, onEvent),
    )
  })

  router.on('createAccount', async ({ user, body }) => {
    await requireRelay(user.userId, body)
    const policy = await allowServers(deps, user.userId, [body.incoming, body.outgoing])
    await requireNewMailbox(store, user.userId, body, policy)
    const { same, returning } = await findBefore(user.userId, body)
    const { listed, limit, returned } = await requireLoginAndList(deps, body, { policy, returning })
    await requireNewMaildrop(store, user.userId, body, listed)
    const rejoin = same?.id ?? returned
    const [address] = await resolveChecked(body.incoming.host, body.incoming.port, policy)
    const { password, outgoingPassword, beside: _, ...settings } = body
    const accountId = await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      const isPrivateHost = address?.kind !== 'public'
      const wanted = { userId: user.userId, settings, password, outgoingPassword, masterKey, isPrivateHost, rejoin }
      const id = await createAccount(unit, wanted)
      if (id !== null && limit !== undefined) await storeMaxMessageBytes(unit, id, limit)
      return id
    })
    if (accountId === null) throw new AppError('account.exists', 'This mailbox is here already.')
    deps.logger.info({ accountId: accountId.toString(), kind: body.kind }, 'an account was added')
    return presentAccount(await own(user.userId, accountId.toString()))
  })

  router.on('patchAccount', async ({ user, params, body }) => {
    const row = await own(user.userId, params.accountId)
    if (body.retrieval && row.kind !== 'pop3')
      throw new AppError('request.invalid', 'Only a POP3 account is looked at from time to time.', {
        fields: { retrieval: 'is for POP3 accounts' },
      })
    if (body.usesRelay !== row.usesRelay) await requireRelay(user.userId, body)
    const policy = await allowServers(deps, user.userId, [body.incoming ?? null, body.outgoing ?? null])
    const tried = await requireEditedLogin(deps, row, body, policy)
    const { password, outgoingPassword: given, dailyByteBudget, outgoing, retrieval: wishes, ...plain } = body
    // A password for sending belongs to the server it was entered for; a new one was tried with the other password.
    const isSendingMoved = outgoing !== undefined && !(outgoing && isSameServer(outgoing, presentAccount(row).outgoing))
    const outgoingPassword = given === undefined && isSendingMoved ? null : given
    const isOtherWay = body.usesRelay !== undefined && body.usesRelay !== row.usesRelay
    await commit(store, { kind: 'user', userId: user.userId }, async (unit) => {
      await unit.tx.account.update({
        where: { id: row.id },
        data: {
          ...plain,
          ...(tried ? { isPrivateHost: tried.isPrivateHost } : {}),
          ...(outgoing ? { outgoing } : {}),
          // What another server takes is not known before it was asked.
          ...(isOtherWay ? { maxMessageBytes: null } : {}),
          ...(dailyByteBudget === undefined
            ? {}
            : { dailyByteBudget: dailyByteBudget === null ? null : BigInt(dailyByteBudget) }),
        },
      })
      if (outgoing === null) await unit.tx.$executeRaw`UPDATE account SET outgoing = NULL WHERE id = ${row.id}`
      if (tried?.limit !== undefined) await storeMaxMessageBytes(unit, row.id, tried.limit)
      if (wishes) await mergeRetrieval(unit.tx, row.id, wishes)
      if (wishes?.maxBytes !== undefined) await recountParts(unit, row.id, null)
      await storePasswords(unit, row, masterKey, password, outgoingPassword)
      if (body.isPaused !== undefined)
        await unit.tx
          .$executeRaw`UPDATE account SET state = ${body.isPaused ? 'paused' : 'new'}, problem = NULL, retry_at = NULL WHERE id = ${row.id}`
      unit.log({ accountId: row.id }, { kind: 'account', accountId: row.id.toString() })
      if (isOtherWay || outgoing !== undefined)
        unit.log({ accountId: row.id }, { kind: 'identities', accountId: row.id.toString() })
    })
    // What waits to be sent is tried at once, too, when that server is another.
    const { isPaused, incoming } = body
    const mustReconnect =
      isOtherWay || [isPaused, password, incoming, outgoing, outgoingPassword].some((one) => one !== undefined)
    if (mustReconnect) engine.accountChanged(row.id)
    // The next look is by the new wishes, and it is now: whoever changed them wants to see what comes of it.
    else if (wishes && !row.isPaused) await engine.requestSync(row.id)
    return presentAccount(await own(user.userId, params.accountId))
  })

  registerAccountSwitch(deps)
  registerDisconnected(deps)

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
    const isErased = query.mode === 'erase'
    await commit(
      store,
      { kind: 'user', userId: user.userId },
      async (unit) => {
        // The password that it would change with goes.
        if (!isErased) await cancelSwitchToPop3(unit, row.id)
        await letGoOfAccount(unit.tx, row.id, isErased ? erasing : 'disconnected')
        await unit.tx.auditEvent.create({
          data: { userId: user.userId, kind: 'account_removed', detail: { mode: query.mode } },
        })
        unit.log({ userId: user.userId }, { kind: 'accountRemoved', accountId: row.id.toString() })
      },
      // Removing makes room.
      { isVital: true },
    )
    deps.logger.info({ accountId: row.id.toString(), mode: query.mode }, 'an account was removed')
    if (isErased) announceErasing(store)
    engine.accountChanged(row.id)
  })

  registerSyncs(deps, own)
  router.on('planRemoval', async ({ user, params, body }) =>
    engine.planRemoval((await own(user.userId, params.accountId)).id, body.policy),
  )
  router.on('removeCopies', async ({ user, params }) => {
    const { id } = await own(user.userId, params.accountId)
    const mails = await commit(store, { kind: 'user', userId: user.userId }, (unit) => releaseCopies(unit, id))
    if (mails > 0) await engine.requestSync(id)
    return { mails }
  })
  router.on('fetchRests', async ({ user, params, body }) => {
    const { id } = await own(user.userId, params.accountId)
    const isBeyondLimit = body?.isBeyondLimit ?? false
    const scope = { kind: 'user', userId: user.userId } as const
    const wanted = await commit(store, scope, (unit) => wantRests(unit, id, { isBeyondLimit }))
    if (wanted.mails > 0) await engine.requestSync(id)
    return wanted
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

const storePasswords = async (
  unit: Unit,
  row: AccountRow,
  masterKey: Buffer,
  password: string | undefined,
  outgoing: string | null | undefined,
): Promise<void> => {
  if (password === undefined && outgoing === undefined) return
  await unit.tx.account.update({
    where: { id: row.id },
    data: {
      ...(password === undefined
        ? {}
        : { credential: sealPassword(masterKey, row, password, 'credential'), loginFailures: 0 }),
      ...(outgoing === undefined
        ? {}
        : {
            outgoingCredential:
              outgoing === null ? null : sealPassword(masterKey, row, outgoing, 'outgoing_credential'),
          }),
    },
  })
}
