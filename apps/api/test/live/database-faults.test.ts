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
  /** A text is sent as a mail, anything else as JSON. */
  ask: (method: 'GET' | 'POST', path: string, body?: unknown) => Promise<Answer>
  mailboxId: string
  archiveId: () => Promise<string>
  accountId: string
  postmaster: () => number
  /** Of the inbox unless said otherwise. */
  subjects: (mailboxId?: string) => Promise<string[]>
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

  const moveIn = async (dir: string, user: string, letters: number, kind: 'imap' | 'pop3' = 'imap'): Promise<House> => {
    dovecot.addUser(user, 'mail password')
    for (let n = 1; n <= letters; n++) dovecot.deliver(user, 'INBOX', letter(n))
    const postern = await startPostern(dovecot.certificate, dir)
    endings.push(() => postern.stop())
    let cookie = ''
    const ask: House['ask'] = async (method, path, body) => {
      const type = typeof body === 'string' ? 'message/rfc822' : 'application/json'
      const response = await fetch(`${postern.base}${path}`, {
        method,
        headers: { 'x-postern': '1', cookie, ...(body === undefined ? {} : { 'content-type': type }) },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      cookie = response.headers.getSetCookie()[0]?.split(';')[0] ?? cookie
      return { status: response.status, body: (await response.json()) as Answer['body'] } // every answer here is a JSON object
    }
    const code = postern.setupAddress?.split('code=')[1]
    expect((await ask('POST', '/v1/setup', { code, ...person })).status).toBe(200)
    const port = kind === 'imap' ? dovecot.imapsPort : dovecot.pop3sPort
    const account = await ask('POST', '/v1/accounts', {
      address: `${user}@example.org`,
      kind,
      password: 'mail password',
      incoming: { host: 'localhost', port, security: 'tls', username: user },
      ...(kind === 'imap' ? {} : { retrieval: { policy: { kind: 'afterDownload' } } }),
    })
    expect(account.status).toBe(200)
    const accountId = String(account.body.id)
    const mailboxes = async () =>
      (await ask('GET', `/v1/accounts/${accountId}/mailboxes`)).body.mailboxes as {
        id: string
        role: string
        path: string
      }[] // by the contract
    const mailboxAt = (wanted: string) =>
      until(async () => (await mailboxes())?.find(({ path }) => path === wanted), { what: wanted })
    const inbox = await mailboxAt('INBOX')
    const subjects = async (mailboxId = inbox.id) => {
      const { body } = await ask('GET', `/v1/mailboxes/${mailboxId}/threads`)
      return (body.rows as { subject: string }[]).map(({ subject }) => subject).sort() // by the contract
    }
    await until(async () => (await subjects()).length === letters, { ms: 45_000, what: 'the first sync' })
    return {
      postern,
      ask,
      mailboxId: inbox.id,
      archiveId: async () => (await mailboxAt('Archive')).id,
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

  /** A disk of its own for a house. */
  const mountSmall = (): string => {
    if (process.getuid?.() !== 0) throw new Error('This test mounts a small file system: it needs root.')
    const dir = mkdtempSync(join(tmpdir(), 'postern-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400m,mode=0711', 'tmpfs', dir])
    endings.push(() => {
      execFileSync('umount', ['-l', dir])
      rmSync(dir, { recursive: true, force: true })
    })
    return dir
  }
  const full = { code: 'storage.full', hint: expect.stringMatching(/Free some disk space/) }

  it('reads on while the disk is full, refuses to write, and recovers by itself', async () => {
    const dir = mountSmall()
    house = await moveIn(dir, 'disk', 3)
    const tells = await keepTold(dir)
    const ballast = join(dir, 'ballast')
    fillUp(ballast, dir, 60 * 1024 * 1024)
    const request = await flag('Letter 1', 'add')
    const refused = await until(async () => {
      const answer = await house.ask('POST', '/v1/commands', { ...request, id: randomUUID() })
      return answer.status === 200 ? null : answer
    })
    expect(refused).toMatchObject({ status: 507, body: { error: full } })
    const problem = async () => (await house.ask('GET', `/v1/accounts/${house.accountId}`)).body.problem
    // The engine looks at the disk once a second: what comes within the second of its last look may still find room.
    const stored = ['Letter 1', 'Letter 2', 'Letter 3']
    dovecot.deliver('disk', 'INBOX', letter(4))
    const told = await until(
      async () => {
        const next = stored.length + 1
        if ((await house.subjects()).includes(`Letter ${next}`)) {
          stored.push(`Letter ${next}`)
          dovecot.deliver('disk', 'INBOX', letter(next + 1))
        }
        return problem()
      },
      { what: 'the problem of the account' },
    )
    const waiting = `Letter ${stored.length + 1}`
    expect(told).toMatchObject({ code: 'storage.full' })
    const sinceFull = async () => {
      const all = await tells()
      return all.slice(all.findIndex(({ code }) => code === 'storage.full'))
    }
    const tries = async () => (await sinceFull()).filter(({ state }) => state === 'waiting').length
    await until(async () => (await tries()) > 1, { what: 'another try' })
    expect((await sinceFull()).filter(({ code }) => code !== 'storage.full')).toEqual([])
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

  it('takes no file and fetches and removes no mail while the disk is full, loses nothing, and goes on', async () => {
    const dir = mountSmall()
    house = await moveIn(dir, 'drop', 3, 'pop3')
    const { ask, accountId } = house
    const archiveId = await house.archiveId()
    const { id } = (await ask('POST', `/v1/mailboxes/${archiveId}/imports`, {})).body
    const send = (n: number) => ask('POST', `/v1/transfers/${id}/content?name=${n}.eml`, letter(n))
    expect((await send(11)).status).toBe(200)
    await until(async () => (await house.subjects(archiveId)).length === 1, { what: 'the first file' })
    const ballast = join(dir, 'ballast')
    fillUp(ballast, dir, 60 * 1024 * 1024)
    const refused = await until(async () => {
      const answer = await send(12)
      return answer.status === 200 ? null : answer
    })
    expect(refused).toMatchObject({ status: 507, body: { error: full } })
    const look = () => ask('POST', `/v1/accounts/${accountId}/sync`)
    const problem = async () => (await ask('GET', `/v1/accounts/${accountId}`)).body.problem
    // As above: what comes within the second of the engine's last look at the disk may still find room.
    const letters = ['Letter 1', 'Letter 2', 'Letter 3']
    const told = await until(
      async () => {
        if ((await house.subjects()).length === letters.length) {
          letters.push(`Letter ${letters.length + 1}`)
          dovecot.deliver('drop', 'INBOX', letter(letters.length))
          await look()
        }
        return problem()
      },
      { what: 'the problem of the account' },
    )
    expect(told).toMatchObject(full)
    fillUp(ballast, dir, 0)
    const atServer = dovecot.count('drop', 'INBOX')
    expect((await send(13)).body).toMatchObject({ error: full })
    expect((await ask('POST', `/v1/transfers/${id}/finish`)).body).toMatchObject({ error: full })
    await look()
    expect(await house.subjects()).toEqual(letters.slice(0, -1).sort())
    expect([atServer > 0, dovecot.count('drop', 'INBOX')]).toEqual([true, atServer])
    rmSync(ballast)
    await until(async () => (await house.subjects()).length === letters.length, {
      ms: 40_000,
      what: 'the waiting mail',
    })
    for (const n of [12, 13])
      await until(async () => (await send(n)).status === 200, { ms: 10_000, what: 'a file taken' })
    expect((await ask('POST', `/v1/transfers/${id}/finish`)).status).toBe(200)
    await until(async () => (await ask('GET', `/v1/transfers/${id}`)).body.state === 'done', { what: 'the import' })
    expect(await house.subjects(archiveId)).toEqual(['Letter 11', 'Letter 12', 'Letter 13'])
    // Removed at the provider once all of it is safe here.
    await until(async () => (await look()) && dovecot.count('drop', 'INBOX') === 0, { what: 'an empty maildrop' })
    expect(await house.subjects()).toEqual(letters.sort())
    await until(async () => (await problem()) === null, { what: 'a healthy account' })
  }, 120_000)

  /** Every state and problem of an account that is stored from now on, in their order. */
  const keepTold = async (dir: string) => {
    await inDatabase(
      dir,
      `CREATE TABLE told (n serial, state text, code text);
      CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO told (state, code) VALUES (NEW.state, NEW.problem ->> 'code'); RETURN NULL; END $$;
      CREATE TRIGGER told AFTER UPDATE OF state ON account FOR EACH ROW EXECUTE FUNCTION tell()`,
    )
    type Told = { state: string; code: string | null }
    return async () => (await inDatabase(dir, 'SELECT state, code FROM told ORDER BY n')) as Told[] // as made above
  }

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
