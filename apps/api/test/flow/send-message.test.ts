import { afterEach, describe, expect, it } from 'vitest'
import type { SmtpSession } from '#protocol/smtp/open-session.ts'
import { type Refusal, type Submission, type SubmissionEnd, sendMessage } from '#protocol/smtp/send-message.ts'
import { type ScriptedSmtp, type SmtpScript, signInAt, startScriptedSmtp } from '../support/scripted-smtp.ts'

describe('a mail on its way to a submission server', () => {
  const open: { server?: ScriptedSmtp; session?: SmtpSession } = {}
  afterEach(async () => {
    open.session?.destroy()
    await open.server?.stop()
  })
  const connect = async (script?: SmtpScript, extensions?: string[]) => {
    const server = await startScriptedSmtp(script, extensions)
    open.server = server
    const session = await signInAt(server)
    open.session = session
    return { server, session }
  }
  const header = 'From: ann@example.org\r\nSubject: x\r\n\r\n'
  const mail = (body: string, more: Partial<Submission> = {}): Submission => {
    const octets = Buffer.from(header + body)
    return {
      from: 'ann@example.org',
      to: ['bob@example.org', 'cy@example.org'],
      sizeBytes: octets.length,
      octets: (async function* () {
        for (let at = 0; at < octets.length; at += 20) yield octets.subarray(at, at + 20)
      })(),
      isUnicode: false,
      wantsReport: false,
      envelopeId: 'e1',
      ...more,
    }
  }
  /** What was durable when the end went out: [accepted, refused]. */
  const send = async (session: SmtpSession, submission: Submission) => {
    const commits: [string[], Refusal[]][] = []
    const end = await sendMessage(session, submission, async (accepted, refused) => {
      commits.push([[...accepted], refused])
    })
    return { end, commits }
  }

  it('arrives octet for octet, dots and long lines included', async () => {
    const { server, session } = await connect()
    const body = `.\r\n..\r\n.x\r\n${'y'.repeat(900)}\r\nend\r\n`
    const { end, commits } = await send(session, mail(body))
    expect(end).toMatchObject({ kind: 'accepted', reply: { code: 250, enhanced: '2.0.0' }, refused: [] })
    expect(commits).toEqual([[['bob@example.org', 'cy@example.org'], []]])
    expect(server.mails.map(({ from, to }) => [from, to])).toEqual([
      ['ann@example.org', ['bob@example.org', 'cy@example.org']],
    ])
    expect(server.mails[0]?.octets.toString()).toBe(header + body)
    await session.leave()
    expect(session.isOpen()).toBe(false)
  })

  it('goes in one write with all to whom it goes, and says what it may hold, where the server takes that', async () => {
    const envelope = async (more: Partial<Submission>, extensions?: string[]) => {
      const { server, session } = await connect(undefined, extensions)
      const before = server.written.length
      expect((await send(session, mail('hi\r\n', more))).end.kind).toBe('accepted')
      session.destroy()
      await server.stop()
      return server.written.slice(before).map((commands) => commands.replace(/ SIZE=\d+/, ''))
    }
    expect(await envelope({ to: ['jürgen@example.org', 'cy@example.org'], isUnicode: true })).toEqual([
      'MAIL FROM:<ann@example.org> SMTPUTF8 BODY=8BITMIME\r\nRCPT TO:<jürgen@example.org>\r\nRCPT TO:<cy@example.org>\r\nDATA\r\n',
    ])
    expect(await envelope({ to: ['bob@example.org'] }, ['8BITMIME', 'SMTPUTF8'])).toEqual([
      'MAIL FROM:<ann@example.org> BODY=8BITMIME\r\n',
      'RCPT TO:<bob@example.org>\r\n',
      'DATA\r\n',
    ])
  })

  it('asks for reports under a name by which they can be told apart, where the server gives any', async () => {
    const asked: string[] = []
    const { session } = await connect((step, argument) => {
      if (step === 'mail' || step === 'rcpt') asked.push(argument)
      return undefined
    })
    await send(session, mail('hi\r\n', { wantsReport: true, to: ['bob@example.org'] }))
    expect(asked.join(' ')).toMatch(/FROM:<ann@example.org>.* ENVID=e1\b.* TO:<bob@example.org>.*NOTIFY=/)
  })

  it('goes out without a sender, so that nothing can come back', async () => {
    const { server, session } = await connect()
    expect((await send(session, mail('hi\r\n', { from: '' }))).end.kind).toBe('accepted')
    expect(server.mails.map(({ from }) => from)).toEqual([''])
  })

  it('goes to those the server takes it for, and says who was refused', async () => {
    const { server, session } = await connect((step, to) =>
      step === 'rcpt' && to.includes('bob') ? { reply: '550 5.1.1 no such user' } : undefined,
    )
    const { end, commits } = await send(session, mail('hi\r\n'))
    const refused = [
      { address: 'bob@example.org', reply: { code: 550, enhanced: '5.1.1', text: '550 5.1.1 no such user' } },
    ]
    expect(end).toMatchObject({ kind: 'accepted', refused })
    expect(commits).toEqual([[['cy@example.org'], refused]])
    expect(server.mails.map(({ to }) => to)).toEqual([['cy@example.org']])
  })

  it('says at which step and for how long the server refuses it', async () => {
    for (const [step, stage] of [
      ['mail', 'sender'],
      ['rcpt', 'recipients'],
      ['data', 'sender'],
      ['end', 'committed'],
    ] as const)
      for (const code of [451, 554]) {
        const { server, session } = await connect((at) =>
          at === step ? { reply: `${code} 4.3.0 not now` } : undefined,
        )
        const { end, commits } = await send(session, mail('hi\r\n'))
        expect(end, `${step} ${code}`).toMatchObject({ kind: 'refused', stage, reply: { code } })
        expect(commits.length, step).toBe(step === 'end' ? 1 : 0)
        expect(server.mails.length, step).toBe(step === 'end' ? 1 : 0)
        open.session?.destroy()
        await server.stop()
      }
  })

  it('is lost before its end where the connection breaks before, and in doubt after', async () => {
    for (const [step, stage] of [
      ['mail', 'sender'],
      ['rcpt', 'sender'],
      ['data', 'sender'],
      ['end', 'committed'],
    ] as const)
      for (const turn of ['cut', 'silent'] as const) {
        const { server, session } = await connect((at) => (at === step ? turn : undefined))
        const { end } = await send(session, mail('hi\r\n'))
        expect(end, `${step} ${turn}`).toMatchObject({ kind: 'lost', stage })
        await server.stop()
      }
  })

  it('is not in doubt where the connection broke while its text was on the way', async () => {
    let release: () => void = () => undefined
    const { server, session } = await connect((step) => (step === 'content' ? 'cut' : undefined))
    let commits = 0
    const slow = mail('', {
      octets: (async function* () {
        yield Buffer.from(header)
        await new Promise<void>((done) => {
          release = done
          session.smtp.once('end', done)
        })
        yield Buffer.from('hi\r\n')
      })(),
    })
    const end = await sendMessage(session, slow, async () => {
      commits++
    })
    release()
    expect(end).toMatchObject({ kind: 'lost', stage: 'content' })
    expect([server.mails.length, commits]).toEqual([0, 0])
  })

  it('gets no end where it may not be committed', async () => {
    const { server, session } = await connect()
    const refused = sendMessage(session, mail('hi\r\n'), () => Promise.reject(new Error('the lease is lost')))
    await expect(refused).rejects.toThrow('the lease is lost')
    await server.stop()
    expect(server.mails).toEqual([])
    expect(server.broken.length).toBe(1)
    expect(server.broken[0]?.toString()).not.toContain('hi\r\n')
  })

  it('gets no end when less is here than there should be', async () => {
    const { server, session } = await connect()
    await expect(send(session, mail('hi\r\n', { sizeBytes: 5000 }))).rejects.toMatchObject({ code: 'message.gone' })
    await server.stop()
    expect(server.mails).toEqual([])
  })

  it('is not sent at all where the server said before that it cannot take it', async () => {
    const { server, session } = await connect()
    await expect(send(session, mail('hi\r\n', { sizeBytes: 1_000_001 }))).rejects.toMatchObject({
      code: 'message.too_large',
    })
    expect((await send(session, mail('hi\r\n', { to: ['jürgen@example.org'], isUnicode: true }))).end.kind).toBe(
      'accepted',
    )
    open.session?.destroy()
    await server.stop()
    const plain = await connect(undefined, ['8BITMIME'])
    await expect(
      send(plain.session, mail('hi\r\n', { to: ['jürgen@example.org'], isUnicode: true })),
    ).rejects.toMatchObject({ code: 'request.invalid' })
    // Without PIPELINING and SIZE all the same.
    const { end }: { end: SubmissionEnd } = await send(plain.session, mail('hi\r\n'))
    expect(end.kind).toBe('accepted')
    expect(plain.server.mails.length).toBe(1)
  })
})
