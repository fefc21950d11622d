import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { expectAccessible, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** A person's own mailboxes of a POP3 account, in two windows at once. The tests go in order. */
describe('mailboxes of one’s own', () => {
  let screen: Screen
  let page: Page
  let other: Page
  beforeAll(async () => {
    screen = await startScreen()
    screen.dovecot.addUser('pat', 'mail password')
    for (const subject of ['The plan', 'The rest'])
      screen.dovecot.deliver('pat', 'INBOX', `From: Zed <zed@example.org>\r\nSubject: ${subject}\r\n\r\nHello!\r\n`)
    const answer = await screen.api('POST', '/v1/accounts', {
      address: 'pat@example.org',
      kind: 'pop3',
      password: 'mail password',
      incoming: { host: 'localhost', port: screen.dovecot.pop3sPort, security: 'tls', username: 'pat' },
    })
    const { id } = (await answer.json()) as { id: string }
    page = await screen.newPage(await screen.newContext())
    // Windows of one context would take turns in front, and wait a second for each frame behind.
    other = await screen.newPage(await screen.newContext())
    for (const window of [page, other]) {
      await window.goto(`${screen.base}/?account=${id}`)
      await rowOf(window, 'The plan').waitFor()
    }
  })
  afterAll(async () => screen?.stop())

  const treeOf = (window: Page) => window.getByRole('region', { name: 'pat@example.org' })
  const link = (window: Page, name: string) => treeOf(window).getByRole('link', { name, exact: true })
  const gone = (window: Page, name: string) => link(window, name).waitFor({ state: 'detached' })
  const asked = () => page.locator('dialog[open]')
  const choose = async (mailbox: string, item: string) => {
    await link(page, mailbox).click({ button: 'right' })
    await page.getByRole('menuitem', { name: item }).click()
  }

  it('are made at the top and below each other, by keyboard too, and never twice', async () => {
    await treeOf(page).getByRole('button', { name: 'New mailbox…: pat@example.org' }).click()
    await page.getByRole('dialog', { name: 'New mailbox' }).waitFor()
    await expectAccessible(page)
    await page.keyboard.type('Projects')
    await page.keyboard.press('Enter')
    for (const window of [page, other]) await link(window, 'Projects').waitFor()
    await link(page, 'Projects').focus()
    await page.keyboard.press('Tab')
    await page.locator('button:focus[aria-label="More for Projects"]').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'New mailbox…' }).waitFor()
    await expectAccessible(page)
    await picture(page, 'own-mailboxes')
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'New mailbox below Projects' }).waitFor()
    await page.keyboard.type('Boats')
    await page.keyboard.press('Enter')
    for (const window of [page, other]) await link(window, 'Boats').waitFor()
    await choose('Projects', 'New mailbox…')
    await asked().getByLabel('Name').fill('boats')
    await asked().getByRole('button', { name: 'Create' }).click()
    await page.getByText('Name is taken here').waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await page.locator('button:focus[aria-label="More for Projects"]').waitFor()
    // What has a role keeps its name, and so does what is the server's.
    const offered = async (address: string, mailbox: string) => {
      await page
        .getByRole('region', { name: address })
        .getByRole('link', { name: new RegExp(`^${mailbox}`) })
        .click({ button: 'right' })
      const texts = await page.getByRole('menuitem').allTextContents()
      await page.keyboard.press('Escape')
      return texts
    }
    const both = ['Import mail here…', 'Copy to an IMAP account…']
    expect(await offered('pat@example.org', 'Archive')).toEqual(both)
    expect(await offered('pat@example.org', 'Boats')).toEqual([
      'New mailbox…',
      'Rename…',
      'Move to…',
      'Delete…',
      ...both,
    ])
    expect(await offered('robin@example.org', 'Travel')).toEqual(['Import mail here…'])
  })

  it('are renamed and moved with what lies below, in both windows', async () => {
    await choose('Projects', 'Rename…')
    await asked().getByLabel('Name').fill('Work')
    await asked().getByRole('button', { name: 'Rename' }).click()
    for (const window of [page, other]) {
      await link(window, 'Work').waitFor()
      await gone(window, 'Projects')
    }
    expect(await link(other, 'Boats').getAttribute('title')).toBe('Work/Boats')
    await choose('Boats', 'Move to…')
    await asked().getByLabel('Below').selectOption('No other: at the top')
    await asked().getByRole('button', { name: 'Move' }).click()
    await other.locator('a[title="Boats"]').waitFor()
    await choose('Work', 'Move to…')
    expect(await asked().getByLabel('Below').locator('option').allTextContents()).toEqual([
      'No other: at the top',
      'Boats',
    ])
    await asked().getByLabel('Below').selectOption('Boats')
    await asked().getByRole('button', { name: 'Move' }).click()
    await other.locator('a[title="Boats/Work"]').waitFor()
  })

  it('go with what they hold put into Trash, and come back with it', async () => {
    await rowOf(page, 'The plan').click()
    await page.locator('article.message').first().waitFor()
    await page.getByRole('button', { name: 'Move' }).last().click()
    await page.getByRole('textbox', { name: 'Move' }).fill('Work')
    await page.getByRole('menuitem', { name: 'Boats/Work' }).click()
    await treeOf(other).getByRole('link', { name: /^Work/ }).click()
    await rowOf(other, 'The plan').waitFor()
    await choose('Boats', 'Delete…')
    const question = page.getByRole('dialog', { name: 'Delete Boats?' })
    await question.getByText('what they hold goes to Trash (1 message). Nothing is lost.').waitFor()
    await expectAccessible(page)
    await picture(page, 'own-mailbox-delete')
    await question.getByRole('button', { name: 'Delete' }).click()
    await other.getByText('This mailbox is not here any more.').waitFor()
    for (const window of [page, other]) await gone(window, 'Boats')
    await treeOf(page).getByRole('link', { name: 'Trash' }).click()
    await rowOf(page, 'The plan').waitFor()
    await page.getByText('Boats is deleted; what it held is in Trash.').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    await rowOf(other, 'The plan').waitFor()
    await rowOf(page, 'The plan').waitFor({ state: 'detached' })
    expect(await other.locator('a[title="Boats/Work"]').getAttribute('aria-current')).toBe('page')
    expect(screen.problems).toEqual([])
  })
})
