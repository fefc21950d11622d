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

const at = (part: string) => page.goto(`${screen.base}/settings/${part}`)

describe('the relay', () => {
  it('takes one domain a line, and of what is none says which line it is', async () => {
    await at('relay')
    const domains = page.getByRole('textbox', { name: 'Domains it may speak for' })
    await page.getByRole('textbox', { name: 'Server' }).fill('localhost')
    await page.getByLabel('Encryption').selectOption('None')
    await page.getByLabel('Port').fill(String(smtp.port))
    await page.getByLabel('User name').fill('relay-login')
    await page.getByLabel('Password').fill('relay password')
    await domains.fill('example.org\nnot a domain')
    await save()
    await page.getByText(/hold “not a domain”, which is no domain/).waitFor()
    expect(await domains.evaluate((field) => field === document.activeElement)).toBe(true)
    expect([await domains.inputValue(), smtp.sessions()]).toEqual(['example.org\nnot a domain', 0])
    await expectAccessible(page)
    await picture(page, 'relay-wrong-domain')
  })

  it('without encryption is set after its host is allowed, on the way to which nothing typed is lost', async () => {
    await at('hosts')
    const plain = page.getByRole('textbox', { name: 'Without encryption' })
    const policy = await plain.inputValue()
    const keep = async (lines: string) => {
      await plain.fill(lines)
      await page.getByRole('button', { name: 'Save' }).click()
    }
    await keep(`${policy}\nbad host:xx`)
    await page.getByText(/hold “bad host:xx”, which is no host:port/).waitFor()
    expect(await page.getByText('Saved').count()).toBe(0)
    expect(await plain.inputValue()).toBe(`${policy}\nbad host:xx`)
    await expectAccessible(page)
    await picture(page, 'hosts-wrong-line')
    const kept = (lines: string) =>
      Promise.all([page.waitForResponse((answer) => answer.request().method() === 'PUT' && answer.ok()), keep(lines)])
    await kept('')
    await page.getByText('Saved').waitFor()
    await page.getByRole('link', { name: 'Relay', exact: true }).click()
    await page.getByRole('textbox', { name: 'Server' }).fill('localhost')
    await page.getByLabel('Encryption').selectOption('None')
    await page.getByLabel('Port').fill(String(smtp.port))
    await page.getByRole('textbox', { name: 'Domains it may speak for' }).fill('example.org')
    await save()
    await page.getByText(`list localhost:${smtp.port} in the settings, under “Allowed hosts”`).waitFor()
    await page.getByRole('link', { name: 'Allowed hosts' }).click()
    // The word that it is saved may be that of the time before.
    await kept(policy)
    await page.getByText('Saved').last().waitFor()
    await page.getByRole('link', { name: 'Relay', exact: true }).click()
    expect(await page.getByRole('textbox', { name: 'Server' }).inputValue()).toBe('localhost')
    expect(await page.getByLabel('Port').inputValue()).toBe(String(smtp.port))
    expect(await page.getByLabel('Domains it may speak for').inputValue()).toBe('example.org')
  })

  it('that trusts by address is set without a login; half of one is not taken, and one that is wanted is asked for', async () => {
    await at('relay')
    const logins: string[] = []
    const demand: SmtpScript = (step, argument) => {
      if (step === 'auth') logins.push(argument)
      return step === 'mail' ? { reply: '530 5.7.0 Authentication required' } : undefined
    }
    await page.getByRole('textbox', { name: 'Server' }).fill('localhost')
    await page.getByLabel('Encryption').selectOption('None')
    await page.getByLabel('Port').fill(String(smtp.port))
    await page.getByLabel('Domains it may speak for').fill('example.org')
    await page.getByLabel('Password').fill('alone')
    await save()
    await page.getByText(/^User name is needed with a password/).waitFor()
    expect(await page.getByLabel('User name').evaluate((field) => field === document.activeElement)).toBe(true)
    await page.getByLabel('Password').fill('')
    await page.getByLabel('User name').fill('alone')
    await save()
    await page.getByText(/^Password is needed with a user name/).waitFor()
    expect(await page.getByLabel('Password').evaluate((field) => field === document.activeElement)).toBe(true)
    expect(smtp.sessions()).toBe(0)
    await page.getByLabel('User name').fill('')
    script = demand
    await save()
    await page.getByText('takes no mail from here without a user name and a password').waitFor()
    await expectAccessible(page)
    await picture(page, 'relay-wants-login')
    script = (...asked) => (asked[0] === 'mail' ? undefined : demand(...asked))
    await save()
    await page.getByText('Accounts that send by it: 0. Mails that are to go by it: 0.').waitFor()
    expect(logins).toEqual([])
    // The keyboard stays in the form.
    await page.locator('form [type=submit]:focus').waitFor()
    await page.getByRole('button', { name: 'Take it away …' }).click()
    await page.getByRole('button', { name: 'Take it away', exact: true }).click()
    await page.getByText('The relay is taken away.').waitFor()
  })

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
    const before = smtp.sessions()
    await save()
    await page.getByText('The number must be at least 1').waitFor()
    expect(smtp.sessions()).toBe(before)
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
    await page.locator('form [type=submit]:focus').waitFor()
    await expectAccessible(page)
    await picture(page, 'relay-set')
  })

  it('is proposed to an account that has nothing to send with, says what that means, and carries its mail', async () => {
    await page.goto(`${screen.base}/accounts/new`)
    await page.getByLabel('Mail address').fill('liv@mail.invalid')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByText('Nothing was found for this address.').waitFor()
    // Its domain is not named: an own server is worth a try before that.
    expect(await page.getByLabel('By a server of its own').isChecked()).toBe(true)
    await page.getByText(/a guess/).waitFor()
    await page.getByLabel('By the owner’s relay').check()
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
    await page.getByText(/^The owner has not named mail\.invalid for the relay/).waitFor()
    await expectAccessible(page)
    await picture(page, 'relay-composer')
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

  it('tells anew, each time it is looked at, how many send by it', async () => {
    const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: { id: string }[] }
    const use = (usesRelay: boolean) => screen.api('PATCH', `/v1/accounts/${accounts.at(-1)?.id}`, { usesRelay })
    await at('relay')
    await page.getByText('Accounts that send by it: 1.').waitFor()
    await page.getByLabel('Domains it may speak for').fill('example.net')
    await page.getByRole('link', { name: 'General', exact: true }).click()
    await use(false)
    await page.getByRole('link', { name: 'Relay', exact: true }).click()
    await page.getByText('Accounts that send by it: 0.').waitFor()
    expect(await page.getByLabel('Domains it may speak for').inputValue()).toBe('example.net')
    await use(true)
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
    await notice.waitFor({ state: 'detached' })
    expect(screen.problems).toEqual([])
  })
})
