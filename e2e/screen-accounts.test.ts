import type { BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startFaultProxy } from '../apps/api/test/support/fault-proxy.ts'
import { startScriptedPop3 } from '../apps/api/test/support/scripted-pop3.ts'
import { until } from '../apps/api/test/support/until.ts'
import {
  countAt,
  deliver,
  enterServer,
  expectAccessible,
  holdFrames,
  openInbox,
  picture,
  rowOf,
  type Screen,
  startScreen,
} from './support/screen.ts'

/** Accounts and mailboxes as a person arranges them, and a session that ends. */
let screen: Screen
let context: BrowserContext
let page: Page
let accountId: string
beforeAll(async () => {
  screen = await startScreen()
  screen.dovecot.addUser('sam', 'mail password')
  context = await screen.newContext()
  page = await screen.newPage(context)
  await openInbox(page, screen.base)
  const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: { id: string }[] }
  accountId = accounts[0]?.id ?? ''
})
afterAll(async () => screen?.stop())

const toAccount = async () => {
  await page.goto(`${screen.base}/accounts/${accountId}`)
  await page.getByRole('heading', { name: 'Mailboxes' }).waitFor()
}
const saved = (work: () => Promise<unknown>, method = 'PATCH') =>
  Promise.all([page.waitForResponse((response) => response.request().method() === method && response.ok()), work()])

