import { describe, expect, it } from 'vitest'
import { countMaildrop } from './count-maildrop.ts'
import { type LedgerRow, type ListedMail, type MaildropFacts, planMaildrop } from './plan-maildrop.ts'

const now = new Date('2026-11-25T12:00:00Z')
const daysAgo = (days: number) => new Date(now.getTime() - days * 86_400_000)
const facts = (parts: Partial<MaildropFacts> = {}): MaildropFacts => ({
  policy: { kind: 'keep' },
  isOnHold: false,
  sessionStartedAt: now,
  now,
  ...parts,
})
const entry = (number: number, key: string, sizeBytes = 100): ListedMail => ({ number, key, sizeBytes })
const row = (id: number, key: string, parts: Partial<LedgerRow> = {}): LedgerRow => ({
  id: BigInt(id),
  key,
  sizeBytes: 100,
  state: 'fetched',
  isWhole: true,
  isInPart: false,
  wantsWhole: false,
  isCopy: false,
  isTooLarge: false,
  fetchedAt: daysAgo(1),
  receivedAt: daysAgo(id),
  missingSince: null,
  ...parts,
})
const ids = (list: { row: LedgerRow }[]) => list.map(({ row: { id } }) => Number(id))
const numbers = (list: { number: number }[]) => list.map(({ number }) => number)

describe('a maildrop', () => {
  it('gives what was never seen, and what was listed and not fetched, newest first', () => {
    const plan = planMaildrop(
      [entry(1, 'a'), entry(2, 'b'), entry(3, 'c'), entry(4, 'd')],
      [
        row(1, 'a'),
        row(2, 'b', { state: 'listed', fetchedAt: null }),
        row(3, 'c', { state: 'listed', fetchedAt: null }),
      ],
      facts(),
    )
    expect(plan.fresh).toEqual([entry(4, 'd')])
    expect(numbers(plan.fetch)).toEqual([3, 2])
    expect(plan.remove).toEqual([])
  })

  it('gives the rest of a mail of which the header is here when the person asked for it, once', () => {
    const part = { isWhole: false, wantsWhole: true }
    const plan = planMaildrop(
      [entry(1, 'a'), entry(2, 'b'), entry(3, 'c')],
      [row(1, 'a', part), row(2, 'b', { ...part, wantsWhole: false }), row(3, 'c', { ...part, isWhole: true })],
      facts(),
    )
    expect(numbers(plan.fetch)).toEqual([1])
    const large = 300 * 1024 * 1024
    const never = [row(1, 'a', { ...part, sizeBytes: large }), row(2, 'b', { ...part, isTooLarge: true })]
    expect(planMaildrop([entry(1, 'a', large), entry(2, 'b')], never, facts()).fetch).toEqual([])
  })

  it('keeps every mail of a key that is listed more than once', () => {
    const plan = planMaildrop([entry(1, 'same'), entry(2, 'same'), entry(3, 'same')], [row(1, 'same')], facts())
    expect(numbers(plan.fresh)).toEqual([2, 3])
    expect(plan.missing).toEqual([])
  })

  it('takes a known key with another size for a new mail', () => {
    const plan = planMaildrop([entry(1, 'a', 250)], [row(1, 'a')], facts())
    expect(plan.fresh).toEqual([entry(1, 'a', 250)])
    expect(plan.missing.map(({ id }) => id)).toEqual([1n])
  })

  it('compares what was away and is back before it believes it', () => {
    const plan = planMaildrop(
      [entry(1, 'a')],
      [row(1, 'a', { missingSince: daysAgo(2) })],
      facts({ policy: { kind: 'afterDownload' } }),
    )
    expect(ids(plan.returned)).toEqual([1])
    expect(plan.fresh).toEqual([])
    expect(plan.remove).toEqual([])
  })

  it('tells mails whose removal was asked for from those that merely went away', () => {
    const plan = planMaildrop(
      [],
      [
        row(1, 'a', { state: 'dele_sent' }),
        row(2, 'b', { state: 'to_delete' }),
        row(3, 'c'),
        row(4, 'd', { missingSince: daysAgo(1) }),
      ],
      facts(),
    )
    expect(plan.gone.map(({ id }) => id)).toEqual([1n])
    expect(plan.missing.map(({ id }) => id)).toEqual([2n, 3n])
  })
})

