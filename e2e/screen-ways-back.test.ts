import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { openBy } from './support/compose.ts'
import { type Outgoing, startOutgoing } from './support/outgoing.ts'
import { expectAccessible, openInbox, rowOf, type Screen, startScreen } from './support/screen.ts'

let screen: Screen
let smtp: Outgoing
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  screen.dovecot.addUser('pat', 'mail password')
  page = await screen.newPage(await screen.newContext())
  await openInbox(page, screen.base)
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

describe('the way back', () => {
  it('of the wizard keeps what was answered for the same address only', async () => {
    await page.goto(`${screen.base}/accounts/new`)
    const lookUp = async (address: string) => {
      await page.getByLabel('Mail address').fill(address)
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByRole('group', { name: 'How mail comes here' }).waitFor()
    }
    const back = () => page.getByRole('button', { name: 'Back' }).click()
    const policy = page.getByLabel('At the provider')
    await lookUp('somebody@gmail.com')
    await page.getByText('Three questions to find out what suits you').click()
    await page
      .getByRole('group', { name: 'How many other devices' })
      .getByRole('radio', { name: 'One or none' })
      .check()
    await page.getByRole('radio', { name: 'No', exact: true }).first().check()
    expect(await policy.inputValue()).toBe('afterDownload')
    await page.getByLabel('Password').first().fill('of the first')
    await back()
    await lookUp('somebody@gmail.com')
    expect(await policy.inputValue()).toBe('afterDownload')
    await back()
    await lookUp('other@gmail.com')
    expect(await page.getByRole('radio', { name: 'IMAP' }).isChecked()).toBe(true)
    expect(await page.getByLabel('Password').first().inputValue()).toBe('')
    await page.getByRole('radio', { name: 'POP3' }).check()
    expect(await policy.inputValue()).toBe('keep')
  })

  it('of the page of an account leads to where one came from, and asks about what is not saved', async () => {
    const { dovecot, api, base } = screen
    const incoming = { host: 'localhost', port: dovecot.pop3sPort, security: 'tls', username: 'pat' }
    const pat = { address: 'pat@mail.invalid', kind: 'pop3', password: 'mail password', incoming }
    const { id } = (await (await api('POST', '/v1/accounts', pat)).json()) as { id: string }
    await openInbox(page, base)
    await page.getByRole('link', { name: /^Travel/ }).click()
    await page.getByRole('heading', { name: /^Travel/ }).waitFor()
    const to = page.getByRole('link', { name: 'Account settings: pat@mail.invalid' })
    await to.focus()
    await page.keyboard.press('Enter')
    const form = page.getByRole('form', { name: 'What stays where' })
    const back = page.getByRole('link', { name: 'Back' })
    await form.waitFor()
    await back.click()
    await page.getByRole('heading', { name: /^Travel/ }).waitFor()
    await to.focus()
    await page.keyboard.press('Enter')
    await form.getByLabel('At the provider').selectOption('Keep only the newest')
    await back.click()
    const asked = page.getByRole('dialog', { name: 'Discard what you changed?' })
    await asked.waitFor()
    await expectAccessible(page)
    await asked.getByRole('button', { name: 'Keep editing' }).click()
    expect(await form.getByLabel('At the provider').inputValue()).toBe('newest')
    // Put back as it was there is nothing to ask about.
    await form.getByLabel('At the provider').selectOption('Keep everything')
    await form.getByLabel('At the provider').selectOption('Keep only the newest')
    await back.click()
    await asked.getByRole('button', { name: 'Discard' }).click()
    await page.getByRole('heading', { name: /^Travel/ }).waitFor()
    await page.goto(`${base}/accounts/${id}`)
    await form.waitFor()
    expect(await form.getByLabel('At the provider').inputValue()).toBe('keep')
    await back.click()
    await rowOf(page, 'Tide and Timber').waitFor()
  })
})

describe('what is said', () => {
  it('of an account that was disconnected', async () => {
    const settings = page.getByRole('link', { name: 'Account settings: pat@mail.invalid' })
    await settings.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Remove …' }).click()
    await page.getByRole('dialog').getByRole('button', { name: 'Disconnect' }).click()
    await page.locator('.toast.done').getByText('pat@mail.invalid is disconnected; its mail is kept').waitFor()
    await rowOf(page, 'Tide and Timber').waitFor()
  })

  it('of a name that is too long, instead of cutting it', async () => {
    await page.getByRole('button', { name: 'New mailbox…: robin@example.org' }).click()
    const dialog = page.getByRole('dialog', { name: 'New mailbox' })
    await dialog.getByLabel('Name').fill('n'.repeat(130))
    await page.keyboard.press('Enter')
    await dialog.getByText('Name must have at most 100 characters').waitFor()
    expect(await dialog.getByLabel('Name').inputValue()).toBe('n'.repeat(130))
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
  })

  it('of a mail from a paused account: why it waits, and where', async () => {
    await screen.api('PATCH', `/v1/accounts/${smtp.accountId}`, { isPaused: true })
    await openBy(page, 'c')
    const composer = page.locator('[data-composer]')
    const many = Array.from({ length: 49 }, (_, n) => `person${n + 1}@example.org`)
    await composer.getByLabel('To', { exact: true }).fill(many.join(', '))
    await page.keyboard.press('Enter')
    await composer.getByLabel('Subject').fill('To everybody')
    await composer.locator('[contenteditable="true"]').click()
    await page.keyboard.press('Control+Home')
    await page.keyboard.type('Hello all')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('dialog').getByRole('button', { name: 'Send anyway' }).click()
    const toast = page.locator('.toast').filter({ hasText: 'The account is paused: nothing is sent from it.' })
    await toast.getByRole('button', { name: 'Undo' }).waitFor()
    await until(async () => (await toast.getByRole('button', { name: 'Undo' }).count()) === 0, {
      what: 'the end of it',
    })
    await toast.getByRole('button', { name: 'Open outbox' }).click()
    await page.getByRole('heading', { name: /^Outbox/ }).waitFor()
  })

  it('of a mail for many, whom it is for in few words', async () => {
    await page.goto(`${screen.base}/outbox`)
    const row = page.getByRole('listitem', { name: 'To everybody' })
    await row.getByText('Recipients (49)').waitFor()
    expect(await row.locator('.row').first().textContent()).toMatch(/to person1, person2, person3 and 46 more · /)
    await expectAccessible(page)
  })
})

describe('a mail of the outbox', () => {
  it('that ended while it was read leads to before the outbox by one step', async () => {
    await openInbox(page, screen.base)
    const before = page.url()
    await page.getByRole('link', { name: /^Outbox/ }).click()
    await page.getByRole('listitem', { name: 'To everybody' }).getByRole('link').click()
    await page.getByRole('article', { name: 'To everybody' }).waitFor()
    // On another device: no draft opens here.
    await screen.api('POST', `/v1/submissions/${page.url().split('/').pop()}/cancel`)
    await page.waitForURL(`${screen.base}/outbox`)
    await page.goBack()
    expect(page.url()).toBe(before)
    expect(screen.problems).toEqual([])
  })
})
