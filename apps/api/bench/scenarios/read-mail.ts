import type { SearchResult } from '@postern/shared/search.ts'
import { writeSmallMailbox } from '../corpus.ts'
import { percentile, until } from '../figures.ts'
import { type Gateway, mailPassword } from '../gateway.ts'
import type { Filled, Scenario, World } from '../world.ts'

/** What a person waits for: pages of a list, a conversation, a search. Over HTTP, one request at a time, answers compressed. */
type Row = { threadId: string; latestMessageId: string; cursor: string }
type Page = { rows: Row[]; total: number }

const warmUp = 20

/** Latencies of `times` requests after a few that do not count. */
const sample = async (gateway: Gateway, times: number, pathOf: (n: number) => string): Promise<number[]> => {
  for (let n = 0; n < warmUp; n++) await gateway.ask('GET', pathOf(n))
  const samples: number[] = []
  for (let n = 0; n < times; n++) samples.push((await gateway.ask('GET', pathOf(warmUp + n))).ms)
  return samples
}

export const lists: Scenario = {
  name: 'list',
  figures: ['list.first', 'list.deep', 'list.small-mailbox', 'list.jump'],
  run: async ({ filled, tell }) => {
    const { gateway, inbox } = await filled()
    const base = `/v1/mailboxes/${inbox.id}/threads?limit=50`
    const { total } = await gateway.get<Page>(base)
    const places: string[] = []
    for (let share = 1; share <= 9; share++) {
      const { rows } = await gateway.get<Page>(`${base}&position=${Math.floor((total * share) / 10)}`)
      places.push(...rows.map(({ cursor }) => cursor))
    }
    const cursorAt = (n: number) => places[(n * 37) % places.length] ?? ''
    const small = (await gateway.mailboxes(inbox.accountId)).find(({ name }) => name === 'Projects 1')
    const paths: [string, (n: number) => string][] = [
      ['list.first', () => base],
      ['list.deep', (n) => `${base}&after=${cursorAt(n)}`],
      ['list.small-mailbox', () => `/v1/mailboxes/${small?.id}/threads?limit=50`],
      ['list.jump', (n) => `${base}&position=${Math.floor((total * ((n * 13) % 97)) / 97)}`],
    ]
    for (const [name, pathOf] of paths) {
      const samples = await sample(gateway, 300, pathOf)
      tell(name, samples, 'ms', { goal: { target: 5 } })
      tell(`${name}.p99`, [percentile(samples, 0.99)], 'ms', { goal: { target: 15 } })
    }
  },
}

export const openings: Scenario = {
  name: 'open',
  figures: ['open.cached', 'open.conversation', 'open.uncached'],
  run: async (world) => {
    const { gateway, inbox } = await world.filled()
    const base = `/v1/mailboxes/${inbox.id}/threads?limit=200`
    const { rows } = await gateway.get<Page>(base)
    const at = (n: number) => rows[n % rows.length] ?? { threadId: '0', latestMessageId: '0' }
    world.tell('open.cached', await sample(gateway, 200, (n) => `/v1/messages/${at(n).latestMessageId}/body`), 'ms', {
      goal: { target: 7 },
    })
    world.tell('open.conversation', await sample(gateway, 200, (n) => `/v1/threads/${at(n).threadId}`), 'ms', {
      goal: { target: 7 },
    })
    await openUncached(world, gateway)
  },
}

/** A byte budget of nothing keeps the engine from fetching bodies ahead, so that each opening goes to the mail server. */
const openUncached = async (world: World, gateway: Gateway): Promise<void> => {
  const { dovecot } = await world.corpus()
  const messages = 1500
  dovecot.addUser('bob', mailPassword)
  writeSmallMailbox(dovecot.maildir('bob'), messages, dovecot.owner, 'bob')
  const account = await gateway.addAccount('bob', { port: dovecot.imapPort, security: 'plain' })
  await gateway.ask('PATCH', `/v1/accounts/${account.id}`, { dailyByteBudget: 0 })
  let inboxId = ''
  await until(
    async () => {
      const inbox = (await gateway.mailboxes(account.id)).find(({ role }) => role === 'inbox')
      inboxId = inbox?.id ?? ''
      return inbox?.sync.state === 'complete' && inbox.messages === messages
    },
    'the mailbox without bodies',
    60_000,
  )
  const { rows } = await gateway.get<Page>(`/v1/mailboxes/${inboxId}/threads?limit=100&position=600`)
  const absent: string[] = []
  for (const { threadId } of rows) {
    const thread = await gateway.get<{ messages: { id: string; body: string }[] }>(`/v1/threads/${threadId}`)
    absent.push(...thread.messages.filter(({ body }) => body === 'absent').map(({ id }) => id))
  }
  if (absent.length < warmUp + 40) throw new Error(`only ${absent.length} messages are without a body`)
  const samples = await sample(gateway, Math.min(100, absent.length - warmUp), (n) => `/v1/messages/${absent[n]}/body`)
  world.tell('open.uncached', samples, 'ms', { goal: { target: 22 } })
  await gateway.ask('DELETE', `/v1/accounts/${account.id}?mode=erase`)
}

export const searches: Scenario = {
  name: 'search',
  figures: ['search.subject', 'search.body', 'search.three', 'search.common'],
  run: async ({ filled, corpus, tell }) => {
    const { gateway }: Filled = await filled()
    const { planted } = await corpus()
    for (const kind of ['subject', 'body', 'three', 'common'] as const) {
      const { query, hits } = planted[kind]
      const path = `/v1/search?q=${encodeURIComponent(query)}`
      const { count } = await gateway.get<SearchResult>(path)
      const isRight = count.isExact ? count.messages === hits : count.messages <= hits
      if (!isRight) throw new Error(`the search for ${query} found ${count.messages} of ${hits}`)
      if (kind !== 'common' && !count.isExact) throw new Error(`the count of ${query} is not exact`)
      tell(`search.${kind}`, await sample(gateway, 60, () => path), 'ms', {
        goal: { target: kind === 'common' ? 35 : 10 },
      })
    }
  },
}
