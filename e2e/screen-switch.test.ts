import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { enterServer, expectAccessible, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** A POP3 account becomes an IMAP account, as a person does it. The tests go in order. */
let screen: Screen
let context: BrowserContext
let page: Page
let accountId: string

beforeAll(async () => {
  screen = await startScreen()
  const { dovecot } = screen
  dovecot.addUser('pat', 'mail password')
  for (let n = 1; n <= 40; n++)
    dovecot.deliver(
      'pat',
      'INBOX',
      `From: Zed <zed@example.org>\r\nTo: pat@example.org\r\nSubject: Number ${n}\r\nMessage-ID: <n${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello!\r\n`,
    )
  const answer = await screen.api('POST', '/v1/accounts', {
    address: 'pat@mail.invalid',
    kind: 'pop3',
    password: 'mail password',
    incoming: { host: 'localhost', port: dovecot.pop3sPort, security: 'tls', username: 'pat' },
  })
  accountId = ((await answer.json()) as { id: string }).id
  context = await screen.newContext()
  page = await screen.newPage(context)
})
afterAll(async () => screen?.stop())

const count = (mailbox: string) =>
  screen.dovecot.doveadm('search', '-u', 'pat', 'mailbox', mailbox, 'all').split('\n').filter(Boolean).length
const untilFilled = () =>
  until(
    async () => {
      const account = (await (await screen.api('GET', `/v1/accounts/${accountId}`)).json()) as { state: string }
      return account.state === 'watching'
    },
    { what: 'the first look' },
  )
const dialog = () => page.getByRole('dialog')

describe('a POP3 account', () => {
  it('is offered in place of the same mailbox by IMAP', async () => {
    await untilFilled()
    await page.goto(`${screen.base}/?account=${accountId}`)
    await rowOf(page, 'Number').waitFor()
    await page.goto(`${screen.base}/accounts/new`)
    await page.getByLabel('Mail address').fill('pat@mail.invalid')
    await page.getByRole('button', { name: 'Continue' }).click()
    await enterServer(page, { user: 'pat', port: screen.dovecot.imapsPort })
    await page.getByRole('button', { name: 'Test and add' }).click()
    await page.getByText('This mailbox is here already by POP3, as pat@mail.invalid.').waitFor()
    await page.getByRole('button', { name: 'Add it all the same' }).waitFor()
    await page.getByText('its mail is downloaded again and shown twice').waitFor()
    await expectAccessible(page)
    await picture(page, 'switch-exists')
    await page.getByRole('link', { name: 'Switch that account to IMAP' }).click()
    await dialog().getByRole('heading', { name: 'Switch pat@mail.invalid to IMAP' }).waitFor()
  })

  it('is not asked again for what was typed to add it, and forgets that with the dialog', async () => {
    const typed = async () => {
      await dialog().getByLabel('Server').waitFor()
      const labels = ['Server', 'Port', 'User name', 'Password']
      return Promise.all(labels.map((label) => dialog().getByLabel(label).inputValue()))
    }
    expect(await typed()).toEqual(['localhost', String(screen.dovecot.imapsPort), 'pat', 'mail password'])
    expect(page.url()).toBe(`${screen.base}/accounts/${accountId}#switch`)
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Switch to IMAP…' }).click()
    // Nothing is found for the address: its own host, at the other protocol's port.
    expect(await typed()).toEqual(['localhost', '993', 'pat', ''])
  })

  it('says what was refused, keeps what was typed, and points at what to change', async () => {
    screen.dovecot.addUser('quin', 'mail password')
    const typed = { Port: String(screen.dovecot.imapsPort), 'User name': 'quin', Password: 'mail password' }
    for (const [label, value] of Object.entries(typed)) await dialog().getByLabel(label).fill(value)
    await dialog().getByRole('button', { name: 'Switch to IMAP' }).click()
    const refusal = dialog().getByRole('alert')
    await refusal.getByText('The change to IMAP was refused, and nothing was changed.').waitFor()
    await refusal.getByText('it looks like another one').waitFor()
    await dialog().getByText('User name opens another mailbox, as far as can be told').waitFor()
    for (const [label, value] of Object.entries(typed))
      expect(await dialog().getByLabel(label).inputValue()).toBe(value)
    await expectAccessible(page)
    await picture(page, 'switch-refused')
    await dialog().getByLabel('User name').fill('pat')
    await dialog().getByLabel('Password').fill('')
  })

  it('says what will happen, tries the login, and changes with everything it has', async () => {
    await dialog().getByText('nothing is downloaded twice').waitFor()
    await dialog().getByText('All mail that is here was listed there at the last look.').waitFor()
    await dialog().getByText('is unread again').waitFor()
    await dialog().getByRole('button', { name: 'Switch to IMAP' }).click()
    await dialog().locator('input:focus[aria-invalid=true]').waitFor()
    await dialog().getByText('Password is needed to sign in at that server').waitFor()
    await dialog().getByLabel('Server').fill('localhost')
    await dialog().getByLabel('Port').fill(String(screen.dovecot.imapsPort))
    expect(await dialog().getByLabel('User name').inputValue()).toBe('pat')
    await dialog().getByLabel('Password').fill('wrong')
    await dialog().getByRole('button', { name: 'Switch to IMAP' }).click()
    await dialog().getByText('Check the name and the password.').first().waitFor()
    await expectAccessible(page)
    await picture(page, 'switch-dialog')
    // Something a person did meanwhile, of which the provider knows nothing.
    const list = (await (await screen.api('GET', `/v1/accounts/${accountId}/mailboxes`)).json()) as {
      mailboxes: { id: string; role: string | null }[]
    }
    const mailboxId = list.mailboxes.find(({ role }) => role === 'inbox')?.id
    const { rows } = (await (await screen.api('GET', `/v1/mailboxes/${mailboxId}/threads`)).json()) as {
      rows: { threadId: string }[]
    }
    await screen.api('POST', '/v1/commands', {
      id: crypto.randomUUID(),
      command: {
        kind: 'moveToRole',
        role: 'archive',
        target: { kind: 'threads', mailboxId, threadIds: rows.slice(0, 5).map(({ threadId }) => threadId) },
      },
    })
    await dialog().getByLabel('Password').fill('mail password')
    await dialog().getByRole('button', { name: 'Switch to IMAP' }).click()
    await dialog().getByText('Done. This account speaks IMAP now, with everything as it was.').waitFor()
    await dialog().getByRole('button', { name: 'Close' }).click()
    await until(async () => count('INBOX') === 35 && count('Archive') === 5, { what: 'the archive at the server' })
    await page.getByText('What happened').click()
    const sums = 'Changed from POP3 to IMAP: 40 mails found again at the provider.'
    await page.locator('td', { hasText: sums }).waitFor()
    await page.getByLabel('Change of protocol').getByText(sums).waitFor()
    await expectAccessible(page)
    await picture(page, 'switch-done')
    expect(await page.getByRole('button', { name: 'Switch to IMAP…' }).count()).toBe(0)
    expect(await page.getByRole('heading', { name: 'What stays where' }).count()).toBe(0)
    expect(await page.getByLabel('Port').first().inputValue()).toBe(String(screen.dovecot.imapsPort))
    expect(screen.problems).toEqual([])
  })
})
