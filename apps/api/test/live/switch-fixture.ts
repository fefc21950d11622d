import { randomUUID } from 'node:crypto'
import { commandBody } from '@postern/shared/commands.ts'
import type { z } from 'zod'
import { createEngine } from '#engine/engine.ts'
import { prepareSwitch } from '#engine/prepare-switch.ts'
import { flagNames } from '#mail/flags.ts'
import { enqueueCommand } from '#outbox/outbox.ts'
import { beginSwitchToPop3 } from '#store/bring-home.ts'
import { commit } from '#store/commit.ts'
import { switchToImap } from '#store/switch-account.ts'
import type { Dovecot } from '../support/dovecot.ts'
import type { EngineFixture } from '../support/engine-fixture.ts'
import { otherProgram } from '../support/other-program.ts'
import { until } from '../support/until.ts'

/** An account at a Dovecot that speaks both protocols. */
export type Switching = {
  accountId: bigint
  run: (body: z.input<typeof commandBody>) => Promise<void>
  target: (path: string, subjects: string[]) => Promise<z.input<typeof commandBody>['target']>
  mailboxId: (path: string) => Promise<string>
  /** Nothing that was asked for is still to be done. */
  untilQuiet: () => Promise<void>
  /** `preparedAt`: where its mailboxes are made, when the other port is not to be reached. */
  toImap: (port: number, preparedAt?: number) => Promise<void>
  /** `login`: where the maildrop is that of another one. */
  toPop3: (port: number, login?: string) => Promise<void>
  untilSwitched: () => Promise<void>
  /** One line for each placement, with all that a person could miss. */
  here: () => Promise<string[]>
  /** `mailbox subject [flags]` of everything at the server, as another program sees it; and the same of what is shown here. */
  onServer: () => Promise<string[]>
  shown: () => Promise<string[]>
  /** The subjects of each notice of new mail so far. */
  arrived: () => Promise<string[][]>
}

type Row = {
  id: bigint
  messageId: bigint
  threadId: bigint
  path: string
  subject: string
  flags: number
  keywords: string[]
  at: Date
  state: string
  preview: string
}

