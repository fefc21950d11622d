import { Duplex } from 'node:stream'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AppError } from '#platform/errors.ts'
import { Secret } from '#platform/secret.ts'
import { contentOf } from '#test/support/pop3-fixture.ts'
import { answerOf, listing } from '#test/support/scripted-pop3.ts'
import { parseCapabilities, readCapabilities, unlisted } from './capabilities.ts'
import { Channel } from './channel.ts'
import { listMaildrop } from './list-maildrop.ts'
import { MultiLineDecoder } from './multi-line.ts'
import { type Pop3Session, sessionOver } from './open-session.ts'
import { type Retrieved, retrieveMessages, retrieveTops } from './retrieve-messages.ts'
import { signIn } from './sign-in.ts'

/** A server that answers the first command with exactly these segments, one after the other; a null closes. */
const segmented = (segments: (Buffer | null)[]): Pop3Session => {
  let hasBegun = false
  const stream = new Duplex({
    read: () => undefined,
    write: (_bytes, _encoding, done) => {
      done()
      if (hasBegun) return
      hasBegun = true
      const pushNext = (at: number) => {
        const segment = segments[at]
        if (segment === undefined || stream.destroyed) return
        stream.push(segment)
        setImmediate(pushNext, at + 1)
      }
      setImmediate(pushNext, 0)
    },
  })
  return sessionOver(new Channel(stream, 5000), { ...unlisted(), pipelining: true, top: true })
}

const contentsOf = async (run: AsyncGenerator<Retrieved>): Promise<string[]> => {
  const all: string[] = []
  for await (const found of run)
    all.push(found.kind === 'message' ? await contentOf(found.content) : `refused: ${found.error.detail.serverText}`)
  return all
}

const odd =
  'A: 1\r\n\r\n.\r\n..\r\n.x\r\n\r\n\n.\r\n\n.\n\r.\r\n\r\r\n.\r.\r\n8-bit \xe9\xff NUL \0\r\n+OK\r\n-ERR no\r\nlast.\r\n'
const mails = [odd, '', '\r\n', '.\r\n', 'B: no end', '\r\r\n.\r']
const sent = mails.map((mail) => (mail === '' || mail.endsWith('\r\n') ? mail : `${mail}\r\n`))
const answers = (list: string[]) => Buffer.concat(list.map((mail) => answerOf(Buffer.from(mail, 'latin1'))))
const numbers = mails.map((_, i) => i + 1)
const stat = '+OK 4 4294967616\r\n'
const uidl = listing('1 a.b', '2 .', '3 ..x~', '4 000000a14b2c3d4e')
const list = listing('1 100', '2 100 more', '3 120', '4 4294967296')
const capa = listing('TOP', 'UIDL', 'SASL PLAIN XOAUTH2', 'EXPIRE 30 USER', 'LOGIN-DELAY 60', 'IMPLEMENTATION Old .dot')
const maildrop = {
  stated: { messages: 4, sizeBytes: 4_294_967_616 },
  entries: [
    { number: 1, uniqueId: 'a.b', sizeBytes: 100 },
    { number: 2, uniqueId: '.', sizeBytes: 100 },
    { number: 3, uniqueId: '..x~', sizeBytes: 120 },
    { number: 4, uniqueId: '000000a14b2c3d4e', sizeBytes: 4_294_967_296 },
  ],
}

const signInSomebody = ({ channel }: Pop3Session): Promise<void> =>
  signIn(
    channel,
    { ...unlisted(), mechanisms: ['CRAM-MD5'] },
    { username: 'ann', password: new Secret('secret'), isEncrypted: false },
  )

type Kind = {
  before: string
  answer: Buffer
  after: string
  run: (session: Pop3Session) => Promise<unknown>
  expected: unknown
}
const kinds: Record<string, Kind> = {
  RETR: {
    before: '',
    answer: answers(mails),
    after: '-ERR gone\r\n',
    run: (session) => contentsOf(retrieveMessages(session, [...numbers, 7])),
    expected: [...sent, 'refused: gone'],
  },
  TOP: {
    before: '-ERR not this one\r\n',
    answer: answers(mails),
    after: '',
    run: (session) => contentsOf(retrieveTops(session, [7, ...numbers], { lines: 0 })),
    expected: ['refused: not this one', ...sent],
  },
  UIDL: { before: stat, answer: Buffer.from(uidl), after: list, run: listMaildrop, expected: maildrop },
  LIST: { before: stat + uidl, answer: Buffer.from(list), after: '', run: listMaildrop, expected: maildrop },
  CAPA: {
    before: '',
    answer: Buffer.from(capa),
    after: '',
    run: ({ channel }) => readCapabilities(channel),
    expected: parseCapabilities([
      'TOP',
      'UIDL',
      'SASL PLAIN XOAUTH2',
      'EXPIRE 30 USER',
      'LOGIN-DELAY 60',
      'IMPLEMENTATION Old .dot',
    ]),
  },
}

