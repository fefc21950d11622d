import { Secret } from '#platform/secret.ts'
import { newDataKey, open, seal } from '#platform/secret-box.ts'

/**
 * Passwords of accounts: sealed by the account's data key, which is sealed by the master key. The additional data names
 * table, column, row and user, so that nothing opens after being moved.
 */
export type CredentialColumn = 'credential' | 'outgoing_credential'
export type CredentialOwner = { accountId: bigint; userId: bigint }

const place = (column: string, { accountId, userId }: CredentialOwner) => ({
  table: 'account',
  column,
  rowId: accountId.toString(),
  userId: userId.toString(),
})

export const sealDataKey = (
  masterKey: Buffer,
  owner: CredentialOwner,
): { dataKey: Buffer; sealed: Uint8Array<ArrayBuffer> } => {
  const dataKey = newDataKey()
  return { dataKey, sealed: seal(masterKey, dataKey, place('data_key', owner)) }
}

const openDataKey = (masterKey: Buffer, sealed: Uint8Array, owner: CredentialOwner): Buffer =>
  open(masterKey, sealed, place('data_key', owner))

export const sealCredential = (
  dataKey: Buffer,
  password: string,
  column: CredentialColumn,
  owner: CredentialOwner,
): Uint8Array<ArrayBuffer> => seal(dataKey, Buffer.from(password, 'utf8'), place(column, owner))

/** Of an account that is there, by the key it has. Throws config.invalid, as `openCredential`. */
export const sealPassword = (
  masterKey: Buffer,
  { id, userId, dataKey }: { id: bigint; userId: bigint; dataKey: Uint8Array },
  password: string,
  column: CredentialColumn,
): Uint8Array<ArrayBuffer> => {
  const owner = { accountId: id, userId }
  return sealCredential(openDataKey(masterKey, dataKey, owner), password, column, owner)
}

/** The same for what is no account: a key of its own for every password. */
type SealedPassword = { dataKey: Uint8Array<ArrayBuffer>; credential: Uint8Array<ArrayBuffer> }
type Place = { table: string; rowId: string; userId: string }

export const sealNewPassword = (masterKey: Buffer, password: string, at: Place): SealedPassword => {
  const dataKey = newDataKey()
  return {
    dataKey: seal(masterKey, dataKey, { ...at, column: 'data_key' }),
    credential: seal(dataKey, Buffer.from(password, 'utf8'), { ...at, column: 'credential' }),
  }
}

/** Throws config.invalid, as `openCredential`. */
export const openSealedPassword = (
  masterKey: Buffer,
  { dataKey, credential }: { dataKey: Uint8Array; credential: Uint8Array },
  at: Place,
): Secret => {
  const key = open(masterKey, dataKey, { ...at, column: 'data_key' })
  return new Secret(open(key, credential, { ...at, column: 'credential' }).toString('utf8'))
}

/** Throws config.invalid when the master key is not the one it was sealed under. */
export const openCredential = (
  masterKey: Buffer,
  sealed: { dataKey: Uint8Array; credential: Uint8Array },
  column: CredentialColumn,
  owner: CredentialOwner,
): Secret => {
  const dataKey = openDataKey(masterKey, sealed.dataKey, owner)
  return new Secret(open(dataKey, sealed.credential, place(column, owner)).toString('utf8'))
}
