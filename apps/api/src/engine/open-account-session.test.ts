import { describe, expect, it } from 'vitest'
import { AppError } from '#platform/errors.ts'
import { Secret } from '#platform/secret.ts'
import { explainLogin, hidesFetched } from './open-account-session.ts'

const password = new Secret('hunter2 canary')
const refused = (serverText = 'NO [AUTHENTICATIONFAILED] Invalid credentials') =>
  new AppError('login.failed', 'The server does not accept this name and password.', { serverText })

describe('a refused password', () => {
  it.each([
    ['imap.gmail.com', 'login.app_password'],
    ['imap.mail.yahoo.com', 'login.app_password'],
    ['imap.mail.me.com', 'login.app_password'],
    ['outlook.office365.com', 'login.no_passwords'],
    ['imap-mail.outlook.com', 'login.no_passwords'],
    ['mail.example.org', 'login.failed'],
    ['gmail.com.example.org', 'login.failed'],
  ])('means at %s: %s, with the words of the server kept', (host, code) => {
    const said = explainLogin(refused(), host, password)
    expect(said).toMatchObject({ code, detail: { serverText: refused().detail.serverText, hint: expect.any(String) } })
  })

  it.each([
    ['NO LOGIN ann "hunter2 canary" refused', 'NO LOGIN ann "[secret]" refused'],
    ['535 5.7.8 AUTH PLAIN AGFubgBodW50ZXIyIGNhbmFyeQ== refused', '535 5.7.8 AUTH PLAIN [secret] refused'],
    ['535 aHVudGVyMiBjYW5hcnk=: no', '535 [secret]: no'],
    ['NO [AUTHENTICATIONFAILED] YW5u', 'NO [AUTHENTICATIONFAILED] YW5u'],
  ])('is not repeated: %s', (serverText, expected) => {
    const said = explainLogin(refused(serverText), 'mail.example.org', password)
    expect(said.detail.serverText).toBe(expected)
  })

  it('is all that is explained', () => {
    const error = new AppError('connect.closed', 'The server closed the connection.')
    expect(explainLogin(error, 'imap.gmail.com', password)).toBe(error)
  })
})

describe('a maildrop that hides what was fetched', () => {
  it.each([
    ['pop.gmail.com', 'ann@gmail.com', true],
    ['POP.googlemail.com', 'ann', true],
    ['pop.gmail.com', 'recent:ann@gmail.com', false],
    ['pop.gmail.com.example.org', 'ann', false],
    ['mail.example.org', 'ann', false],
  ])('is at %s for %s: %s', (host, username, expected) => {
    expect(hidesFetched({ host, username })).toBe(expected)
  })
})
