import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import { AppError } from '#platform/errors.ts'
import { Channel } from './channel.ts'

it('gives others their turn while a server sends as fast as is read', async () => {
  const stream = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() })
  const channel = new Channel(stream, 1000)
  const piece = Buffer.alloc(64 * 1024, 'x')
  for (let n = 0; n < 64; n++) stream.push(piece)
  stream.push('\r\n.\r\n')
  let bytes = 0
  const atTheirTurns: number[] = []
  const others = () => {
    atTheirTurns.push(bytes)
    turns = setImmediate(others)
  }
  let turns = setImmediate(others)
  for await (const content of channel.readBody(8 * 1024 * 1024, () => new AppError('internal', 'too much')))
    bytes += content.length
  clearImmediate(turns)
  stream.destroy()
  expect(bytes).toBe(64 * piece.length + 2)
  const between = atTheirTurns.map((at, n) => at - (atTheirTurns[n - 1] ?? 0))
  expect(Math.max(...between, bytes - (atTheirTurns.at(-1) ?? 0))).toBeLessThanOrEqual(256 * 1024)
})
