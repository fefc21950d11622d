import { afterEach, describe, expect, it } from 'vitest'
import { createLogger } from '#platform/logger.ts'
import { until } from '../../test/support/until.ts'
import { BodyReader, type ReadLimits, readLimits } from './body-reader.ts'
import type { PartsToRead } from './read-body.ts'

const mailOf = (id: number, text: string, charset = 'utf-8'): PartsToRead => ({
  facts: { messageId: BigInt(id), receivedAt: new Date(0), subject: 'Hello', people: [], sizeBytes: 10n },
  plan: {
    textParts: [
      {
        path: '1',
        type: 'text/plain',
        encoding: '8bit',
        charset,
        size: text.length,
        filename: null,
        disposition: null,
        contentId: null,
      },
    ],
    reportParts: [],
    others: [],
  },
  parts: new Map([['1', Buffer.from(text)]]),
})
/** Chinese in runs of one character: seconds of work, and much memory for a little text. */
const shifting = (id: number) => mailOf(id, '~{ab~}'.repeat(300_000), 'hz-gb-2312')

describe('reading bodies in a thread', () => {
  let reader: BodyReader
  const open = (limits: Partial<ReadLimits> = {}) => {
    reader = new BodyReader(createLogger({ level: 'silent' }), { ...readLimits, ...limits })
    return reader
  }
  afterEach(() => reader.close())

  it('reads what can be read and names what gave nothing', async () => {
    const empty = mailOf(2, '')
    const { columns, unread, overran } = await open().readParts([mailOf(1, 'good day'), empty, mailOf(3, 'good night')])
    expect(columns.messageIds).toEqual(['1', '3'])
    expect(Buffer.from(columns.columns.text).toString('latin1')).toMatch(/good day.*good night/s)
    expect([unread, overran]).toEqual([[empty], []])
  })

  it.each([
    ['time', { looks: 40, lookEveryMs: 5, heapMb: 1024 }],
    ['memory', { heapMb: 40 }],
  ])('gives up a mail that takes too much %s, reads the others, and goes on afterwards', async (_what, limits) => {
    const hostile = shifting(2)
    const first = await open(limits).readParts([mailOf(1, 'before'), hostile, mailOf(3, 'after')])
    expect(first.columns.messageIds).toEqual(['1', '3'])
    expect(first.overran).toEqual([hostile])
    expect((await reader.readParts([mailOf(4, 'later')])).columns.messageIds).toEqual(['4'])
  })

  /** Takes more than 48 MB, and less than 96; a start takes some 24 on a machine that is slow to collect. */
  const hostileSource = `Content-Type: text/html\r\n\r\n${'<b>'.repeat(5_000_000)}`
  it('shows a source as it is when even our own parser takes too much', async () => {
    const { facts } = mailOf(1, '')
    const { columns } = await open({ heapMb: 40 }).readSource(facts, Buffer.from(hostileSource), true)
    expect(Buffer.from(columns.state).toString()).toContain('salvaged')
    expect(Buffer.from(columns.text).toString()).toContain('<b><b>')
  })

  const source = (id: number, text: string) => ({ facts: mailOf(id, '').facts, source: Buffer.from(text) })
  const textsOf = (columns: { columns: { text: Uint8Array } }[]) =>
    columns.map((of) => Buffer.from(of.columns.text).toString('latin1')).join()

  it('reads sources as they came, and shows one that takes too much from its beginning', async () => {
    const columns = await open({ heapMb: 40 }).readSources([
      source(1, 'Subject: a\r\n\r\ngood day'),
      source(2, hostileSource),
      source(3, 'Subject: b\r\n\r\ngood night'),
    ])
    expect(columns.flatMap(({ messageIds }) => messageIds).sort()).toEqual(['1', '2', '3'])
    expect(textsOf(columns)).toMatch(/good day/)
    expect(textsOf(columns)).toMatch(/good night/)
    expect(textsOf(columns)).toMatch(/<b><b>/)
  })

  it('reads one mail piece by piece, and the next one anew when it was too much', async () => {
    async function* pieces(text: string) {
      for (let at = 0; at < text.length; at += 65_536) yield Buffer.from(text.slice(at, at + 65_536))
    }
    const { facts } = mailOf(1, '')
    open({ heapMb: 40 })
    const hostile = await reader.readPieces(facts, pieces(hostileSource))
    expect(Buffer.from(hostile.columns.state).toString()).toContain('salvaged')
    const honest = await reader.readPieces(facts, pieces(`Subject: c\r\n\r\n${'good day '.repeat(20_000)}`))
    expect(Buffer.from(honest.columns.state).toString()).toContain('ready')
    expect(textsOf([honest])).toContain('good day')
  })

  it('runs only while there is something to read', async () => {
    open({ restMs: 20 })
    expect(reader.isRunning).toBe(false)
    await reader.readParts([mailOf(1, 'good day')])
    await until(async () => !reader.isRunning, { what: 'the end of the thread' })
    expect((await reader.readParts([mailOf(2, 'good night')])).columns.messageIds).toEqual(['2'])
  })
})
