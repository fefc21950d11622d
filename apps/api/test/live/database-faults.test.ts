import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type RunningPostern, startPostern } from '../../../../e2e/support/postern.ts'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { letter } from '../support/letter.ts'
import { until } from '../support/until.ts'

const person = { name: 'Owner', address: 'owner@example.org', password: 'four unrelated words: lantern orbit' }

type Answer = { status: number; body: Record<string, unknown> }
/** A whole Postern, its owner's session and a mailbox at a real server. */
type House = {
  postern: RunningPostern
  ask: (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<Answer>
  mailboxId: string
  accountId: string
  postmaster: () => number
  subjects: () => Promise<string[]>
}

describe('a whole Postern whose database is in trouble', () => {
  let dovecot: Dovecot
  let house: House
  const endings: (() => Promise<void> | void)[] = []
  beforeAll(async () => {
    dovecot = await startDovecot()
  })
  afterEach(async () => {
    for (const end of endings.splice(0).reverse()) await end()
  })
  afterAll(() => dovecot.stop())

  const moveIn = async (dir: string, user: string, letters: number): Promise<House> => {
    dovecot.addUser(user, 'mail password')
    for (let n = 1; n <= letters; n++) dovecot.deliver(user, 'INBOX', letter(n))
    const postern = await startPostern(dovecot.certificate, dir)
    endings.push(() => postern.stop())
    let cookie = ''
    const ask: House['ask'] = async (method, path, body) => {
      const response = await fetch(`${postern.base}${path}`, {
        method,
        headers: { 'x-postern': '1', cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
      return { status: response.status, body: (await response.json()) as Answer['body'] } // every answer here is a JSON object
    }
    const code = postern.setupAddress?.split('code=')[1]
    expect((await ask('POST', '/v1/setup', { code, ...person })).status).toBe(200)
    const incoming = { host: 'localhost', port: dovecot.imapsPort, security: 'tls', username: user }
    const account = await ask('POST', '/v1/accounts', {
      address: `${user}@example.org`,
      password: 'mail password',
      incoming,
    })
    expect(account.status).toBe(200)
    const accountId = String(account.body.id)
    const mailboxes = async () =>
      (await ask('GET', `/v1/accounts/${accountId}/mailboxes`)).body.mailboxes as {
        id: string
        role: string
        path: string
      }[] // by the contract
    const inbox = await until(async () => (await mailboxes())?.find(({ path }) => path === 'INBOX'), {
      what: 'the inbox',
    })
    const subjects = async () => {
      const { body } = await ask('GET', `/v1/mailboxes/${inbox.id}/threads`)
      return (body.rows as { subject: string }[]).map(({ subject }) => subject).sort() // by the contract
    }
    await until(async () => (await subjects()).length === letters, { ms: 45_000, what: 'the first sync' })
    return {
      postern,
      ask,
      mailboxId: inbox.id,
      accountId,
      subjects,
      postmaster: () => Number(readFileSync(join(dir, 'data/postgres/cluster/postmaster.pid'), 'utf8').split('\n')[0]),
    }
  }
  const flag = async (subject: string, verb: 'add' | 'remove') => {
    const { body } = await house.ask('GET', `/v1/mailboxes/${house.mailboxId}/threads`)
    const row = (body.rows as { subject: string; threadId: string }[]).find((found) => found.subject === subject) // by the contract
    return {
      id: randomUUID(),
      command: {
        kind: 'setFlags',
        target: { kind: 'threads', mailboxId: house.mailboxId, threadIds: [row?.threadId] },
        [verb]: ['flagged'],
      },
    }
  }
  const flagsOnServer = (user: string, subject: string): string =>
    dovecot.doveadm('-f', 'flow', 'fetch', '-u', user, 'flags', 'mailbox', 'INBOX', 'header', 'subject', subject)

  it('loses nothing it has acknowledged when the database is restarted again and again under load', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'postern-restarts-'))
    endings.push(() => rmSync(dir, { recursive: true, force: true }))
    house = await moveIn(dir, 'restarts', 20)
    const seen = new Map<string, number>()
    const acknowledged: string[] = []
    let isOver = false
    const note = ({ status, body }: Answer) => {
      const code = status === 200 ? 'ok' : String((body.error as { code?: string })?.code) // errors have one shape
      seen.set(code, (seen.get(code) ?? 0) + 1)
    }
    const read = async () => {
      while (!isOver) note(await house.ask('GET', `/v1/mailboxes/${house.mailboxId}/threads`))
    }
    const requests: Awaited<ReturnType<typeof flag>>[] = []
    for (let n = 1; n <= 20; n++) requests.push(await flag(`Letter ${n}`, 'add'))
    const write = async (request: unknown) => {
      for (;;) {
        const answer = await house.ask('POST', '/v1/commands', request)
        note(answer)
        // The same id again: whatever the database made of the first try, it happens once.
        if (answer.status !== 200) continue
        acknowledged.push(String(answer.body.id))
        return
      }
    }
    const readers = [read(), read()]
    const signals = ['SIGINT', 'SIGQUIT', 'SIGINT', 'SIGQUIT'] as const // fast, immediate
    for (const signal of signals) {
      const writers = requests.splice(0, 5).map(write)
      const before = house.postmaster()
      process.kill(before, signal)
      await until(async () => house.postmaster() !== before && (await house.ask('GET', '/readyz')).status === 200, {
        ms: 30_000,
        what: 'the database',
      })
      await Promise.all(writers)
    }
    isOver = true
    await Promise.all(readers)
    expect([...seen.keys()].filter((code) => !['ok', 'storage.unavailable'].includes(code))).toEqual([])
    expect(seen.get('storage.unavailable')).toBeGreaterThan(0)
    expect(acknowledged).toHaveLength(20)
    // The engine goes on: every command is carried out, new mail arrives.
    dovecot.deliver('restarts', 'INBOX', letter(21))
    await until(async () => (await house.subjects()).includes('Letter 21'), { ms: 40_000, what: 'new mail' })
    await until(
      async () =>
        dovecot.doveadm('search', '-u', 'restarts', 'mailbox', 'INBOX', 'FLAGGED').trim().split('\n').length === 20,
      { ms: 40_000, what: 'the flags at the server' },
    )
    const gaps = await inDatabase(
      dir,
      'SELECT id FROM stream s WHERE seq <> (SELECT count(*) FROM change c WHERE c.stream_id = s.id)',
    )
    expect(gaps).toEqual([])
  }, 180_000)

  it('reads on while the disk is full, refuses to write, and recovers by itself', async () => {
    if (process.getuid?.() !== 0) throw new Error('This test mounts a small file system: it needs root.')
    const dir = mkdtempSync(join(tmpdir(), 'postern-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=0711', 'tmpfs', dir])
    endings.push(() => {
      execFileSync('umount', ['-l', dir])
      rmSync(dir, { recursive: true, force: true })
    })
    house = await moveIn(dir, 'disk', 3)
    const ballast = join(dir, 'ballast')
    fillUp(ballast, dir, 60 * 1024 * 1024)
    const request = await flag('Letter 1', 'add')
    const refused = await until(async () => {
      const answer = await house.ask('POST', '/v1/commands', { ...request, id: randomUUID() })
      return answer.status === 200 ? null : answer
    })
    expect(refused).toMatchObject({
      status: 507,
      body: { error: { code: 'storage.full', hint: expect.stringMatching(/Free some disk space/) } },
    })
    const problem = async () => (await house.ask('GET', `/v1/accounts/${house.accountId}`)).body.problem
    // The engine looks at the disk once a second: what comes within the second of its last look may still find room.
    const stored = ['Letter 1', 'Letter 2', 'Letter 3']
    dovecot.deliver('disk', 'INBOX', letter(4))
    await until(
      async () => {
        const next = stored.length + 1
        if ((await house.subjects()).includes(`Letter ${next}`)) {
          stored.push(`Letter ${next}`)
          dovecot.deliver('disk', 'INBOX', letter(next + 1))
        }
        return (await problem()) !== null
      },
      { what: 'the problem of the account' },
    )
    const waiting = `Letter ${stored.length + 1}`
    expect(await problem()).toMatchObject({ code: 'storage.full' })
    // Not one byte more: reading needs none.
    fillUp(ballast, dir, 0)
    expect(await house.subjects()).toEqual(stored)
    expect((await house.ask('GET', '/v1/search?q=hello')).status).toBe(200)
    expect((await house.ask('POST', '/v1/commands', request)).body).toMatchObject({ error: { code: 'storage.full' } })
    rmSync(ballast)
    await until(async () => (await house.subjects()).includes(waiting), { ms: 40_000, what: 'the waiting mail' })
    // The API looks for itself, once a second too, and may see the room later than the engine did.
    await until(async () => (await house.ask('POST', '/v1/commands', request)).status === 200, {
      what: 'a command taken',
    })
    await until(async () => flagsOnServer('disk', 'Letter 1').includes('\\Flagged'), { what: 'the flag at the server' })
    await until(async () => (await problem()) === null, { what: 'a healthy account' })
    expect(house.postmaster()).toBeGreaterThan(0)
  }, 120_000)

  const inDatabase = async (dir: string, sql: string): Promise<unknown[]> => {
    const place = join(dir, 'data/postgres')
    const port = readFileSync(join(place, 'cluster/postmaster.pid'), 'utf8').split('\n')[3]
    const password = readFileSync(join(place, 'password'), 'utf8').trim()
    const client = new pg.Client({ connectionString: `postgresql://postern:${password}@127.0.0.1:${port}/postern` })
    await client.connect()
    try {
      return (await client.query(sql)).rows
    } finally {
      await client.end()
    }
  }
})

/** Writes until only so many bytes are free. */
const fillUp = (path: string, dir: string, leaveBytes: number): void => {
  const piece = Buffer.alloc(64 * 1024)
  const file = openSync(path, 'a')
  try {
    for (;;) {
      const { bavail, bsize } = statfsSync(dir)
      const room = bavail * bsize - leaveBytes
      if (room <= 0) return
      writeSync(file, piece, 0, Math.min(piece.length, room))
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error // writeSync throws nothing else
  } finally {
    closeSync(file)
  }
}
