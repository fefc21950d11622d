import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { type Dovecot, startDovecot } from '../test/support/dovecot.ts'
import { warmCaches } from './bare-imap.ts'
import { type CorpusSize, fullSize, type Planted, writeCorpus } from './corpus.ts'
import { type Figure, type Goal, toFigure, until } from './figures.ts'
import { type Gateway, mailPassword, startGateway } from './gateway.ts'
import { type Mbsync, prepareMbsync } from './mbsync.ts'

/**
 * What scenarios share: the seeded corpus in a Dovecot of its own, and a Postern that holds it. Made when first asked for,
 * once a run.
 */
export type World = {
  size: CorpusSize
  /** How many idle accounts the largest scenario has; fewer with a smaller corpus. */
  manyAccounts: number
  dir: string
  tell: (name: string, samples: number[], unit: string, more?: { floor?: number; goal?: Goal }) => void
  corpus: () => Promise<Corpus>
  /** mbsync after its full copy, and how long that took. */
  copy: () => Promise<{ mbsync: Mbsync; fullMs: number }>
  /** A gateway that has synced nothing yet; whoever adds alice first measures the first sync. */
  gateway: () => Promise<Gateway>
  /** The same gateway with alice's mailbox complete. */
  filled: () => Promise<Filled>
  /** The gateway was restarted or its account changed; scenarios after this one get the new one. */
  replaceGateway: (gateway: Gateway) => void
  /** Also done when the run is broken off. */
  atEnd: (work: () => Promise<void>) => void
  close: () => Promise<void>
}
export type Corpus = { dovecot: Dovecot; planted: Planted }
export type Filled = { gateway: Gateway; account: Account; inbox: Mailbox }

export type Scenario = {
  name: string
  /** What it prints, for choosing and for the list of names. */
  figures: string[]
  run: (world: World) => Promise<void>
}

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

export const openWorld = async (print: (figure: Figure) => void): Promise<World> => {
  const dir = await mkdtemp(join(tmpdir(), 'postern-bench-'))
  const inbox = Number(process.env.BENCH_INBOX ?? fullSize.inbox)
  const size = { ...fullSize, inbox, perMailbox: inbox < fullSize.inbox ? 50 : fullSize.perMailbox }
  const endings: (() => Promise<void>)[] = [() => rm(dir, { recursive: true, force: true })]
  const corpus = once(async () => {
    const dovecot = await startDovecot({ connectionsPerUser: 100 })
    endings.unshift(() => dovecot.stop())
    dovecot.addUser('alice', mailPassword)
    const planted = writeCorpus(dovecot.maildir('alice'), size, dovecot.owner)
    await warmCaches(dovecot.imapPort, 'alice')
    return { dovecot, planted }
  })
  let current: Gateway | undefined
  const first = once(async () => {
    current = await startGateway((await corpus()).dovecot.certificate)
    endings.unshift(async () => {
      await current?.stop()
      await current?.remove()
    })
    return current
  })
  const gateway = async () => {
    await first()
    if (!current) throw new Error('the gateway was closed')
    return current
  }
  return {
    size,
    manyAccounts: Math.max(200, Math.round((2000 * inbox) / fullSize.inbox)),
    dir,
    tell: (name, samples, unit, more) => print(toFigure(name, samples, unit, more)),
    corpus,
    copy: once(async () => {
      const { dovecot } = await corpus()
      const mbsync = await prepareMbsync(dir, dovecot.imapPort, 'alice')
      return { mbsync, fullMs: await mbsync.run() }
    }),
    gateway,
    filled: async () => {
      const open = await gateway()
      const known = (await open.get<{ accounts: Account[] }>('/v1/accounts')).accounts.find(
        ({ address }) => address === 'alice@example.org',
      )
      const account =
        known ?? (await open.addAccount('alice', { port: (await corpus()).dovecot.imapPort, security: 'plain' }))
      await until(() => isFilled(open, account.id), 'the whole mailbox with all bodies', 600_000, 250)
      const found = (await open.mailboxes(account.id)).find(({ role }) => role === 'inbox')
      if (!found) throw new Error('there is no inbox')
      return { gateway: open, account, inbox: found }
    },
    replaceGateway: (next) => {
      current = next
    },
    atEnd: (work) => endings.unshift(work),
    close: async () => {
      // One that cannot be ended must not keep the others running.
      for (const end of endings) await end().catch((error: unknown) => console.error(error))
    },
  }
}

/** Watching, nothing under way, and no message without its words in the index. */
export const isFilled = async (gateway: Gateway, accountId: string): Promise<boolean> => {
  const account = await gateway.get<Account>(`/v1/accounts/${accountId}`)
  if (account.state !== 'watching' || account.progress !== null) return false
  return (await gateway.get<{ notIndexed: number }>('/v1/search?q=postern&limit=1')).notIndexed === 0
}
