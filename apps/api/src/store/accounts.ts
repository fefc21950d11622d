import { type AccountSettings, type ServerSettings, serverSettings } from '@postern/shared/accounts.ts'
import { type Retrieval, type RetrievalPatch, retrieval } from '@postern/shared/retrieval.ts'
import type { Secret } from '#platform/secret.ts'
import { openCredential, sealCredential, sealDataKey, sealPassword } from './account-credentials.ts'
import type { Unit } from './commit.ts'
import { erasing } from './erase-account.ts'
import type { Account } from './generated/client.ts'
import { addIdentity } from './identities.ts'
import { createMailboxesHere } from './mailboxes-here.ts'
import type { Tx } from './open-store.ts'
import { openRelay, type RelayRow, readRelay } from './relay.ts'
import { failWaiting } from './submissions.ts'

export type AccountRow = Account

export type NewAccount = {
  userId: bigint
  settings: AccountSettings
  password: string
  outgoingPassword: string | null
  masterKey: Buffer
  isPrivateHost: boolean
  /** The disconnected account that was found to be this mailbox. Absent, null: there is none. */
  rejoin?: bigint | null
}

/** Null when the person has no such account (or it is somebody else's). */
export const findAccount = (tx: Tx, userId: bigint, accountId: bigint): Promise<AccountRow | null> =>
  tx.account.findFirst({ where: { id: accountId, userId, disconnectedAt: null } })

export const listAccounts = (tx: Tx, userId: bigint): Promise<AccountRow[]> =>
  tx.account.findMany({ where: { userId, disconnectedAt: null }, orderBy: [{ position: 'asc' }, { id: 'asc' }] })

/** Those whose mail is kept here though nobody looks after them. */
export const listDisconnected = (tx: Tx, userId: bigint): Promise<AccountRow[]> =>
  tx.account.findMany({
    where: { userId, disconnectedAt: { not: null }, state: { not: erasing } },
    orderBy: { disconnectedAt: 'desc' },
  })

/** One address at one host: added anew it is that account again, unless another mailbox is found there. */
export const isRejoinable = (
  row: AccountRow,
  { kind, address, incoming }: Pick<AccountSettings, 'kind' | 'address' | 'incoming'>,
): boolean =>
  row.kind === kind &&
  row.address.toLowerCase() === address.toLowerCase() &&
  serverSettings.parse(row.incoming).host.toLowerCase() === incoming.host.toLowerCase()

/**
 * Adds an account, or rejoins the row of the one that was disconnected, so that ids survive. Answers
 * null when it is connected already.
 */
export const createAccount = async (unit: Unit, wanted: NewAccount): Promise<bigint | null> => {
  const { tx } = unit
  const { userId, settings } = wanted
  if (wanted.rejoin) await tx.$executeRaw`SELECT 1 FROM account WHERE id = ${wanted.rejoin} FOR NO KEY UPDATE`
  const same = await tx.account.findMany({
    where: { userId, address: { equals: settings.address, mode: 'insensitive' }, state: { not: erasing } },
  })
  // Since it was found to be this mailbox it may have been connected, by another name of its server.
  const isHere = (row: AccountRow) => row.id === wanted.rejoin || isRejoinable(row, settings)
  if (same.some((row) => row.disconnectedAt === null && isHere(row))) return null
  const old = same.find((row) => row.id === wanted.rejoin)
  const position = await tx.account.count({ where: { userId } })
  const empty = new Uint8Array()
  const facts = {
    kind: settings.kind,
    address: settings.address,
    name: settings.name,
    incoming: settings.incoming,
    ...(settings.outgoing ? { outgoing: settings.outgoing } : {}),
    ...(settings.usesRelay === undefined ? {} : { usesRelay: settings.usesRelay }),
    ...(settings.kind === 'pop3' ? { retrieval: wishesOf(settings, old) } : {}),
    isPrivateHost: wanted.isPrivateHost,
    state: 'new',
    isPaused: false,
    disconnectedAt: null,
    position,
  }
  const { id } = old
    ? await tx.account.update({ where: { id: old.id }, data: facts, select: { id: true } })
    : await tx.account.create({ data: { ...facts, userId, dataKey: empty, credential: empty }, select: { id: true } })
  await sealInto(tx, { accountId: id, userId }, wanted)
  if (old) await failWaiting(unit, id)
  // What it sent with before is not to see the password of now.
  if (old && !settings.outgoing) await tx.$executeRaw`UPDATE account SET outgoing = NULL WHERE id = ${id}`
  if (!old) {
    await tx.accountLease.create({ data: { accountId: id, expiresAt: new Date(0) } })
    await tx.stream.create({ data: { accountId: id } })
    if (settings.kind === 'pop3') await createMailboxesHere(tx, id)
    const person = await tx.appUser.findUnique({ where: { id: userId }, select: { name: true } })
    const name = settings.name || (person?.name ?? '')
    await addIdentity(unit, id, { address: settings.address, name, replyTo: null, signature: '', isDefault: true })
  }
  unit.log({ userId }, { kind: 'account', accountId: id.toString() })
  unit.wakeEngine(id)
  return id
}

