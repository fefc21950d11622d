import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const names = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]).sort()

describe('.env.example', () => {
  it('lists exactly the variables the program reads', () => {
    const example = names(readFileSync('.env.example', 'utf8'), /^([A-Z_]+)=/gm).filter((name) => name !== 'CORPUS_DIR')
    const read = names(readFileSync('apps/api/src/config.ts', 'utf8'), /^ {2}([A-Z_]+): z/gm)
    expect(read.length).toBeGreaterThan(8)
    expect(example).toEqual(read)
  })
})
