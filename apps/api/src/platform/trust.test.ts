import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { afterAll, describe, expect, it } from 'vitest'
import { readAuthorities, trusting } from './trust.ts'

describe('the file of further authorities', () => {
  const dir = mkdtempSync(join(tmpdir(), 'postern-ca-'))
  const file = join(dir, 'ca.pem')
  afterAll(() => rmSync(dir, { recursive: true }))

  it('is read once it holds certificates, and one context serves all connections', async () => {
    writeFileSync(file, getCACertificates('bundled')[0] ?? '')
    const ca = await readAuthorities(file)
    expect(ca).toContain('BEGIN CERTIFICATE')
    expect(trusting(ca).secureContext).toBe(trusting(ca).secureContext)
    expect(trusting(ca).secureContext).not.toBe(trusting(undefined).secureContext)
    expect(await readAuthorities(null)).toBeUndefined()
  })

  it.each(['nothing of the kind', ''])('stops the start when it holds "%s" or is not there', async (content) => {
    writeFileSync(file, content)
    await expect(readAuthorities(file)).rejects.toMatchObject({ code: 'config.invalid' })
    await expect(readAuthorities(join(dir, 'missing'))).rejects.toMatchObject({ code: 'config.invalid' })
  })
})