describe('every cut of the byte stream', () => {
  it.each(Object.keys(kinds))('of an answer to %s gives the same', async (name) => {
    const { before, answer, after, run, expected } = kinds[name] ?? expect.fail(name)
    const whole = Buffer.concat([Buffer.from(before), answer, Buffer.from(after)])
    const [from, to] = [before.length, before.length + answer.length]
    const cuts = Array.from({ length: to - from + 1 }, (_, at) => [
      whole.subarray(0, from + at),
      whole.subarray(from + at),
    ])
    const ways = [...cuts, [whole], Array.from(whole, (byte) => Buffer.of(byte))]
    let exact = 0
    for (const segments of ways) {
      const session = segmented(segments.filter(({ length }) => length > 0))
      expect(await run(session), `cut at ${segments[0]?.length}`).toEqual(expected)
      expect(session.isOpen()).toBe(true)
      session.destroy()
      exact++
    }
    console.log(`${name}: ${exact} of ${ways.length} exact (${cuts.length} cuts in two, whole, byte by byte)`)
    expect(exact).toBe(answer.length + 3)
    expect(exact).toBeGreaterThanOrEqual(45)
  })

  it('of any bytes in any pieces gives what was stored', () => {
    const byte = fc.constantFrom(...Buffer.from('\r\n..\r\nx\0\xff', 'latin1'))
    const mail = fc.oneof(
      fc.array(byte, { maxLength: 60 }),
      fc.uint8Array({ maxLength: 60 }).map((bytes) => [...bytes]),
    )
    fc.assert(
      fc.property(mail, fc.array(fc.nat(100), { maxLength: 12 }), (bytes, places) => {
        const stored = Buffer.from(bytes)
        const answer = answerOf(stored).subarray('+OK\r\n'.length)
        const behind = Buffer.from('+OK next\r\n')
        const all = Buffer.concat([answer, behind])
        const marks = [0, ...places.map((place) => place % all.length).sort((a, b) => a - b), all.length]
        const decoder = new MultiLineDecoder()
        let content = ''
        let used = 0
        for (let i = 1; i < marks.length; i++) {
          const step = decoder.push(all.subarray(marks[i - 1], marks[i]))
          content += step.content.toString('latin1')
          used += step.used
        }
        const text = stored.toString('latin1')
        expect(content).toBe(text === '' || text.endsWith('\r\n') ? text : `${text}\r\n`)
        expect([decoder.isEnded, used]).toEqual([true, answer.length])
      }),
      { numRuns: 2000 },
    )
  })

  it('of dots that nobody doubled takes one away, as it does of those that were', () => {
    for (const cut of Array.from({ length: 14 }, (_, at) => at)) {
      const answer = Buffer.from('.x\r\n.\ry\r\n.\r\n')
      const decoder = new MultiLineDecoder()
      const pieces = [answer.subarray(0, cut), answer.subarray(cut)].map((piece) => decoder.push(piece).content)
      expect([Buffer.concat(pieces).toString(), decoder.isEnded]).toEqual(['x\r\n\ry\r\n', true])
    }
  })

  it('of noise ends in an answer or in an error of ours, and never hangs', async () => {
    const word = fc.constantFrom(
      '+OK',
      '-ERR',
      '+ ',
      ' ',
      '1',
      '2 ',
      '\r\n',
      '\r\n',
      '.\r\n',
      '\n',
      '\0',
      '[IN-USE]',
      '\xff',
    )
    const runs = [...Object.values(kinds).map(({ run }) => run), signInSomebody]
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...runs), fc.array(word, { maxLength: 40 }), async (run, words) => {
        const session = segmented([Buffer.from(words.join(''), 'latin1'), null])
        try {
          await run(session)
        } catch (error) {
          expect(error).toBeInstanceOf(AppError)
        } finally {
          session.destroy()
        }
      }),
      { numRuns: 3000 },
    )
  })
})