/** A hold outlives the account's absence: only its person lifts it, and not by adding the account anew. */
const wishesOf = (settings: AccountSettings, old: AccountRow | undefined): Retrieval => ({
  ...retrieval.parse(settings.retrieval ?? {}),
  isOnHold: retrieval.parse(old?.retrieval ?? {}).isOnHold,
})

/** What is not given stays, whoever else is writing it: the engine lays a hold while a person chooses a policy. */
export const mergeRetrieval = async (tx: Tx, accountId: bigint, wishes: RetrievalPatch): Promise<void> => {
  await tx.$executeRaw`
    UPDATE account SET retrieval = coalesce(retrieval, '{}') || ${JSON.stringify(wishes)}::jsonb WHERE id = ${accountId}`
}

/** Sealing binds to the row's id, which exists only after the insert. */
const sealInto = async (
  tx: Tx,
  owner: { accountId: bigint; userId: bigint },
  { masterKey, password, outgoingPassword }: NewAccount,
): Promise<void> => {
  const { dataKey, sealed } = sealDataKey(masterKey, owner)
  await tx.account.update({
    where: { id: owner.accountId },
    data: {
      dataKey: sealed,
      credential: sealCredential(dataKey, password, 'credential', owner),
      outgoingCredential:
        outgoingPassword === null ? null : sealCredential(dataKey, outgoingPassword, 'outgoing_credential', owner),
    },
  })
}

export type ConnectableAccount = { row: AccountRow; incoming: ServerSettings; password: Secret }

/**
 * What the worker needs to connect. Null when the account is gone, paused or disconnected. What is kept here is served in a
 * paused account too: only its maildrop is left alone.
 */
export const loadForEngine = async (
  tx: Tx,
  masterKey: Buffer,
  accountId: bigint,
): Promise<ConnectableAccount | null> => {
  const row = await tx.account.findUnique({ where: { id: accountId } })
  if (!row || row.disconnectedAt !== null || (row.isPaused && row.kind !== 'pop3')) return null
  const owner = { accountId, userId: row.userId }
  return {
    row,
    incoming: serverSettings.parse(row.incoming),
    password: openCredential(masterKey, row, 'credential', owner),
  }
}

export type SubmissionServer = {
  server: ServerSettings
  password: Secret
  /** By whose egress rules it is reached. */
  reachedAs: bigint
  userId: bigint
  /** As it last said. */
  maxMessageBytes: number | null
  /** Null: the account's own server. */
  relay: RelayRow | null
}

/**
 * Where an account's mail goes out, with the password for it. Null when it has no server to send with, or is not looked after;
 * `no_relay` when it is to go by the owner's relay, and there is none.
 */
export const loadForSending = async (
  tx: Tx,
  masterKey: Buffer,
  accountId: bigint,
): Promise<SubmissionServer | 'no_relay' | null> => {
  const account = await loadForEngine(tx, masterKey, accountId)
  if (!account) return null
  const { row } = account
  const { dataKey, outgoingCredential: credential, userId } = row
  const maxMessageBytes = row.maxMessageBytes === null ? null : Number(row.maxMessageBytes)
  if (row.usesRelay) {
    const relay = await readRelay(tx)
    return relay
      ? { ...openRelay(relay, masterKey), reachedAs: relay.setBy, userId, maxMessageBytes, relay }
      : 'no_relay'
  }
  if (row.outgoing === null) return null
  const password =
    credential === null
      ? account.password
      : openCredential(masterKey, { dataKey, credential }, 'outgoing_credential', { accountId, userId })
  const server = serverSettings.parse(row.outgoing)
  return { server, password, reachedAs: userId, userId, maxMessageBytes, relay: null }
}

/** Where it sends by the password it fetches with: that one stays for sending, whatever it is fetched with from here on. */
export const keepOutgoingPassword = async (
  { tx }: Unit,
  { id, userId }: AccountRow,
  masterKey: Buffer,
): Promise<void> => {
  const row = await tx.account.findUniqueOrThrow({ where: { id } })
  if (row.outgoing === null || row.outgoingCredential !== null) return
  const password = openCredential(masterKey, row, 'credential', { accountId: id, userId })
  const outgoingCredential = sealPassword(masterKey, row, password.reveal(), 'outgoing_credential')
  await tx.account.update({ where: { id }, data: { outgoingCredential } })
}

/** What the submission server takes in one mail, as it says now. RFC 1870. */
export const storeMaxMessageBytes = async (unit: Unit, accountId: bigint, bytes: number | null): Promise<void> => {
  await unit.tx.account.update({ where: { id: accountId }, data: { maxMessageBytes: bytes } })
  unit.log({ accountId }, { kind: 'identities', accountId: accountId.toString() })
}
