import type { Change } from '@postern/shared/changes.ts'
import type { Message, MessageBody } from '@postern/shared/messages.ts'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { app, blank, loadBody, loadThread } from './app-state.ts'
import { applyBatch, threadInView } from './apply-change.ts'

const settled = () => new Promise((done) => setTimeout(done))
const message = (id: string) => ({ id, threadId: '5', placements: [] }) as unknown as Message // what is looked at here

describe('a conversation', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    app.set(blank)
  })

  it('is asked for again when it changed while the answer was on its way', async () => {
    const answers: ((messages: Message[]) => void)[] = []
    const answer = (messages: Message[]) => Response.json({ threadId: '5', messages })
    vi.stubGlobal('fetch', () => new Promise((done) => answers.push((messages) => done(answer(messages)))))
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

describe('a conversation that a mail has joined with another one', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    app.set(blank)
  })
  const joined = [message('1'), message('2'), message('3')]
  const answering = () => {
    const asked: string[] = []
    vi.stubGlobal('fetch', async (path: string) => {
      asked.push(path.replace(/^.*\//, ''))
      return Response.json({ threadId: '5', messages: joined })
    })
    return asked
  }
  const tell = () =>
    applyBatch({
      stream: 'account:1',
      seq: '2',
      changes: [
        {
          kind: 'messages',
          messages: joined.map(({ id }) => ({
            id,
            threadId: '5',
            placements: [{ mailboxId: '1', copies: 1, flags: {} as never }], // any will do
          })),
        },
      ],
    })

  it('is that one, also when it is asked for by its old address', async () => {
    const asked = answering()
    await loadThread('7')
    expect(app.get()).toMatchObject({ threads: { '5': joined }, merged: { '7': '5' } })
    expect(asked).toEqual(['7', '5'])
  })

  it('stays in sight until that one is here, whichever of them was shown', async () => {
    const asked = answering()
    app.set({ threads: { '5': [message('1')], '7': [{ ...message('2'), threadId: '7' }], '9': [] } })
    tell()
    expect(Object.keys(app.get().threads)).toEqual(['7', '9'])
    await vi.waitFor(() => expect(app.get().merged).toEqual({ '7': '5' }))
    expect(app.get().threads).toEqual({ '5': joined, '9': [] })
    expect(asked).toEqual(['5'])
  })

  it('is asked for anew when that one could not be had', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no line')))
    app.set({ threads: { '7': [{ ...message('2'), threadId: '7' }] } })
    tell()
    await vi.waitFor(() => expect(app.get().threads).toEqual({}))
  })
})

describe('a conversation on the screen', () => {
  afterEach(() => {
    vi.unstubAllGlobals()
    vi.useRealTimers()
    threadInView.current = null
    app.set(blank)
  })
  const tell = (change: Change) => applyBatch({ stream: 'account:1', seq: '2', changes: [change] })

  it('is asked for again when so much came that it is not told one by one', async () => {
    const messages = [message('1'), message('2')]
    vi.stubGlobal('fetch', async (path: string) =>
      Response.json(path.includes('/threads/') ? { threadId: '5', messages } : {}),
    )
    app.set({ threads: { '5': [message('1')] } })
    threadInView.current = '5'
    tell({ kind: 'mailboxGrew', mailboxId: '1' })
    await vi.waitFor(() => expect(app.get().threads).toEqual({ '5': messages }))
  })

  const grown = (...ids: string[]): Change => ({
    kind: 'messages',
    messages: ids.map((id) => ({ id, threadId: '5', placements: [{ mailboxId: '1', copies: 1, flags: {} as never }] })), // any will do
  })
  const view = (answer: () => Promise<Response>) => {
    vi.stubGlobal('fetch', answer)
    app.set({ threads: { '5': [message('1')], '6': [message('3')] } })
    threadInView.current = '5'
    tell(grown('2'))
  }

  it('stays as it is while a mail comes into it, and is asked for with that one', async () => {
    const messages = [message('1'), message('2')]
    view(async () => Response.json({ threadId: '5', messages }))
    expect(app.get().threads['5']?.map(({ id }) => id)).toEqual(['1'])
    await vi.waitFor(() => expect(app.get().threads['5']).toEqual(messages))
    threadInView.current = '6'
    tell(grown('4'))
    expect(Object.keys(app.get().threads)).toEqual(['6'])
  })

  it('stays without a line, too, and is asked for until it is here or nobody looks at it any more', async () => {
    vi.useFakeTimers()
    let asked = 0
    view(async () => {
      asked++
      throw new TypeError('no line')
    })
    tell(grown('4'))
    await vi.advanceTimersByTimeAsync(20_000)
    expect(app.get().threads['5']?.map(({ id }) => id)).toEqual(['1'])
    expect(asked).toBeGreaterThan(3)
    expect(asked).toBeLessThan(20)
    threadInView.current = '6'
    await vi.advanceTimersByTimeAsync(5000)
    expect(Object.keys(app.get().threads)).toEqual(['6'])
    expect(vi.getTimerCount()).toBe(0)
  })

  it('goes when the server has it no more', async () => {
    view(async () => Response.json({ error: { code: 'not_found', message: 'Gone.' } }, { status: 404 }))
    await vi.waitFor(() => expect(Object.keys(app.get().threads)).toEqual(['6']))
  })

  it('is no longer that one once it is told of again', () => {
    app.set({ merged: { '7': '5', '8': '5' } })
    const upserted = [{ threadId: '7' }] as Extract<Change, { kind: 'threads' }>['upserted'] // what is looked at here
    tell({ kind: 'threads', mailboxId: '1', upserted, removed: [] })
    expect(app.get().merged).toEqual({ '8': '5' })
  })
})

