import { describe, expect, it } from 'vitest'
import { AppError } from '#platform/errors.ts'
import { Secret } from '#platform/secret.ts'
import { usePop3 } from '#test/support/pop3-fixture.ts'
import { capable, type Deed, refuse, type Script } from '#test/support/scripted-pop3.ts'
import { unlisted } from './capabilities.ts'
import { type Credentials, planSignIn } from './mechanisms.ts'
import type { SessionOptions } from './open-session.ts'

const pop3 = usePop3()
/** Answers what was sent until somebody was in; a refusal says what was sent as well. */
const open = async (script: Script, more: Partial<SessionOptions> = {}) => {
  try {
    const { capabilities } = await pop3.open(script, more)
    return { said: pop3.said(), capabilities }
  } catch (error) {
    throw error instanceof AppError ? Object.assign(error, { said: pop3.said() }) : error
  }
}
const base64 = (text: string) => Buffer.from(text).toString('base64')
/** Asks these challenges one after the other, then answers `outcome`. */
const ask = (challenges: string[], outcome = '+OK'): Deed => {
  return (socket, _args, next) => {
    const [first, ...others] = challenges
    if (first === undefined) return socket.write(`${outcome}\r\n`)
    socket.write(`+ ${first}\r\n`)
    next(() => ask(others, outcome)(socket, '', next))
  }
}

