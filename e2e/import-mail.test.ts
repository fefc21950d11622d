import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { countAt, expectAccessible, openInbox, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

const letter = (name: string): string =>
  `From: Zed <zed@example.org>\nSubject: ${name}\nMessage-ID: <${name.replaceAll(' ', '.')}@example.org>\nDate: Fri, 8 Jul 2011 12:08:34 +0000\n\nHello ${name}\n`
const mboxOf = (...names: string[]): string =>
  names.map((name) => `From zed@example.org Fri Jul  8 12:08:34 2011\n${letter(name)}\n`).join('')

/** Files into an account of either kind, and from one to the other. */
let screen: Screen
let page: Page
let folder: string
const ids = { imap: '', kept: '' }
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postern-import-'))
  screen = await startScreen()
  page = await screen.newPage(await screen.newContext())
  await openInbox(page, screen.base)
  screen.dovecot.addUser('kept', 'mail password')
  const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: { id: string }[] }
  ids.imap = accounts[0]?.id ?? ''
  const added = await screen.api('POST', '/v1/accounts', {
    address: 'kept@example.org',
    kind: 'pop3',
    password: 'mail password',
    incoming: { host: 'localhost', port: screen.dovecot.pop3sPort, security: 'tls', username: 'kept' },
  })
  ids.kept = ((await added.json()) as { id: string }).id
})
afterAll(async () => {
  await screen?.stop()
  rmSync(folder, { recursive: true, force: true })
})

const openDialog = async (account: keyof typeof ids, mailbox: string, item: string) => {
  await page.goto(`${screen.base}/accounts/${ids[account]}`)
  const card = page.getByRole('region', { name: 'Import and copy' })
  await card.getByLabel('Mailbox').selectOption({ label: mailbox })
  await card.getByRole('button', { name: item }).click()
}
const dialog = () => page.getByRole('dialog')
const counts = (text: string) => page.getByText(text, { exact: true })

