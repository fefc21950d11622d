import type { Message } from '@postern/shared/messages.ts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { app, blank, loadThread } from './app-state.ts'
import { applyBatch } from './apply-change.ts'

const settled = () => new Promise((done) => setTimeout(done))
const message = (id: string) => ({ id, threadId: '5', placements: [] }) as unknown as Message // what is looked at here

describe('a conversation', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    app.set(blank)
  })

  it('is asked for again when it changed while the answer was on its way', async () => {
    const answers: ((messages: Message[]) => void)[] = []
    vi.stubGlobal('fetch', () => new Promise((done) => answers.push((messages) => done(Response.json({ messages })))))
    const work = loadThread('5')
    await settled()
    applyBatch({
      stream: 'account:1',
      seq: '2',
      changes: [{ kind: 'messages', messages: [{ id: '1', threadId: '5', placements: [] }] }],
    })
    answers[0]?.([message('1')])
    await settled()
    expect(app.get().threads['5']).toBeUndefined()
    answers[1]?.([message('1'), message('2')])
    await work
    expect(app.get().threads['5']?.map(({ id }) => id)).toEqual(['1', '2'])
  })
})
