import { expect, it } from 'vitest'
import { allocateShared, ReusedMemory } from './reused-memory.ts'

const put = (memory: ReusedMemory, ...pieces: string[]): Buffer => {
  for (const piece of pieces) memory.add(Buffer.from(piece))
  return memory.close()
}

it.each([
  ['of its own', Buffer.allocUnsafeSlow],
  ['of all threads', allocateShared],
])('contents in memory %s stay as they are while it grows, until it is used again', (_, allocate) => {
  const memory = new ReusedMemory(1024 * 1024, allocate)
  const large = 'x'.repeat(50_000)
  const contents = [put(memory, 'one ', 'mail'), put(memory), put(memory, large, large, large), put(memory, 'the last')]
  expect(contents.map(String)).toEqual(['one mail', '', large + large + large, 'the last'])
  memory.reuse()
  expect(put(memory, 'again').buffer).toBe(contents[3]?.buffer)
})

it('takes more than was said', () => {
  const memory = new ReusedMemory(10)
  expect(`${put(memory, 'x'.repeat(70_000))}`).toHaveLength(70_000)
  expect(`${put(memory, 'y'.repeat(70_000), 'z')}`).toBe(`${'y'.repeat(70_000)}z`)
})

it('forgets what was dropped, and nothing before it', () => {
  const memory = new ReusedMemory(1024)
  const kept = put(memory, 'kept')
  memory.add(Buffer.from('broken off'))
  memory.drop()
  expect([`${put(memory, 'next')}`, `${kept}`]).toEqual(['next', 'kept'])
})
