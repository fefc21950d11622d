import type { ChangeBatch } from '@postern/shared/changes.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { openBare } from '../bare-imap.ts'
import { percentile, sleep, time, until } from '../figures.ts'
import { type Gateway, isWatching } from '../gateway.ts'
import { startRelay } from '../relay.ts'
import type { Corpus, Scenario } from '../world.ts'

const rounds = 3
const changes = 100

/** Coming back to a mailbox that is known already: nothing changed, and 100 flags with 100 new mails, beside mbsync. */
export const resync: Scenario = {
  name: 'resync',
  figures: ['resync.unchanged', 'floor.look', 'resync.changes'],
  run: async ({ corpus, filled, copy, tell }) => {
    const { gateway, account } = await filled()
    const open = await corpus()
    const { mbsync } = await copy()
    await mbsync.run()
    const peerIdle: number[] = []
    for (let n = 0; n < 5; n++) peerIdle.push(await mbsync.run())

    const relay = await startRelay(open.dovecot.imapPort)
    try {
      await gateway.moveAccount(account, relay.port)
      await until(() => isWatching(gateway, account.id), 'the account behind the wire', 30_000)
      // The first rounds find the connection just made.
      await sleep(1500)
      const own: number[] = []
      for (let n = 0; n < 22; n++) {
        const round = relay.nextRound()
        await gateway.ask('POST', `/v1/accounts/${account.id}/sync`)
        own.push(await round)
        await sleep(100)
      }
      tell('resync.unchanged', own.slice(2), 'ms', { floor: percentile(peerIdle, 0.5), goal: { target: 12 } })
      tell('floor.look', await bareLooks(open.dovecot.imapPort), 'ms')
    } finally {
      await gateway.moveAccount(account, open.dovecot.imapPort)
      await until(() => isWatching(gateway, account.id), 'the account at its own port', 30_000)
      await relay.close()
    }

    const own: number[] = []
    const peer: number[] = []
    for (let n = 0; n < rounds; n++) {
      const measureOwn = async () => own.push(await afterPause(gateway, account.id, open, n))
      await measureOwn()
      peer.push(await time(() => mbsync.run()))
    }
    tell('resync.changes', own, 'ms', { floor: percentile(peer, 0.5), goal: { target: 0.5, judge: 'ratio' } })
  },
}

/** The same question by the library alone: every mailbox with its numbers, in one command, while the inbox is selected. */
const bareLooks = async (port: number): Promise<number[]> => {
  const client = await openBare(port, 'alice')
  const statusQuery = { messages: true, unseen: true, uidNext: true, uidValidity: true, highestModseq: true }
  const looks: number[] = []
  for (let n = 0; n < 20; n++) looks.push(await time(() => client.list({ statusQuery })))
  await client.logout()
  return looks
}

/** Changes a mailbox while the account rests; from "go on" to the browser knowing all of it, log-in included, as mbsync's run. */
const afterPause = async (gateway: Gateway, accountId: string, { dovecot }: Corpus, round: number): Promise<number> => {
  const inboxOf = (boxes: Mailbox[]) => boxes.find(({ role }) => role === 'inbox')
  await gateway.ask('PATCH', `/v1/accounts/${accountId}`, { isPaused: true })
  await sleep(500)
  const before = inboxOf(await gateway.mailboxes(accountId))
  if (!before) throw new Error('there is no inbox')
  const client = await openBare(dovecot.imapPort, 'alice')
  const seen = await client.search({ seen: true }, { uid: true })
  const chosen = (seen || []).slice(-(changes * (round + 1)) * 3).slice(0, changes)
  await client.messageFlagsRemove(chosen, ['\\Seen'], { uid: true })
  await client.logout()
  for (let n = 0; n < changes; n++)
    dovecot.deliver(
      'alice',
      'INBOX',
      `From: Zed <zed@example.org>\r\nTo: alice@example.org\r\nSubject: change ${round} ${n}\r\nMessage-ID: <change.${round}.${n}@bench.example>\r\n\r\nNew.\r\n`,
    )
  const wanted = { messages: before.messages + changes, unread: before.unreadMessages + 2 * changes }
  let finish: (() => void) | undefined
  const complete = new Promise<void>((done) => {
    finish = done
  })
  const onBatch = ({ changes: told }: ChangeBatch) => {
    for (const change of told) {
      const inbox = change.kind === 'mailboxes' ? inboxOf(change.upserted) : undefined
      if (inbox?.messages === wanted.messages && inbox.unreadMessages === wanted.unread) finish?.()
    }
  }
  const socket = await gateway.openSocket(onBatch)
  try {
    return await time(async () => {
      await gateway.ask('PATCH', `/v1/accounts/${accountId}`, { isPaused: false })
      await Promise.race([complete, sleep(30_000).then(() => Promise.reject(new Error('the changes were not pushed')))])
    })
  } finally {
    socket.disconnect()
  }
}
