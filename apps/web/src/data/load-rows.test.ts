import type { ThreadRow } from '@postern/shared/messages.ts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { app, blank } from './app-state.ts'
import { loadRows, noteChange, refreshMailbox, whileSending } from './load-rows.ts'
import { emptyList, withPage } from './thread-list.ts'

/** Answers to requests for lists, given by the test one after the other. */
const peer = () => {
  const asked: ((rows: Partial<ThreadRow>[], total?: number) => void)[] = []
  vi.stubGlobal(
    'fetch',
    () =>
      new Promise((answer) => {
        asked.push((rows, total = rows.length) => answer(Response.json({ rows, total })))
      }),
  )
  return asked
}
const shown = () => app.get().lists['7:all']?.rows.map((row) => row?.threadId)
const settled = () => new Promise((done) => setTimeout(done))

describe('the rows of a list', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    app.set(blank)
  })

  it('are asked for again when something changed while the answer was on its way', async () => {
    const asked = peer()
    const work = loadRows('7', 'all', 0)
    await settled()
    noteChange('7')
    asked[0]?.([{ threadId: 'old' }])
    await settled()
    expect(shown()).toBeUndefined()
    asked[1]?.([{ threadId: 'new' }])
    await work
    expect(shown()).toEqual(['new'])
  })

  it('are asked for after the commands that are on their way', async () => {
    const asked = peer()
    let arrive: () => void = () => undefined
    void whileSending(new Promise<void>((done) => (arrive = done)))
    const work = loadRows('7', 'all', 0)
    await settled()
    expect(asked).toHaveLength(0)
    arrive()
    await settled()
    asked[0]?.([{ threadId: 'after' }])
    await work
    expect(shown()).toEqual(['after'])
  })

  it('that stand out of sight are forgotten when the list became another one', async () => {
    const asked = peer()
    const row = (n: number, of: string) => ({ threadId: `${of} ${n}` }) as ThreadRow // what is looked at here
    const old = Array.from({ length: 200 }, (_, n) => row(n, 'old'))
    app.set({ lists: { '7:all': withPage(emptyList, 0, old, 200) } })
    refreshMailbox('7', { mailboxId: '7', filter: 'all', position: 70 })
    expect([shown()?.[0], shown()?.[59], shown()?.[60], shown()?.[179], shown()?.[180]]).toEqual([
      undefined,
      undefined,
      'old 60',
      'old 179',
      undefined,
    ])
    await settled()
    expect(asked).toHaveLength(2)
    asked[0]?.(
      Array.from({ length: 60 }, (_, n) => row(n, 'new')),
      200,
    )
    await settled()
    expect([shown()?.[60], shown()?.[119]]).toEqual(['new 0', 'new 59'])
  })

  it('are shown in the end even when changes never stop', async () => {
    const asked = peer()
    const work = loadRows('7', 'all', 0)
    for (const n of [0, 1, 2]) {
      await settled()
      noteChange('7')
      asked[n]?.([{ threadId: `answer ${n}` }])
    }
    await work
    expect(shown()).toEqual(['answer 2'])
  })
})
