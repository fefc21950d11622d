import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { applyTreeChange } from './account-tree.ts'
import { app, blank } from './app-state.ts'
import { orderAccounts } from './order-accounts.ts'
import { patchAccount, patchLook } from './patch-account.ts'
import { placeMailbox } from './patch-mailbox.ts'

let answer: (response: Response) => void
const account = (id: string, fields: object = {}) => ({ id, position: Number(id), color: null, ...fields }) as Account // what is looked at here
const refuse = () =>
  answer(Response.json({ error: { code: 'request.conflict', message: 'Not now.' } }, { status: 409 }))
const refuseLater = () => {
  const own = answer
  return () => own(Response.json({ error: { code: 'request.conflict', message: 'Not now.' } }, { status: 409 }))
}
const shown = (id: string) => app.get().accounts.find((one) => one.id === id)

beforeEach(() => {
  vi.stubGlobal('fetch', () => new Promise((done) => (answer = done)))
  app.set({ ...blank, accounts: [account('1'), account('2')] })
})
afterEach(() => {
  vi.unstubAllGlobals()
  app.set(blank)
})

describe('the answer about an account', () => {
  it('is shown, unless something was told while it was on its way', async () => {
    const first = patchAccount('1', { name: 'Home' })
    await vi.waitUntil(() => answer)
    answer(Response.json(account('1', { name: 'Home', state: 'connecting' })))
    await first
    expect(shown('1')).toMatchObject({ name: 'Home', state: 'connecting' })
    const second = patchAccount('1', { name: 'Away' })
    applyTreeChange({ kind: 'account', account: account('1', { name: 'Away', state: 'ready' }) })
    answer(Response.json(account('1', { name: 'Away', state: 'connecting' })))
    await second
    expect(shown('1')).toMatchObject({ name: 'Away', state: 'ready' })
  })

  it('that refuses puts back what was shown at once, and nothing else', async () => {
    const work = patchLook('1', { color: '#2f6fb5' })
    expect(shown('1')?.color).toBe('#2f6fb5')
    applyTreeChange({ kind: 'account', account: account('1', { color: '#2f6fb5', state: 'ready' }) })
    refuse()
    await expect(work).rejects.toMatchObject({ code: 'request.conflict' })
    expect(shown('1')).toMatchObject({ color: null, state: 'ready' })
  })

  it('that refuses puts back what is stored, not what another refused change had shown before', async () => {
    const first = patchLook('1', { color: '#2f6fb5' })
    const refuseFirst = refuseLater()
    const second = patchLook('1', { color: '#b53f2f' })
    const refuseSecond = refuseLater()
    refuseFirst()
    await expect(first).rejects.toMatchObject({ code: 'request.conflict' })
    expect(shown('1')?.color).toBe('#b53f2f')
    refuseSecond()
    await expect(second).rejects.toMatchObject({ code: 'request.conflict' })
    expect(shown('1')?.color).toBeNull()
  })

  it('that refuses puts back what was stored, or told, just before', async () => {
    const first = patchLook('1', { color: '#2f6fb5' })
    const answerFirst = answer
    const second = patchLook('1', { color: '#b53f2f' })
    const refuseSecond = refuseLater()
    answerFirst(Response.json(account('1', { color: '#2f6fb5' })))
    await first
    refuseSecond()
    await expect(second).rejects.toMatchObject({ code: 'request.conflict' })
    expect(shown('1')?.color).toBe('#2f6fb5')
    const third = patchLook('1', { color: '#2fb56f' })
    const refuseThird = refuseLater()
    applyTreeChange({ kind: 'account', account: account('1', { color: '#6f2fb5' }) })
    const fourth = patchLook('1', { color: '#b5b52f' })
    refuse()
    await expect(fourth).rejects.toMatchObject({ code: 'request.conflict' })
    refuseThird()
    await expect(third).rejects.toMatchObject({ code: 'request.conflict' })
    expect(shown('1')?.color).toBe('#6f2fb5')
  })

  it('that refuses leaves what was chosen, and told, since', async () => {
    const work = patchLook('1', { color: '#2f6fb5' })
    const refuseFirst = refuseLater()
    applyTreeChange({ kind: 'account', account: account('1', { color: '#b53f2f' }) })
    refuseFirst()
    await expect(work).rejects.toMatchObject({ code: 'request.conflict' })
    expect(shown('1')?.color).toBe('#b53f2f')
  })
})

it('a mailbox that is renamed keeps the counts that were told while the answer was on its way', async () => {
  const mailbox = (fields: object) => ({ id: '7', name: 'Old', messages: 1, ...fields }) as Mailbox // what is looked at here
  app.set({ mailboxes: { '7': mailbox({}) } })
  const work = placeMailbox('7', { name: 'New' })
  applyTreeChange({ kind: 'mailboxes', upserted: [mailbox({ name: 'New', messages: 2 })], removed: [] })
  answer(Response.json(mailbox({ name: 'New' })))
  expect(await work).toMatchObject({ name: 'New' })
  expect(app.get().mailboxes['7']).toMatchObject({ name: 'New', messages: 2 })
})

it('an order that is refused leaves the one that was chosen since', async () => {
  app.set({ accounts: [account('1'), account('2'), account('3')] })
  const first = orderAccounts(['2', '1', '3'])
  const refuseFirst = refuseLater()
  const second = orderAccounts(['3', '2', '1'])
  answer(new Response(null, { status: 204 }))
  await second
  refuseFirst()
  await expect(first).rejects.toMatchObject({ code: 'request.conflict' })
  expect(app.get().accounts.map(({ id }) => id)).toEqual(['3', '2', '1'])
})

it('of two orders that are refused the one of before is shown', async () => {
  app.set({ accounts: [account('1'), account('2'), account('3')] })
  const first = orderAccounts(['2', '1', '3'])
  const refuseFirst = refuseLater()
  const second = orderAccounts(['3', '2', '1'])
  refuseFirst()
  await expect(first).rejects.toMatchObject({ code: 'request.conflict' })
  refuse()
  await expect(second).rejects.toMatchObject({ code: 'request.conflict' })
  expect(app.get().accounts.map(({ id }) => id)).toEqual(['1', '2', '3'])
})

it('accounts are put in order at once, and back when it could not be stored, with what was told meanwhile', async () => {
  const work = orderAccounts(['2', '1'])
  expect(app.get().accounts.map(({ id }) => id)).toEqual(['2', '1'])
  applyTreeChange({ kind: 'account', account: account('1', { state: 'ready' }) })
  refuse()
  await expect(work).rejects.toMatchObject({ code: 'request.conflict' })
  expect(app.get().accounts).toMatchObject([{ id: '1', state: 'ready' }, { id: '2' }])
})
