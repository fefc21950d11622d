import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from './secret.ts'
import { deriveKey, newDataKey, open, openMasterKey, seal } from './secret-box.ts'

const place = { table: 'account', column: 'credential', rowId: '7', userId: '1' }

describe('the secret box', () => {
  it('opens what it sealed', () => {
    const key = newDataKey()
    expect(open(key, seal(key, Buffer.from('pässword'), place), place).toString()).toBe('pässword')
  })

  it('opens nothing that was moved to another row, user or column, altered, or sealed by another key', () => {
    const key = newDataKey()
    const sealed = seal(key, Buffer.from('x'), place)
    for (const other of [
      { ...place, rowId: '8' },
      { ...place, userId: '2' },
      { ...place, column: 'outgoing_credential' },
    ])
      expect(() => open(key, sealed, other)).toThrow(/cannot be opened/)
    for (let at = 0; at < sealed.length; at++) {
      const altered = Uint8Array.from(sealed)
      altered[at] = (altered[at] ?? 0) ^ 1
      expect(() => open(key, altered, place)).toThrow(/cannot be opened/)
    }
    expect(() => open(newDataKey(), sealed, place)).toThrow(/cannot be opened/)
  })

  it('derives the same key for a purpose each time, and another for another purpose or master key', () => {
    const key = newDataKey()
    expect(deriveKey(key, 'a')).toEqual(deriveKey(key, 'a'))
    for (const other of [deriveKey(key, 'b'), deriveKey(newDataKey(), 'a'), key])
      expect(other).not.toEqual(deriveKey(key, 'a'))
  })

  it('makes the master key once, readable by its owner only, and refuses one that others may read', () => {
    const dir = mkdtempSync(join(tmpdir(), 'postern-key-'))
    const path = join(dir, 'deep', 'master.key')
    const key = openMasterKey(path)
    expect(openMasterKey(path)).toEqual(key)
    expect(statSync(path).mode & 0o777).toBe(0o400)
    chmodSync(path, 0o644)
    expect(() => openMasterKey(path)).toThrow(/Others may read/)
    rmSync(dir, { recursive: true })
  })
})

describe('a secret', () => {
  it('never prints itself', () => {
    const secret = new Secret('hunter2')
    expect(`${secret} ${JSON.stringify({ secret })} ${inspect({ secret })}`).not.toContain('hunter2')
    expect(secret.reveal()).toBe('hunter2')
  })
})
