import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { holdKeys } from './held-keys.ts'

const listeners = new Map<string, () => void>()
beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('addEventListener', (kind: string, listener: () => void) => listeners.set(kind, listener))
  vi.stubGlobal('removeEventListener', (kind: string) => listeners.delete(kind))
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

it('the keys are let go soon after a wish that failed, whatever became of one that was given up before', async () => {
  holdKeys(new Promise(() => undefined))
  listeners.get('pointerdown')?.()
  expect(listeners.size).toBe(0)
  holdKeys(Promise.reject(new Error('no line')))
  await vi.advanceTimersByTimeAsync(900)
  expect(listeners.has('keydown')).toBe(true)
  await vi.advanceTimersByTimeAsync(200)
  expect(listeners.size).toBe(0)
})
