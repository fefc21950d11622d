import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { commit } from '#store/commit.ts'
import { queueSmallMail } from '../../src/features/queue-small-mail.ts'
import { type OutboxScene, type Sender, startOutboxScene, startSender } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'

/** Of what is accepted for sending all comes about or nothing, whoever else is at it, and whatever the database says. */
describe('a mail that is accepted', () => {
  let outbox: OutboxScene
  /** Another process of the API. */
  let beside: Sender
  let accountId: bigint
  beforeAll(async () => {
    outbox = await startOutboxScene()
    beside = await startSender(outbox.fixture.store, outbox.fixture.userId)
    accountId = (await outbox.scene()).accountId
  })
  afterEach(() => outbox.fixture.store.prisma.$executeRaw`DROP TRIGGER IF EXISTS fails ON submission_recipient`)
  afterAll(async () => {
    await beside?.stop()
    await outbox?.stopServers()
    await outbox?.stop()
  })

  const write = (to: string) => outbox.sender.write(accountId, { to: [{ name: '', address: to }] })
  const rankOf = async (address: string): Promise<number | undefined> =>
    (await outbox.fixture.store.prisma.correspondent.findFirst({ where: { address } }))?.rank
  const known = (id: string) => outbox.fixture.store.prisma.submission.count({ where: { id } })

  /** Both have looked whether it is known before either can write. */
  const atOnce = async <Answer>(asks: (() => Promise<Answer>)[]): Promise<Answer[]> => {
    const { prisma } = outbox.fixture.store
    const answers = await prisma.$transaction(
      async (tx) => {
        await tx.$executeRaw`LOCK TABLE submission IN SHARE ROW EXCLUSIVE MODE`
        const asked = asks.map((ask) => ask())
        const areWaiting = async () => {
          const [row] = await prisma.$queryRaw<{ n: number }[]>`
            SELECT count(*)::int AS n FROM pg_locks l JOIN pg_class c ON c.oid = l.relation AND c.relname = 'submission' WHERE NOT l.granted`
          return row?.n === asks.length
        }
        await until(areWaiting, { what: 'both at the table' })
        return { asked }
      },
      { timeout: 30_000 },
    )
    return Promise.all(answers.asked)
  }

  it('by two processes at once is one mail, and teaches whom it is for once', async () => {
    const id = randomUUID()
    const draftId = await write('bob@example.org')
    const wanted = { id, draftId, version: 1, holdSeconds: 30 }
    const answers = await atOnce([outbox.sender, beside].map((one) => () => one.ask('POST', '/submissions', wanted)))
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(answers[0]?.body).toMatchObject({ id, state: 'scheduled', draftId })
    expect(answers[1]?.body).toEqual(answers[0]?.body)
    await outbox.sender.send(await write('cat@example.org'), { holdSeconds: 30 })
    const [bob = 0, cat = 0] = [await rankOf('bob@example.org'), await rankOf('cat@example.org')]
    // Twice would be more by the logarithm of two.
    expect(bob).toBeGreaterThan(0)
    expect(Math.abs(bob - cat)).toBeLessThan(0.1)
  })

  it('goes now where nothing holds it, and says so each time', async () => {
    // The clock is finer than what is stored: every other one would be some microseconds away.
    const states = new Set<unknown>()
    for (let n = 0; n < 20; n++) {
      const { body } = await outbox.sender.send(await write(`now${n}@example.org`))
      states.add((body as { state: string }).state) // by our own contract
    }
    expect([...states]).toEqual(['queued'])
  })

  it('of one draft goes under one id, and nothing stays of the other', async () => {
    const ids = [randomUUID(), randomUUID()]
    const draftId = await write('dan@example.org')
    const answers = await atOnce(
      ids.map((id) => () => outbox.sender.ask('POST', '/submissions', { id, draftId, version: 1, holdSeconds: 30 })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
    expect((await Promise.all(ids.map(known))).sort()).toEqual([0, 1])
    await outbox.sender.send(await write('eve@example.org'), { holdSeconds: 30 })
    const [dan = 0, eve = 0] = [await rankOf('dan@example.org'), await rankOf('eve@example.org')]
    expect(dan).toBeGreaterThan(0)
    expect(Math.abs(dan - eve)).toBeLessThan(0.1)
  })

  /** Where its recipients are written; `times` of them. */
  const fail = async (state: string, times: number) => {
    const { prisma } = outbox.fixture.store
    await prisma.$executeRawUnsafe(`DROP SEQUENCE IF EXISTS failures`)
    await prisma.$executeRawUnsafe(`CREATE SEQUENCE failures`)
    await prisma.$executeRawUnsafe(`
      CREATE OR REPLACE FUNCTION fails() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('failures') <= ${times} THEN RAISE EXCEPTION 'on purpose' USING ERRCODE = '${state}'; END IF;
        RETURN NEW;
      END $$`)
    await prisma.$executeRawUnsafe(
      `CREATE TRIGGER fails BEFORE INSERT ON submission_recipient FOR EACH ROW EXECUTE FUNCTION fails()`,
    )
  }

  it('is accepted though the database breaks its transaction off for another one', async () => {
    await fail('40P01', 1)
    const { status, id } = await outbox.sender.send(await write('fay@example.org'), { holdSeconds: 30 })
    expect([status, await known(id)]).toEqual([200, 1])
  })

  it('says that there is no room, leaves nothing behind, and goes when there is', async () => {
    const draftId = await write('gus@example.org')
    await fail('53100', 1)
    const id = randomUUID()
    const ask = () => outbox.sender.ask('POST', '/submissions', { id, draftId, version: 1, holdSeconds: 30 })
    expect((await ask()).body).toMatchObject({ error: { code: 'storage.full' } })
    expect([await known(id), await rankOf('gus@example.org')]).toEqual([0, undefined])
    expect((await outbox.draftOf(draftId)).submissionId).toBeNull()
    expect(await ask()).toMatchObject({ status: 200 })
    expect(await rankOf('gus@example.org')).toBeGreaterThan(0)
  })

  it('by a click, such as a receipt, teaches nobody', async () => {
    const { store, userId } = outbox.fixture
    const id = randomUUID()
    const mail = { sender: 'ann@example.org', to: 'hal@example.org', subject: 'x', messageId: `<${id}@example.org>` }
    await commit(store, { kind: 'user', userId }, (unit) =>
      queueSmallMail(unit, { id, userId, accountId }, { ...mail, octets: Buffer.from('Subject: x\r\n\r\n') }),
    )
    expect([await known(id), await rankOf('hal@example.org')]).toEqual([1, undefined])
  })
})
