import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { deliveryReport } from '../apps/api/test/support/report-mails.ts'
import { until } from '../apps/api/test/support/until.ts'
import { deliver, expectAccessible, openInbox, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** What became of mail, and what mail asks for: told above it. */
let screen: Screen
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  context = await screen.newContext()
  page = await screen.newPage(context)
})
afterAll(async () => screen?.stop())

/** That nothing is cut off, or wider than a phone. */
const fitsPhone = async () => {
  const before = page.viewportSize()
  await page.setViewportSize({ width: 390, height: 844 })
  await until(() => page.evaluate(() => document.documentElement.scrollWidth === 390), { what: 'as wide as a phone' })
  await expectAccessible(page)
  if (before) await page.setViewportSize(before)
}

describe('reports', () => {
  it('stand at the mail that did not arrive, with what the server said and a way to the report and back', async () => {
    const sent = (id: string, subject: string) =>
      screen.dovecot.deliver(
        'robin',
        // A copy to oneself: the inbox is watched, Sent is looked at now and then.
        'INBOX',
        `From: robin@example.org\r\nTo: bob@example.net\r\nSubject: ${subject}\r\nMessage-ID: <${id}@example.org>\r\n\r\nSee you there.\r\n`,
      )
    sent('boat', 'The boat')
    const said = '550 5.1.1 <bob@example.net>: Recipient address rejected: User unknown in virtual mailbox table'
    screen.dovecot.deliver(
      'robin',
      'INBOX',
      deliveryReport({ about: 'boat@example.org', to: 'bob@example.net', text: said }),
    )
    for (const action of ['delayed', 'delivered'] as const)
      screen.dovecot.deliver(
        'robin',
        'INBOX',
        deliveryReport({ about: 'boat@example.org', to: `${action}@example.net`, action, text: `250 ${action}` }),
      )
    await openInbox(page, screen.base)
    // One conversation, once the reports have been read.
    await page.locator('[data-thread]', { hasText: /Mail Delivery System\s*4/ }).click()
    const failed = page.locator('.notice.bad', {
      hasText: 'Not delivered to bob@example.net: the mailbox does not exist',
    })
    await failed.waitFor()
    await failed.getByText(`Their server said: ${said}`).waitFor()
    await page.locator('.notice.warn', { hasText: 'Not delivered to delayed@example.net yet' }).waitFor()
    await page.locator('p.report', { hasText: 'Delivered to delivered@example.net' }).waitFor()
    await page.getByText('This report is about “The boat”.').first().waitFor()
    await expectAccessible(page)
    await picture(page, 'reports')
    await fitsPhone()
    // To the mail itself, which is folded, and from there to the report.
    const mail = page.locator('article.message', { hasText: 'bob@example.net' }).first()
    await page.getByRole('link', { name: 'Show that mail' }).first().click()
    await mail.getByText('See you there.').waitFor()
    expect(await mail.getByRole('button', { expanded: true }).count()).toBeGreaterThan(0)
    await mail.getByRole('link', { name: 'Show the report' }).first().click()
    await expect.poll(() => new URL(page.url()).searchParams.get('m')).not.toBeNull()
  })
})

describe('a mail that asks for a receipt', () => {
  it('gets one when its reader says so, or none, once', async () => {
    for (const subject of ['First confirmation', 'Second confirmation'])
      deliver(screen.dovecot, subject, 'Disposition-Notification-To: zed@example.org\r\n')
    deliver(screen.dovecot, 'Confirm elsewhere', 'Disposition-Notification-To: tracker@elsewhere.example\r\n')
    await rowOf(page, 'Confirm elsewhere').click()
    await page.getByText('Zed asks that tracker@elsewhere.example be told that you have read this').waitFor()
    await rowOf(page, 'Second confirmation').click()
    const bar = page.locator('.notice', { hasText: 'Zed asks to be told that you have read this.' })
    await bar.waitFor()
    await expectAccessible(page)
    await picture(page, 'receipt')
    await fitsPhone()
    await bar.getByRole('button', { name: 'Do not' }).click()
    await page.getByText('No receipt was sent, as you chose').waitFor()
    await page.reload()
    await page.getByText('No receipt was sent, as you chose').waitFor()
    expect(await bar.count()).toBe(0)
    await rowOf(page, 'First confirmation').click()
    // Without a server to send with it says so, and asks on.
    await bar.getByRole('button', { name: 'Send receipt' }).click()
    await page.getByRole('alert').getByText('This account has no server to send with.').waitFor()
    await bar.waitFor()
  })
})

describe('a mail of a list', () => {
  it('is left by a button that says first what happens', async () => {
    deliver(
      screen.dovecot,
      'Weekly list',
      'List-Id: <weekly.example.org>\r\nList-Unsubscribe: <https://lists.example.org/off?u=1>\r\n',
    )
    await rowOf(page, 'Weekly list').click()
    await page.getByRole('button', { name: 'Unsubscribe' }).click()
    const dialog = page.getByRole('dialog', { name: 'Leave this list?' })
    await dialog.getByText('Only a page of lists.example.org takes you off this list.').waitFor()
    await expectAccessible(page)
    await picture(page, 'unsubscribe')
    await fitsPhone()
    const link = dialog.getByRole('link', { name: 'Open the page' })
    expect([
      await link.getAttribute('href'),
      await link.getAttribute('target'),
      await link.getAttribute('rel'),
    ]).toEqual(['https://lists.example.org/off?u=1', '_blank', 'noopener noreferrer'])
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    expect(screen.problems).toEqual([])
  })
})
