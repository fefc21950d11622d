import type { Mailbox } from '@postern/shared/mailboxes.ts'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createEngine } from '#engine/engine.ts'
import { buildTestApp, openTestSession } from '../support/app-fixture.ts'
import { letter } from '../support/letter.ts'
import { type LiveScene, startLiveScene } from '../support/live-scene.ts'
import { until } from '../support/until.ts'

/** As most servers have it, and as Courier and Cyrus do. */
const servers = [
  { title: 'with slashes', delimiter: '/', prefix: '', options: {} },
  {
    title: 'below INBOX, with dots',
    delimiter: '.',
    prefix: 'INBOX.',
    options: { namespace: 'separator = .\n  prefix = INBOX.' },
  },
]

describe.each(servers)('mailboxes at an IMAP server, $title', ({ delimiter, prefix, options }) => {
  let scene: LiveScene
  let app: FastifyInstance
  let cookie: string
  beforeAll(async () => {
    scene = await startLiveScene({ backoff: { baseMs: 50, capMs: 100 } }, options)
    app = await buildTestApp({ store: scene.engine.store })
    cookie = await openTestSession(scene.engine.store, scene.engine.userId)
  })
  afterAll(async () => {
    await app.close()
    await scene.stop()
  })
  beforeEach(() => scene.proxy.clear())

  const at = (...names: string[]) => `${prefix}${names.join(delimiter)}`
  const add = async (user: string, prepare: () => unknown = () => undefined): Promise<bigint> => {
    scene.dovecot.addUser(user, 'secret')
    scene.dovecot.deliver(user, 'INBOX', letter(1))
    prepare()
    const accountId = await scene.engine.addAccount(user, 'secret', scene.proxy.port)
    await scene.engine.untilState(accountId, 'watching')
    return accountId
  }
  const send = async (method: 'POST' | 'PATCH' | 'DELETE', path: string, payload?: object) => {
    const headers = { cookie, 'x-postern': '1' }
    const answer = await app.inject({ method, url: `/v1${path}`, headers, ...(payload ? { payload } : {}) })
    return answer.statusCode === 204 ? null : answer.json()
  }
  const make = async (accountId: bigint, name: string, parentId: string | null = null): Promise<Mailbox> => {
    const made = await send('POST', `/accounts/${accountId}/mailboxes`, { name, parentId })
    expect(made.error).toBe(undefined)
    return made
  }
  const patch = (id: string, body: object) => send('PATCH', `/mailboxes/${id}`, body)
  const onServer = (user: string, ...more: string[]): string[] =>
    scene.dovecot
      .doveadm('mailbox', 'list', ...more, '-u', user)
      .split('\n')
      .filter(Boolean)
      .sort()
  const usual = ['Archive', 'Drafts', 'Junk', 'Sent', 'Trash'].map((name) => at(name))
  const own = (user: string, ...more: string[]) =>
    onServer(user, ...more).filter((path) => !['INBOX', ...usual].includes(path))
  const rows = async (accountId: bigint) =>
    (await scene.engine.store.prisma.mailbox.findMany({ where: { accountId }, orderBy: { id: 'asc' } })).map(
      ({ id, path }) => [path, `${id}`],
    )
  /** Everything that a rename must not change. */
  const identities = async (accountId: bigint) => ({
    placements: await scene.engine.store.prisma.placement.findMany({
      where: { accountId },
      orderBy: { id: 'asc' },
      select: { id: true, mailboxId: true, messageId: true, uid: true, shownMailboxId: true },
    }),
    mailboxes: (await rows(accountId)).map(([, id]) => id),
  })
  const compare = async (accountId: bigint): Promise<void> => {
    const { comparedAt } = await inbox(accountId)
    await createEngine(scene.engine.store).requestResync(accountId)
    await until(async () => (await inbox(accountId)).comparedAt?.getTime() !== comparedAt?.getTime(), {
      what: 'the compare',
    })
    await scene.engine.untilState(accountId, 'watching')
  }
  const inbox = (accountId: bigint) =>
    scene.engine.store.prisma.mailbox.findUniqueOrThrow({ where: { accountId_path: { accountId, path: 'INBOX' } } })

  it('are made, renamed and moved there, and keep all their ids', async () => {
    const accountId = await add('maker')
    const work = await make(accountId, ' Größe & Co ')
    const clients = await make(accountId, 'Clients', work.id)
    expect(clients).toMatchObject({ path: at('Größe & Co', 'Clients'), parentId: work.id, messages: 0 })
    expect(clients.sync.state).toBe('complete')
    expect(own('maker')).toEqual([at('Größe & Co'), at('Größe & Co', 'Clients')])
    expect(own('maker', '-s')).toEqual(own('maker'))
    scene.dovecot.deliver('maker', 'Gr&APYA3w-e &- Co.Clients', letter(2))
    await createEngine(scene.engine.store).requestSync(accountId)
    const path = clients.path
    await until(async () => (await scene.engine.shown(accountId, path)).length === 1, { what: 'the mail in it' })
    const before = await identities(accountId)
    expect(await patch(work.id, { name: 'Work' })).toMatchObject({ id: work.id, name: 'Work', path: at('Work') })
    expect(own('maker')).toEqual([at('Work'), at('Work', 'Clients')])
    expect(own('maker', '-s')).toEqual(own('maker'))
    expect(await identities(accountId)).toEqual(before)
    await compare(accountId)
    expect(await identities(accountId)).toEqual(before)
    expect(await patch(clients.id, { parentId: null, name: 'People' })).toMatchObject({ path: at('People') })
    expect(await patch(work.id, { parentId: clients.id })).toMatchObject({ path: at('People', 'Work') })
    await compare(accountId)
    expect(await identities(accountId)).toEqual(before)
    expect(own('maker')).toEqual([at('People'), at('People', 'Work')])
    expect(own('maker', '-s')).toEqual(own('maker'))
    expect(await scene.engine.store.prisma.syncEvent.count({ where: { accountId, kind: 'mailbox' } })).toBe(0)
  })

  it('are heard at once under their new name where they are open, as under the old one', async () => {
    const accountId = await add('listener')
    const open = [await make(accountId, 'Here'), await make(accountId, 'There')]
    await createEngine(scene.engine.store).focus(
      accountId,
      'a screen',
      open.map(({ id }) => BigInt(id)),
    )
    const arrive = async (name: string) => {
      const path = at(name)
      const before = (await scene.engine.shown(accountId, path)).length
      scene.dovecot.deliver('listener', name, letter(before))
      const isShown = async () => (await scene.engine.shown(accountId, path)).length > before
      await until(isShown, { what: `mail in ${name}` })
    }
    for (const { id, name } of open) {
      await arrive(name)
      await patch(id, { name: `${name} now` })
      // The look that follows would find it too.
      const saidSince = () => scene.proxy.said('toServer').split(' RENAME ').at(-1)?.split('\n--\n')[0] ?? ''
      const isOver = async () => / LIST .* IDLE/s.test(saidSince())
      await until(isOver, { what: 'the look after it' })
      await arrive(`${name} now`)
    }
  })

  it('are renamed in the middle of being read for the first time, and read on', async () => {
    const user = 'hurried'
    scene.dovecot.addUser(user, 'secret')
    for (let n = 0; n < 1500; n++) scene.dovecot.deliver(user, 'Big', letter(n))
    const accountId = await scene.engine.addAccount(user, 'secret', scene.proxy.port)
    const big = await until(
      () => scene.engine.store.prisma.mailbox.findFirst({ where: { accountId, name: 'Big', fillUid: { gt: 1n } } }),
      { what: 'a part of it' },
    )
    expect(await patch(`${big.id}`, { name: 'Large' })).toMatchObject({ id: `${big.id}`, path: at('Large') })
    await until(async () => (await scene.engine.shown(accountId, at('Large'))).length === 1500, { what: 'all of it' })
    expect(await scene.engine.store.prisma.syncEvent.count({ where: { accountId, kind: 'mailbox' } })).toBe(0)
    expect((await rows(accountId)).filter(([path]) => /Big|Large/.test(path ?? ''))).toEqual([
      [at('Large'), `${big.id}`],
    ])
  })

  it('go below Trash with all they hold, come back with it, and go for good only from there', async () => {
    const accountId = await add('remover')
    const home = await make(accountId, 'Home')
    const plans = await make(accountId, 'Plans', home.id)
    const papers = await make(accountId, 'Papers', plans.id)
    // Mail that nobody here has seen yet is not lost either.
    scene.dovecot.deliver('remover', 'Home.Plans.Papers', letter(3))
    const before = await identities(accountId)
    expect(await send('DELETE', `/mailboxes/${plans.id}?forGood=true`)).toMatchObject({
      error: { code: 'request.conflict' },
    })
    expect(await send('DELETE', `/mailboxes/${plans.id}`)).toBe(null)
    expect(own('remover')).toEqual([at('Home'), at('Trash', 'Plans'), at('Trash', 'Plans', 'Papers')])
    // Asked twice, as a client may that missed the answer.
    expect(await send('DELETE', `/mailboxes/${plans.id}`)).toMatchObject({ error: { code: 'request.conflict' } })
    await until(async () => (await scene.engine.shown(accountId, at('Trash', 'Plans', 'Papers'))).length === 1, {
      what: 'the mail in it',
    })
    expect(await send('POST', `/mailboxes/${plans.id}/restore`)).toMatchObject({ id: plans.id, parentId: home.id })
    expect(own('remover')).toEqual([at('Home'), at('Home', 'Plans'), at('Home', 'Plans', 'Papers')])
    expect((await identities(accountId)).mailboxes).toEqual(before.mailboxes)
    expect(await send('POST', `/mailboxes/${plans.id}/restore`)).toMatchObject({ error: { code: 'not_found' } })
    // A second one of the same name lies beside the first.
    await send('DELETE', `/mailboxes/${plans.id}`)
    const twin = await make(accountId, 'Plans', home.id)
    expect(await send('DELETE', `/mailboxes/${twin.id}`)).toBe(null)
    expect(own('remover')).toContain(at('Trash', 'Plans 2'))
    expect(await send('DELETE', `/mailboxes/${plans.id}?forGood=true`)).toBe(null)
    expect(own('remover')).toEqual([at('Home'), at('Trash', 'Plans 2')])
    expect(own('remover', '-s')).toEqual(own('remover'))
    expect((await rows(accountId)).map(([, id]) => id)).not.toContain(papers.id)
    expect(await send('POST', `/mailboxes/${plans.id}/restore`)).toMatchObject({ error: { code: 'not_found' } })
    expect(await send('POST', `/mailboxes/${twin.id}/restore`)).toMatchObject({ path: at('Home', 'Plans') })
  })

  it('stay as they are with the reason when the server, its rights or the rules of names are against it', async () => {
    const accountId = await add('careful')
    const taken = await make(accountId, 'Taken')
    // By another program, just now.
    scene.dovecot.doveadm('mailbox', 'create', '-u', 'careful', at('News'))
    const conflict = { error: { code: 'request.conflict', fields: { name: 'is taken here' } } }
    expect(await send('POST', `/accounts/${accountId}/mailboxes`, { name: 'News' })).toMatchObject(conflict)
    expect(await patch(taken.id, { name: 'News' })).toMatchObject({ error: { code: 'request.conflict' } })
    // One of the layouts knows dots as levels, the other lets no name hold one.
    const dotted = await send('POST', `/accounts/${accountId}/mailboxes`, { name: 'Version 1.2' })
    if (delimiter === '.')
      expect(dotted.error).toMatchObject({ code: 'request.invalid', fields: { name: expect.any(String) } })
    else expect(dotted.error).toMatchObject({ code: 'mailbox.refused', serverText: expect.stringMatching(/./) })
    const special = await scene.engine.mailboxId(accountId, at('Sent'))
    for (const body of [{ name: 'x' }, { parentId: taken.id }])
      expect(await patch(`${special}`, body)).toMatchObject({ error: { code: 'request.invalid' } })
    expect(await patch(`${(await inbox(accountId)).id}`, { name: 'x' })).toMatchObject({
      error: { code: 'request.invalid' },
    })
    expect(await send('DELETE', `/mailboxes/${special}`)).toMatchObject({ error: { code: 'request.invalid' } })
    const denied = { error: { code: 'mailbox.no_permission' } }
    scene.dovecot.doveadm('acl', 'set', '-u', 'careful', at('Taken'), 'owner', 'lookup', 'read')
    // The server itself remembers rights as long as a session lasts.
    const { made } = scene.proxy.connections()
    scene.dovecot.doveadm('kick', 'careful')
    await until(async () => scene.proxy.connections().made > made, { what: 'a new session' })
    // Nobody here knows of it yet: the server says so.
    expect(await patch(taken.id, { name: 'Mine' })).toMatchObject(denied)
    expect(await send('DELETE', `/mailboxes/${taken.id}`)).toMatchObject(denied)
    expect(own('careful')).toEqual([at('News'), at('Taken')])
    expect(await scene.engine.store.prisma.command.count({ where: { accountId, finishedAt: null } })).toBe(0)
  })

  it('are deleted empty, and only so, where Trash can hold no other mailbox', async () => {
    const accountId = await add('flat', () =>
      scene.dovecot.doveadm('acl', 'set', '-u', 'flat', at('Trash'), 'owner', 'lookup', 'read', 'write', 'insert'),
    )
    const [empty, full] = [await make(accountId, 'Empty'), await make(accountId, 'Full')]
    scene.dovecot.deliver('flat', 'Full', letter(4))
    const refused = await send('DELETE', `/mailboxes/${full.id}`)
    expect(refused.error).toMatchObject({ code: 'mailbox.refused', message: expect.stringContaining('Trash') })
    expect(await send('DELETE', `/mailboxes/${empty.id}`)).toBe(null)
    expect(own('flat')).toEqual([at('Full')])
    expect(await send('POST', `/mailboxes/${empty.id}/restore`)).toMatchObject({ id: empty.id, path: at('Empty') })
    expect(own('flat', '-s')).toEqual([at('Empty'), at('Full')])
  })

  it.each(['before it is sent', 'before it is answered'])(
    'are changed once when the connection ends in the middle, %s',
    async (moment) => {
      const user = `cut${moment.length}`
      const accountId = await add(user)
      const cuts: { acted: () => number }[] = []
      const cut = (command: string) =>
        cuts.push(
          moment === 'before it is sent'
            ? scene.proxy.add({ direction: 'toServer', line: new RegExp(`^\\S+ ${command} `), act: 'reset' })
            : scene.proxy.add({ direction: 'toClient', answerTo: new RegExp(`^${command} `), act: 'reset' }),
        )
      cut('CREATE')
      const first = await make(accountId, 'First')
      expect(own(user)).toEqual([at('First')])
      const before = await identities(accountId)
      cut('RENAME')
      expect(await patch(first.id, { name: 'Second' })).toMatchObject({ id: first.id, path: at('Second') })
      cut('RENAME')
      expect(await send('DELETE', `/mailboxes/${first.id}`)).toBe(null)
      expect(own(user)).toEqual([at('Trash', 'Second')])
      await compare(accountId)
      expect(await identities(accountId)).toEqual(before)
      cut('DELETE')
      expect(await send('DELETE', `/mailboxes/${first.id}?forGood=true`)).toBe(null)
      expect(own(user)).toEqual([])
      expect(cuts.map(({ acted }) => acted())).toEqual([1, 1, 1, 1])
    },
  )
})
