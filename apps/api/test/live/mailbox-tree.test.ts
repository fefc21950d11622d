import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { until } from '../support/until.ts'

const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`

describe('mailboxes', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  beforeAll(async () => {
    // As Courier and Cyrus have it: everything below INBOX, with dots.
    dovecot = await startDovecot({ namespace: 'separator = .\n  prefix = INBOX.' })
    engine = await startEngineFixture(dovecot)
    engine.start()
  })
  afterAll(async () => {
    await engine.stop()
    await dovecot.stop()
  })

  const box = (accountId: bigint, path: string) =>
    engine.store.prisma.mailbox.findUnique({ where: { accountId_path: { accountId, path } } })

  it('lie below INBOX at some servers, and come back fresh when one of the same name is made anew', async () => {
    dovecot.addUser('dots', 'secret')
    dovecot.deliver('dots', 'INBOX', mail(1))
    dovecot.deliver('dots', 'News', mail(2))
    const accountId = await engine.addAccount('dots')
    await engine.untilState(accountId, 'watching')
    expect(await box(accountId, 'INBOX.Trash')).toMatchObject({ role: 'trash', name: 'Trash', delimiter: '.' })
    const before = await box(accountId, 'INBOX.News')
    expect((await engine.shown(accountId, 'INBOX.News')).map(({ subject }) => subject)).toEqual(['Letter 2'])
    dovecot.doveadm('mailbox', 'delete', '-u', 'dots', 'INBOX.News')
    dovecot.doveadm('mailbox', 'create', '-u', 'dots', 'INBOX.News')
    dovecot.doveadm('mailbox', 'update', '-u', 'dots', '--uid-validity', '4711', 'INBOX.News')
    dovecot.deliver('dots', 'News', mail(3))
    await createEngine(engine.store).requestSync(accountId)
    await until(
      async () => (await engine.shown(accountId, 'INBOX.News')).map(({ subject }) => subject).join() === 'Letter 3',
      { what: 'the new mailbox' },
    )
    expect((await box(accountId, 'INBOX.News'))?.uidValidity).not.toBe(before?.uidValidity)
  })
})
