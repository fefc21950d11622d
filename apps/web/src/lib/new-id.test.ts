import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { newId } from './new-id.ts'

describe('an id made by the browser', () => {
  afterEach(() => vi.unstubAllGlobals())
  it('is a UUID of version 4, another one each time, and needs no secure address', () => {
    vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) })
    const ids = Array.from({ length: 100 }, newId)
    for (const id of ids) expect(z.uuidv4().safeParse(id).success).toBe(true)
    expect(new Set(ids).size).toBe(100)
  })
})
