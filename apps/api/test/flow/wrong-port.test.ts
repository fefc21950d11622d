import type { CheckEvent } from '@postern/shared/accounts.ts'
import { afterEach, describe, expect, it } from 'vitest'
import { checkAccount } from '../../src/engine/check-account.ts'
import { type ScriptedImap, startScriptedImap } from '../support/scripted-imap.ts'

const banners: [string, string][] = [
  ['SMTP', '220 mx.example.org ESMTP ready'],
  ['POP3', '+OK POP3 ready <1.2@example.org>'],
  ['SSH', 'SSH-2.0-OpenSSH_9.6'],
  ['HTTP', 'HTTP/1.1 400 Bad Request'],
  ['FTP', '220 FTP server ready'],
]

/** Servers that greet in another protocol and then wait, as real ones do. */
describe('a port that speaks another protocol', () => {
  const servers: ScriptedImap[] = []
  const greeting = async (line?: string) => {
    const server = await startScriptedImap(
      line === undefined ? {} : { greeting: (socket) => socket.write(`${line}\r\n`) },
    )
    servers.push(server)
    return {
      host: '127.0.0.1',
      port: server.port,
      security: 'plain' as 'plain' | 'tls',
      username: 'u',
      pinnedFingerprint: null,
    }
  }
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop()
  })
  const failureOf = async (incoming: Awaited<ReturnType<typeof greeting>>, outgoing: typeof incoming | null = null) => {
    const events: CheckEvent[] = []
    const wanted = { address: 'u@example.org', name: '', kind: 'imap' as const, password: 'p', outgoingPassword: null }
    await checkAccount(
      {
        wanted: { ...wanted, incoming, outgoing },
        policy: { allowPrivate: true, privateHosts: [] },
        ca: undefined,
        until: 'login',
      },
      (event) => events.push(event),
    )
    return events.find(({ kind }) => kind === 'failed')
  }

  it.each(banners)('is named when it is %s where IMAP should be', async (name, line) => {
    expect(await failureOf(await greeting(line))).toMatchObject({
      server: 'incoming',
      code: 'connect.protocol',
      message: `This port speaks ${name}, not IMAP.`,
      hint: 'IMAP is usually at port 993 (TLS) or 143 (STARTTLS).',
    })
  })

  it.each([['IMAP', '* OK [CAPABILITY IMAP4rev1] ready'], ...banners.filter(([, line]) => !line.startsWith('220'))])(
    'is named when it is %s where SMTP should be',
    async (name, line) => {
      expect(await failureOf(await greeting(), await greeting(line))).toMatchObject({
        server: 'outgoing',
        code: 'connect.protocol',
        message: `This port speaks ${name}, not SMTP.`,
        hint: 'Sending is usually at port 465 (TLS) or 587 (STARTTLS).',
      })
    },
  )

  it('is told apart from one that only lacks TLS', async () => {
    const plain = await greeting()
    expect(await failureOf({ ...plain, security: 'tls' })).toMatchObject({
      code: 'tls.handshake',
      hint: expect.stringContaining('port 993'),
    })
    expect(await failureOf(plain, { ...plain, security: 'tls' })).toMatchObject({
      code: 'tls.handshake',
      hint: expect.stringContaining('port 465'),
    })
  })
})
