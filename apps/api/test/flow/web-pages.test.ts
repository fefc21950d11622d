import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore, type Store } from '#store/open-store.ts'
import { buildTestApp } from '../support/app-fixture.ts'
import { freshDatabase } from '../support/fresh-database.ts'

describe('the pages', () => {
  const webDir = mkdtempSync(join(tmpdir(), 'postern-pages-'))
  let database: Awaited<ReturnType<typeof freshDatabase>>
  let store: Store
  let app: FastifyInstance

  beforeAll(async () => {
    writeFileSync(join(webDir, 'index.html'), '<!doctype html><html><head></head><body></body></html>')
    writeFileSync(join(webDir, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
    database = await freshDatabase()
    store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 2 })
    app = await buildTestApp({ store, webDir })
  })
  afterAll(async () => {
    await app.close()
    await store.close()
    await database.drop()
    rmSync(webDir, { recursive: true })
  })
  const ask = (url: string, accept = '*/*', method: 'GET' | 'HEAD' = 'GET') =>
    app.inject({ method, url, headers: { host: 'localhost', ...(accept ? { accept } : {}) } })

  it('shows its page to whatever asks for the address alone, and an icon to browsers that look for one', async () => {
    for (const accept of ['*/*', 'text/html', ''])
      for (const method of ['GET', 'HEAD'] as const) {
        const { statusCode, headers } = await ask('/', accept, method)
        expect({ accept, statusCode, type: headers['content-type'] }).toEqual({
          accept,
          statusCode: 200,
          type: 'text/html; charset=utf-8',
        })
      }
    expect((await ask('/nothing.js')).statusCode).toBe(404)
    const icon = await ask('/favicon.ico')
    expect([icon.statusCode, icon.headers['content-type']]).toEqual([200, 'image/svg+xml'])
    expect((await ask('/docs/')).body).toContain('<title>Postern</title>')
  })
})
