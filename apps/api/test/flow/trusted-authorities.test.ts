import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createWebServer } from 'node:https'
import type { Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { egressFetch } from '#platform/egress.ts'
import { readAuthorities } from '#platform/trusted-authorities.ts'
import { openTls } from '#protocol/secure-socket.ts'
import { makeCertificate } from '../support/dovecot.ts'

/** Two servers: one by an authority that everybody trusts, one by that of CA_FILE. */
describe('with a CA_FILE', () => {
  const usual = getCACertificates('default')
  const dirs: string[] = []
  const servers: Server[] = []
  beforeAll(() => {
    for (let n = 0; n < 2; n++) dirs.push(mkdtempSync(join(tmpdir(), 'postern-ca-')))
    const [known = ''] = dirs.map(makeCertificate)
    setDefaultCACertificates([known])
  })
  afterAll(async () => {
    setDefaultCACertificates(usual)
    for (const server of servers) await new Promise((done) => server.close(done))
    for (const dir of dirs) rmSync(dir, { recursive: true })
  })
  const pairOf = (dir: string) => ({
    key: readFileSync(join(dir, 'key.pem')),
    cert: readFileSync(join(dir, 'cert.pem')),
  })
  const listen = async (server: Server): Promise<number> => {
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.address()
    return typeof address === 'object' && address ? address.port : 0
  }

  it('both kinds of servers are trusted, mail servers and web servers', async () => {
    const ca = await readAuthorities(join(dirs[1] ?? '', 'cert.pem'))
    for (const dir of dirs) {
      const port = await listen(createServer(pairOf(dir), (socket) => socket.end()))
      const endpoint = { host: 'localhost', address: '127.0.0.1', port, pinnedFingerprint: null, ca }
      await new Promise<void>((done, fail) => openTls(endpoint, done).on('error', fail))
      const webPort = await listen(createWebServer(pairOf(dir), (_request, response) => response.end('hello')))
      const limits = { maxBytes: 100, timeoutMs: 2000, maxRedirects: 0, accept: '*/*', allowHttp: false }
      const policy = { allowPrivate: true, privateHosts: [] }
      const fetched = await egressFetch(`https://localhost:${webPort}/`, { ...limits, policy, ca: ca ?? '' })
      expect(fetched.body.toString()).toBe('hello')
    }
  })

  it.each(['nothing of the kind', ''])('one that holds "%s" stops the start', async (content) => {
    const file = join(dirs[0] ?? '', 'odd.pem')
    writeFileSync(file, content)
    await expect(readAuthorities(file)).rejects.toMatchObject({ code: 'config.invalid' })
    await expect(readAuthorities(join(file, 'missing'))).rejects.toMatchObject({ code: 'config.invalid' })
  })
})
