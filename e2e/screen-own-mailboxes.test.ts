import type { Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { expectAccessible, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** A person's own mailboxes, kept here and at an IMAP server, in two windows at once. The tests go in order. */
describe('mailboxes of one’s own', () => {
  let screen: Screen
  let page: Page
  let other: Page
  beforeAll(async () => {
    screen = await startScreen()
    screen.dovecot.addUser('pat', 'mail password')
    for (const subject of ['The plan', 'The rest'])
      screen.dovecot.deliver('pat', 'INBOX', `From: Zed <zed@example.org>\r\nSubject: ${subject}\r\n\r\nHello!\r\n`)
    screen.dovecot.deliver('robin', 'INBOX', 'From: Zed <zed@example.org>\r\nSubject: The crate\r\n\r\nHello!\r\n')
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

  let address = 'pat@example.org'
  const treeOf = (window: Page) => window.getByRole('region', { name: address })
  const link = (window: Page, name: string) => treeOf(window).getByRole('link', { name, exact: true })
  const gone = (window: Page, name: string) => link(window, name).waitFor({ state: 'detached' })
  const asked = () => page.locator('dialog[open]')
  const choose = async (mailbox: string, item: string) => {
    await link(page, mailbox).click({ button: 'right' })
    await page.getByRole('menuitem', { name: item }).click()
  }

  /** What was just done is said, and taken back by the button or by key. */
  const takeBack = async (text: string, path: string, by: 'button' | 'key') => {
    await page.locator('.toast.done').getByText(text, { exact: true }).waitFor()
    if (by === 'key') await page.keyboard.press('z')
    else await page.locator('.toast.done').getByRole('button', { name: 'Undo' }).click()
    await page.locator('.toast.done').getByText('Taken back', { exact: true }).waitFor()
    for (const window of [page, other]) await window.locator(`a[title="${path}"]`).waitFor()
  }
  const rename = async (mailbox: string, name: string) => {
    await choose(mailbox, 'Rename…')
    await asked().getByLabel('Name').fill(name)
    await asked().getByRole('button', { name: 'Rename' }).click()
    await asked().waitFor({ state: 'detached' })
  }
  const move = async (mailbox: string, below: string) => {
    await choose(mailbox, 'Move to…')
    await asked().getByLabel('Below').selectOption(below)
    await asked().getByRole('button', { name: 'Move' }).click()
    await asked().waitFor({ state: 'detached' })
  }

  it('are made at the top and below each other, by keyboard too, and never twice', async () => {
    await treeOf(page).getByRole('button', { name: 'New mailbox…: pat@example.org' }).click()
    await page.getByRole('dialog', { name: 'New mailbox' }).waitFor()
    await expectAccessible(page)
    await page.keyboard.type('Projects')
    await page.keyboard.press('Enter')
    for (const window of [page, other]) await link(window, 'Projects').waitFor()
    // It gives the keyboard back to what opened it.
    await asked().waitFor({ state: 'detached' })
    await link(page, 'Projects').focus()
    await page.keyboard.press('Tab')
    await page.locator('button:focus[aria-label="More for Projects"]').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('menuitem', { name: 'New mailbox…' }).waitFor()
    await expectAccessible(page)
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
    // What has a role keeps its name.
    const offered = async (address: string, mailbox: string) => {
      await page
        .getByRole('region', { name: address })
        .getByRole('link', { name: new RegExp(`^${mailbox}`) })
        .click({ button: 'right' })
      const texts = await page.getByRole('menuitem').allTextContents()
      await page.keyboard.press('Escape')
      return texts
    }
    const own = ['New mailbox…', 'Rename…', 'Move to…', 'Delete…']
    const both = ['Import mail here…', 'Copy to another account…']
    expect(await offered('pat@example.org', 'Archive')).toEqual(['New mailbox…', ...both])
    expect(await offered('pat@example.org', 'Boats')).toEqual([...own, ...both])
    expect(await offered('robin@example.org', 'Archive')).toEqual(['New mailbox…', 'Import mail here…'])
    expect(await offered('robin@example.org', 'Travel')).toEqual([...own, 'Import mail here…'])
    // Last: a picture turns the window, and a menu that is open closes with that.
    await link(page, 'Boats').click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Rename…' }).waitFor()
    await picture(page, 'own-mailboxes')
    await page.keyboard.press('Escape')
  })

  it('are renamed and moved with what lies below, in both windows', async () => {
    await rename('Projects', 'Work')
    await takeBack('Projects is called Work now.', 'Projects/Boats', 'button')
    await rename('Projects', 'Work')
    for (const window of [page, other]) {
      await link(window, 'Work').waitFor()
      await gone(window, 'Projects')
    }
    expect(await link(other, 'Boats').getAttribute('title')).toBe('Work/Boats')
    await move('Boats', 'No other: at the top')
    await takeBack('Boats is at the top now.', 'Work/Boats', 'key')
    await move('Boats', 'No other: at the top')
    for (const window of [page, other]) await window.locator('a[title="Boats"]').waitFor()
    await choose('Work', 'Move to…')
    expect(await asked().getByLabel('Below').locator('option').allTextContents()).toEqual([
      'No other: at the top',
      'Archive',
      'Boats',
      'Inbox',
      'Sent',
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
    // The newest that was done, not the move before it.
    let restore: Route | undefined
    await page.route('**/restore', (route) => {
      restore = route
    })
    await page.keyboard.press('z')
    await until(async () => restore !== undefined)
    expect(await page.locator('.toast.done').count()).toBe(0)
    await restore?.continue()
    await page.getByText('Taken back').waitFor()
    await page.unroute('**/restore')
    await rowOf(other, 'The plan').waitFor()
    await rowOf(page, 'The plan').waitFor({ state: 'detached' })
    expect(await other.locator('a[title="Boats/Work"]').getAttribute('aria-current')).toBe('page')
    expect(screen.problems).toEqual([])
  })

  it.each([
    ['pat@example.org', 'The rest'],
    ['robin@example.org', 'The crate'],
  ])('are made for mail that is moved, by its menu, and one undo brings it back: %s', async (whose, subject) => {
    address = whose
    await treeOf(page)
      .getByRole('link', { name: /^Inbox/ })
      .click()
    await rowOf(page, subject).click()
    await page.locator('article.message').first().waitFor()
    await page.getByRole('button', { name: 'Move' }).last().click()
    await page.getByRole('textbox', { name: 'Move' }).fill('Boxes')
    expect(await page.getByRole('menuitem').allTextContents()).toEqual(['New mailbox…'])
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: 'New mailbox' }).waitFor()
    await page.keyboard.type('Boxes')
    await page.keyboard.press('Enter')
    await rowOf(page, subject).waitFor({ state: 'detached' })
    await page.getByText('Moved to Boxes').waitFor()
    await treeOf(other)
      .getByRole('link', { name: /^Boxes/ })
      .click()
    await rowOf(other, subject).waitFor()
    await page.keyboard.press('z')
    await rowOf(page, subject).waitFor()
    await rowOf(other, subject).waitFor({ state: 'detached' })
    expect(screen.problems).toEqual([])
  })

  const atServer = () =>
    screen.dovecot
      .doveadm('mailbox', 'list', '-u', 'robin')
      .split('\n')
      .filter((path) => /tools|plans|trash\//i.test(path))
      .sort()

  it('are made, renamed and moved at an IMAP server in the same way', async () => {
    address = 'robin@example.org'
    for (const window of [page, other]) await window.goto(screen.base)
    await rowOf(page, 'Tide and Timber').waitFor()
    await treeOf(page)
      .getByRole('button', { name: `New mailbox…: ${address}` })
      .click()
    await page.getByRole('dialog', { name: 'New mailbox' }).waitFor()
    await page.keyboard.type('Tools')
    await page.keyboard.press('Enter')
    for (const window of [page, other]) await link(window, 'Tools').waitFor()
    await choose('Tools', 'New mailbox…')
    await page.getByRole('dialog', { name: 'New mailbox below Tools' }).waitFor()
    await page.keyboard.type('Plans')
    await page.keyboard.press('Enter')
    for (const window of [page, other]) await link(window, 'Plans').waitFor()
    expect(atServer()).toEqual(['Tools', 'Tools/Plans'])
    await choose('Tools', 'Rename…')
    await asked().getByLabel('Name').fill('Tools 1.0')
    await asked().getByRole('button', { name: 'Rename' }).click()
    await asked().getByText('The mail server does not take this name, or not at this place.').waitFor()
    await asked().getByText('What the server said').click()
    await expectAccessible(page)
    await picture(page, 'server-mailbox-refused')
    await asked().getByLabel('Name').fill('My tools')
    await page.keyboard.press('Enter')
    await takeBack('Tools is called My tools now.', 'Tools/Plans', 'key')
    expect(atServer()).toEqual(['Tools', 'Tools/Plans'])
    await rename('Tools', 'My tools')
    for (const window of [page, other]) {
      await link(window, 'My tools').waitFor()
      await gone(window, 'Tools')
    }
    await move('Plans', 'No other: at the top')
    await other.locator('a[title="Plans"]').waitFor()
    await move('My tools', 'Plans')
    await takeBack('My tools is below Plans now.', 'My tools', 'button')
    expect(atServer()).toEqual(['My tools', 'Plans'])
    await move('My tools', 'Plans')
    await other.locator('a[title="Plans/My tools"]').waitFor()
    expect(atServer()).toEqual(['Plans', 'Plans/My tools'])
  })

  it('keep the number of their unread mail in every window, whatever their name and place', async () => {
    screen.dovecot.deliver('robin', 'Travel', 'From: Zed <zed@example.org>\r\nSubject: A boat\r\n\r\nHello!\r\n')
    const at = (window: Page, path: string) => window.locator(`a[title="${path}"]`)
    await at(other, 'Travel').click()
    await rowOf(other, 'A boat').waitFor()
    const unread = async (path: string) => {
      for (const window of [page, other]) await window.locator(`a.unread[title="${path}"] .count`).waitFor()
    }
    await unread('Travel')
    const choose = async (path: string, item: string) => {
      await at(page, path).click({ button: 'right' })
      await page.getByRole('menuitem', { name: item }).click()
    }
    await choose('Travel', 'Rename…')
    await asked().getByLabel('Name').fill('Journeys')
    await page.keyboard.press('Enter')
    await unread('Journeys')
    await choose('Journeys', 'Move to…')
    await asked().getByLabel('Below').selectOption('Receipts')
    await asked().getByRole('button', { name: 'Move' }).click()
    await unread('Receipts/Journeys')
  })

  it('go to Trash there with all they hold, come back, and go for good only from Trash', async () => {
    screen.dovecot.deliver('robin', 'Plans', 'From: Zed <zed@example.org>\r\nSubject: The shed\r\n\r\nHello!\r\n')
    await treeOf(other)
      .getByRole('link', { name: /^Plans/ })
      .click()
    await rowOf(other, 'The shed').waitFor()
    const remove = async () => {
      await treeOf(page)
        .getByRole('link', { name: /^Plans/ })
        .click({ button: 'right' })
      await page.getByRole('menuitem', { name: 'Delete…' }).click()
      const question = page.getByRole('dialog', { name: 'Delete Plans?' })
      await question
        .getByText('It goes to Trash with the mailboxes below it (1) and all they hold (1 message). Nothing is lost.')
        .waitFor()
      await question.getByRole('button', { name: 'Delete' }).click()
      await page.getByText('Plans is in Trash.').waitFor()
    }
    await remove()
    expect(atServer()).toEqual(['Trash/Plans', 'Trash/Plans/My tools'])
    // Whoever has it open goes on reading in it.
    await other.locator('a[title="Trash/Plans"][aria-current="page"]').waitFor()
    await rowOf(other, 'The shed').waitFor()
    await page.getByRole('button', { name: 'Undo' }).click()
    for (const window of [page, other]) await window.locator('a[title="Plans/My tools"]').waitFor()
    expect(atServer()).toEqual(['Plans', 'Plans/My tools'])
    await remove()
    // Folded below Trash.
    await gone(page, 'My tools')
    await treeOf(page).getByRole('button', { name: 'Mailboxes below Trash' }).click()
    await page.locator('a[title="Trash/Plans"]').waitFor()
    await expectAccessible(page)
    await picture(page, 'server-mailbox-trash')
    await page.locator('a[title="Trash/Plans"]').click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Delete for good…' }).click()
    const question = page.getByRole('dialog', { name: 'Delete Plans for good?' })
    await question.getByText('This cannot be undone').waitFor()
    await picture(page, 'server-mailbox-erase')
    await question.getByRole('button', { name: 'Delete for good' }).click()
    await other.getByText('This mailbox is not here any more.').waitFor()
    for (const window of [page, other]) await window.locator('a[title="Trash/Plans"]').waitFor({ state: 'detached' })
    expect(atServer()).toEqual([])
    await page.getByText('Plans is deleted for good.').waitFor()
    expect(await page.getByRole('button', { name: 'Undo' }).count()).toBe(0)
    expect(screen.problems).toEqual([])
  })
})
