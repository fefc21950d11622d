import type { DiscoveryResult } from '@postern/shared/accounts.ts'
import { describe, expect, it } from 'vitest'
import { type DiscoveryDeps, discoverSettings } from './discover-settings.ts'
import { parseAutoconfig } from './parse-autoconfig.ts'
import { loadPresets } from './presets.ts'

const server = (type: string, host: string, port: number, socket = 'SSL', username = '%EMAILLOCALPART%') =>
  `<${type === 'smtp' ? 'outgoing' : 'incoming'}Server type="${type}"><hostname>${host}</hostname><port>${port}</port><socketType>${socket}</socketType><username>${username}</username></${type === 'smtp' ? 'outgoing' : 'incoming'}Server>`
const autoconfig = (...servers: string[]) =>
  `<?xml version="1.0"?><clientConfig version="1.1"><emailProvider id="x"><displayName>Example Mail</displayName>${servers.join('')}</emailProvider></clientConfig>`

/** What the network answers; whatever is not named does not exist. */
type World = {
  pages?: Record<string, string>
  srv?: Record<string, { name: string; port: number; priority?: number; weight?: number }[]>
  mx?: Record<string, string[]>
}
const deps = ({ pages = {}, srv = {}, mx = {} }: World): DiscoveryDeps => ({
  fetch: async (url) => pages[url] ?? null,
  dns: {
    srv: async (name) => (srv[name] ?? []).map((record) => ({ priority: 0, weight: 0, ...record })),
    mx: async (domain) => (mx[domain] ?? []).map((exchange, priority) => ({ exchange, priority })),
  },
})
const told = ({ candidates }: DiscoveryResult) =>
  candidates.map(({ source, incoming, outgoing }) => [
    source,
    ...[...incoming, ...outgoing].map(
      ({ kind, host, port, security, username }) => `${kind} ${host}:${port} ${security} ${username}`,
    ),
  ])

