import type { Submission } from '@postern/shared/submissions.ts'
import { beforeEach, describe, expect, it } from 'vitest'
import { app } from './app-state.ts'
import { showSubmission } from './outbox.ts'
import { toastsShown } from './toasts.ts'

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
