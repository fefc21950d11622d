import { AppError, isAppError } from '#platform/errors.ts'
import { noRoom } from './free-room.ts'

/** SQLSTATE of a failed query, wherever Prisma put it; undefined when it is not a database answer. */
export const sqlState = (error: unknown): string | undefined => {
  const seen = new Set<unknown>()
  let current: unknown = error
  while (typeof current === 'object' && current !== null && !seen.has(current)) {
    seen.add(current)
    const holder = current as Record<string, unknown> // an Error of unknown make: only read, each value checked
    for (const key of ['originalCode', 'code']) {
      const value = holder[key]
      if (typeof value === 'string' && /^[0-9A-Z]{5}$/.test(value) && !/^P\d{4}$/.test(value)) return value
    }
    const meta = holder.meta as Record<string, unknown> | undefined // Prisma's bag of details, checked below
    current = holder.cause ?? meta?.driverAdapterError ?? meta?.cause
    if (typeof meta?.code === 'string') return meta.code
  }
  return undefined
}

const isConnectionLoss = (error: unknown): boolean =>
  /ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|Connection terminated|connection is closed|is not queryable|Client was closed|Can't reach database|timeout exceeded when trying to connect|Server has closed/i.test(
    `${String((error as { code?: unknown })?.code)} ${String((error as { message?: unknown })?.message)}`, // read-only look at an unknown error
  )

/** Deadlock or serialisation failure: the same transaction will succeed when run again. */
export const isRetryableConflict = (error: unknown): boolean => {
  const state = sqlState(error)
  return state === '40P01' || state === '40001' || (error as { code?: unknown })?.code === 'P2034' // Prisma's own name for both
}

/** Translates a database failure once; AppErrors pass unchanged. */
export const toStoreError = (error: unknown): unknown => {
  if (isAppError(error)) return error
  const state = sqlState(error)
  if (state === '53100' || state === '53200' || state === '58030') return noRoom(error)
  if (state?.startsWith('57P') || state?.startsWith('08') || state === '53300' || isConnectionLoss(error))
    return new AppError('storage.unavailable', 'The database does not answer right now.', {
      hint: 'Try again in a moment.',
      cause: error,
    })
  return error
}

/** A transaction of the engine found the epoch of its lease gone. */
export const leaseLost = (): AppError => new AppError('lease.lost', 'Another process now looks after this account.')