describe('removal at the server', () => {
  const listing = [entry(1, 'a'), entry(2, 'b'), entry(3, 'c'), entry(4, 'd')]
  const rows = [1, 2, 3, 4].map((n) => row(n, 'abcd'[n - 1] ?? '', { fetchedAt: daysAgo(5 - n) }))

  it('never happens with a policy that keeps everything', () => {
    expect(planMaildrop(listing, rows, facts()).remove).toEqual([])
    expect(planMaildrop(listing, rows, facts({ policy: { kind: 'whenDeletedHere' } })).remove).toEqual([])
  })

  it('comes a session later than the download, never in the same', () => {
    const afterDownload = { policy: { kind: 'afterDownload' as const } }
    expect(numbers(planMaildrop(listing, rows, facts(afterDownload)).remove)).toEqual([1, 2, 3, 4])
    expect(planMaildrop(listing, rows, facts({ ...afterDownload, sessionStartedAt: daysAgo(10) })).remove).toEqual([])
  })

  it('waits for days by the time of the download', () => {
    expect(numbers(planMaildrop(listing, rows, facts({ policy: { kind: 'afterDays', days: 3 } })).remove)).toEqual([
      1, 2,
    ])
  })

  it('leaves the newest by the received date, and counts what is not here yet among them', () => {
    const withOneToFetch = [...rows.slice(0, 3), row(4, 'd', { state: 'listed', receivedAt: null, fetchedAt: null })]
    const plan = planMaildrop(listing, withOneToFetch, facts({ policy: { kind: 'newest', count: 2 } }))
    // Received 1, 2 and 3 days ago, and one unknown: that one and the first stay.
    expect(ids(plan.remove)).toEqual([2, 3])
  })

  it('leaves a mail whose name another one has that is not here yet: the server may have kept that one', () => {
    const twins = (parts: Partial<LedgerRow>) => [row(1, 'same'), row(2, 'same', parts)]
    const due = facts({ policy: { kind: 'afterDownload' } })
    for (const parts of [{ state: 'listed' as const, isWhole: false, fetchedAt: null }, { isWhole: false }])
      for (const listed of [[entry(1, 'same')], [entry(1, 'same'), entry(2, 'same')]])
        expect(planMaildrop(listed, twins(parts), due).remove).toEqual([])
    expect(numbers(planMaildrop([entry(1, 'same'), entry(2, 'same')], twins({}), due).remove)).toEqual([1, 2])
  })

  it('is over for what was marked when everything is to be kept, save for copies, which were let go one by one', () => {
    const marked = [
      row(1, 'a', { state: 'to_delete' }),
      row(2, 'b', { state: 'dele_sent' }),
      row(3, 'c', { state: 'to_delete', isCopy: true }),
    ]
    expect(numbers(planMaildrop(listing.slice(0, 3), marked, facts()).remove)).toEqual([3])
    const wanted = facts({ policy: { kind: 'whenDeletedHere' } })
    expect(numbers(planMaildrop(listing.slice(0, 3), marked, wanted).remove)).toEqual([1, 2, 3])
  })

  it('leaves what is here no longer, and so cannot be verified any more', () => {
    for (const parts of [{}, { state: 'to_delete' as const }, { state: 'to_delete' as const, isCopy: true }]) {
      const swept = [row(1, 'a', { ...parts, fetchedAt: null })]
      expect(planMaildrop([entry(1, 'a')], swept, facts({ policy: { kind: 'afterDownload' } })).remove).toEqual([])
    }
  })

  it('goes by the number of this listing', () => {
    const shifted = [entry(1, 'c'), entry(2, 'a')]
    const plan = planMaildrop(
      shifted,
      [row(1, 'a', { state: 'to_delete' }), row(3, 'c')],
      facts({ policy: { kind: 'whenDeletedHere' } }),
    )
    expect(plan.remove.map(({ number, row: { key } }) => [number, key])).toEqual([[2, 'a']])
  })

  it('asks again for what is still listed after a removal that was never confirmed', () => {
    const due = facts({ policy: { kind: 'afterDownload' } })
    const plan = planMaildrop([entry(7, 'a')], [row(1, 'a', { state: 'dele_sent' })], due)
    expect(numbers(plan.remove)).toEqual([7])
    expect(plan.gone).toEqual([])
  })

  it('spares copies, and mails of which only the header is here', () => {
    const plan = planMaildrop(
      [entry(1, 'a'), entry(2, 'b'), entry(3, 'c')],
      [
        row(1, 'a', { isCopy: true }),
        row(2, 'b', { isWhole: false }),
        row(3, 'c', { isWhole: false, state: 'to_delete' }),
      ],
      facts({ policy: { kind: 'afterDownload' } }),
    )
    expect(plan.remove).toEqual([])
  })

  it('takes a copy whose removal the person asked for', () => {
    const plan = planMaildrop([entry(1, 'a')], [row(1, 'a', { isCopy: true, state: 'to_delete' })], facts())
    expect(numbers(plan.remove)).toEqual([1])
  })

  it('is held back after a restored backup, whatever was marked before', () => {
    const marked = rows.map((of) => ({ ...of, state: 'to_delete' as const }))
    expect(planMaildrop(listing, marked, facts({ isOnHold: true, policy: { kind: 'afterDownload' } })).remove).toEqual(
      [],
    )
  })
})

