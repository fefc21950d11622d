import { describe, expect, it } from 'vitest'
import { type KnownMailbox, type ListedNow, planMailboxList } from './plan-mailbox-list.ts'
import { needsSync, planFlagTurns, planMailboxSync, type ServerState, type StoredCursor } from './plan-mailbox-sync.ts'

const stored: StoredCursor = { uidValidity: 7n, uidNext: 100n, highestModseq: 50n, fillUid: 1n, envelopesStored: 90 }
const server: ServerState = { uidValidity: 7n, uidNext: 100n, highestModseq: 50n, exists: 90 }
const trust = { trustsModseq: true, isCompareDue: false, areFlagsDue: false }
const kinds = (a: Partial<StoredCursor>, b: Partial<ServerState> = {}, c: Partial<typeof trust> = {}) =>
  planMailboxSync({ ...stored, ...a }, { ...server, ...b }, { ...trust, ...c }).map(({ kind }) => kind) // null modseq is what one case is about

describe('planning a mailbox sync', () => {
  it('does nothing when nothing changed', () => expect(kinds({})).toEqual([]))
  it('fills a mailbox never seen, and goes on where a fill was cut off', () => {
    expect(kinds({ uidValidity: null, fillUid: null })).toEqual(['fill'])
    expect(kinds({ fillUid: 40n })).toEqual(['fill'])
  })
  it('starts a new generation when uidvalidity changed', () =>
    expect(kinds({}, { uidValidity: 8n })).toEqual(['reset', 'fill']))
  it('appends what is new and looks whether something went at the same time', () =>
    expect(kinds({}, { uidNext: 101n, exists: 91, highestModseq: 51n })).toEqual([
      'append',
      'flagsSince',
      'countAgain',
    ]))
  it('counts again when only the number differs', () => expect(kinds({}, { exists: 89 })).toEqual(['countAgain']))
  it('never trusts a change counter that is missing, went back or lied before', () => {
    expect(kinds({}, { highestModseq: 49n })).toEqual(['fullCompare'])
    expect(kinds({ highestModseq: null })).toEqual(['compareFlags'])
    for (const [there, more] of [
      [{ highestModseq: null }, {}],
      [{}, { trustsModseq: false }],
    ] as const) {
      expect(kinds({}, there, more)).toEqual([])
      expect(kinds({}, there, { ...more, areFlagsDue: true })).toEqual(['compareFlags'])
    }
  })
  it('reads what the counter tells before a compare, so that what still differs was hidden', () => {
    expect(kinds({}, {}, { isCompareDue: true })).toEqual(['fullCompare'])
    expect(kinds({}, { highestModseq: 51n }, { isCompareDue: true })).toEqual(['flagsSince', 'fullCompare'])
  })
  it('does without UIDVALIDITY and UIDNEXT where a server leaves them out', () => {
    expect(kinds({}, { uidValidity: 0n, uidNext: 0n })).toEqual([])
    expect(kinds({}, { uidValidity: 6n })).toEqual(['reset', 'fill'])
    expect(kinds({}, { uidNext: 0n, exists: 91 })).toEqual(['countAgain'])
    const status = { messages: 90, uidNext: null, uidValidity: null, highestModseq: 50n }
    expect(needsSync(stored, status)).toBe(false)
    expect(needsSync(stored, { ...status, highestModseq: null })).toBe(true)
  })
  it('keeps counters above 2^53 exact', () =>
    expect(kinds({ highestModseq: 9007199254740993n }, { highestModseq: 9007199254740992n })).toEqual(['fullCompare']))
  it('selects a mailbox only when its status differs', () => {
    const status = { messages: 90, uidNext: 100n, uidValidity: 7n, highestModseq: 50n }
    expect(needsSync(stored, status)).toBe(false)
    for (const other of [{ messages: 89 }, { uidNext: 101n }, { uidValidity: 8n }, { highestModseq: 51n }])
      expect(needsSync(stored, { ...status, ...other })).toBe(true)
  })
})

describe('planning whose flags are read anew', () => {
  const boxes = (...sizes: number[]) => sizes.map((serverMessages, flagsReadAt) => ({ serverMessages, flagsReadAt }))
  it('takes all together while they are few', () => {
    const few = boxes(5000, 5000, 500, 0)
    expect([...planFlagTurns(few)]).toEqual(few.slice(0, 3))
  })
  it('opens no empty ones, and so many at most, each in its turn', () => {
    const many = Array.from({ length: 500 }, (_, n) => ({ serverMessages: n % 5 === 0 ? 0 : 1, flagsReadAt: n }))
    const turns = [...planFlagTurns(many)]
    expect(turns).toHaveLength(200)
    expect(turns.every(({ serverMessages }) => serverMessages === 1)).toBe(true)
    expect(turns.at(-1)?.flagsReadAt).toBe(249)
  })
  it('takes the longest waiting first, even one too large for a look, and lets small ones pass', () => {
    const [huge, large, small] = boxes(50_000, 19_000, 900)
    expect([...planFlagTurns([small, large, huge].flatMap((box) => box ?? []))]).toEqual([huge])
    const later = boxes(19_000, 19_001, 900)
    expect([...planFlagTurns(later)]).toEqual([later[0], later[2]])
  })
})

describe('planning the mailbox tree', () => {
  const listed = (path: string, more: Partial<ListedNow> = {}): ListedNow => ({
    path,
    name: path,
    delimiter: '/',
    namespace: '',
    attributes: [],
    isSelectable: true,
    isSubscribed: true,
    uidValidity: 5n,
    uidNext: 10n,
    ...more,
  })
  const known = (id: bigint, path: string, more: Partial<KnownMailbox> = {}): KnownMailbox => ({
    id,
    path,
    name: path,
    delimiter: '/',
    namespace: '',
    role: null,
    isSelectable: true,
    isSubscribed: true,
    uidValidity: 5n,
    uidNext: 10n,
    envelopesStored: 3,
    ...more,
  })

  it('finds new, changed and removed mailboxes', () => {
    const plan = planMailboxList(
      [listed('A', { isSelectable: false }), listed('New', { uidValidity: 6n })],
      [known(1n, 'A'), known(2n, 'Gone', { uidValidity: 9n })],
    )
    expect(plan.created.map(({ path }) => path)).toEqual(['New'])
    expect(plan.updated).toMatchObject([{ id: 1n, to: { isSelectable: false } }])
    expect(plan.removed).toEqual([2n])
  })
  it('gives no role to what belongs to others', () => {
    const plan = planMailboxList(
      [listed('INBOX'), listed('shared/bob/Trash', { name: 'Trash', namespace: 'shared/', attributes: ['\\Trash'] })],
      [],
    )
    expect(plan.created.map(({ role }) => role)).toEqual(['inbox', null])
  })
  it('follows a rename instead of downloading again, but not for empty mailboxes that merely look alike', () => {
    expect(planMailboxList([listed('New name')], [known(1n, 'Old name')])).toMatchObject({
      renamed: [{ id: 1n, to: { path: 'New name' } }],
      removed: [],
      created: [],
    })
    expect(planMailboxList([listed('New name')], [known(1n, 'Old name', { envelopesStored: 0 })])).toMatchObject({
      renamed: [],
      removed: [1n],
    })
  })
})
