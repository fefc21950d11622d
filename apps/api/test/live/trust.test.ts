import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer, getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { trusting } from '#platform/trust.ts'
import { makeCertificate } from '../support/certificates.ts'

describe('an authority of one’s own', () => {
  const usual = getCACertificates('default')
  const folders = ['public', 'own', 'unknown'].map((name) => mkdtempSync(join(tmpdir(), `postern-${name}-`)))
  afterAll(() => {
    setDefaultCACertificates(usual)
    for (const folder of folders) rmSync(folder, { recursive: true })
  })
  /** Whether a server is trusted that shows the certificate in a folder. */
  const isTrusted = async (folder: string, ca: string | undefined): Promise<boolean> => {
    const server = createServer({
      key: readFileSync(join(folder, 'key.pem')),
      cert: readFileSync(join(folder, 'cert.pem')),
    })
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    const address = server.address()
    const port = typeof address === 'object' && address ? address.port : 0
    const socket = connect({
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      rejectUnauthorized: false,
      ...trusting(ca),
    })
    await new Promise<void>((done) => socket.once('secureConnect', done))
    const { authorized } = socket
    socket.destroy()
    server.close()
    return authorized
  }

  it('is trusted beside the usual ones, and nobody else is', async () => {
    const [publicly = '', own = ''] = folders.map((folder) => makeCertificate(folder))
    setDefaultCACertificates([publicly])
    const trusted = (ca?: string) => Promise.all(folders.map((folder) => isTrusted(folder, ca)))
    expect(await trusted()).toEqual([true, false, false])
    expect(await trusted(own)).toEqual([true, true, false])
    expect(trusting(own).secureContext).toBe(trusting(own).secureContext)
  })
})