describe('the counts of a maildrop', () => {
  const listing = [1, 2, 3, 4, 5, 6].map((n) => entry(n, String(n)))
  const rows = [
    row(1, '1', { fetchedAt: now }),
    row(2, '2', { isCopy: true }),
    row(3, '3', { isWhole: false, isInPart: true }),
    row(4, '4', { state: 'to_delete' }),
    row(5, '5', { state: 'listed', fetchedAt: null }),
    row(7, 'away', { state: 'to_delete' }),
    row(8, 'away too', { isCopy: true, missingSince: daysAgo(1) }),
  ]
  const count = (policy: MaildropFacts['policy']) =>
    countMaildrop({ named: listing, unnamed: [] }, rows, { policy, maxBytes: null, now, hasTop: true })

  it('are of what is listed: copies that wait for the person, mails of which the header is here', () => {
    const tooLarge = { mails: 0, bytes: 0 }
    const counts = { messages: 6, bytes: 600, waiting: 1, copies: 1, headersOnly: 1, notYet: 2, onlyThere: 0, tooLarge }
    expect(count({ kind: 'whenDeletedHere' })).toMatchObject(counts)
    expect(count({ kind: 'keep' })).toMatchObject({ ...counts, waiting: 0 })
  })

  it('come to what is listed, wherever each of it is, and tell of which the rest fits and of which it comes', () => {
    const sizes = [100, 2000, 3000, 4000, 300_000_000, 5000, 100, 100, 100]
    const named = sizes.map((size, n) => entry(n + 1, String(n + 1), size))
    const of = (n: number, more: object) => row(n, String(n), { sizeBytes: sizes[n - 1] ?? 0, ...more })
    const part = { isWhole: false, isInPart: true }
    const there = [
      of(1, {}),
      of(2, part),
      of(3, { ...part, wantsWhole: true }),
      of(4, part),
      of(5, part),
      of(6, { ...part, isTooLarge: true }),
      of(7, { isCopy: true }),
      of(8, { state: 'listed', fetchedAt: null }),
      // Deleted here for good, by its header only.
      of(9, { ...part, fetchedAt: null }),
      row(10, 'away', { ...part, missingSince: daysAgo(1) }),
    ]
    const count = (maxBytes: number | null) =>
      countMaildrop({ named, unnamed: [7] }, there, { policy: { kind: 'keep' }, maxBytes, now, hasTop: true })
    const { messages, copies, headersOnly, notYet, onlyThere, ...counts } = count(3500)
    expect({ messages, copies, headersOnly, notYet, onlyThere }).toEqual({
      messages: 10,
      copies: 1,
      headersOnly: 5,
      notYet: 2,
      onlyThere: 1,
    })
    const whole = 1
    expect(whole + copies + headersOnly + notYet + onlyThere).toBe(messages)
    expect(counts).toMatchObject({
      headersOnlyBytes: 300_014_000,
      fitting: { mails: 1, bytes: 2000 },
      coming: { mails: 1, bytes: 3000 },
    })
    expect(count(null).fitting).toEqual({ mails: 2, bytes: 6000 })
  })

  it('tell what the next look would remove if nothing held it, what came in this one among it', () => {
    expect(count({ kind: 'afterDownload' })).toMatchObject({ waiting: 2 })
    expect(count({ kind: 'afterDays', days: 1 })).toMatchObject({ waiting: 1 })
    expect(count({ kind: 'newest', count: 3 })).toMatchObject({ waiting: 1 })
  })

  it('tell of what is too large where not even its header can be had, whatever size the server lists', () => {
    const large = 300 * 1024 * 1024
    const named = [entry(1, 'large', large), entry(2, 'liar'), entry(3, 'small')]
    const there = [
      row(1, 'large', { state: 'listed', sizeBytes: large }),
      row(2, 'liar', { state: 'listed', isTooLarge: true }),
      row(3, 'small', { state: 'listed' }),
    ]
    const unshown = (hasTop: boolean) =>
      countMaildrop({ named, unnamed: [large, 10] }, there, { policy: { kind: 'keep' }, maxBytes: null, now, hasTop })
        .tooLarge
    expect(unshown(false)).toEqual({ mails: 3, bytes: 2 * large + 256 * 1024 * 1024 })
    expect(unshown(true)).toEqual({ mails: 0, bytes: 0 })
  })
})
