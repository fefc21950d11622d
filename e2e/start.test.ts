import { spawn } from 'node:child_process'
import { readdirSync, statSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { leaveWill } from '../apps/api/test/support/last-will.ts'
import { until } from '../apps/api/test/support/until.ts'
import { processesIn } from './support/postern.ts'

const launcher = fileURLToPath(new URL('../scripts/start.mjs', import.meta.url))

describe('npm start, when everything is built', () => {
  let home: string
  beforeAll(async () => {
    home = await mkdtemp(join(tmpdir(), 'postern-launcher-'))
    // As root the database runs as somebody else.
    await chmod(home, 0o711)
  })
  afterAll(() => rm(home, { recursive: true, force: true }))

  it('builds nothing again, prints its address, is ready, and leaves no process behind', async () => {
    const data = join(home, 'data')
    const child = spawn(process.execPath, [launcher], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env.PATH,
        HOME: home,
        PORT: '0',
        DATA_DIR: data,
      },
    })
    const will = leaveWill(child.pid ?? 0, { folder: home })
    let printed = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        printed += chunk.toString()
      })
    const ended = new Promise<number | null>((done) => child.once('exit', done))
    const base = await until(async () => /http:\/\/127\.0\.0\.1:\d+/.exec(printed)?.[0], {
      what: 'the address',
      ms: 60_000,
    })
    expect(printed).not.toMatch(/Installing|Generating|Building/)
    expect(printed).toContain(`${base}/setup#code=`)
    expect((await fetch(`${base}/readyz`)).status).toBe(200)
    expect(await (await fetch(base, { headers: { accept: 'text/html' } })).text()).toContain('/_next/static/')
    expect(processesIn(data)).not.toEqual([])
    // The key lies outside the data, for its owner's eyes only.
    const keys = readdirSync(join(home, '.config/postern')).map((name) => join(home, '.config/postern', name))
    expect(keys.map((key) => statSync(key).mode & 0o777)).toEqual([0o400])
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
    will.revoke()
    expect(processesIn(data)).toEqual([])
  })
})
