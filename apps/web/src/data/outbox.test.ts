import type { Submission } from '@postern/shared/submissions.ts'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { needsPerson } from '#lib/submission-needs.ts'
import { app } from './app-state.ts'
import { hearSubmission, loadOutbox, retry, showMade, showSubmission } from './outbox.ts'
import { dismiss, toastsShown } from './toasts.ts'
import { tellSending } from './told-sending.ts'
import { undoLast } from './undo-list.ts'

const refused: Submission = {
  id: '1f6f6a3e-3c0a-4d0e-9a53-6d8f1a8a1c11',
  accountId: '1',
  draftId: null,
  state: 'failed',
  from: { name: '', address: 'robin@example.org' },
  subject: 'Refused',
  sizeBytes: 400,
  recipients: [],
  createdAt: '2026-11-01T10:00:00.000Z',
  notBefore: '2026-11-01T10:00:00.000Z',
  sendAt: null,
  attempts: 1,
  nextAttemptAt: null,
  finishedAt: '2026-11-01T10:00:01.000Z',
  toldAt: null,
  problem: null,
  evidence: [],
  sentCopy: 'none',
  canCancel: true,
  isDismissed: false,
}
const listed = () => app.get().outbox.map(({ id }) => id)

describe('a mail that was refused', () => {
  beforeEach(() => app.set({ outbox: [] }))

  it('is in the outbox until it is put away, here or elsewhere, and is told of once', () => {
    const told = toastsShown().length
    showSubmission(refused)
    expect(listed()).toEqual([refused.id])
    expect(toastsShown().length).toBe(told + 1)
    showSubmission({ ...refused, isDismissed: true })
    showSubmission({ ...refused, isDismissed: true })
    expect(listed()).toEqual([])
    expect(toastsShown().length).toBe(told + 1)
  })

  it('comes back when it is tried again', () => {
    showSubmission({ ...refused, isDismissed: true })
    showSubmission({ ...refused, state: 'queued' })
    expect(listed()).toEqual([refused.id])
  })
})

describe('what is said of a mail on its way', () => {
  let made = 0
  let takenBack = 0
  beforeEach(() => {
    vi.useFakeTimers()
    for (const { id } of toastsShown()) dismiss(id)
    app.set({ outbox: [] })
    takenBack = 0
  })
  afterEach(() => vi.useRealTimers())
  const waiting = { state: 'scheduled' as const, attempts: 0, finishedAt: null, canCancel: true }
  const send = (forMs = 10_000, problem: Submission['problem'] = null): Submission => {
    const mail = { ...refused, ...waiting, problem, id: `${refused.id.slice(0, -2)}${20 + ++made}` }
    showMade(mail)
    tellSending(mail, forMs > 0 ? { takeBack: () => void takenBack++, forMs } : null)
    return mail
  }
  const said = () => toastsShown().map(({ text, undo }) => `${text}${undo ? ' (undo)' : ''}`)

  it('is that it goes, with a way back as long as there is one, and that it is sent once it is', () => {
    const mail = send()
    vi.advanceTimersByTime(9999)
    expect(said()).toEqual(['Sending … (undo)'])
    vi.advanceTimersByTime(1)
    expect(said()).toEqual(['Sending …'])
    undoLast()
    expect(takenBack).toBe(0)
    showSubmission({ ...mail, state: 'sending' })
    expect(said()).toEqual(['Sending …'])
    showSubmission({ ...mail, state: 'sent' })
    expect(said()).toEqual(['Sent'])
    vi.advanceTimersByTime(5000)
    expect(said()).toEqual([])
    // Sent at once from the outbox, it is not taken back any more.
    showSubmission({ ...send(), state: 'sent' })
    expect(said()).toEqual(['Sent'])
  })

  it('is why it is not sent yet, and that it is as long as anybody hears of that', () => {
    const mail = send(0)
    const problem = { code: null, message: 'The server cannot take it right now.', hint: null, serverText: null }
    showSubmission({ ...mail, state: 'deferred', problem })
    expect(said()).toEqual(['Not sent yet. The server cannot take it right now.'])
    expect(toastsShown()[0]?.action?.label).toBe('Open outbox')
    showSubmission({ ...mail, state: 'sent' })
    expect(said()).toEqual(['Sent'])
    expect(toastsShown()[0]?.action).toBeUndefined()
    const second = send(0)
    vi.advanceTimersByTime(60_000)
    showSubmission({ ...second, state: 'sent' })
    expect(said()).toEqual([])
  })

  it('is why it waits from the start, for no shorter than it can be taken back', () => {
    const problem = {
      code: 'account.not_ready' as const,
      message: 'The account is paused.',
      hint: null,
      serverText: null,
    }
    const mail = send(10_000, problem)
    vi.advanceTimersByTime(100)
    // The change log tells of it as well.
    showSubmission(mail)
    vi.advanceTimersByTime(9899)
    expect(said()).toEqual(['Not sent yet. The account is paused. (undo)'])
    vi.advanceTimersByTime(1)
    expect(said()).toEqual(['Not sent yet. The account is paused.'])
    expect(toastsShown()[0]?.action?.label).toBe('Open outbox')
    vi.advanceTimersByTime(8000)
    expect(said()).toEqual([])
  })

  it('is nothing but what went wrong, and nothing of what was taken back', () => {
    showSubmission({ ...send(0), state: 'failed' })
    expect(said()).toEqual(['“Refused” could not be sent.'])
    showSubmission({ ...send(), state: 'cancelled' })
    expect(said()).toEqual(['“Refused” could not be sent.'])
  })

  it('is what became of it before its request was answered', () => {
    const mail = { ...refused, ...waiting, id: `${refused.id.slice(0, -2)}99` }
    showSubmission({ ...mail, state: 'sent' })
    tellSending(showMade({ ...mail, state: 'queued' }), null)
    expect([said(), listed()]).toEqual([['Sent'], []])
  })
})

