import { expect, it } from 'vitest'
import { isAppError } from '#platform/errors.ts'
import { toStoreError } from './store-error.ts'

it('a connection to the database that is lost is told as that, in whatever words the driver says so', () => {
  const codeOf = (error: unknown) => {
    const known = toStoreError(error)
    return isAppError(known) ? known.code : null
  }
  for (const message of [
    'Connection terminated unexpectedly',
    'Client has encountered a connection error and is not queryable',
    'Client was closed and is not queryable',
    'connect ECONNREFUSED 127.0.0.1:5432',
  ])
    expect(codeOf(new Error(message)), message).toBe('storage.unavailable')
  expect(codeOf(Object.assign(new Error('x'), { code: '57P03' }))).toBe('storage.unavailable')
  expect(codeOf(new Error('something else'))).toBeNull()
})
