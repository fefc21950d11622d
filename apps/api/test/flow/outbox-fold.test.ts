import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { effectivePlacement } from '#mail/flags.ts'
import { undoCommand } from '#outbox/outbox.ts'
import { pendingTargetsFor, recomputeShown } from '#store/command-effects.ts'
import { beginCommand, listOpenCommands, nextItems } from '#store/command-work.ts'
import { commit } from '#store/commit.ts'
import { type Body, type OutboxRows, startOutboxRows } from './outbox-fixture.ts'

describe('what is shown while commands wait', () => {
  let fixture: OutboxRows
  beforeAll(async () => {
    fixture = await startOutboxRows()
  })
  afterAll(() => fixture.stop())

  it('shows after any sequence of commands, undos and settlements exactly what the pure fold says', async () => {
    const { makeAccount, placements, run, whole, some, settle, store, userId } = fixture
    const { accountId, inbox, trash, box } = await makeAccount(3)
    const other = await box('Other', null)
    const boxes = [inbox, trash, other]
    const rows = await placements(accountId)
    const flag = fc.constantFrom('seen' as const, 'flagged' as const, 'deleted' as const)
    const keyword = fc.constantFrom('$Work', '$WORK', '$Junk')
    /** One message where it is shown now, or everything there with it. */
    const where = fc.record({ message: fc.nat(1), isWhole: fc.boolean() })
    const step = fc.oneof(
      fc.record({
        do: fc.constant('flags' as const),
        where,
        add: fc.uniqueArray(flag, { maxLength: 2 }),
        remove: fc.uniqueArray(flag, { maxLength: 2 }),
        addKeywords: fc.array(keyword, { maxLength: 2 }),
        removeKeywords: fc.array(keyword, { maxLength: 2 }),
      }),
      fc.record({ do: fc.constant('move' as const), where, to: fc.nat(2) }),
      fc.record({ do: fc.constant('junk' as const), where, role: fc.constantFrom('junk' as const, 'trash' as const) }),
      fc.record({ do: fc.constant('undo' as const), back: fc.nat(2), isSent: fc.boolean() }),
      fc.record({
        do: fc.constant('settle' as const),
        bits: fc.nat(15),
        keywords: fc.uniqueArray(keyword, { maxLength: 2, selector: (word) => word.toLowerCase() }),
        isRefused: fc.boolean(),
      }),
    )
    type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
    const given: string[] = []
    const target = async ({ message, isWhole }: { message: number; isWhole: boolean }) => {
      const now = (await placements(accountId))[message]
      const mailboxId = now?.shownMailboxId ?? now?.mailboxId ?? inbox
      return isWhole ? whole(mailboxId) : some(mailboxId, rows.slice(message, message + 1))
    }
    const settleOldest = async (wanted: Extract<Step, { do: 'settle' }>) => {
      for (const command of await listOpenCommands(store.prisma, accountId)) {
        const [item] = await nextItems(store.prisma, command.id, 1)
        if (!item) continue
        const { bits, isRefused } = wanted
        const truth = [{ placementId: item.placementId, flags: { bits, keywords: wanted.keywords.sort() }, modseq: 0n }]
        const ids = [item.placementId]
        const isMoved = !isRefused && item.toMailboxId !== null && item.toMailboxId !== item.mailboxId
        return settle(accountId, {
          commandId: command.id,
          mailboxId: item.mailboxId,
          to: isMoved && item.toMailboxId !== null ? { mailboxId: item.toMailboxId, uidValidity: 8n } : null,
          done: isRefused ? [] : ids,
          failed: isRefused ? ids : [],
          truth,
          moved: isMoved ? [{ placementId: item.placementId, uid: 1000 + Number(item.placementId) }] : [],
        })
      }
    }
    const perform = async (wanted: Step): Promise<void> => {
      if (wanted.do === 'settle') return settleOldest(wanted)
      if (wanted.do === 'undo') {
        const id = given.at(-1 - wanted.back)
        if (id === undefined) return
        if (wanted.isSent) await commit(store, { kind: 'system' }, (unit) => beginCommand(unit, id))
        return void (await undoCommand(store, userId, id, randomUUID()))
      }
      const { do: kind, where: place, ...rest } = wanted
      const about = await target(place)
      const body: Body =
        kind === 'flags'
          ? { kind: 'setFlags', target: about, ...('add' in rest ? rest : {}) }
          : 'role' in rest
            ? { kind: 'moveToRole', target: about, role: rest.role }
            : { kind: 'moveMessages', target: about, toMailboxId: `${boxes['to' in rest ? rest.to : 0]}` }
      given.push((await run(body)).id)
    }
    /** What people may not do is refused, and that must leave everything as it was too. */
    const allowed = ['request.invalid', 'request.conflict']
    let checked = 0
    const check = async () => {
      const now = await placements(accountId)
      const pending = await pendingTargetsFor(
        store.prisma,
        now.map(({ id }) => id),
      )
      for (const row of now) {
        const truth = { mailboxId: row.mailboxId, bits: row.flags, keywords: row.keywords }
        const shown = { mailboxId: row.shownMailboxId, bits: row.shownFlags, keywords: row.shownKeywords }
        expect(shown).toEqual(effectivePlacement(truth, pending.get(row.id) ?? []))
        checked++
      }
    }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
        await store.prisma.commandTarget.deleteMany({})
        await store.prisma.command.deleteMany({ where: { accountId } })
        given.length = 0
        for (const { id, uid } of rows)
          await store.prisma.placement.update({
            where: { id },
            data: { mailboxId: inbox, uid, flags: 0, keywords: [], modseq: 0n },
          })
        await commit(store, { kind: 'system' }, async (unit) =>
          unit.touchThreads(
            accountId,
            await recomputeShown(
              unit.tx,
              rows.map(({ id }) => id),
            ),
          ),
        )
        for (const wanted of steps) {
          await perform(wanted).catch((error: { code?: string }) => {
            if (!allowed.includes(error.code ?? '')) throw error
          })
          await check()
        }
      }),
      { numRuns: 80 },
    )
    expect(checked).toBeGreaterThan(500)
    const recount = await store.prisma.$queryRaw<{ messages: number }[]>`
      SELECT count(DISTINCT p.message_id)::int AS messages FROM mailbox b LEFT JOIN placement p ON p.shown_mailbox_id = b.id
      WHERE b.account_id = ${accountId} GROUP BY b.id ORDER BY b.id`
    const kept = await store.prisma.mailbox.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
    expect(kept.map(({ messages }) => messages)).toEqual(recount.map(({ messages }) => messages))
  }, 60_000)
})
