import type { BrowserContext, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { countAt, deliver, expectAccessible, openInbox, rowOf, type Screen, startScreen } from './support/screen.ts'

/** What one does to mail on the screen, and what it shows when something is missing. */
let screen: Screen
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  context = await screen.newContext()
  page = await screen.newPage(context)
})
afterAll(async () => screen?.stop())

const arrive = async (subject: string) => {
  deliver(screen.dovecot, subject)
  await rowOf(page, subject).waitFor()
}
const hover = async (subject: string, action: string) => {
  await rowOf(page, subject).hover()
  await rowOf(page, subject).locator(`[title="${action}"]`).click()
}
const at = (mailbox: string, subject: string, n: number) =>
  until(async () => countAt(screen.dovecot, mailbox, 'subject', subject) === n, {
    what: `${subject} in ${mailbox}: ${n}`,
  })

describe('acting on mail', () => {
  it('takes back at once, before the server has answered', async () => {
    await openInbox(page, screen.base)
    await arrive('Boomerang')
    let held: Route | undefined
    await page.route('**/undo', (route) => {
      held = route
    })
    await hover('Boomerang', 'Archive')
    await rowOf(page, 'Boomerang').waitFor({ state: 'detached' })
    await page.keyboard.press('z')
    await rowOf(page, 'Boomerang').waitFor()
    await until(async () => held !== undefined)
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0)
    await held?.continue()
    await page.unroute('**/undo')
    await at('Archive', 'Boomerang', 0)
    await at('INBOX', 'Boomerang', 1)
    await rowOf(page, 'Boomerang').waitFor()
  })

  it('leaves unread what was marked unread while it was open', async () => {
    await rowOf(page, 'Boomerang').click()
    await page.locator('article.message').waitFor()
    await until(async () => countAt(screen.dovecot, 'INBOX', 'subject', 'Boomerang', 'seen') === 1)
    await page.keyboard.press('U')
    await page.getByText('No conversation open').waitFor()
    await until(async () => countAt(screen.dovecot, 'INBOX', 'subject', 'Boomerang', 'unseen') === 1)
    expect(await rowOf(page, 'Boomerang').getAttribute('class')).toContain('unread')
  })

  it('goes from Spam back to the inbox, and out of Trash for good only after asking', async () => {
    await rowOf(page, 'Boomerang').click()
    await page.keyboard.press('!')
    await at('Junk', 'Boomerang', 1)
    await page.getByRole('link', { name: /^Junk/ }).click()
    await rowOf(page, 'Boomerang').click()
    await page.getByRole('button', { name: 'Not spam' }).click()
    await at('INBOX', 'Boomerang', 1)
    await page.getByRole('link', { name: /^Inbox/ }).click()
    await hover('Boomerang', 'Delete')
    await at('Trash', 'Boomerang', 1)
    await page.getByRole('link', { name: /^Trash/ }).click()
    await rowOf(page, 'Boomerang').waitFor()
    await page.getByRole('button', { name: 'More for this mailbox' }).click()
    await page.getByRole('menuitem', { name: 'Empty Trash' }).click()
    const dialog = page.getByRole('dialog', { name: 'Delete for good?' })
    await expectAccessible(page)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(countAt(screen.dovecot, 'Trash', 'subject', 'Boomerang')).toBe(1)
    await page.getByRole('button', { name: 'More for this mailbox' }).click()
    await page.getByRole('menuitem', { name: 'Empty Trash' }).click()
    await dialog.getByRole('button', { name: 'Delete for good' }).click()
    await page.getByText('Nothing here.').waitFor()
    await until(async () => countAt(screen.dovecot, 'Trash') === 0, { what: 'an empty Trash' })
  })

  it('moves by dragging onto a mailbox, and goes on with the next conversation', async () => {
    await page.getByRole('link', { name: /^Inbox/ }).click()
    await arrive('Next in line')
    await arrive('Drag me')
    await rowOf(page, 'Drag me').click()
    await page.getByRole('heading', { name: 'Drag me' }).waitFor()
    await rowOf(page, 'Drag me').dragTo(page.getByRole('link', { name: /^Travel/ }))
    await page.getByRole('heading', { name: 'Next in line' }).waitFor()
    await at('Travel', 'Drag me', 1)
    // By the menu, found by typing.
    await page.keyboard.press('v')
    await page.keyboard.type('rec')
    await page.keyboard.press('Enter')
    await at('Receipts', 'Next in line', 1)
  })

  it('selects all that are shown, in a bar that takes no more room than the head', async () => {
    const listTop = () => page.locator('.list-scroll').evaluate((list) => list.getBoundingClientRect().top)
    const before = await listTop()
    await rowOf(page, 'Tide and Timber').click()
    await page.keyboard.press('s')
    await page.getByRole('button', { name: 'Starred' }).click()
    await rowOf(page, '').waitFor()
    await until(async () => (await page.locator('[data-thread]:not(:has(.meta .starred))').count()) === 0)
    const starred = await page.locator('[data-thread]').count()
    expect(starred).toBeGreaterThan(0)
    await page.locator('[data-thread]').first().focus()
    await page.keyboard.press('*')
    await page.keyboard.press('a')
    await page.getByRole('heading', { name: `${starred} selected` }).waitFor()
    expect(await listTop()).toBe(before)
    await page.getByRole('button', { name: 'More for the selection' }).click()
    await page.getByRole('menuitem', { name: 'Remove star' }).click()
    await until(async () => countAt(screen.dovecot, 'INBOX', 'flagged') === 0, { what: 'no star left' })
    await page.keyboard.press('z')
    await until(async () => countAt(screen.dovecot, 'INBOX', 'flagged') === starred, { what: 'the stars back' })
    await page.getByRole('button', { name: 'All', exact: true }).click()
  })

  it('is done by the palette, which finds commands, mailboxes and mail, and by keys of one’s own', async () => {
    await page.keyboard.press('Control+k')
    const box = page.getByRole('combobox', { name: 'Command palette' })
    await box.fill('trav')
    await page.getByRole('option', { name: /^Travel/ }).waitFor()
    await box.fill('espalier')
    await page
      .getByRole('option', { name: /Garden plans/ })
      .first()
      .waitFor()
    await expectAccessible(page)
    await box.fill('keyboard')
    await page.keyboard.press('Enter')
    const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await sheet.getByText('Go to the inbox').waitFor()
    await expectAccessible(page)
    await sheet.getByRole('link', { name: 'Settings' }).click()
    await page.getByRole('textbox', { name: 'Go to the inbox' }).press('y')
    await page.getByText('y means “Go to the inbox”.').waitFor()
    await expectAccessible(page)
    await page.goto(`${screen.base}/search?q=espalier`)
    await page.locator('.hit mark').first().waitFor()
    await page.keyboard.press('y')
    await page.getByRole('heading', { name: /^Inbox/ }).waitFor()
    await screen.api('PATCH', '/v1/settings', { keys: {} })
  })

  it('is off, with the reason, where the server allows nothing', async () => {
    // The tree comes with the page.
    await page.route(`${screen.base}/`, async (route) => {
      const response = await route.fetch()
      const travel = /("path":"Travel"[^{]*"rights":)(\{[^}]*\})/
      const html = (await response.text()).replace(travel, (_, before: string, rights: string) => {
        return before + rights.replaceAll('true', 'false')
      })
      await route.fulfill({ response, body: html })
    })
    await openInbox(page, screen.base)
    await page.getByRole('link', { name: /^Travel/ }).click()
    await page.getByRole('img', { name: /^Read-only/ }).waitFor()
    await rowOf(page, 'Drag me').click()
    const reason = 'The server does not allow this here'
    await page.locator(`.view-head [title="${reason}"]`).first().waitFor()
    expect(await page.locator('.view-head button:not(.phone-back):enabled').count()).toBe(0)
    expect(await rowOf(page, 'Drag me').locator('.hover-actions button:enabled').count()).toBe(0)
    await page.keyboard.press('e')
    await page.locator('.toast.problem', { hasText: reason }).waitFor()
    await expectAccessible(page)
    await page.unroute(`${screen.base}/`)
  })
})

