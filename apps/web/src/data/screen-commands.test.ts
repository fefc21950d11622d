import { describe, expect, it } from 'vitest'
import { commandIds, commandKeys, commandOfKey, keysOf } from './screen-commands.ts'

describe('keys', () => {
  it('mean one command each', () => {
    const all = commandIds.flatMap((id) => [...commandKeys[id]])
    expect(new Set<string>(all).size).toBe(all.length)
  })
  it('that were chosen replace the usual ones, and are taken from whoever had them', () => {
    const chosen = { archive: 'y', trash: 'e' }
    expect(keysOf('archive', chosen)).toEqual(['y'])
    expect(commandOfKey('e', chosen)).toBe('trash')
    expect(commandOfKey('#', chosen)).toBeUndefined()
  })
  it('of another command stay with the person when they were given away', () => {
    expect(commandOfKey('s', { archive: 's' })).toBe('archive')
    expect(keysOf('star', { archive: 's' })).toEqual([])
  })
})
