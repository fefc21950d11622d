import { timingSafeEqual } from 'node:crypto'
import { AppError } from '#platform/errors.ts'
import type { Store, Tx } from '#store/open-store.ts'
import { newToken, tokenHash } from './session-tokens.ts'

/**
 * The one-time code that a fresh installation prints: without it nobody can become the owner. A new code at every start
 * while there is no owner; the hash is stored, so that several processes agree.
 */
const key = 'setup.code'

export const hasOwner = async (tx: Tx): Promise<boolean> => (await tx.appUser.count({ where: { role: 'owner' } })) > 0

/** The code to print, or null when there is an owner already. */
export const renewSetupCode = async (store: Store): Promise<string | null> =>
  store.prisma.$transaction(async (tx) => {
    if (await hasOwner(tx)) return null
    const code = newToken().slice(0, 24)
    const value = { hash: Buffer.from(tokenHash(code)).toString('hex') }
    await tx.installationSetting.upsert({ where: { key }, create: { key, value }, update: { value } })
    return code
  })

/** Throws auth.setup_done or auth.setup_code. Takes a lock: two people cannot both become the owner. */
export const requireSetupCode = async (tx: Tx, code: string): Promise<void> => {
  await tx.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('postern.setup'))`
  if (await hasOwner(tx))
    throw new AppError('auth.setup_done', 'This Postern has an owner already.', {
      hint: 'Sign in, or ask the owner for an invitation.',
    })
  const row = await tx.installationSetting.findUnique({ where: { key } })
  const stored = row?.value
  const hex = typeof stored === 'object' && stored !== null && !Array.isArray(stored) ? stored.hash : undefined
  const expected = Buffer.from(typeof hex === 'string' ? hex : '', 'hex')
  const given = Buffer.from(tokenHash(code))
  if (expected.length !== given.length || !timingSafeEqual(expected, given))
    throw new AppError('auth.setup_code', 'The set-up code is missing or not right.', {
      hint: 'Open the whole address that Postern printed when it started; it ends with the code.',
    })
}

export const forgetSetupCode = async (tx: Tx): Promise<void> => {
  await tx.installationSetting.deleteMany({ where: { key } })
}
