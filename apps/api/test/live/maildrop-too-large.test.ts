import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { commit } from '#store/commit.ts'
import { wantRest } from '#store/maildrop-parts.ts'
import { answerOf, listing, refuse, startScriptedPop3 } from '../support/scripted-pop3.ts'
import { startMaildrops } from './maildrop-fixture.ts'

const mail = (n: number) => `From: ann@example.org\r\nSubject: Letter ${n}\r\n\r\nHello ${n}\r\n`
const huge = `From: zoe@example.org\r\nSubject: huge\r\n\r\n${`${'y'.repeat(70)}\r\n`.repeat(30_000)}`

describe('a mail in a maildrop that is larger than what is kept', () => {
  let drops: Awaited<ReturnType<typeof startMaildrops>>
  beforeAll(async () => {
    drops = await startMaildrops()
  })
  afterAll(() => drops.stop())
  const wish = <T>(work: Parameters<typeof commit<T>>[2]) => commit(drops.store, { kind: 'system' }, work)

  it('is not asked for whole, and keeps up none of the others', async () => {
    const server = await startScriptedPop3({
      mails: [1, 2].map(mail),
      on: { LIST: (socket) => socket.write(listing('1 300', '2 300000000')) },
    })
    const drop = await drops.open('largest', server.port)
    expect(await drop.look()).toMatchObject({ stored: 2, facts: { headersOnly: 1 } })
    const { messageId } = await drops.store.prisma.popLedger.findFirstOrThrow({
      where: { accountId: drop.accountId, isWhole: false },
    })
    await expect(wish((unit) => wantRest(unit, drop.accountId, messageId ?? 0n))).rejects.toMatchObject({
      code: 'message.too_large',
      message: expect.stringContaining('larger than 256 MB'),
      detail: { hint: expect.stringContaining('It stays at the provider') },
    })
    // Nor does one that was asked for before this was refused keep each look busy.
    await drops.store.prisma.popLedger.updateMany({ where: { messageId }, data: { wantsWhole: true } })
    expect(await drop.look()).toMatchObject({ stored: 0 })
    expect(server.said.filter((line) => line.startsWith('RETR'))).toEqual(['RETR 1'])
    expect(await drop.shown()).toEqual(['Letter 1', 'Letter 2'])
    await server.stop()
  })

  it.each(['nameless', 'named'])('is told with its size where nothing of it can be had: %s', async (user) => {
    const server = await startScriptedPop3({
      mails: [1, 2].map(mail),
      on: {
        CAPA: user === 'nameless' ? refuse('what?') : (socket) => socket.write(listing('USER', 'SASL PLAIN', 'UIDL')),
        ...(user === 'nameless' ? { UIDL: refuse('what?') } : {}),
        TOP: refuse('what?'),
        LIST: (socket) => socket.write(listing('1 300', '2 300000000')),
      },
    })
    const drop = await drops.open(user, server.port)
    const facts = { messages: 2, bytes: 300_000_300, tooLarge: { mails: 1, bytes: 300_000_000 } }
    expect(await drop.look()).toMatchObject({ stored: 1, facts })
    expect(await drop.facts()).toMatchObject(facts)
    expect(await drop.look({ settings: { policy: { kind: 'afterDownload' } } })).toMatchObject({
      removed: 1,
      facts: { messages: 1 },
    })
    expect(server.said.filter((line) => /^(RETR|DELE) 2/.test(line))).toEqual([])
    await server.stop()
  })

  it('comes by its header when more of it is sent than is kept, whatever size the server lists', async () => {
    const mails = [mail(1), huge, mail(2)]
    const server = await startScriptedPop3({
      mails,
      on: {
        LIST: (socket) => socket.write(listing('1 100', '2 100', '3 100')),
        TOP: (socket, args) => socket.write(answerOf(mails[Number.parseInt(args, 10) - 1]?.split('\r\n\r\n')[0] ?? '')),
      },
    })
    const drop = await drops.open('liar', server.port)
    const maxAnswerBytes = 1_000_000
    await expect(drop.look({ maxAnswerBytes })).rejects.toMatchObject({ code: 'message.too_large' })
    expect(await drop.look({ maxAnswerBytes })).toMatchObject({ stored: 2, facts: { headersOnly: 1 } })
    expect(await drop.look({ maxAnswerBytes })).toMatchObject({ stored: 0 })
    expect(await drop.shown()).toEqual(['Letter 1', 'Letter 2', 'huge'])
    expect(server.said.filter((line) => line === 'RETR 2')).toHaveLength(1)
    const { id } = await drops.store.prisma.message.findFirstOrThrow({
      where: { accountId: drop.accountId, subject: 'huge' },
    })
    await expect(wish((unit) => wantRest(unit, drop.accountId, id))).rejects.toMatchObject({
      code: 'message.too_large',
    })
    await server.stop()
  })
})
