import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { enterServer, expectAccessible, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

let screen: Screen

beforeAll(async () => {
  screen = await startScreen()
})
afterAll(async () => screen?.stop())

describe('a disconnected account', () => {
  it('is named when its mailbox is added by the other protocol, and taken up by that one with what it holds', async () => {
    const { dovecot, base, api } = screen
    dovecot.addUser('pat', 'mail password')
    for (const n of [1, 2])
      dovecot.deliver(
        'pat',
        'INBOX',
        `From: zed@example.org\r\nSubject: Number ${n}\r\nMessage-ID: <${n}@x>\r\n\r\nHello!\r\n`,
      )
    const incoming = { host: 'localhost', port: dovecot.pop3sPort, security: 'tls', username: 'pat' }
    const pat = { address: 'pat@mail.invalid', kind: 'pop3', password: 'mail password', incoming }
    const { id } = (await (await api('POST', '/v1/accounts', pat)).json()) as { id: string }
    const state = async () => ((await (await api('GET', `/v1/accounts/${id}`)).json()) as { state: string }).state
    await until(async () => (await state()) === 'watching', { what: 'the first look' })
    await api('DELETE', `/v1/accounts/${id}?mode=disconnect`)

    const page = await screen.newPage(await screen.newContext())
    await page.goto(`${base}/settings/accounts`)
    const list = page.getByRole('region', { name: 'Disconnected accounts' })
    await list.getByText(/POP3 · 2 mails/).waitFor()
    await expectAccessible(page)
    await picture(page, 'disconnected')

    await page.goto(`${base}/accounts/new`)
    await page.getByLabel('Mail address').fill('pat@mail.invalid')
    await page.getByRole('button', { name: 'Continue' }).click()
    await enterServer(page, { user: 'pat', port: dovecot.imapsPort })
    await page.getByRole('button', { name: 'Test and add' }).click()
    await page.getByText('that account is disconnected, and its mail is kept').waitFor()
    await page.getByText('Added all the same, it begins empty').waitFor()
    await page.getByRole('link', { name: 'Take up that account again…' }).click()
    expect(await page.getByLabel('Protocol').inputValue()).toBe('imap')
    expect(await page.getByLabel('Port').inputValue()).toBe(String(dovecot.imapsPort))
    await expectAccessible(page)
    await picture(page, 'connect-again')
    await page.getByRole('button', { name: 'Connect again' }).click()
    await page.waitForURL(`${base}/?account=${id}`)
    await rowOf(page, 'Number').waitFor()
  })
})
