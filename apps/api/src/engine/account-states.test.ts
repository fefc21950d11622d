import { describe, expect, it } from 'vitest'
import { backoffMs } from '#platform/backoff.ts'
import { AppError } from '#platform/errors.ts'
import { planAfterFailure } from './account-states.ts'
import { ConnectBudget } from './connect-budget.ts'
import { engineTiming } from './timing.ts'
import { WakeSignal } from './wake-signal.ts'

const { passwordRetryMs } = engineTiming
const failure = (code: ConstructorParameters<typeof AppError>[0]) => new AppError(code, 'x')

describe('after a failure', () => {
  it('asks the person at once for a password that never worked', () => {
    expect(
      planAfterFailure(failure('login.failed'), { hasWorked: false, loginFailures: 1, backoffMs: 10, passwordRetryMs })
        .kind,
    ).toBe('askPerson')
  })
  it('tries a password that worked before twice more, a quarter of an hour apart', () => {
    const kinds = [1, 2, 3].map((loginFailures) =>
      planAfterFailure(failure('login.failed'), { hasWorked: true, loginFailures, backoffMs: 10, passwordRetryMs }),
    )
    expect(kinds.map(({ kind }) => kind)).toEqual(['retry', 'retry', 'askPerson'])
    expect(kinds[0]).toMatchObject({ delayMs: 900_000 })
  })
  it('retries lost connections and limits, leaves when the lease is gone, asks for certificates', () => {
    const history = { hasWorked: true, loginFailures: 0, backoffMs: 77, passwordRetryMs }
    for (const code of [
      'connect.closed',
      'connect.limit',
      'connect.throttled',
      'login.unavailable',
      'storage.full',
    ] as const)
      expect(planAfterFailure(failure(code), history)).toMatchObject({ kind: 'retry', delayMs: 77 })
    expect(planAfterFailure(failure('tls.expired'), history).kind).toBe('askPerson')
    expect(planAfterFailure(failure('lease.lost'), history).kind).toBe('leave')
  })
})

describe('the back-off', () => {
  it('takes any share of a limit that doubles with every failure, up to its cap', () => {
    const limits = [1, 2, 3, 8, 30, 1000].map((failures) => backoffMs(failures, engineTiming.backoff, () => 1))
    expect(limits).toEqual([2000, 4000, 8000, 256_000, 300_000, 300_000])
    expect(backoffMs(8, engineTiming.backoff, () => 0)).toBe(0)
    const shares = Array.from({ length: 200 }, () => backoffMs(8, engineTiming.backoff))
    expect(new Set(shares).size).toBeGreaterThan(150)
  })
})

describe('the connect budget', () => {
  it('lets only so many in over all hosts', async () => {
    const budget = new ConnectBudget()
    const inside: ((outcome: 'ok') => void)[] = []
    const all = Array.from({ length: 40 }, (_, n) => budget.enter(`host ${n}`).then((leave) => inside.push(leave)))
    await new Promise(setImmediate)
    expect(inside).toHaveLength(32)
    for (let n = 0; n < 8; n++) inside[n]?.('ok')
    await Promise.all(all)
  })
  it('lets only so many of one host in, halves on refusal and goes on when one leaves', async () => {
    const budget = new ConnectBudget()
    const inside = await Promise.all(Array.from({ length: 10 }, () => budget.enter('a')))
    let entered = 0
    const later = Array.from({ length: 3 }, () => budget.enter('a').then(() => entered++))
    await budget.enter('b')
    expect(entered).toBe(0)
    inside[0]?.('refused')
    inside[1]?.('failed')
    await new Promise(setImmediate)
    expect(entered).toBe(0)
    for (const leave of inside.slice(2, 7)) leave('failed')
    await later[0]
    expect(entered).toBeGreaterThan(0)
  })
})

describe('the wake signal', () => {
  it('remembers reasons given while nobody slept', async () => {
    const wake = new WakeSignal<'a' | 'b'>()
    wake.mark('a')
    await wake.sleep(60_000, new AbortController().signal)
    expect([wake.take('a'), wake.take('a'), wake.take('b')]).toEqual([true, false, false])
  })
})
