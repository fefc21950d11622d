import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../apps/api/test/support/scripted-smtp.ts'
import { until } from '../apps/api/test/support/until.ts'
import { write } from './support/compose.ts'
import { sentMail } from './support/outgoing.ts'
import { expectAccessible, mailPassword, openInbox, picture, type Screen, startScreen } from './support/screen.ts'

/** The owner's relay: set, offered to an account that cannot send, used, and mended. */
let screen: Screen
let smtp: ScriptedSmtp
let script: SmtpScript = () => undefined
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  screen.dovecot.addUser('liv', mailPassword)
  smtp = await startScriptedSmtp((...step) => script(...step))
  const policy = { privateHosts: [], plaintextHosts: [`localhost:${smtp.port}`] }
  await screen.api('PUT', '/v1/owner/policy', policy)
  context = await screen.newContext()
  page = await screen.newPage(context)
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})
const refuse: SmtpScript = (step) => (step === 'auth' ? { reply: '535 5.7.8 not you' } : undefined)
const save = () => page.getByRole('button', { name: /^(Save|Test and save)$/ }).click()

describe('the relay', () => {
  it('is set by the owner after a test that tells each step', async () => {
    await page.goto(`${screen.base}/settings/general`)
    await page.getByRole('link', { name: 'Relay', exact: true }).click()
    await page.getByRole('textbox', { name: 'Server' }).fill('localhost')
    await page.getByLabel('Encryption').selectOption('None')
    await page.getByLabel('Port').fill(String(smtp.port))
    await page.getByLabel('User name').fill('relay-login')
    await page.getByLabel('Password').fill('relay password')
    await page.getByLabel('Domains it may speak for').fill('example.org')
    await page.getByLabel('Mails of one person in an hour, at most').fill('some')
    script = refuse
    await save()
    await page.getByText('The number must be at least 1').waitFor()
    expect(smtp.sessions()).toBe(0)
    await page.getByLabel('Mails of one person in an hour, at most').fill('50')
    await save()
    const alert = page.locator('form [role=alert]:focus')
    await alert.waitFor()
    // There is nothing that could work while sending does not.
    expect(await alert.textContent()).not.toContain('Receiving works')
    await expectAccessible(page)
    await picture(page, 'relay-refused')
    script = () => undefined
    await save()
    await page.getByText('Accounts that send by it: 0. Mails that are to go by it: 0.').waitFor()
    expect(await page.getByLabel('Password').inputValue()).toBe('')
    await expectAccessible(page)
    await picture(page, 'relay-set')
  })

  it('is proposed to an account that has nothing to send with, says what that means, and carries its mail', async () => {
    await page.goto(`${screen.base}/accounts/new`)
    await page.getByLabel('Mail address').fill('liv@mail.invalid')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Nothing was found for this address.').waitFor()
    expect(await page.getByLabel('By the owner’s relay').isChecked()).toBe(true)
    await page.getByText(/^The owner has not named mail\.invalid: mail from there may be taken for forged/).waitFor()
    await page.getByRole('textbox', { name: 'Server' }).fill('localhost')
    await page.getByLabel('Port').fill(String(screen.dovecot.imapsPort))
    await page.getByLabel('User name').fill('liv')
    await page.getByLabel('Password').fill(mailPassword)
    await expectAccessible(page)
    await picture(page, 'relay-wizard')
    await page.getByRole('button', { name: 'Test and add' }).click()
    await page.waitForURL(/\?account=\d+$/)
    await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
    await page.getByRole('heading', { name: /liv@mail\.invalid$/ }).waitFor()
    await write(page, 'pat@mail.invalid', 'By the relay', 'Hello Pat')
    await page.keyboard.press('Control+Enter')
    await until(async () => sentMail(smtp, 'By the relay') !== undefined, { what: 'the mail at the relay' })
    expect(smtp.mails).toMatchObject([{ from: 'liv@mail.invalid', to: ['pat@mail.invalid'] }])
  })

  it('gives way to a server of its own on the page of the account, and comes back', async () => {
    const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: { id: string }[] }
    await page.goto(`${screen.base}/accounts/${accounts.at(-1)?.id}`)
    await page.getByText(/^The owner has not named mail\.invalid/).waitFor()
    await expectAccessible(page)
    await page.getByLabel('By the owner’s relay').scrollIntoViewIfNeeded()
    await picture(page, 'relay-account')
    const stored = async () => {
      const button = page.locator('form[aria-label="Settings"] [type=submit]')
      const answer = page.waitForResponse((response) => response.request().method() === 'PATCH')
      await button.click()
      return (await answer).json()
    }
    await page.getByLabel('Not at all').check()
    await page.getByText('This account cannot send yet').waitFor()
    expect(await stored()).toMatchObject({ usesRelay: false, outgoing: null })
    await page.getByLabel('By the owner’s relay').check()
    expect(await stored()).toMatchObject({ usesRelay: true })
  })

  it('that lets nobody in says so to its owner wherever they are, until that is mended', async () => {
    await openInbox(page, screen.base)
    script = refuse
    const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: { id: string }[] }
    await page.goto(`${screen.base}/?account=${accounts.at(-1)?.id}`)
    await page.getByRole('heading', { name: /liv@mail\.invalid$/ }).waitFor()
    await write(page, 'pat@mail.invalid', 'Has to wait', 'Hello Pat')
    await page.keyboard.press('Control+Enter')
    const notice = page.getByText('The relay lets nobody in: mail that is to go by it waits.')
    await notice.waitFor()
    await expectAccessible(page)
    await picture(page, 'relay-notice')
    // Somebody has to do something: nothing is said of a next try.
    await page.getByRole('link', { name: /^Outbox/ }).click()
    const row = page.getByRole('listitem', { name: 'Has to wait' })
    await row.getByText('Not sent yet.').waitFor()
    await row.getByText(/^The relay of the owner lets nobody in\. The owner is told/).waitFor()
    expect(await row.getByText(/by itself/).count()).toBe(0)
    await page.goBack()
    await page.getByRole('link', { name: 'Fix it' }).click()
    await page.getByText('It lets nobody in, and all mail that is to go by it waits.').waitFor()
    await picture(page, 'relay-problem')
    script = () => undefined
    await page.getByLabel('Password').fill('relay password')
    await save()
    await until(async () => sentMail(smtp, 'Has to wait') !== undefined, { what: 'the mail at the relay' })
    await page.getByRole('link', { name: 'Back to mail' }).click()
    await page.getByRole('heading', { name: /liv@mail\.invalid$/ }).waitFor()
    expect(await notice.count()).toBe(0)
    expect(screen.problems).toEqual([])
  })
})
