import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { AppError } from './errors.ts'

/**
 * Envelope encryption of stored passwords. Each account has a random 256-bit data key; the data key is sealed by the
 * master key, which lives in a file outside the data directory. AES-256-GCM; the additional data binds a value to the
 * very row and column it was sealed for, so that swapping rows in a stolen database opens nothing.
 * Layout: version (1 byte), nonce (12), tag (16), ciphertext.
 */
export type SealedFor = { table: string; column: string; rowId: string; userId: string }

const version = 1
const nonceBytes = 12
const tagBytes = 16
const keyBytes = 32

export const newDataKey = (): Buffer => randomBytes(keyBytes)

/** A key for one other purpose, the same at every start and on every node; it tells nothing of the master key. RFC 5869. */
export const deriveKey = (masterKey: Buffer, purpose: string): Buffer =>
  Buffer.from(hkdfSync('sha256', masterKey, '', `postern ${purpose}`, keyBytes))

const additionalData = (place: SealedFor): Buffer =>
  Buffer.from(JSON.stringify([version, place.table, place.column, place.rowId, place.userId]))

export const seal = (key: Buffer, plain: Buffer, place: SealedFor): Uint8Array<ArrayBuffer> => {
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(additionalData(place))
  const body = Buffer.concat([cipher.update(plain), cipher.final()])
  return new Uint8Array(Buffer.concat([Buffer.of(version), nonce, cipher.getAuthTag(), body]))
}

/** Throws config.invalid when the value was sealed by another key, for another row, or was altered. */
export const open = (key: Buffer, sealed: Uint8Array, place: SealedFor): Buffer => {
  const bytes = Buffer.from(sealed)
  try {
    if (bytes[0] !== version) throw new Error('unknown version')
    const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(1, 1 + nonceBytes))
    decipher.setAAD(additionalData(place)).setAuthTag(bytes.subarray(1 + nonceBytes, 1 + nonceBytes + tagBytes))
    return Buffer.concat([decipher.update(bytes.subarray(1 + nonceBytes + tagBytes)), decipher.final()])
  } catch (cause) {
    throw new AppError('config.invalid', 'A stored password cannot be opened with this master key.', {
      hint: 'Put back the key file that belongs to this data, or enter the password of the account again.',
      cause,
    })
  }
}

/** Outside the data directory, one file per installation. */
export const defaultMasterKeyPath = (dataDir: string): string => {
  const real = existsSync(dataDir) ? realpathSync(dataDir) : dataDir
  const name = createHash('sha256').update(real).digest('hex').slice(0, 16)
  return join(process.env.XDG_CONFIG_HOME ?? join(homedir(), '.config'), 'postern', `master-${name}.key`)
}

/** Reads the master key, or makes it on first start (mode 0400). Throws config.invalid when others could read it. */
export const openMasterKey = (path: string): Buffer => {
  if (!existsSync(path)) {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    writeFileSync(path, `${randomBytes(keyBytes).toString('hex')}\n`, { mode: 0o400, flag: 'wx' })
    chmodSync(path, 0o400)
  }
  const { mode, uid } = statSync(path)
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new AppError('config.invalid', `Others may read the master key file ${path}.`, {
      hint: `Run: chmod 0400 ${path}`,
    })
  const me = process.getuid?.()
  if (me !== undefined && uid !== me)
    throw new AppError('config.invalid', `The master key file ${path} belongs to another user.`, {
      hint: 'Give it to the user Postern runs as, or start Postern as its owner.',
    })
  const key = Buffer.from(readFileSync(path, 'utf8').trim(), 'hex')
  if (key.length !== keyBytes)
    throw new AppError('config.invalid', `The master key file ${path} does not hold a key.`, {
      hint: 'Restore it from your backup.',
    })
  return key
}
