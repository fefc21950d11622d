import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { copyNextDraft } from '#outbox/copy-drafts.ts'
import { AppError } from '#platform/errors.ts'
import { Secret } from '#platform/secret.ts'
import { type ImapSession, openImapSession } from '#protocol/imap/open-session.ts'
import { commit } from '#store/commit.ts'
import { discardDraft, holdOwnDraft, insertDraft, saveDraft, wantCopy } from '#store/drafts.ts'
import { type Lease, takeLeases } from '#store/lease.ts'
import type { Store } from '#store/open-store.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'

let dovecot: Dovecot
let engine: EngineFixture
let lease: Lease
const sessions: ImapSession[] = []

beforeAll(async () => {
  dovecot = await startDovecot()
  dovecot.addUser('ann', 'secret')
  engine = await startEngineFixture(dovecot)
  const accountId = await engine.addAccount('ann')
  const [taken] = await takeLeases(engine.store, 'test', 1)
  if (!taken) throw new Error('no lease was given')
  lease = taken
  for (const [path, role] of [
    ['INBOX', 'inbox'],
    ['Drafts', 'drafts'],
  ] as const)
    await engine.store.prisma.mailbox.create({ data: { accountId, path, name: path, role, delimiter: '.' } })
})
afterAll(async () => {
  for (const session of sessions) session.destroy()
  await engine?.stop()
  await dovecot?.stop()
})

const run = async (store: Store) => {
  const session = await openImapSession({
    host: 'localhost',
    port: dovecot.imapsPort,
    address: '127.0.0.1',
    security: 'tls',
    pinnedFingerprint: null,
    ca: dovecot.certificate,
    username: 'ann',
    password: new Secret('secret'),
  })
  sessions.push(session)
  const { clock, logger } = engine.deps
  const { accountId } = lease
  while (await copyNextDraft({ store, session, scope: { kind: 'engine', ...lease }, accountId, clock, logger }));
}

/** Dies instead of its write number `step`. Answers whether it came that far. */
const runAndDieAt = async (step: number): Promise<boolean> => {
  let writes = 0
  const mortal: Store = {
    ...engine.store,
    requireRoom: async () => {
      if (++writes === step) throw new AppError('storage.unavailable', 'killed')
    },
  }
  return run(mortal).then(
    () => false,
    () => true,
  )
}

const atServer = () =>
  [
    ...dovecot.doveadm('fetch', '-u', 'ann', 'hdr.subject', 'mailbox', 'Drafts', 'all').matchAll(/hdr\.subject: (.*)/g),
  ].map(([, subject]) => subject)

it('killed at any of its steps the next run leaves one copy, of what was last saved, and none of what was discarded', async () => {
  const { store, userId } = engine
  const { accountId } = lease
  const identity = await store.prisma.identity.findFirstOrThrow({ where: { accountId } })
  const content = (subject: string) => ({
    identityId: identity.id.toString(),
    to: [],
    cc: [],
    bcc: [],
    subject,
    text: '',
    html: null,
    about: null,
    quotes: false,
    wantsReceipt: false,
    wantsReport: false,
  })
  const id = randomUUID()
  const change = async (work: Parameters<typeof commit<void>>[2]) => {
    await commit(store, { kind: 'user', userId }, work)
    await store.prisma.draft.update({ where: { id }, data: { copyAt: new Date(0) } })
  }
  await change(async (unit) => {
    await insertDraft(unit, {
      id,
      userId,
      accountId,
      content: content('save 0'),
      origin: { inReplyTo: null, refs: [] },
    })
    await wantCopy(unit, id)
  })
  await run(store)
  expect(atServer()).toEqual(['save 0'])
  let kills = 0
  for (let step = 1, isKilled = true; isKilled; step++) {
    await change(async (unit) => {
      const held = await holdOwnDraft(unit.tx, userId, id)
      if (held) await saveDraft(unit, held, { baseVersion: step, content: content(`save ${step}`), accountId })
    })
    isKilled = await runAndDieAt(step)
    if (isKilled) kills++
    await run(store)
    expect(atServer(), `killed at ${step}`).toEqual([`save ${step}`])
    expect(await store.prisma.draftCopy.count()).toBe(1)
    expect(await store.prisma.draft.findUniqueOrThrow({ where: { id } })).toMatchObject({
      copyAt: null,
      uncopiedAt: null,
    })
  }
  // The mailbox, begun, stored, the old one forgotten, the end.
  expect(kills).toBe(5)
  await change(async (unit) => {
    const held = await holdOwnDraft(unit.tx, userId, id)
    if (held) await discardDraft(unit, held.row)
  })
  expect(await runAndDieAt(1)).toBe(true)
  await run(store)
  expect(atServer()).toEqual([])
  expect(await store.prisma.draftCopy.count()).toBe(0)
})
