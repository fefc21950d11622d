import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../apps/api/test/support/dovecot.ts'
import { until } from '../apps/api/test/support/until.ts'
import { sampleMails } from '../demo/sample-mails.ts'
import { openChromium, processesIn, type RunningPostern, startPostern } from './support/postern.ts'
import { expectAccessible } from './support/screen.ts'

/** The main job, as a person does it: from an empty machine to live mail on the screen. The tests go in order. */
describe('from an empty machine to living mail', () => {
  let dovecot: Dovecot
  let postern: RunningPostern
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const problems: string[] = []
  const password = 'four unrelated words: lantern orbit'

  beforeAll(async () => {
    dovecot = await startDovecot()
    dovecot.addUser('robin', 'mail password')
    for (const mail of sampleMails(new Date()))
      dovecot.deliver('robin', mail.mailbox, mail.raw, { flags: mail.flags, receivedAt: mail.receivedAt })
    postern = await startPostern(dovecot.certificate)
    browser = await openChromium()
    context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
    page = await newPage(context)
  })
  afterAll(async () => {
    await browser?.close()
    await postern?.stop()
    await postern?.remove()
    await dovecot?.stop()
  })
  const newPage = async (from: BrowserContext): Promise<Page> => {
    const made = await from.newPage()
    made.on('pageerror', (error) => problems.push(String(error)))
    made.on('console', (message) => {
      if (message.type() === 'error' && /Content Security Policy|hydrat/i.test(message.text()))
        problems.push(message.text())
    })
    return made
  }
  const row = (text: string, where: Page = page) => where.locator('[data-thread]', { hasText: text }).first()
  const messages = (mailbox: string) =>
    Number(dovecot.doveadm('mailbox', 'status', '-u', 'robin', 'messages', mailbox).match(/messages=(\d+)/)?.[1])

  it('refuses to make an owner without the printed code', async () => {
    const answer = await fetch(`${postern.base}/v1/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-postern': '1' },
      body: JSON.stringify({ code: 'guess', name: 'x', address: 'x@example.org', password }),
    })
    expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'auth.setup_code' } }])
  })

  it('says at the door that nobody owns it yet', async () => {
    await page.goto(postern.base)
    await page.getByText('Nobody owns this Postern yet.').waitFor()
    await expectAccessible(page)
  })

  it('makes the owner, and warns of weak passwords', async () => {
    await page.goto(postern.setupAddress ?? '')
    await page.getByLabel('Name').fill('Robin')
    await page.getByLabel('Address').fill('robin@example.org')
    await page.getByLabel('Password').fill('password123')
    await page.getByText(/easy to guess/i).waitFor()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Create the owner' }).click()
    await page.getByRole('alert').waitFor()
    await page.getByLabel('Password').fill(password)
    await page.getByRole('button', { name: 'Create the owner' }).click()
    await page.getByRole('heading', { name: 'Add your first mailbox' }).waitFor()
  })

  it('tests the account step by step, says what is wrong, then fills the mailbox', async () => {
    await page.getByLabel('Mail address').fill('robin@mail.invalid')
    await page.getByRole('button', { name: 'Continue' }).click()
    await page.getByLabel('Server').first().fill('localhost')
    await page.getByLabel('Port').first().fill(String(dovecot.imapsPort))
    // A port somebody typed is his own, whatever encryption he tries.
    for (const kind of ['STARTTLS', 'TLS']) await page.getByLabel('Encryption').first().selectOption(kind)
    expect(await page.getByLabel('Port').first().inputValue()).toBe(String(dovecot.imapsPort))
    await page.getByLabel('User name').first().fill('robin')
    await page.getByRole('radio', { name: 'Not at all' }).check()
    await page.getByLabel('Password').fill('wrong')
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Test and add' }).click()
    await page.getByText('does not accept this name and password').waitFor()
    expect(await page.locator('.steps li').allTextContents()).toEqual(
      ['Find the server', 'Connect', 'Encrypt', 'Greeting', 'Sign in'].map((step) => expect.stringContaining(step)),
    )
    await page.getByText('What the server said').click()
    await page.getByText(/Authentication failed/i).waitFor()
    await page.getByText('This server is inside your own network').waitFor()
    await page.getByLabel('Password').fill('mail password')
    await page.getByRole('button', { name: 'Test and add' }).click()
    await row('Tide and Timber').waitFor()
    await expectAccessible(page)
  })

  it('shows at least 16 rows, true counts and the special mailboxes on top', async () => {
    const shown = () =>
      page
        .locator('[data-thread]')
        .evaluateAll((rows) => rows.filter((item) => item.getBoundingClientRect().bottom <= 900).length)
    await until(async () => (await shown()) >= 16, { what: '16 rows in sight' })
    const names = await page.locator('.tree-item .name').allTextContents()
    expect(names.slice(0, 7)).toEqual(['Inbox', 'Drafts', 'Sent', 'Archive', 'Spam', 'Trash', 'Receipts'])
  })

  it('reads a conversation, newest open, and marks it read at the server', async () => {
    const unseen = () =>
      Number(dovecot.doveadm('mailbox', 'status', '-u', 'robin', 'unseen', 'INBOX').match(/unseen=(\d+)/)?.[1])
    const before = unseen()
    await row('Fråga om båten').click()
    await page.locator('.text-body', { hasText: 'isen har gått' }).waitFor()
    await until(async () => unseen() === before - 1, { what: 'the mail being read at the server' })
    await row('Re: Garden plans').click()
    await page.locator('article.message').nth(2).waitFor()
    await expectAccessible(page)
  })

  it('stars, archives, deletes and takes it back', async () => {
    const inbox = messages('INBOX')
    await row('Rückfrage zur Rechnung').hover()
    await row('Rückfrage zur Rechnung').locator('[title=Archive]').click()
    await row('Rückfrage zur Rechnung').waitFor({ state: 'detached' })
    await until(async () => messages('INBOX') === inbox - 1, { what: 'the move at the server' })
    await page.getByRole('button', { name: 'Undo' }).click()
    await row('Rückfrage zur Rechnung').waitFor()
    await until(async () => messages('INBOX') === inbox, { what: 'the mail back in the inbox' })
    await row('Rückfrage zur Rechnung').click()
    await page.keyboard.press('s')
    await row('Rückfrage zur Rechnung').locator('.meta .starred').waitFor()
    await until(
      async () =>
        dovecot.doveadm('search', '-u', 'robin', 'mailbox', 'INBOX', 'flagged', 'subject', 'zur Rechnung').trim() !==
        '',
      { what: 'the star at the server' },
    )
  })

  it('shows new mail by itself, in a second tab and on a phone as well', async () => {
    const tab = await newPage(context)
    await tab.goto(`${postern.base}/`)
    await row('Tide and Timber', tab).waitFor()
    const state = await context.storageState()
    const phoneContext = await browser.newContext({ viewport: { width: 390, height: 844 }, storageState: state })
    const phone = await newPage(phoneContext)
    await phone.goto(`${postern.base}/`)
    await row('Tide and Timber', phone).waitFor()
    const visible = await phone
      .locator('[data-thread]')
      .evaluateAll((rows) => rows.filter((item) => item.getBoundingClientRect().bottom <= 844).length)
    expect(visible).toBeGreaterThanOrEqual(9)
    await expectAccessible(phone)
    dovecot.deliver(
      'robin',
      'INBOX',
      'From: Zed <zed@example.org>\r\nTo: robin@example.org\r\nSubject: Hot off the press\r\nMessage-ID: <hot@example.org>\r\n\r\nHello!\r\n',
    )
    await Promise.all([page, tab, phone].map((where) => row('Hot off the press', where).waitFor({ timeout: 15_000 })))
    // The beginning of its text follows by itself.
    await row('Hot off the press', phone).getByText('Hello!').waitFor({ timeout: 15_000 })
    await row('Hot off the press', tab).hover()
    await row('Hot off the press', tab).locator('[title=Delete]').click()
    await Promise.all(
      [page, tab, phone].map((where) =>
        row('Hot off the press', where).waitFor({ state: 'detached', timeout: 15_000 }),
      ),
    )
    await tab.close()
    await phoneContext.close()
  })

  it('follows what another program does', async () => {
    dovecot.doveadm('expunge', '-u', 'robin', 'mailbox', 'INBOX', 'subject', 'Recipe as promised')
    await row('Recipe as promised').waitFor({ state: 'detached', timeout: 15_000 })
  })

  it('acts on a selection and on everything in a mailbox', async () => {
    await page.getByRole('link', { name: /^Travel/ }).click()
    await page.locator('[data-thread]').first().waitFor()
    const total = messages('Travel')
    await page.locator('[data-thread] input').first().click()
    const everything = page.getByRole('button', { name: /^All \d+$/ })
    const all = (await everything.textContent()) ?? ''
    await everything.click()
    const heading = page.getByRole('heading', { name: `${all} selected` })
    expect(await heading.evaluate((shown) => shown.scrollWidth <= shown.clientWidth)).toBe(true)
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Delete', exact: true }).click()
    await page.getByText('Nothing here.').waitFor()
    await page.getByText(`${all.slice(4)} conversations moved to Trash`).waitFor()
    await until(async () => messages('Travel') === 0, { what: 'the empty mailbox at the server' })
    await page.keyboard.press('z')
    await until(async () => messages('Travel') === total, { what: 'everything back' })
    await page.locator('[data-thread]').first().waitFor()
  })

  it('finds words of headers and bodies in every mailbox, with a count and marks', async () => {
    await page.keyboard.press('/')
    await page.keyboard.type('espalier')
    const found = dovecot.doveadm('search', '-u', 'robin', 'mailbox', '*', 'body', 'espalier').trim().split('\n').length
    await page.getByRole('heading', { name: `${found} found` }).waitFor()
    // Asked for while one types: what was found for fewer letters may still be in sight.
    await page.waitForURL(/[?&]q=espalier$/)
    await page
      .locator('mark', { hasText: /^espalier$/ })
      .first()
      .waitFor()
    await page.locator('.list .thread').first().click()
    await page.locator('article.message', { hasText: 'espalier pears' }).first().waitFor()
    await expectAccessible(page)
  })

  it('opens attachments, headers and source', async () => {
    await page.goto(`${postern.base}/`)
    await row('Pictures and notes').click()
    await page.getByRole('list', { name: 'Attachments' }).getByText('photo from the garden.png').waitFor()
    await until(
      async () =>
        await page
          .locator('.attachments img')
          .first()
          .evaluate((image) => (image as HTMLImageElement).naturalWidth > 0),
      { what: 'the picture' },
    )
    await page.getByRole('button', { name: 'Plain text' }).click()
    await page.getByText('Bring the ladder.').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^More for the message from/ }).click()
    await page.getByRole('menuitem', { name: 'All headers' }).click()
    await page.getByText('MIME-Version: 1.0').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^More for the message from/ }).click()
    await page.getByRole('menuitem', { name: 'Source' }).click()
    await page.getByText('Content-Transfer-Encoding: base64').first().waitFor()
    await page.keyboard.press('Escape')
  })

  it('has pages for the account and the settings that anybody can use', async () => {
    await page.getByRole('link', { name: /Account settings/ }).click()
    await page.getByRole('heading', { name: 'Up to date' }).waitFor()
    await expectAccessible(page)
    await page.goto(`${postern.base}/settings/security`)
    await page.getByText('This device').waitFor()
    await expectAccessible(page)
    await page.goto(`${postern.base}/settings/people`)
    await page.getByRole('button', { name: 'Make a link' }).click()
    await page.getByRole('textbox', { name: 'Invitation link' }).waitFor()
    await page.getByRole('button', { name: 'Make a link' }).hover()
    await expectAccessible(page)
    await page.goto(`${postern.base}/settings/general`)
    await page.getByLabel('Theme').selectOption('dark')
    expect(await page.evaluate(() => document.documentElement.dataset.theme)).toBe('dark')
    await expectAccessible(page)
  })

  it('finds everything in place after a stop, and after kill -9', async () => {
    // API, engine, database.
    expect(processesIn(join(postern.home, 'data'))).toHaveLength(3)
    await postern.stop()
    expect(processesIn(join(postern.home, 'data'))).toEqual([])
    postern = await postern.restart()
    await postern.stop('SIGKILL')
    postern = await postern.restart()
    expect(postern.setupAddress).toBeNull()
    const fresh = await newPage(await browser.newContext({ viewport: { width: 1440, height: 900 } }))
    await fresh.goto(postern.base)
    await fresh.getByLabel('Address').fill('robin@example.org')
    await fresh.getByLabel('Password').fill(password)
    await expectAccessible(fresh)
    await fresh.getByRole('button', { name: 'Sign in' }).click()
    await row('Tide and Timber', fresh).waitFor()
    dovecot.deliver(
      'robin',
      'INBOX',
      'From: Zed <zed@example.org>\r\nSubject: After the storm\r\nMessage-ID: <storm@example.org>\r\n\r\nStill here.\r\n',
    )
    await row('After the storm', fresh).waitFor({ timeout: 15_000 })
  })

  it('never met an error or a breach of its own policy on the way', () => {
    expect(problems).toEqual([])
  })
})
