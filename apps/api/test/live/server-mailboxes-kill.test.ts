import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { letter } from '../support/letter.ts'
import { type MortalEngine, startMortalEngine } from '../support/mortal-engine.ts'
import { findUnsound } from '../support/sound-store.ts'
import { until } from '../support/until.ts'

/**
 * kill -9 of the engine while it makes, renames and removes mailboxes at an IMAP server, before and after exchanges with the
 * server and durable commits. A few moments of each are tried here, evenly spread; FULL_KILL_SWEEP=1/1 tries them all, 3/10
 * the third tenth of them.
 */
const [slice = 0, slices = 0] = (process.env.FULL_KILL_SWEEP ?? '').split('/').map(Number)
const samples = 3

describe('a kill while mailboxes are changed at the server', () => {
  let dovecot: Dovecot
  let mortal: MortalEngine
  let app: FastifyInstance
  let cookie: string
  beforeAll(async () => {
    dovecot = await startDovecot()
    dovecot.addUser('killed', 'secret')
    dovecot.deliver('killed', 'Box', letter(1))
    mortal = await startMortalEngine({ user: 'killed', mail: { protocol: 'imap', port: dovecot.imapPort } })
    mortal.start()
    app = await buildTestApp({ store: mortal.store, treeWithinMs: 60_000 })
    cookie = await openTestSession(mortal.store, mortal.ownerId)
    await quiet()
  })
  afterAll(async () => {
    await app.close()
    await mortal.stop()
    await dovecot.stop()
  })

  const send = async (method: 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object): Promise<Mailbox | null> => {
    const headers = { cookie, 'x-postern': '1' }
    const answer = await app.inject({ method, url: `/v1${path}`, headers, ...(payload ? { payload } : {}) })
    expect([path, answer.statusCode < 300, answer.body]).toEqual([path, true, answer.body])
    return answer.statusCode === 204 ? null : answer.json()
  }
  const rows = () =>
    mortal.store.prisma.mailbox.findMany({
      where: { accountId: mortal.accountId },
      orderBy: { id: 'asc' },
      select: { id: true, path: true, fillUid: true, comparedAt: true },
    })
  const quiet = () =>
    until(
      async () => {
        const { state } = await mortal.store.prisma.account.findUniqueOrThrow({ where: { id: mortal.accountId } })
        const all = await rows()
        return state === 'watching' && all.length > 5 && all.every(({ fillUid }) => fillUid === 1n)
      },
      { what: 'everything in step', ms: 60_000 },
    )
  const placements = () =>
    mortal.store.prisma.placement.findMany({
      orderBy: { id: 'asc' },
      select: { id: true, mailboxId: true, messageId: true, uid: true },
    })
  const atServer = () => dovecot.doveadm('mailbox', 'list', '-u', 'killed').split('\n').filter(Boolean).sort()
  const here = async () => (await rows()).map(({ path }) => path).sort()

  /** With a kill at that moment after the wish (0: none). Answers how many there were until it was done, and which it was. */
  const through = async (act: () => Promise<unknown>, moment: number) => {
    mortal.points.arm(moment, () => {
      mortal.kill()
      mortal.start()
      return 'end'
    })
    await act()
    const { passed, reached } = mortal.points.disarm()
    return { count: passed.length, reached }
  }

  it('leaves each done once, with the ids there were before', async () => {
    const boxId = `${(await rows()).find(({ path }) => path === 'Box')?.id}`
    const before = await placements()
    expect(before).toHaveLength(1)
    const rename = (name: string) => send('PATCH', `/mailboxes/${boxId}`, { name })
    let made = ''
    const make = async () => {
      made = (await send('POST', `/accounts/${mortal.accountId}/mailboxes`, { name: 'Made' }))?.id ?? ''
    }
    const remove = (id: string) => send('DELETE', `/mailboxes/${id}`)
    const restore = () => send('POST', `/mailboxes/${boxId}/restore`)
    const erase = () => send('DELETE', `/mailboxes/${made}?forGood=true`)
    const cases: [what: string, act: () => Promise<unknown>, back: () => Promise<unknown>][] = [
      ['rename', () => rename('Box 2'), () => rename('Box')],
      ['trash', () => remove(boxId), restore],
      [
        'make',
        make,
        async () => {
          await remove(made)
          await erase()
        },
      ],
    ]
    const killed: string[] = []
    for (const [what, act, back] of cases) {
      await quiet()
      const { count } = await through(act, 0)
      const then = { server: atServer(), placements: before }
      await back()
      const step = slices > 0 ? slices : count / samples
      const first = slices > 0 ? slice : Math.ceil(step / 2)
      for (let moment = first; moment <= count; moment = Math.ceil(moment + step)) {
        await quiet()
        const { reached } = await through(act, moment)
        // The look that follows may be quicker or slower than the answer.
        if (reached !== null) killed.push(`${what}, ${reached}`)
        expect([what, moment, { server: atServer(), placements: await placements() }]).toEqual([what, moment, then])
        await back()
      }
    }
    expect(killed.length).toBeGreaterThan(slices > 1 ? 0 : 2 * samples)
    if (slices > 0) console.log(`${killed.length} kills:\n${killed.join('\n')}`)
    await quiet()
    const ids = await rows()
    const since = new Date()
    await createEngine(mortal.store).requestResync(mortal.accountId)
    await until(async () => (await rows()).every(({ comparedAt }) => comparedAt !== null && comparedAt > since), {
      what: 'the compare',
      ms: 60_000,
    })
    expect((await rows()).map(({ id, path }) => [id, path])).toEqual(ids.map(({ id, path }) => [id, path]))
    expect(await here()).toEqual(atServer())
    expect(await placements()).toEqual(before)
    expect(await findUnsound(mortal.store)).toEqual([])
  })
})