describe('a body', () => {
  const bodies = (messageIds: string[]) =>
    applyBatch({ stream: 'account:1', seq: '2', changes: [{ kind: 'bodies', messageIds }] })
  const answering = () => {
    const answers: ((body: Partial<MessageBody>) => void)[] = []
    vi.stubGlobal('fetch', () => new Promise((done) => answers.push((body) => done(Response.json(body)))))
    return answers
  }
  afterEach(() => {
    vi.unstubAllGlobals()
    app.set(blank)
  })

  it('that was not here yet is forgotten when it came, also of a conversation nobody looks at', () => {
    const body = (state: MessageBody['state']) => ({ state }) as MessageBody // what is looked at here
    app.set({ bodies: { '1': body('absent'), '2': body('ready'), '3': { failed: 'no' }, '4': body('absent') } })
    bodies(['1', '2', '3'])
    expect(Object.keys(app.get().bodies)).toEqual(['2', '4'])
  })

  it('is asked for again when it came while the answer that it is not here was on its way', async () => {
    const answers = answering()
    const work = loadBody('1')
    await settled()
    bodies(['1'])
    answers[0]?.({ state: 'absent' })
    await settled()
    answers[1]?.({ state: 'ready', text: 'whole' })
    await work
    expect(app.get().bodies['1']).toEqual({ state: 'ready', text: 'whole' })
  })

  it('of which only the header was here is forgotten when the rest came, whatever was told of its mail before', () => {
    const body = (isHeaderOnly: boolean) => ({ state: 'ready', isHeaderOnly }) as MessageBody // what is looked at here
    const told = { '7': [{ id: '1', threadId: '7', isHeaderOnly: false } as Message] } // as above
    app.set({ bodies: { '1': body(true), '2': body(false), '3': body(true) }, threads: told })
    bodies(['1', '2'])
    expect(Object.keys(app.get().bodies)).toEqual(['2', '3'])
  })

  it('that is read stays until the whole of it is here', async () => {
    const answers = answering()
    const part = { state: 'ready', text: 'part', isHeaderOnly: true } as MessageBody // what is looked at here
    app.set({ bodies: { '1': part }, threads: { '7': [{ id: '1', threadId: '7', isHeaderOnly: false } as Message] } })
    threadInView.current = '7'
    bodies(['1'])
    await settled()
    expect(app.get().bodies['1']).toBe(part)
    answers[0]?.({ state: 'ready', text: 'whole' })
    await vi.waitFor(() => expect(app.get().bodies['1']).toEqual({ state: 'ready', text: 'whole' }))
    threadInView.current = null
  })

  it('that is here is taken as it is', async () => {
    const answers = answering()
    const work = loadBody('1')
    await settled()
    bodies(['1'])
    answers[0]?.({ state: 'ready', text: 'whole' })
    await work
    expect(answers).toHaveLength(1)
  })
})