describe('the settings for an address', () => {
  it('are known for 163 providers, never without encryption', async () => {
    const { all } = loadPresets()
    expect(all).toHaveLength(163)
    expect(told(await discoverSettings('ann@posteo.de', deps({})))).toEqual([
      [
        'preset',
        'imap posteo.de:993 tls ann@posteo.de',
        'imap posteo.de:143 starttls ann@posteo.de',
        expect.stringMatching(/^pop3 /),
        expect.stringMatching(/^pop3 /),
        'smtp posteo.de:465 tls ann@posteo.de',
        'smtp posteo.de:587 starttls ann@posteo.de',
      ],
    ])
    const plain = {
      type: 'imap' as const,
      host: 'mail.old.example',
      port: 143,
      socket: 'plain' as const,
      username: 'x',
    }
    const old = { id: 'old', name: 'Old', domains: [], incoming: [plain], outgoing: [] }
    const presets = { all: [old], byDomain: (domain: string) => (domain === 'old.example' ? old : null) }
    expect((await discoverSettings('ann@old.example', { ...deps({}), presets })).candidates).toEqual([])
    for (const { domains } of all) {
      const { candidates } = await discoverSettings(`x@${domains[0]}`, deps({}))
      for (const { incoming, outgoing } of candidates)
        for (const { security, username } of [...incoming, ...outgoing])
          expect([['tls', 'starttls'].includes(security), username.includes('%')]).toEqual([true, false])
    }
  })

  it('come from the domain itself, by its own host, its well-known address and its DNS, each named', async () => {
    const found = await discoverSettings(
      'ann@corp.example',
      deps({
        pages: {
          'https://autoconfig.corp.example/mail/config-v1.1.xml?emailaddress=ann%40corp.example': autoconfig(
            server('imap', 'imap.%EMAILDOMAIN%', 993),
            server('smtp', 'smtp.corp.example', 587, 'STARTTLS', '%EMAILADDRESS%'),
          ),
          'https://corp.example/.well-known/autoconfig/mail/config-v1.1.xml': autoconfig(
            server('imap', 'mail.corp.example', 993),
          ),
        },
        srv: {
          '_imaps._tcp.corp.example': [
            { name: 'second.corp.example', port: 993, priority: 20 },
            { name: 'light.corp.example', port: 993, priority: 10, weight: 1 },
            { name: 'first.corp.example.', port: 1993, priority: 10, weight: 9 },
          ],
          // A single dot: not offered.
          '_imap._tcp.corp.example': [{ name: '.', port: 0 }],
          '_submissions._tcp.corp.example': [{ name: 'out.corp.example', port: 465 }],
        },
      }),
    )
    expect(told(found)).toEqual([
      ['autoconfig', 'imap imap.corp.example:993 tls ann', 'smtp smtp.corp.example:587 starttls ann@corp.example'],
      ['well-known', 'imap mail.corp.example:993 tls ann'],
      [
        'srv',
        'imap first.corp.example:1993 tls ann@corp.example',
        'imap light.corp.example:993 tls ann@corp.example',
        'imap second.corp.example:993 tls ann@corp.example',
        'smtp out.corp.example:465 tls ann@corp.example',
      ],
    ])
    expect(found.candidates.map(({ explanation }) => explanation)).toEqual([
      'Published by corp.example itself.',
      'Published by corp.example itself.',
      'Named in the DNS of corp.example.',
    ])
  })

  it('follow from who handles the mail, and what that provider wants instead of a password is said', async () => {
    const handledBy = (exchange: string) =>
      discoverSettings('ann@corp.example', deps({ mx: { 'corp.example': [exchange] } }))
    const google = await handledBy('aspmx.l.google.com.')
    expect(told(google)[0]?.slice(0, 2)).toEqual(['mx', 'imap imap.gmail.com:993 tls ann@corp.example'])
    expect(google.advice).toMatchObject({ kind: 'app_password', text: expect.stringContaining('app password') })
    const microsoft = await handledBy('corp-example.mail.protection.outlook.com')
    expect(microsoft.advice).toMatchObject({ kind: 'no_passwords', text: expect.stringContaining('cannot add') })
    for (const [address, kind] of [
      ['ann@yahoo.com', 'app_password'],
      ['ann@icloud.com', 'app_password'],
      ['ann@hotmail.com', 'no_passwords'],
    ] as const)
      expect((await discoverSettings(address, deps({}))).advice?.kind, address).toBe(kind)
    expect((await discoverSettings('ann@posteo.de', deps({}))).advice).toBeNull()
  })

  it('are guessed by the standard names and ports when nobody knows them', async () => {
    const { candidates, guesses } = await discoverSettings('ann@corp.example', deps({}))
    expect(candidates).toEqual([])
    expect(guesses.incoming[0]).toMatchObject({ host: 'imap.corp.example', port: 993, security: 'tls' })
    expect(guesses.incoming.find(({ kind }) => kind === 'pop3')).toMatchObject({ host: 'pop.corp.example', port: 995 })
    expect(guesses.outgoing[0]).toMatchObject({ host: 'smtp.corp.example', port: 465, security: 'tls' })
  })

  it('are asked of everybody at once, and a source that fails takes none of the others with it', async () => {
    const asked: string[] = []
    const { promise: answers, resolve: answer } = Promise.withResolvers<void>()
    const ask = async (what: string): Promise<never[]> => {
      asked.push(what)
      await answers
      throw new Error('no answer')
    }
    const looking = discoverSettings('ann@posteo.de', {
      fetch: (url) => ask(new URL(url).hostname).then(() => null),
      dns: { srv: ask, mx: ask },
    })
    await new Promise(setImmediate)
    expect(asked.toSorted()).toEqual(
      [
        'autoconfig.posteo.de',
        'posteo.de',
        'posteo.de',
        ...['imap', 'imaps', 'pop3', 'pop3s', 'submission', 'submissions'].map((name) => `_${name}._tcp.posteo.de`),
      ].toSorted(),
    )
    answer()
    expect((await looking).candidates.map(({ source }) => source)).toEqual(['preset'])
  })
})

describe('a configuration that a stranger published', () => {
  const parse = (...servers: string[]) => parseAutoconfig(autoconfig(...servers), 'ann@corp.example')
  it('gives only servers that are whole and encrypted', () => {
    const good = server('imap', 'imap.corp.example', 993)
    const bad = [
      server('imap', 'plain.corp.example', 143, 'plain'),
      server('imap', 'bad host', 993),
      server('imap', '-x.example', 993),
      server('imap', 'imap.corp.example', 0),
      server('imap', 'imap.corp.example', 70_000),
      server('exchange', 'corp.example', 443),
      '<incomingServer type="imap"/>',
    ]
    expect(parse(...bad, good)?.incoming.map(({ host }) => host)).toEqual(['imap.corp.example'])
    expect(parse(...bad)).toBeNull()
    expect(parse(...Array.from({ length: 50 }, () => good))?.incoming).toHaveLength(20)
  })
  it('is no place for entities, other documents or floods', () => {
    const entity = `<!DOCTYPE x [<!ENTITY host "a">]>${autoconfig(server('imap', 'imap.corp.example', 993))}`
    const odd = [
      entity,
      '',
      '<',
      '<html><body>Not found</body></html>',
      '{}',
      `${autoconfig(server('imap', 'a.example', 993))}${' '.repeat(300_000)}`,
    ]
    for (const xml of odd) expect(parseAutoconfig(xml, 'ann@corp.example'), xml.slice(0, 40)).toBeNull()
    expect(parseAutoconfig('<a>'.repeat(50_000), 'ann@corp.example')).toBeNull()
  })
})