describe('accounts', () => {
  it('stand in the order one gives them', async () => {
    await screen.addAccount('sam')
    await page.goto(`${screen.base}/settings/accounts`)
    const names = () => page.locator('.account-line a').allTextContents()
    await until(async () => (await names()).length === 2)
    await expectAccessible(page)
    await holdFrames(page)
    await saved(async () => {
      await page.getByRole('button', { name: 'Up: sam@example.org' }).click()
      expect(await names()).toEqual(['sam@example.org', 'robin@example.org'])
    }, 'PUT')
    expect(await page.locator('button:focus').getAttribute('aria-label')).toBe('Up: sam@example.org')
    await page.reload()
    await page.locator('.account-line').nth(1).waitFor()
    expect(await names()).toEqual(['sam@example.org', 'robin@example.org'])
    await saved(() => page.getByRole('button', { name: 'Down: sam@example.org' }).click(), 'PUT')
  })

  it('are looked up by their address; what is known is shown before it is used, and what no password opens', async () => {
    const lookUp = async (address: string) => {
      await page.goto(`${screen.base}/accounts/new`)
      await page.getByLabel('Mail address').fill(address)
      await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByText(/^Known settings of .+ Have a look before they are used\.$/).waitFor()
      const servers = await page
        .getByLabel('Server', { exact: true })
        .evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value))
      const ports = await page
        .getByLabel('Port')
        .evaluateAll((all) => all.map((one) => (one as HTMLInputElement).value))
      return servers.map((server, n) => `${server}:${ports[n]}`)
    }
    expect(await lookUp('somebody@gmail.com')).toEqual(['imap.gmail.com:993', 'smtp.gmail.com:465'])
    await page.getByText('Make an app password in the security settings').waitFor()
    await expectAccessible(page)
    expect(await lookUp('somebody@outlook.com')).toEqual(['outlook.office365.com:993', 'smtp-mail.outlook.com:587'])
    await page.getByText('Microsoft no longer lets mail programs sign in with a password.').waitFor()
  })

  it('open with their own inbox once they are added, and take no mail dragged from another one', async () => {
    screen.dovecot.addUser('kim', 'mail password')
    screen.dovecot.deliver('kim', 'INBOX', 'From: Zed <zed@example.org>\r\nSubject: For Kim alone\r\n\r\nHello!\r\n')
    await page.goto(`${screen.base}/accounts/new`)
    await page.getByLabel('Mail address').fill('kim@mail.invalid')
    await page.getByRole('button', { name: 'Continue' }).click()
    await enterServer(page, { user: 'kim', port: screen.dovecot.imapsPort })
    expect(await page.title()).toMatch(/Add account – Postern$/)
    await page.getByRole('button', { name: 'Test and add' }).click()
    await rowOf(page, 'For Kim alone').waitFor()
    await page.waitForFunction(() => /^\(\d+\) Inbox – Postern$/.test(document.title))
    const [from, to] = [
      await rowOf(page, 'For Kim alone').boundingBox(),
      await page.getByRole('region', { name: 'robin@example.org' }).getByRole('link', { name: 'Travel' }).boundingBox(),
    ]
    if (!from || !to) throw new Error('nothing to drag, or nowhere to')
    await page.mouse.move(from.x + 99, from.y + 20)
    await page.mouse.down()
    await page.mouse.move(to.x + 60, to.y + 9, { steps: 6 })
    const target = page.getByRole('region', { name: 'robin@example.org' }).getByRole('link', { name: 'Travel' })
    const colourOf = (link: Locator) => link.evaluate((one) => getComputedStyle(one).backgroundColor)
    const plain = await colourOf(page.getByRole('link', { name: /^Receipts/ }).first())
    expect(await colourOf(target)).toBe(plain)
    expect(await target.evaluate((link) => link.classList.contains('drop'))).toBe(false)
    await page.mouse.up()
    await rowOf(page, 'For Kim alone').waitFor()
    await page.getByRole('heading', { name: /^Inbox 1 kim@mail\.invalid$/ }).waitFor()
    // On a phone as well, where the bar leads to this inbox from wherever one goes.
    await page.setViewportSize({ width: 390, height: 844 })
    const { pathname } = new URL(page.url())
    const tab = page.locator('.bottom-bar').getByRole('link', { name: /^Inbox/ })
    await tab.locator('.badge', { hasText: /^1$/ }).waitFor()
    await page.getByRole('heading', { name: /kim@mail\.invalid$/ }).waitFor()
    await expectAccessible(page)
    await picture(page, 'whose-inbox')
    await page.locator('.bottom-bar').getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('link', { name: 'Back' }).first().click()
    await rowOf(page, 'For Kim alone').waitFor()
    expect(await tab.getAttribute('href')).toBe(pathname)
    await page.setViewportSize({ width: 1440, height: 900 })
    const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: { id: string }[] }
    await screen.api('DELETE', `/v1/accounts/${accounts.at(-1)?.id}?mode=erase`)
  })

  it('are added without sending where only that fails; a guess is told as one, and a test that hangs is cancelled', async () => {
    screen.dovecot.addUser('liv', 'mail password')
    await page.goto(`${screen.base}/accounts/new`)
    await page.locator('input[type=email]:focus').waitFor()
    await page.keyboard.type('liv@mail.invalid')
    await page.keyboard.press('Enter')
    await page.getByText('Nothing was found for this address.').waitFor()
    const sending = page.getByRole('group', { name: 'How mail goes out' })
    await sending.getByText('but neither written nor answered').waitFor()
    expect(await sending.getByRole('radio').count()).toBe(2)
    await picture(page, 'wizard-sending')
    await enterServer(page, { user: 'liv', port: screen.dovecot.imapsPort })
    await page.getByRole('radio', { name: 'By a server of its own' }).check()
    await page.getByText('Nothing was found for sending: this is a guess.').waitFor()
    const submit = page.getByRole('button', { name: 'Test and add' })
    // The client waits for a greeting.
    const silent = await startScriptedPop3({ greeting: () => undefined })
    await page.getByLabel('Encryption').first().selectOption('STARTTLS')
    await page.getByLabel('Port').first().fill(`${silent.port}`)
    await submit.click()
    await until(async () => silent.open() === 1, { what: 'a connection' })
    await page.getByRole('button', { name: 'Cancel the test' }).click()
    await page.locator('button:focus', { hasText: 'Test and add' }).waitFor()
    await until(async () => silent.open() === 0, { what: 'the end of the attempt at the server' })
    await silent.stop()
    await page.getByLabel('Port').first().fill(`${screen.dovecot.imapsPort}`)
    expect(await page.locator('.steps, form [role=alert]').count()).toBe(0)
    await page.getByLabel('Encryption').first().selectOption('TLS')
    await submit.click()
    await page.locator('form [role=alert]:focus', { hasText: 'Receiving works; sending does not.' }).waitFor()
    const without = page.getByRole('button', { name: 'Add without sending' })
    for (const shown of [page.locator('form [role=alert]'), without, submit]) {
      const { top, bottom } = await shown.evaluate((it) => it.getBoundingClientRect())
      expect([top >= 0, bottom <= 900]).toEqual([true, true])
    }
    await expectAccessible(page)
    await picture(page, 'only-sending-fails')
    // It is made, though the line goes then.
    await page.route('**/v1/accounts', (route) =>
      route.request().method() === 'GET' ? route.abort() : route.fallback(),
    )
    await without.click()
    await page.waitForURL(/\?account=\d+$/)
    await page.unroute('**/v1/accounts')
    const { accounts } = await (await screen.api('GET', '/v1/accounts')).json()
    const added = accounts.find(({ address }: { address: string }) => address === 'liv@mail.invalid') // by the contract
    expect(added?.outgoing).toBeNull()
    await screen.api('DELETE', `/v1/accounts/${added?.id}?mode=erase`)
  })

  it('have a colour and a daily limit that are still there later', async () => {
    await toAccount()
    await saved(() => page.getByLabel('Violet').check())
    await page.getByLabel('Limit for a day').fill('25')
    await saved(() => page.getByRole('button', { name: 'Save' }).last().click())
    await toAccount()
    const limit = page.getByLabel('Limit for a day')
    expect(await limit.inputValue()).toBe('25')
    await limit.fill('26')
    await saved(() => page.keyboard.press('Enter'))
    expect(await limit.evaluate((input) => input === document.activeElement)).toBe(true)
    const error = { code: 'internal', message: 'Not stored.' }
    await page.route('**/v1/accounts/*', (route) => route.fulfill({ status: 500, json: { error } }))
    await limit.fill('27')
    await page.keyboard.press('Enter')
    await page.getByText('Not stored.').waitFor()
    expect(await limit.inputValue()).toBe('27')
    await page.unroute('**/v1/accounts/*')
    await expectAccessible(page)
    await page.getByLabel('Limit for a day').fill('a lot')
    await page.getByRole('button', { name: 'Save' }).last().click()
    await page.getByText('The limit must be at least 1, without decimals; empty means no limit').waitFor()
    await page.getByRole('link', { name: 'Back' }).click()
    await page.locator('.tree-account .account-color').waitFor()
  })

  it('let one say which mailbox is the archive; it is the only one then', async () => {
    await toAccount()
    await saved(() => page.getByLabel('Role of Travel').selectOption({ label: 'Archive' }))
    await until(async () => (await page.getByLabel('Role of Archive').inputValue()) === '')
    await openInbox(page, screen.base)
    deliver(screen.dovecot, 'To the new archive')
    await rowOf(page, 'To the new archive').click()
    await page.keyboard.press('e')
    await until(async () => countAt(screen.dovecot, 'Travel', 'subject', 'new archive') === 1)
  })

  it('watch what one chooses, and leave out what one does not want here', async () => {
    await toAccount()
    await saved(() => page.getByLabel('Watch Receipts').check())
    await saved(() => page.getByLabel('Keep Archive in step').uncheck())
    await toAccount()
    expect(await page.getByLabel('Watch Receipts').isChecked()).toBe(true)
    expect(await page.getByLabel('Watch Archive').isDisabled()).toBe(true)
    expect(await page.getByLabel('Watch INBOX').isDisabled()).toBe(true)
    await page.emulateMedia({ colorScheme: 'dark' })
    await expectAccessible(page)
    await page.emulateMedia({ colorScheme: 'light' })
  })

  it('say how they are in plain words, and can be asked to look again', async () => {
    await page.getByRole('button', { name: 'Resync from scratch' }).click()
    await page.getByText('Comparing everything with the server').waitFor()
    await page.getByRole('button', { name: 'Pause' }).click()
    await page.getByRole('heading', { name: 'Paused' }).waitFor()
    await page.getByRole('link', { name: 'Back' }).click()
    await page
      .getByRole('region', { name: 'robin@example.org' })
      .getByRole('link', { name: /^Drafts/ })
      .click()
    await page.getByText('This account is paused').waitFor()
    await toAccount()
    await page.getByRole('button', { name: 'Resume' }).click()
    await page.getByRole('heading', { name: 'Up to date' }).waitFor()
    await page.getByText('What happened').click()
    await page.locator('table.plain td').first().waitFor()
    await expectAccessible(page)
  })
})