describe('mail that one has as files', () => {
  it('goes into a mailbox of the mail server, with what was left out and why', async () => {
    const mbox = join(folder, 'old mail')
    writeFileSync(mbox, mboxOf('Old lamp', 'Old chair', 'Old lamp'))
    writeFileSync(join(folder, 'broken.mbox'), 'no mail')
    writeFileSync(join(folder, 'single.eml'), letter('Old table'))
    await openDialog('imap', 'Archive', 'Import mail…')
    await expectAccessible(page)
    await picture(page, 'import-ask')
    // Leaving the browser's own window without a choice leaves one where one was.
    const browser = await page.context().newCDPSession(page)
    await browser.send('Page.setInterceptFileChooserDialog', { enabled: true, cancel: true })
    await page.evaluate(() => {
      const count = () => document.body.setAttribute('data-left', '')
      document.querySelector('input[type=file]')?.addEventListener('cancel', count, { once: true })
    })
    await dialog().getByRole('button', { name: 'Choose files…' }).click()
    await page.locator('body[data-left]').waitFor()
    await browser.detach()
    expect(await dialog().count()).toBe(1)
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      dialog().getByRole('button', { name: 'Choose files…' }).click(),
    ])
    await chooser.setFiles([mbox, join(folder, 'broken.mbox'), join(folder, 'single.eml')])
    await dialog()
      .getByText(/^3 files, /)
      .waitFor()
    const before = countAt(screen.dovecot, 'Archive')
    await dialog().getByRole('button', { name: 'Import', exact: true }).click()
    await dialog().getByText('Done.').waitFor()
    await dialog().getByText('3 added, 1 already there, 1 left out').waitFor()
    await dialog().getByText('broken.mbox: This is no mbox file', { exact: false }).waitFor()
    await expectAccessible(page)
    await picture(page, 'import-done')
    expect(countAt(screen.dovecot, 'Archive') - before).toBe(3)
    await dialog().getByRole('button', { name: 'Close', exact: true }).click()
    // Its end was looked at.
    await page.getByText('Import into Archive').waitFor({ state: 'detached' })
    await until(async () => {
      const found = (await (await screen.api('GET', '/v1/search?q=Old%20table')).json()) as {
        count: { messages: number }
      }
      return found.count.messages > 0
    })
  })

  it('goes into a mailbox that is kept here, out of a Maildir; the dialog need not stay open', async () => {
    for (const part of ['cur', 'new', 'tmp', '.Sent/cur']) mkdirSync(join(folder, 'Maildir', part), { recursive: true })
    for (let n = 0; n < 30; n++) writeFileSync(join(folder, 'Maildir/cur', `${n}.host:2,S`), letter(`Kept ${n}`))
    writeFileSync(join(folder, 'Maildir/new/99.host'), letter('Kept new'))
    writeFileSync(join(folder, 'Maildir/tmp/98.host'), letter('Kept never'))
    writeFileSync(join(folder, 'Maildir/.Sent/cur/97.host:2,S'), letter('Kept elsewhere'))
    await openDialog('kept', 'Archive', 'Import mail…')
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      dialog().getByRole('button', { name: 'Choose a Maildir folder…' }).click(),
    ])
    await chooser.setFiles(join(folder, 'Maildir'))
    await dialog()
      .getByText(/^32 files, .+ 1 of them go into mailboxes below this one, .+: Sent$/)
      .waitFor()
    await dialog().getByRole('button', { name: 'Import', exact: true }).click()
    await dialog().getByRole('progressbar').waitFor()
    await dialog().getByText('The other files (1) go into mailboxes below this one').waitFor()
    await page.keyboard.press('Escape')
    await dialog().waitFor({ state: 'detached' })
    await counts('Import into Archive: 31 added, 0 already there, 0 left out').waitFor()
    await counts('Import into Archive/Sent: 1 added, 0 already there, 0 left out').waitFor()
    await expectAccessible(page)
    await picture(page, 'import-dock')
    // Shown as any mail is, read and unread as in the Maildir.
    await page.getByRole('link', { name: 'Back' }).click()
    const tree = page.getByRole('region', { name: /kept@example\.org/ })
    await tree.getByRole('link', { name: 'Archive' }).click()
    await rowOf(page, 'Kept new').waitFor()
    // On a phone nothing of the bar is covered.
    const wide = page.viewportSize()
    await page.setViewportSize({ width: 390, height: 844 })
    await page.locator('.bottom-bar').waitFor()
    const dock = await page.getByRole('region', { name: 'Imports and copies' }).boundingBox()
    const bar = await page.locator('.bottom-bar').boundingBox()
    expect((dock?.y ?? 0) + (dock?.height ?? 0)).toBeLessThan(bar?.y ?? 0)
    // Little room for each, and nothing of it outside.
    const first = await page.locator('.transfer.ended').first().boundingBox()
    expect(first?.height).toBeLessThan(70)
    const close = await page.getByRole('button', { name: 'Close: Import into Archive', exact: true }).boundingBox()
    for (const box of [first, close]) expect((box?.x ?? 0) + (box?.width ?? 999)).toBeLessThan(390)
    await page.setViewportSize(wide ?? { width: 1440, height: 900 })
    const { mailboxes } = (await (await screen.api('GET', `/v1/accounts/${ids.kept}/mailboxes`)).json()) as {
      mailboxes: { path: string; messages: number; unreadMessages: number }[]
    }
    expect(mailboxes.find(({ path }) => path === 'Archive')).toMatchObject({ messages: 31, unreadMessages: 1 })
    expect(mailboxes.find(({ path }) => path === 'Archive/Sent')).toMatchObject({ messages: 1, unreadMessages: 0 })
  })

  it('waits while its account is paused, is shown again by a page that was loaded anew, and can be cancelled', async () => {
    await screen.api('PATCH', `/v1/accounts/${ids.imap}`, { isPaused: true })
    await openDialog('imap', 'Archive', 'Import mail…')
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      dialog().getByRole('button', { name: 'Choose files…' }).click(),
    ])
    await chooser.setFiles(join(folder, 'single.eml'))
    await dialog().getByRole('button', { name: 'Import', exact: true }).click()
    await dialog().getByText('Mails are being added.').waitFor()
    await page.reload()
    await counts('0 added, 0 already there, 0 left out, 1 to do').waitFor()
    await page.getByRole('button', { name: 'Cancel: Import into Archive' }).click()
    const line = 'Cancelled. What was added stays. 0 of 1 added, 0 already there, 0 left out'
    await counts(`Import into Archive: ${line}`).waitFor()
    await screen.api('PATCH', `/v1/accounts/${ids.imap}`, { isPaused: false })
  })

  it('is copied from here to another account, and stays', async () => {
    // From the tree, where one looks for it first.
    await page.goto(`${screen.base}/?account=${ids.kept}`)
    const tree = page.getByRole('region', { name: 'kept@example.org' })
    await tree.getByRole('link', { name: 'Archive' }).click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Import mail here…' }).click()
    await dialog().getByRole('heading', { name: 'Import mail into Archive' }).waitFor()
    await page.keyboard.press('Escape')
    await tree.getByRole('link', { name: 'Archive' }).click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Copy to another account…' }).click()
    await dialog().getByLabel('Copy into').selectOption({ label: 'Sent' })
    await expectAccessible(page)
    const before = countAt(screen.dovecot, 'Sent')
    await dialog().getByRole('button', { name: 'Copy', exact: true }).click()
    await dialog().getByText('31 added, 0 already there, 0 left out').waitFor()
    await dialog().getByText('Copy of Archive (kept@example.org) to Sent (robin@example.org)').waitFor()
    expect(countAt(screen.dovecot, 'Sent') - before).toBe(31)
    expect(countAt(screen.dovecot, 'Sent', 'seen', 'from', 'zed@example.org')).toBe(30)
    await dialog().getByRole('button', { name: 'Close', exact: true }).click()
    await until(async () => {
      const { mailboxes } = (await (await screen.api('GET', `/v1/accounts/${ids.kept}/mailboxes`)).json()) as {
        mailboxes: { path: string; messages: number }[]
      }
      return mailboxes.find(({ path }) => path === 'Archive')?.messages === 31
    })
  })

  it('that was cut off says so on a page that comes later, with how much is missing', async () => {
    const { mailboxes } = (await (await screen.api('GET', `/v1/accounts/${ids.kept}/mailboxes`)).json()) as {
      mailboxes: { id: string; path: string }[]
    }
    const sent = mailboxes.find(({ path }) => path === 'Sent')?.id
    const begun = await screen.api('POST', `/v1/mailboxes/${sent}/imports`, { expectedBytes: 2_000_000 })
    const { id } = (await begun.json()) as { id: string }
    await page.goto(`${screen.base}/accounts/${ids.kept}`)
    const dock = page.getByRole('region', { name: 'Imports and copies' })
    await dock.getByText('This ends by itself when nothing has come for an hour.').waitFor()
    await screen.api('POST', `/v1/transfers/${id}/finish`, { isCutOff: true })
    await dock.getByText('2 MB of 2 MB did not come. Choose the same files again').waitFor()
    await page.reload()
    await dock.getByText('2 MB of 2 MB did not come. Choose the same files again').waitFor()
    await expectAccessible(page)
    await picture(page, 'import-cut-off')
    await dock.getByRole('button', { name: 'Close: Import into Sent' }).click()
  })

  it('is put away once it has ended, one or all, on every screen', async () => {
    const { mailboxes } = (await (await screen.api('GET', `/v1/accounts/${ids.kept}/mailboxes`)).json()) as {
      mailboxes: { id: string; path: string }[]
    }
    const sent = mailboxes.find(({ path }) => path === 'Sent')?.id
    const begin = async () => {
      const answer = await screen.api('POST', `/v1/mailboxes/${sent}/imports`, {})
      return ((await answer.json()) as { id: string }).id
    }
    await screen.api('DELETE', `/v1/transfers/${await begin()}`)
    await begin()
    const other = await screen.newPage(await screen.newContext())
    const dock = (window: Page) => window.getByRole('region', { name: 'Imports and copies' })
    for (const window of [page, other]) {
      await window.goto(`${screen.base}/accounts/${ids.kept}`)
      await dock(window).getByRole('button', { name: 'Close all 2 that have ended' }).waitFor()
    }
    // What came to a good end is told where it was begun, and nowhere else.
    expect(
      await dock(other)
        .getByText(/31 added/)
        .count(),
    ).toBe(0)
    await expectAccessible(page)
    await picture(page, 'import-dock-ended')
    await dock(page).getByRole('button', { name: 'Close all 2 that have ended' }).click()
    const titles = (window: Page) => dock(window).locator('strong, .ended').allTextContents()
    for (const window of [page, other])
      await until(async () => (await titles(window)).join() === 'Import into Sent', { what: 'only what is under way' })
    await page.reload()
    await dock(page).getByRole('button', { name: 'Cancel: Import into Sent' }).click()
    await dock(page).getByRole('button', { name: 'Close: Import into Sent' }).waitFor()
    expect(await titles(page)).toHaveLength(1)
    await dock(other).getByRole('button', { name: 'Close: Import into Sent' }).click()
    for (const window of [page, other]) await dock(window).waitFor({ state: 'detached' })
    expect(screen.problems).toEqual([])
  })
})