describe('a list', () => {
  const threads = '**/v1/mailboxes/*/threads?*'

  it('shows grey lines while it waits, what is wrong when it fails, and comes by itself after an outage', async () => {
    let answer: (() => Promise<void>) | undefined
    await page.route(threads, (route) => {
      answer = () => route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'Broken.' } } })
    })
    await page.goto(screen.base)
    // The first one comes with the page; this one is asked for.
    await page.getByRole('link', { name: /^Travel/ }).click()
    await page.getByRole('status', { name: 'Loading' }).waitFor()
    await expectAccessible(page)
    await until(async () => answer !== undefined)
    await answer?.()
    await page.getByText('This list could not be loaded.').waitFor()
    await expectAccessible(page)
    await page.unroute(threads)
    await page.route(threads, (route) => route.abort())
    await page.getByRole('button', { name: 'Try again' }).click()
    await page
      .locator('.list')
      .getByText(/^No connection/)
      .waitFor()
    await expectAccessible(page)
    await page.unroute(threads)
    await rowOf(page, 'Drag me').waitFor()
  })

  it('says that it is empty, that nothing was found, and that a conversation is gone', async () => {
    await page.getByRole('link', { name: /^Trash/ }).click()
    await page.getByText('Nothing here.').waitFor()
    await page.goto(`${screen.base}/mail/999999`)
    await page.getByText('This mailbox is not here any more.').waitFor()
    await page.goto(`${screen.base}/search?q=zzyzx`)
    await page.getByText('Nothing found for “zzyzx”.').waitFor()
    await page.goto(`${page.url().split('/search')[0]}/search/999999?q=zzyzx`)
    await page.getByText('This conversation is not here any more.').waitFor()
    await page.route('**/v1/search?*', (route) => route.abort())
    await page.goto(`${screen.base}/search?q=garden`)
    await page
      .locator('.list')
      .getByText(/^No connection/)
      .waitFor()
    await page.unroute('**/v1/search?*')
    await page.locator('.hit').first().waitFor()
  })

  it('never met an error or a breach of its own policy on the way', () => {
    expect(screen.problems).toEqual([])
  })
})