describe('a list on these pages', () => {
  const states = async (pattern: string, place: string, failed: string, shown: string) => {
    // Another card of the page may ask for the same.
    const { promise: word, resolve: answer } = Promise.withResolvers<void>()
    await page.route(pattern, async (route) => {
      await word
      await route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'Broken.' } } })
    })
    await page.goto(`${screen.base}${place}`)
    if (place.startsWith('/accounts')) await page.getByText('What happened', { exact: true }).click()
    await page.getByRole('status', { name: 'Loading' }).waitFor()
    answer()
    await page.getByText(failed).waitFor()
    await expectAccessible(page)
    await page.unroute(pattern)
    await page.route(pattern, (route) => route.abort())
    await page.getByRole('button', { name: 'Try again' }).click()
    await page.getByText(/^No connection/).waitFor()
    await page.unroute(pattern)
    await page.locator('td', { hasText: shown }).first().waitFor()
  }

  it('of people says what it is waiting for, what failed, and comes by itself', () =>
    states('**/v1/users', '/settings/people', 'The people here could not be loaded.', 'Owner'))

  it('of devices does so too', () =>
    states('**/v1/sessions', '/settings/security', 'The devices could not be loaded.', 'This device'))

  it('of what happened does so too', () =>
    states('**/v1/accounts/*/events', `/accounts/${accountId}`, 'What happened could not be loaded.', 'Up to date'))
})

