import type { Identity } from '@postern/shared/identities.ts'
import { afterEach, expect, it, vi } from 'vitest'
import { forgetIdentities, identitiesHere, identityOf, refreshIdentities } from './identities.ts'

/** Answers to questions for identities, given by the test one after the other. */
const peer = () => {
  const asked: ((ids: string[]) => void)[] = []
  vi.stubGlobal(
    'fetch',
    () =>
      new Promise((answer) => {
        asked.push((ids) => answer(Response.json({ identities: ids.map((id) => ({ id }) as Identity) }))) // what is looked at here
      }),
  )
  return asked
}

afterEach(() => {
  vi.unstubAllGlobals()
  forgetIdentities()
})

it('identities are asked for again when somebody wanted them after the question was sent', async () => {
  const asked = peer()
  const first = refreshIdentities()
  const second = refreshIdentities()
  await vi.waitUntil(() => asked.length === 1)
  asked[0]?.(['old'])
  await vi.waitUntil(() => asked.length === 2)
  expect(identityOf('old')).toBeUndefined()
  asked[1]?.(['new'])
  await Promise.all([first, second])
  expect((await identitiesHere()).map(({ id }) => id)).toEqual(['new'])
  expect(asked).toHaveLength(2)
})