describe('what is known of the outbox', () => {
  const asked: ((answer: unknown) => void)[] = []
  beforeEach(() => {
    asked.length = 0
    app.set({ outbox: [] })
    vi.stubGlobal('fetch', () => new Promise((done) => asked.push((answer) => done(Response.json(answer)))))
  })
  afterEach(() => vi.unstubAllGlobals())
  const mail = (n: number, more: Partial<Submission> = {}): Submission => ({
    ...refused,
    id: `${refused.id.slice(0, -2)}${60 + n}`,
    state: 'queued',
    ...more,
  })
  const states = () => app.get().outbox.map(({ id, state }) => [id.slice(-2), state])

  it('is what was told, where the list that was asked for is older', async () => {
    const loading = loadOutbox()
    hearSubmission(mail(1, { state: 'sent' }))
    hearSubmission(mail(2, { state: 'deferred' }))
    asked[0]?.({ submissions: [mail(1), mail(2), mail(3)] })
    await loading
    expect(states()).toEqual([
      ['62', 'deferred'],
      ['63', 'queued'],
    ])
  })

  it('is not the answer to a wish, where something was told while that was on its way', async () => {
    showSubmission(mail(4, { state: 'failed' }))
    const trying = retry(mail(4).id)
    hearSubmission(mail(4, { state: 'in_doubt' }))
    asked[0]?.(mail(4))
    await trying
    expect(states()).toEqual([['64', 'in_doubt']])
    const again = retry(mail(4).id)
    asked[1]?.(mail(4, { state: 'deferred' }))
    await again
    expect(states()).toEqual([['64', 'deferred']])
  })

  it('stays with a mail whose copy was refused, and says of what somebody is needed', () => {
    const lacking = mail(5, { state: 'sent', sentCopy: 'refused' })
    hearSubmission(mail(5, { state: 'sent', sentCopy: 'waiting' }))
    expect(states()).toEqual([])
    hearSubmission(lacking)
    expect(states()).toEqual([['65', 'sent']])
    hearSubmission({ ...lacking, sentCopy: 'waiting' })
    expect(states()).toEqual([])
    const late = mail(6, { state: 'deferred', toldAt: '2026-11-01T10:15:00.000Z' })
    const ones = [lacking, late, mail(7, { state: 'in_doubt' }), mail(8), { ...late, toldAt: null }]
    expect(ones.map(needsPerson)).toEqual([true, true, true, false, false])
  })
})