export const startSwitching = async (
  {
    fixture,
    dovecot,
    ...at
  }: { fixture: EngineFixture; dovecot: Dovecot } & ({ pop3Port: number } | { imapPort: number }),
  user: string,
  wishes: Parameters<EngineFixture['addMaildrop']>[2] = {},
): Promise<Switching> => {
  const { store, deps } = fixture
  const accountId =
    'pop3Port' in at
      ? await fixture.addMaildrop(user, at.pop3Port, wishes)
      : await fixture.addAccount(user, 'secret', at.imapPort)
  await fixture.untilState(accountId, 'watching')
  const mailboxId = async (path: string) => (await fixture.mailboxId(accountId, path)).toString()
  const rows = (): Promise<Row[]> => store.prisma.$queryRaw`
    SELECT p.id, m.id AS "messageId", p.thread_id AS "threadId", b.path, m.subject, p.shown_flags::int AS flags, p.shown_keywords AS keywords, p.received_at AS at,
      m.body_state AS state, m.preview FROM placement p JOIN message m ON m.id = p.message_id JOIN mailbox b ON b.id = p.shown_mailbox_id
    WHERE p.account_id = ${accountId} ORDER BY p.id`
  const untilQuiet = async () => {
    await until(
      async () =>
        (await store.prisma.command.count({ where: { accountId, state: { in: ['pending', 'running'] } } })) === 0 &&
        (await store.prisma.message.count({ where: { accountId, bodyState: 'absent', orphanedAt: null } })) === 0,
      { what: 'every command and every text', ms: 60_000 },
    )
  }
  const line = (path: string, subject: string, flags: string[]) => `${path} ${subject} [${flags.sort().join(' ')}]`
  const serverAt = (port: number, username = user) => ({
    host: 'localhost',
    port,
    security: 'plain' as const,
    username,
    pinnedFingerprint: null,
  })
  const policy = { allowPrivate: true, privateHosts: [] }
  return {
    accountId,
    mailboxId,
    untilQuiet,
    run: async (body) => {
      await enqueueCommand(store, fixture.userId, { id: randomUUID(), command: commandBody.parse(body) })
    },
    target: async (path, subjects) => {
      const found = (await rows()).filter((row) => row.path === path && subjects.includes(row.subject))
      const messageIds = found.map(({ messageId }) => messageId.toString())
      return { kind: 'messages', mailboxId: await mailboxId(path), messageIds }
    },
    toImap: async (port, preparedAt = port) => {
      const account = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
      const incoming = serverAt(port)
      const mailboxes = await prepareSwitch({
        incoming: { ...incoming, port: preparedAt },
        password: 'secret',
        policy,
        ca: undefined,
        mailboxes: await store.prisma.mailbox.findMany({ where: { accountId } }),
        proof: { messageIds: [], isSameName: true },
      })
      await commit(store, { kind: 'user', userId: fixture.userId }, (unit) =>
        switchToImap(unit, {
          account,
          incoming,
          password: 'secret',
          masterKey: deps.masterKey,
          isPrivateHost: true,
          mailboxes,
        }),
      )
      createEngine(store).accountChanged(accountId)
    },
    toPop3: async (port, login) => {
      const account = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
      const { masterKey } = deps
      const engine = createEngine(store)
      const typed = { incoming: serverAt(port, login), password: 'secret' }
      const maildrop = await engine.proveMaildrop({ ...typed, policy, ca: undefined, accountId, isSameName: true })
      const wanted = { account, ...typed, masterKey, isPrivateHost: true, maildrop }
      await commit(store, { kind: 'user', userId: fixture.userId }, (unit) => beginSwitchToPop3(unit, wanted))
      engine.accountChanged(accountId)
    },
    untilSwitched: async () => {
      await until(
        async () => {
          const row = await store.prisma.account.findUniqueOrThrow({ where: { id: accountId } })
          return row.switching === null && row.state === 'watching'
        },
        { what: 'the end of the switch', ms: 60_000 },
      )
      await untilQuiet()
    },
    here: async () =>
      (await rows()).map(
        (row) =>
          `${row.id} ${row.messageId} ${row.threadId} ${row.path} ${row.subject} ${row.flags} ${row.keywords.join(',')} ${row.at.toISOString()} ${row.state} ${row.preview}`,
      ),
    shown: async () =>
      (await rows())
        .map(({ path, subject, flags, keywords }) => line(path, subject, [...flagNames(flags), ...keywords]))
        .sort(),
    arrived: async () => {
      const notices = await store.prisma.$queryRaw<{ subjects: string[] }[]>`
        SELECT array_agg(m.subject ORDER BY m.id) AS subjects FROM change c JOIN stream s ON s.id = c.stream_id
        CROSS JOIN jsonb_array_elements_text(c.data -> 'threadIds') AS t (id) JOIN message m ON m.thread_id = t.id::bigint
        WHERE s.account_id = ${accountId} AND c.kind = 'arrived' GROUP BY c.seq ORDER BY c.seq`
      return notices.map(({ subjects }) => subjects)
    },
    onServer: async () => {
      const client = await otherProgram(dovecot, user)
      const lines: string[] = []
      for (const { path, flags: attributes } of await client.list()) {
        if (attributes.has('\\Noselect')) continue
        const { exists } = await client.mailboxOpen(path, { readOnly: true })
        if (exists === 0) continue
        for await (const { envelope, flags } of client.fetch('1:*', { envelope: true, flags: true }))
          lines.push(
            line(
              path,
              envelope?.subject ?? '',
              [...(flags ?? [])].filter((flag) => flag !== '\\Recent'),
            ),
          )
      }
      client.close()
      return lines.sort()
    },
  }
}
