import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { app, blank } from './app-state.ts'
import { askCompose } from './compose-wish.ts'
import { expungeIn } from './expunge.ts'
import { dismiss, toastsShown } from './toasts.ts'

/** What the browser says of a script that does not come. */
const missing = () => {
  throw new TypeError('Failed to fetch dynamically imported module')
}

beforeEach(() => {
  vi.stubGlobal('addEventListener', () => undefined)
  vi.stubGlobal('removeEventListener', () => undefined)
  for (const { id } of toastsShown()) dismiss(id)
})
afterEach(() => {
  vi.doUnmock('./open-drafts.ts')
  vi.doUnmock('./patch-account.ts')
  vi.unstubAllGlobals()
  app.set(blank)
})

it('that nothing opens, because its script does not come, is said', async () => {
  vi.doMock('./open-drafts.ts', missing)
  askCompose({ kind: 'new' })
  await vi.waitFor(() => expect(toastsShown()).toMatchObject([{ kind: 'problem', text: 'Postern does not answer.' }]))
})

it('what could not be decided, because its script does not come, is so for a reason that can be told', async () => {
  vi.doMock('./patch-account.ts', missing)
  await expect(expungeIn('1').onDecide(true)).rejects.toMatchObject({ code: 'unreachable' })
})