describe('signing in', () => {
  it('by CRAM-MD5, as in the example of RFC 2195', async () => {
    const challenge = 'PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+'
    const { said } = await open({ on: { CAPA: capable('USER', 'SASL PLAIN CRAM-MD5'), AUTH: ask([challenge]) } })
    expect(said).toEqual(['CAPA', 'AUTH CRAM-MD5', 'dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw'])
  })

  it('by PLAIN, as in the example of RFC 4616, only after the server took the mechanism', async () => {
    const { said } = await open(
      { on: { CAPA: capable('SASL PLAIN'), AUTH: ask(['']) } },
      { username: 'tim', password: new Secret('tanstaaftanstaaf') },
    )
    expect(said).toEqual(['CAPA', 'AUTH PLAIN', base64('\0tim\0tanstaaftanstaaf')])
    expect(said[2]).toBe('AHRpbQB0YW5zdGFhZnRhbnN0YWFm')
  })

  it('by LOGIN, name before password whatever is asked', async () => {
    const { said } = await open({
      on: { CAPA: capable('SASL LOGIN'), AUTH: ask([base64('Username:'), base64('???')]) },
    })
    expect(said.slice(1)).toEqual(['AUTH LOGIN', base64('tim'), base64('tanstaaftanstaaf')])
  })

  it('by XOAUTH2, as in the example of Google', async () => {
    const { said } = await open(
      { on: { CAPA: capable('USER', 'SASL PLAIN XOAUTH2'), AUTH: ask(['']) } },
      {
        username: 'someuser@example.com',
        password: new Secret('ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg'),
        signInWith: 'accessToken',
      },
    )
    expect(said.slice(1)).toEqual([
      'AUTH XOAUTH2',
      'dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ==',
    ])
  })

  it('by an access token that is refused tells the reason of the error challenge, and answers it', async () => {
    const reason = '{"status":"401","schemes":"bearer","scope":"https://mail.example/"}'
    const opening = open(
      { on: { CAPA: capable('SASL XOAUTH2'), AUTH: ask(['', base64(reason)], '-ERR [AUTH] no') } },
      { password: new Secret('token'), signInWith: 'accessToken' },
    )
    await expect(opening).rejects.toMatchObject({
      code: 'login.failed',
      detail: { serverText: `no ${reason}` },
      said: ['CAPA', 'AUTH XOAUTH2', base64('user=tim\x01auth=Bearer token\x01\x01'), ''],
    })
  })

  it('by USER and PASS at a server without CAPA', async () => {
    expect((await open({ on: { CAPA: refuse('unknown command') } })).said).toEqual([
      'CAPA',
      'USER tim',
      'PASS tanstaaftanstaaf',
    ])
  })

  it('goes on to the next way when a mechanism is refused unseen, and stops at a refused password', async () => {
    const onlyUser = await open({
      on: { CAPA: capable('USER', 'SASL PLAIN LOGIN'), AUTH: refuse('no such mechanism') },
    })
    expect(onlyUser.said.slice(1)).toEqual(['AUTH PLAIN', 'AUTH LOGIN', 'USER tim', 'PASS tanstaaftanstaaf'])
    const refused = open({ on: { CAPA: capable('USER', 'SASL PLAIN LOGIN'), AUTH: ask([''], '-ERR wrong') } })
    await expect(refused).rejects.toMatchObject({
      code: 'login.failed',
      said: ['CAPA', 'AUTH PLAIN', base64('\0tim\0tanstaaftanstaaf')],
    })
    const tooCurious = open({ on: { CAPA: capable('SASL PLAIN'), AUTH: ask(['', 'bW9yZQ=='], '-ERR cancelled') } })
    await expect(tooCurious).rejects.toMatchObject({ code: 'login.failed' })
    expect(pop3.said().at(-1)).toBe('*')
  })

  it('asks for UTF-8 where it is offered, so that no mail is rewritten', async () => {
    const { said } = await open(
      { on: { CAPA: capable('USER', 'UTF8 USER'), UTF8: refuse('not now') } },
      { username: 'jürgen' },
    )
    expect(said).toEqual(['CAPA', 'UTF8', 'USER jürgen', 'PASS tanstaaftanstaaf'])
  })

  it('asks again what it may do where that depends on the person', async () => {
    const { said, capabilities } = await open({ on: { CAPA: capable('USER', 'EXPIRE 10 USER', 'LOGIN-DELAY 5') } })
    expect(said.at(-1)).toBe('CAPA')
    expect(capabilities.expire).toEqual({ afterDays: 10, differsByUser: true })
  })

  it('prefers by TLS: as it is under TLS, hashed without', () => {
    const credentials: Credentials = { username: 'a', secret: 'b', with: 'password' }
    const names = (mechanisms: string[], isEncrypted: boolean, user = true, isListed = true) =>
      planSignIn(credentials, { ...unlisted(), isListed, mechanisms, user }, isEncrypted).map(
        (way) => way?.name ?? 'USER',
      )
    expect(names(['CRAM-MD5', 'LOGIN', 'PLAIN'], true)).toEqual(['PLAIN', 'LOGIN', 'USER', 'CRAM-MD5'])
    expect(names(['CRAM-MD5', 'LOGIN', 'PLAIN'], false)).toEqual(['CRAM-MD5', 'PLAIN', 'LOGIN', 'USER'])
    expect(names(['GSSAPI'], true, false)).toEqual(['USER'])
    expect(names([], true, true, false)).toEqual(['USER'])
  })

  it.each(['a\r\nDELE 1', 'a\nb', 'a\rb', 'a\0b', 'a\x01b'])('sends nothing of %j', async (evil) => {
    for (const more of [{ username: evil }, { password: new Secret(evil) }])
      await expect(open({}, more)).rejects.toMatchObject({ code: 'request.invalid', said: [] })
  })

  it.each([
    ['[AUTH] no', 'login.failed'],
    ['Invalid login', 'login.failed'],
    ['[IN-USE] Mailbox is locked', 'mailbox.in_use'],
    ['maildrop already locked', 'mailbox.in_use'],
    ['Unable to lock mailbox', 'mailbox.in_use'],
    ['[LOGIN-DELAY] too soon', 'connect.throttled'],
    ['Exceeded the login limit for a 15 minute period. Reduce the frequency of requests.', 'connect.throttled'],
    ['[SYS/TEMP] disk', 'login.unavailable'],
    ['[SYS/PERM] gone for good', 'mailbox.broken'],
    ['Too many connections', 'connect.limit'],
    ['Your account is locked', 'login.failed'],
    ['[X-NEW] whatever', 'login.failed'],
  ])('means by "-ERR %s" %s', async (text, code) => {
    const on = { CAPA: capable('USER', 'LOGIN-DELAY 300'), PASS: refuse(text) }
    const error = await open({ on }).catch((caught: unknown) => caught)
    expect(error).toMatchObject({ code, detail: { serverText: text.replace(/^\[\S+\] /, '') } })
    if (/LOGIN-DELAY/.test(text)) expect(error).toMatchObject({ detail: { retryAfterMs: 300_000 } })
    // The same before the password was asked for, and as the greeting.
    if (/\[(IN-USE|SYS)/.test(text))
      await expect(open({ on: { ...on, USER: refuse(text) } })).rejects.toMatchObject({ code })
    if (/IN-USE|PERM/.test(text))
      await expect(open({ greeting: (socket) => socket.end(`-ERR ${text}\r\n`) })).rejects.toMatchObject({ code })
  })

  it('tells a way that needs encryption from a wrong password, and never repeats the password', async () => {
    const clear = refuse('[AUTH] Plaintext authentication disallowed on non-secure (SSL/TLS) connections.')
    const needsTls = open({ on: { CAPA: capable('USER', 'SASL PLAIN'), USER: clear, AUTH: clear } })
    await expect(needsTls).rejects.toMatchObject({
      code: 'tls.starttls_missing',
      said: ['CAPA', 'AUTH PLAIN', 'USER tim'],
    })
    const loud = open({ on: { CAPA: capable('USER'), PASS: refuse('not PASS tanstaaftanstaaf') } })
    await expect(loud).rejects.toMatchObject({ detail: { serverText: 'not PASS [secret]' } })
    const lost = open({
      on: {
        CAPA: capable('SASL PLAIN'),
        AUTH: (socket, _args, next) => {
          socket.write('+ \r\n')
          next((line) => socket.write(`-ERR unknown command ${line}\r\n`))
        },
      },
    })
    await expect(lost).rejects.toMatchObject({ detail: { serverText: 'unknown command [secret]' } })
    const noWay = open({ on: { CAPA: capable('SASL GSSAPI'), USER: refuse('what?') } }, { signInWith: 'accessToken' })
    await expect(noWay).rejects.toMatchObject({ code: 'login.method', said: ['CAPA'] })
  })
})

describe('STLS', () => {
  it('sends nothing but STLS to a server that refuses it', async () => {
    const opening = open({ on: { STLS: refuse('no') } }, { security: 'starttls' })
    await expect(opening).rejects.toMatchObject({ code: 'tls.starttls_missing', said: ['STLS'] })
  })

  it.each(['+OK\r\n+OK injected\r\n', '+OK begin\r\n.', '+OK\r\n\x16'])(
    'takes bytes behind %j for a fault',
    async (said) => {
      const opening = open({ on: { STLS: (socket) => socket.write(said) } }, { security: 'starttls' })
      await expect(opening).rejects.toMatchObject({
        code: 'tls.handshake',
        message: 'The server spoke out of turn while encryption was set up.',
        said: ['STLS'],
      })
    },
  )

  it('believes nothing that comes in clear instead of a handshake', async () => {
    const late: Deed = (socket) => {
      socket.write('+OK\r\n')
      // The first bytes of the handshake come next.
      socket.removeAllListeners('data').once('data', () => socket.write('+OK\r\n+OK\r\n'))
    }
    const opening = open({ on: { STLS: late } }, { security: 'starttls' })
    await expect(opening).rejects.toMatchObject({ code: 'tls.handshake', said: ['STLS'] })
  })
})
