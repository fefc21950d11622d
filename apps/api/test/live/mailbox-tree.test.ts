import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { opened, type Script, type ScriptedImap, smallInbox, startScriptedImap } from '../support/scripted-imap.ts'
import { until } from '../support/until.ts'

const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`

describe('mailboxes of every kind', () => {
  let dovecot: Dovecot
  let engine: EngineFixture
  const servers: ScriptedImap[] = []
  beforeAll(async () => {
    // As Courier and Cyrus have it: everything below INBOX, with dots.
    dovecot = await startDovecot({ namespace: 'separator = .\n  prefix = INBOX.' })
    engine = await startEngineFixture(dovecot)
    engine.start()
  })
  afterAll(async () => {
    await engine.stop()
    for (const server of servers) await server.stop()
    await dovecot.stop()
  })

  const addScripted = async (script: Script): Promise<bigint> => {
    const server = await startScriptedImap(script)
    servers.push(server)
    return engine.addAccount(`scripted${server.port}`, 'secret', server.port)
  }
  const box = (accountId: bigint, path: string) =>
    engine.store.prisma.mailbox.findUnique({ where: { accountId_path: { accountId, path } } })

  it('are listed and known completely, ten thousand of them', async () => {
    const names = Array.from({ length: 10_000 }, (_, n) => `Box/${Math.floor(n / 100)}/${n}`)
    const list = names.map(
      (name, n) =>
        `* LIST () "/" ${name}\r\n* STATUS ${name} (MESSAGES 0 UNSEEN 0 UIDNEXT 1 UIDVALIDITY ${n + 1} HIGHESTMODSEQ 1)\r\n`,
    )
    const accountId = await addScripted({
      on: { LIST: (socket, tag) => socket.write(`${smallInbox}${list.join('')}${tag} OK x\r\n`) },
    })
    const where = { accountId, fillUid: 1n, path: { startsWith: 'Box/' } }
    await until(async () => (await engine.store.prisma.mailbox.count({ where })) === names.length, {
      what: 'ten thousand mailboxes',
      ms: 50_000,
    })
    expect(await box(accountId, 'Box/99/9999')).toMatchObject({ uidValidity: 10_000n, uidNext: 1n, name: '9999' })
  })

  it('are opened under exactly the name the server gave them', async () => {
    const names = [
      'Entw&APw-rfe',
      'Tom &- Jerry',
      'a/b',
      'with spaces',
      `${'long'.repeat(125)}`,
      'R&AOQ-tsel/&ZeVnLIqe-',
    ]
    const selected = new Set<string>()
    const accountId = await addScripted({
      on: {
        LIST: (socket, tag) => {
          const list = names.map(
            (name) =>
              `* LIST () "/" "${name}"\r\n* STATUS "${name}" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 1 HIGHESTMODSEQ 1)\r\n`,
          )
          socket.write(`* LIST (\\Noselect) "/" Shell\r\n${smallInbox}${list.join('')}${tag} OK x\r\n`)
        },
        SELECT: (socket, tag, args) => {
          selected.add(args.replace(/^"|"$/g, ''))
          socket.write(`${opened}${tag} OK [READ-WRITE] x\r\n`)
        },
      },
    })
    await until(async () => names.every((name) => selected.has(name)), { what: 'every mailbox opened' })
    const rows = await engine.store.prisma.mailbox.findMany({ where: { accountId }, orderBy: { id: 'asc' } })
    expect(rows.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['Entwürfe', 'Tom & Jerry', 'Rätsel/日本語', 'a/b']),
    )
    expect(rows.find(({ path }) => path === 'Shell')).toMatchObject({ isSelectable: false })
    expect(selected).not.toContain('Shell')
  })

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
