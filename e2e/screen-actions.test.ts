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

  it('puts everything back when Postern does not answer, and says so', async () => {
    const heading = page.getByRole('heading', { name: /^Inbox/ })
    const before = await heading.textContent()
    await page.route('**/v1/**', (route) => route.abort())
    for (const key of ['e', 's']) {
      await rowOf(page, 'Boomerang').focus()
      await page.keyboard.press(key)
      await page.getByText('Not done: Postern does not answer.').waitFor()
      await page.locator('.toast.problem').getByRole('button', { name: 'Close' }).click()
    }
    await rowOf(page, 'Boomerang').waitFor()
    expect(await rowOf(page, 'Boomerang').locator('.meta .starred').count()).toBe(0)
    expect(await heading.textContent()).toBe(before)
    // Nothing of it is left to be taken back, and a mailbox that cannot be opened shows what is known of it.
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0)
    const known = countAt(screen.dovecot, 'Receipts')
    expect(known).toBeGreaterThan(0)
    await page.getByRole('link', { name: /^Receipts/ }).click()
    await page.getByRole('heading', { name: /^Receipts [1-9]/ }).waitFor()
    await page.unroute('**/v1/**')
    await page.getByRole('link', { name: /^Inbox/ }).click()
    await rowOf(page, 'Boomerang').waitFor()
    await at('INBOX', 'Boomerang', 1)
  })

  it('tells one thing at a time, and takes back one after the other by key', async () => {
    await arrive('First of two')
    await arrive('Second of two')
    await hover('First of two', 'Archive')
    await hover('Second of two', 'Archive')
    await page.getByText('Archived', { exact: true }).waitFor()
    expect(await page.locator('.toast.done').count()).toBe(1)
    await page.keyboard.press('z')
    await page.keyboard.press('z')
    await rowOf(page, 'First of two').waitFor()
    await rowOf(page, 'Second of two').waitFor()
    expect(await page.locator('.toast.done').count()).toBe(1)
    await at('Archive', 'of two', 0)
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
    await page.getByRole('link', { name: /^Spam/ }).click()
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
    // Stored before the page is loaded anew: on its way it might come in the middle of what is counted.
    await Promise.all([
      page.waitForResponse((response) => response.request().postData()?.includes('flagged') === true),
      page.keyboard.press('s'),
    ])
    await page.getByRole('button', { name: 'Starred' }).click()
    // The filter is part of the address.
    await page.reload()
    await page.getByRole('button', { name: 'Starred', pressed: true }).waitFor()
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

  it('marks everything in a mailbox read, and takes that back', async () => {
    const unread = () => countAt(screen.dovecot, 'INBOX', 'unseen')
    // What is open counts as read after a second: only then is there a number to come back to.
    const isOpenRead = async () =>
      countAt(screen.dovecot, 'INBOX', 'subject', 'A boat shed that floats', 'unseen') === 0
    await until(isOpenRead, { what: 'the open conversation read' })
    const before = unread()
    expect(before).toBeGreaterThan(1)
    await page.getByRole('button', { name: 'More for this mailbox' }).click()
    await page.getByRole('menuitem', { name: 'Mark all read' }).click()
    await page.locator('[data-thread].unread').first().waitFor({ state: 'detached' })
    await until(async () => unread() === 0, { what: 'no unread mail at the server' })
    await page.keyboard.press('z')
    await page.locator('[data-thread].unread').first().waitFor()
    await until(async () => unread() === before, { what: 'the unread mail back' })
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
    const choose = async (text: string, dialog: string) => {
      await box.fill(text)
      await page.keyboard.press('Enter')
      await page.getByRole('dialog', { name: dialog }).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog', { name: dialog }).waitFor({ state: 'detached' })
      await page.keyboard.press('Control+k')
    }
    await choose('import', 'Import mail into Inbox')
    // The tree is a drawer here, and closed.
    await page.setViewportSize({ width: 820, height: 1180 })
    await choose('new mailbox', 'New mailbox')
    await page.setViewportSize({ width: 1440, height: 900 })
    await box.fill('keyboard')
    await page.keyboard.press('Enter')
    const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await sheet.getByText('Go to the inbox').waitFor()
    await expectAccessible(page)
    await sheet.getByRole('link', { name: 'Settings' }).click()
    // It is shown before it is stored.
    await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'PATCH' && response.ok()),
      page.getByRole('textbox', { name: 'Go to the inbox' }).press('y'),
    ])
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

describe('what was found', () => {
  it('shows the found words, wherever in a text and in whichever script', async () => {
    deliver(
      screen.dovecot,
      '=?utf-8?B?5piO5pel44Gu5Lya6K2w44Gr44Gk44GE44Gm?=',
      'MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n',
      `${'今日は天気がよい。'.repeat(30)}会議は三時からです。`,
    )
    await page.goto(`${screen.base}/search?q=会議`)
    const hit = page.locator('.hit', { hasText: '明日の会議について' })
    // Found by its subject at first, by its text once that is read.
    await hit.locator('.preview mark').waitFor()
    expect(await hit.locator('mark').allTextContents()).toEqual(['会議', '会議'])
    const isInSight = await hit.locator('.preview mark').evaluate((mark) => {
      const line = mark.parentElement?.getBoundingClientRect()
      return mark.getBoundingClientRect().right <= (line?.right ?? 0)
    })
    expect(isInSight).toBe(true)
    expect(await page.title()).toMatch(/^(\(\d+\) )?会議 – Search – Postern$/)
  })

  it('is starred, read and moved by the pointer as in a list', async () => {
    await page.goto(`${screen.base}/search?q=second+two`)
    const hit = page.locator('.hit-row', { hasText: 'Second of two' }).first()
    await hit.hover()
    await hit.locator('[title="Star"]').click()
    await hit.locator('[title="Remove star"]').waitFor()
    await until(async () => countAt(screen.dovecot, 'INBOX', 'subject', 'Second of two', 'flagged') === 1)
    await hit.locator('[title="Archive"]').click()
    await hit.locator('.place', { hasText: 'Archive' }).waitFor()
    await at('Archive', 'Second of two', 1)
    await page.keyboard.press('z')
    await at('INBOX', 'Second of two', 1)
    await expectAccessible(page)
  })

  it('is nothing where there is no word to look for, and what was found before goes away', async () => {
    await page.getByRole('searchbox').fill('🌻')
    await page.getByText('There is no word in this to look for.').waitFor()
    expect(await page.locator('.hit').count()).toBe(0)
    expect(await page.getByRole('heading', { name: /found/ }).count()).toBe(0)
    await page.goto(`${screen.base}/`)
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
    await page.goto(`${screen.base}/no/such/place`)
    await page.getByText('There is no such page.').waitFor()
    await page.getByRole('link', { name: 'Go to the inbox' }).click()
    await page.getByRole('heading', { name: /^Inbox/ }).waitFor()
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
