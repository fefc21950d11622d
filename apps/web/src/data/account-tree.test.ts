import type { Account } from '@postern/shared/accounts.ts'
import type { Change } from '@postern/shared/changes.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { applyTreeChange, loadAccounts } from './account-tree.ts'
import { app, blank } from './app-state.ts'

/** Answers to requests, given by the test in any order. */
const peer = () => {
  const asked = new Map<string, (answer: unknown) => void>()
  vi.stubGlobal(
    'fetch',
    (address: string) => new Promise((done) => asked.set(address, (answer) => done(Response.json(answer)))),
  )
  return async (path: string, answer: unknown) => {
    const give = await vi.waitUntil(() => [...asked].find(([address]) => address.endsWith(path))?.[1])
    give(answer)
  }
}
const account = (id: string, state = 'connecting') => ({ id, position: 0, state }) as unknown as Account // what is looked at here
const mailbox = (id: string, accountId: string) => ({ id, accountId }) as Mailbox // what is looked at here
const tell = (change: Partial<Change> & { kind: string }) =>
  applyTreeChange(change as unknown as Parameters<typeof applyTreeChange>[0]) // what is looked at here

describe('the accounts and their mailboxes', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    app.set(blank)
  })

  it('keep what was told while an older answer was on its way', async () => {
    const answer = peer()
    const loading = loadAccounts()
    await answer('/v1/accounts', { accounts: [account('1'), account('2')] })
    await answer('/1/mailboxes', { mailboxes: [mailbox('10', '1'), mailbox('11', '1')] })
    tell({ kind: 'account', account: account('2', 'ready') })
    tell({ kind: 'mailboxes', upserted: [mailbox('20', '2')], removed: ['11'] })
    await answer('/2/mailboxes', { mailboxes: [] })
    await loading
    expect(app.get().accounts).toMatchObject([{ id: '1' }, { id: '2', state: 'ready' }])
    expect(Object.keys(app.get().mailboxes)).toEqual(['10', '20'])
  })

  it('do not come back when they were removed meanwhile', async () => {
    const answer = peer()
    const loading = loadAccounts()
    await answer('/v1/accounts', { accounts: [account('1'), account('2')] })
    await answer('/1/mailboxes', { mailboxes: [mailbox('10', '1')] })
    tell({ kind: 'accountRemoved', accountId: '1' })
    await answer('/2/mailboxes', { mailboxes: [mailbox('20', '2')] })
    await loading
    expect(app.get().accounts).toMatchObject([{ id: '2' }])
    expect(Object.keys(app.get().mailboxes)).toEqual(['20'])
  })

  it('are what the answer says when nothing was told, whatever was known before', async () => {
    const answer = peer()
    tell({ kind: 'account', account: account('3') })
    tell({ kind: 'mailboxes', upserted: [mailbox('30', '3')], removed: [] })
    const loading = loadAccounts()
    await answer('/v1/accounts', { accounts: [account('1')] })
    await answer('/1/mailboxes', { mailboxes: [mailbox('10', '1')] })
    await loading
    expect(app.get().accounts).toMatchObject([{ id: '1' }])
    expect(Object.keys(app.get().mailboxes)).toEqual(['10'])
  })
})