describe('a first sync', () => {
  it('shows how far it is, and when it is over', async () => {
    const { dovecot } = screen
    dovecot.addUser('lee', 'mail password')
    for (let n = 1; n <= 3000; n++)
      dovecot.deliver('lee', 'INBOX', `From: a@example.org\r\nSubject: Letter ${n}\r\n\r\nNothing new.\r\n`)
    const proxy = await startFaultProxy(dovecot.imapsPort)
    proxy.throttle('toClient', 200_000)
    const leeId = await screen.addAccount('lee', proxy.port)
    await openInbox(page, screen.base)
    const bar = page.getByRole('progressbar', { name: 'lee@example.org' })
    const done = async () => Number(await bar.getAttribute('aria-valuenow'))
    await bar.waitFor()
    await page.locator('.progress', { hasText: /^(Fetching mail|Reading texts): [\d,]+ of 3,000 \(/ }).waitFor()
    const before = await done()
    await until(async () => (await done()) > before, { what: 'more progress' })
    expect(await done()).toBeLessThanOrEqual(Number(await bar.getAttribute('aria-valuemax')))
    await picture(page, 'progress')
    await expectAccessible(page)
    proxy.clear()
    await bar.waitFor({ state: 'detached' })
    await screen.api('DELETE', `/v1/accounts/${leeId}?mode=erase`)
    await proxy.stop()
  })
})

describe('a session that ends', () => {
  it('asks for the password over the page, which stays as it was', async () => {
    await openInbox(page, screen.base)
    await rowOf(page, 'Fråga om båten').click()
    await page.locator('.text-body', { hasText: 'isen har gått' }).waitFor()
    await context.clearCookies()
    await rowOf(page, 'Re: Garden plans').click()
    const over = page.getByRole('dialog', { name: 'Sign in' })
    await over.getByText('Your session has ended').waitFor()
    await over.locator('input[type=password]:focus').waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await page.keyboard.press('e')
    expect(await over.isVisible()).toBe(true)
    await over.getByLabel('Password').fill('four unrelated words: lantern orbit')
    await over.getByRole('button', { name: 'Sign in' }).click()
    await over.waitFor({ state: 'detached' })
    await page.locator('article.message').nth(1).waitFor()
    expect(countAt(screen.dovecot, 'INBOX', 'subject', 'Garden plans for the back wall')).toBeGreaterThan(0)
  })
})

describe('a server that shows another certificate', () => {
  it('is told apart: expired, for another name', async () => {
    await page.goto(`${screen.base}/accounts/${accountId}`)
    const health = page.getByRole('region', { name: 'Health' })
    await screen.dovecot.renewCertificate('expired')
    await health.locator('.notice').getByText('The certificate of localhost expired on').waitFor()
    await screen.dovecot.renewCertificate('other name')
    await health.getByRole('button', { name: 'Sync now' }).click()
    await health.locator('.notice').getByText('The certificate is for another name than localhost.').waitFor()
    await health.getByText('It names: elsewhere.example.').waitFor()
    await expectAccessible(page)
  })

  it('is not spoken to until the person has seen and trusted it', async () => {
    const renewed = await screen.dovecot.renewCertificate()
    await page.goto(`${screen.base}/accounts/${accountId}`)
    await page.getByRole('button', { name: 'Sync now' }).click()
    const health = page.getByRole('region', { name: 'Health' })
    await health.locator('.notice').getByText('Nobody we trust vouches for the certificate of localhost.').waitFor()
    await expectAccessible(page)
    await picture(page, 'certificate-problem')
    await trust(renewed)
    await health.getByRole('heading', { name: 'Up to date' }).waitFor()
    expect(await health.locator('.notice.bad').count()).toBe(0)
  })

  it('is doubted again when the one that was trusted changes', async () => {
    const next = await screen.dovecot.renewCertificate()
    const health = page.getByRole('region', { name: 'Health' })
    const notice = health.locator('.notice')
    await notice.getByText('The server shows another certificate than the one you trusted.').waitFor()
    await trust(next)
    await health.getByRole('heading', { name: 'Up to date' }).waitFor()
  })

  const trust = async (fingerprint: string) => {
    await page.getByRole('button', { name: 'Look at the certificate' }).click()
    await page.keyboard.type('mail password')
    await page.getByRole('button', { name: 'Test and save' }).click()
    await page.getByText(fingerprint.toUpperCase().match(/../g)?.join(':') ?? '').waitFor()
    await expectAccessible(page)
    await picture(page, 'certificate-shown')
    // The test goes on by itself.
    await saved(() => page.getByRole('button', { name: 'Trust exactly this certificate' }).click())
  }
})

describe('people', () => {
  it('are removed by the owner, who is told what will be lost, and are signed out where they are', async () => {
    const { link } = (await (await screen.api('POST', '/v1/invitations', { note: '' })).json()) as { link: string }
    const theirs = await screen.browser.newContext()
    const member = await screen.newPage(theirs)
    await member.goto(link)
    await member.getByLabel('Name').fill('Mia Lund')
    await member.getByLabel('Address').fill('mia@example.org')
    await member.getByLabel('Password').fill('four unrelated words: harbour candle')
    await member.getByRole('button', { name: 'Create my account' }).click()
    await member.getByRole('heading', { name: 'Add your first mailbox' }).waitFor()
    await page.goto(`${screen.base}/settings/people`)
    await page.getByRole('row', { name: 'Mia Lund' }).getByRole('button', { name: 'Remove' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Mia Lund (mia@example.org) is signed out everywhere').waitFor()
    await dialog.getByText('There are no mail accounts of theirs here.').waitFor()
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Remove for good' }).click()
    await page.getByText('Mia Lund was removed').waitFor()
    await page.getByRole('row', { name: 'Mia Lund' }).waitFor({ state: 'detached' })
    await member.getByRole('dialog').getByLabel('Password').waitFor()
    await theirs.close()
  })
})

it('never met an error or a breach of its own policy on the way', () => {
  expect(screen.problems).toEqual([])
})
