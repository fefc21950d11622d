import type { BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, openBy, saved } from './support/compose.ts'
import { type Outgoing, sentMail, startOutgoing } from './support/outgoing.ts'
import { expectAccessible, openInbox, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** What is written again and again: made once, put into mails, filled in there. */
let screen: Screen
let smtp: Outgoing
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  const { identities } = await (await screen.api('GET', '/v1/identities')).json()
  await screen.api('PATCH', `/v1/identities/${identities[0].id}`, {
    name: 'Robin Moss',
    signature: '<p>Moss Lane 7</p>',
  })
  await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
  context = await screen.newContext()
  page = await screen.newPage(context)
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const dialog = (): Locator => page.getByRole('dialog')
const pick = async (from: Locator, menu: string, item: string): Promise<void> => {
  await from.getByRole('button', { name: menu, exact: true }).click()
  await page.getByRole('menuitem', { name: item, exact: true }).click()
}
/** By keys, from its first letters. */
const use = async (letters: string): Promise<void> => {
  await composer(page).getByRole('button', { name: 'Templates', exact: true }).click()
  await page.keyboard.type(letters)
  await page.keyboard.press('Enter')
}
/** Above the signature. */
const toStart = async (): Promise<void> => {
  await bodyOf(page).click()
  await page.keyboard.press('Control+Home')
}
const addRecipient = async (typed: string): Promise<void> => {
  await composer(page).getByLabel('To', { exact: true }).fill(typed)
  await page.keyboard.press('Enter')
}
const chips = () => bodyOf(page).locator('[data-placeholder]')
const listed = (on: Page, name: string) => on.getByRole('listitem').filter({ hasText: name })
const bodyText = async (): Promise<string> => (await bodyOf(page).textContent()) ?? ''

describe('templates', () => {
  it('are made in the settings, with placeholders, and copied, changed and deleted there, on every screen', async () => {
    // A window of its own: of two tabs of one the browser draws only one at full pace.
    const other = await screen.newPage(await screen.newContext())
    await other.goto(`${screen.base}/settings/templates`)
    await other.getByText('There are no templates yet.').waitFor()
    await page.goto(`${screen.base}/settings/templates`)
    await page.getByRole('button', { name: 'Add a template…' }).click()
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await dialog().getByText('Name is missing').waitFor()
    await dialog().getByLabel('Name', { exact: true }).fill('Thanks for the visit')
    await dialog().getByLabel('Subject', { exact: true }).fill('Your visit, ')
    await pick(dialog(), 'Insert placeholder in the subject', 'Recipient’s first name')
    const body = dialog().getByRole('textbox', { name: 'Text', exact: true })
    await body.click()
    await page.keyboard.type('Dear ')
    await pick(dialog(), 'Insert placeholder', 'Recipient’s first name')
    await page.keyboard.type(',')
    await page.keyboard.press('Enter')
    await page.keyboard.type('about ')
    await pick(dialog(), 'Insert placeholder', 'Subject of the mail answered')
    await page.keyboard.type(': ')
    await pick(dialog(), 'Insert placeholder', 'Cursor')
    await page.keyboard.press('Enter')
    await pick(dialog(), 'Insert placeholder', 'My name')
    await expectAccessible(page)
    await picture(page, 'template-dialog')
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await listed(other, 'Thanks for the visit').waitFor()
    await page.getByRole('button', { name: 'Copy: Thanks for the visit' }).click()
    await page.getByRole('button', { name: 'Edit: Thanks for the visit (copy)' }).click()
    await dialog().getByLabel('Name', { exact: true }).fill('Directions')
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await listed(other, 'Directions').waitFor()
    await expectAccessible(page)
    await picture(page, 'templates')
    await page.getByRole('button', { name: 'Delete: Directions' }).click()
    await listed(other, 'Directions').waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    await listed(other, 'Directions').waitFor()
    await other.close()
  })

  it('say when they were changed elsewhere, and keep both', async () => {
    await page.getByRole('button', { name: 'Edit: Directions' }).click()
    await dialog().getByLabel('Name', { exact: true }).fill('Directions by train')
    const { templates } = await (await screen.api('GET', '/v1/templates')).json()
    const { id, version } = templates.find(({ name }: { name: string }) => name === 'Directions') // by the contract
    const content = { name: 'Directions by car', subject: '', html: '<p>Left.</p>' }
    await screen.api('PUT', `/v1/templates/${id}`, { baseVersion: version, content })
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await dialog().getByText('This template was changed elsewhere meanwhile.').waitFor()
    await dialog().getByRole('button', { name: 'Save as a copy' }).click()
    await listed(page, 'Directions by train').waitFor()
    await listed(page, 'Directions by car').waitFor()
  })

  it('are filled in in an answer, where the cursor was left, and are taken back in one step', async () => {
    await openInbox(page, screen.base)
    await rowOf(page, 'Garden plans').click()
    await page.locator('article.message').first().waitFor()
    await openBy(page, 'r')
    const to = await composer(page).locator('.chip').first().textContent()
    await toStart()
    const before = await bodyOf(page).inputValue()
    await use('thanks')
    const first = to?.split(' ')[0]
    await until(async () => (await bodyOf(page).inputValue()).startsWith(`Dear ${first},`), { what: 'the template' })
    await page.keyboard.type('roses')
    expect(await bodyOf(page).inputValue()).toContain(
      `Dear ${first},\nabout Garden plans for the back wall: roses\nRobin Moss`,
    )
    // Its own subject is kept.
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('Re: Garden plans for the back wall')
    for (let n = 0; n < 8 && (await bodyOf(page).inputValue()) !== before; n++) await page.keyboard.press('Control+z')
    expect(await bodyOf(page).inputValue()).toBe(before)
    await page.keyboard.press('Escape')
  })

  it('leave what is not known as chips, which are filled in later, as text, and warned of', async () => {
    await openBy(page, 'c')
    await toStart()
    const before = await bodyText()
    await use('thanks')
    await bodyOf(page).getByText('Robin Moss').waitFor()
    await page.keyboard.type('see you')
    expect(await chips().allInnerTexts()).toEqual(['Recipient’s first name', 'Subject of the mail answered'])
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('Your visit, {recipient.firstName}')
    await picture(page, 'template-open')
    // What was typed, in as many steps as it took, then all that the template brought in one.
    for (let n = 0; n < 8 && (await bodyText()) !== before; n++) await page.keyboard.press('Control+z')
    expect(await bodyText()).toBe(before)
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('')
    await page.keyboard.press('Control+y')
    await bodyOf(page).getByText('Robin Moss').waitFor()
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('Your visit, {recipient.firstName}')
    await addRecipient('"<img/src=x>Eve Hill" <eve@example.org>')
    await until(async () => (await chips().count()) === 1, { what: 'the name in its place' })
    expect(await bodyText()).toContain('Dear <img/src=x>Eve,')
    expect(await bodyOf(page).locator('img').count()).toBe(0)
    const subject = 'Your visit, <img/src=x>Eve'
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe(subject)
    await bodyOf(page).click()
    await page.keyboard.press('Control+Enter')
    await dialog().getByText('Not filled in yet: Subject of the mail answered.').waitFor()
    await expectAccessible(page)
    await picture(page, 'template-warned')
    await page.keyboard.press('Escape')
    await chips().click()
    await page.keyboard.type('the harbour')
    await saved(page)
    await page.keyboard.press('Control+Enter')
    await until(async () => sentMail(smtp, subject) !== undefined, { what: 'the mail' })
    const mail = sentMail(smtp, subject) ?? ''
    expect(mail).toContain('about the harbour:')
    expect(mail).toContain('&lt;img/src=3Dx&gt;Eve')
    expect(mail).not.toContain('data-placeholder')
  })

  it('work in plain text, where they are filled in later, too', async () => {
    await openBy(page, 'c')
    await pick(composer(page), 'More for this draft', 'Write plain text')
    await toStart()
    await use('thanks')
    await until(async () => (await bodyOf(page).inputValue()).includes('Robin Moss'), { what: 'the template' })
    expect(await bodyOf(page).inputValue()).toContain('Dear {recipient.firstName},')
    await picture(page, 'template-plain')
    await addRecipient('Ada Lace <ada@example.org>')
    await until(async () => (await bodyOf(page).inputValue()).startsWith('Dear Ada,'), { what: 'the name' })
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('Your visit, Ada')
  })

  it('are made of what is written, without the signature', async () => {
    await pick(composer(page), 'Templates', 'Save as template…')
    await dialog().getByLabel('Name', { exact: true }).fill('For Ada')
    await picture(page, 'template-save')
    await dialog().getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByText('Template “For Ada” saved').waitFor()
    const { templates } = await (await screen.api('GET', '/v1/templates')).json()
    const { id } = templates.find(({ name }: { name: string }) => name === 'For Ada') // by the contract
    const { content } = await (await screen.api('GET', `/v1/templates/${id}`)).json()
    expect(content.html).toContain('Robin Moss')
    expect(content.html).toContain('<span data-placeholder="answered.subject">')
    expect(content.html).not.toContain('Moss Lane 7')
    await pick(composer(page), 'More for this draft', 'Write with formatting')
    await until(async () => (await chips().count()) === 1, { what: 'what is left as a chip' })
    await composer(page).getByRole('button', { name: 'Templates', exact: true }).click()
    await page.getByRole('menuitem', { name: 'For Ada', exact: true }).waitFor()
    await page.getByRole('menuitem', { name: 'Manage templates…' }).click()
    await listed(page, 'For Ada')
      .getByText(/^Your visit, Ada · Dear Ada,/)
      .waitFor()
    expect(screen.problems).toEqual([])
  })
})
