import type { BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, openBy, saved, write } from './support/compose.ts'
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
const pick = async (from: Locator, menu: string, item: string, on = page): Promise<void> => {
  await from.getByRole('button', { name: menu, exact: true }).click()
  await on.getByRole('menuitem', { name: item, exact: true }).click()
}
/** One dot. */
const pastePicture = (on: Page): Promise<void> =>
  bodyOf(on).evaluate((element) => {
    const dot = 'R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7'
    const octets = Uint8Array.from(atob(dot), (one) => one.charCodeAt(0))
    const clipboardData = new DataTransfer()
    clipboardData.items.add(new File([octets], 'dot.gif', { type: 'image/gif' }))
    element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  })
/** By keys, from its first letters. */
const use = async (letters: string): Promise<void> => {
  await composer(page).getByRole('button', { name: 'Templates', exact: true }).click()
  await page.keyboard.type(letters)
  // They come by an answer.
  const first = page.getByRole('menuitem', { name: new RegExp(`^${letters}`, 'i') }).first()
  await first.waitFor()
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
const chips = () => bodyOf(page).locator('span[data-placeholder]')
const listed = (on: Page, name: string) => on.getByRole('listitem').filter({ hasText: name })
const bodyText = async (): Promise<string> => (await bodyOf(page).textContent()) ?? ''
/** Takes back what was typed behind it, in as many steps as pauses between the keys made of that. */
const untype = async (text: () => Promise<string>, before: string): Promise<void> => {
  for (let n = 0; n < 8 && (await text()) !== before; n++) await page.keyboard.press('Control+z')
  expect(await text()).toBe(before)
}

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

  it('are not thrown away, once something was changed, by a slip of the pointer or of Escape', async () => {
    const editing = page.getByRole('dialog', { name: 'Edit template' })
    const asking = page.getByRole('dialog', { name: 'Discard what you changed?' })
    const edit = () => page.getByRole('button', { name: 'Edit: Directions by train' }).click()
    const slip = async () => {
      const box = await editing.getByRole('textbox', { name: 'Text', exact: true }).boundingBox()
      if (!box) throw new Error('the text has no place')
      await page.mouse.move(box.x + 30, box.y + 10)
      await page.mouse.down()
      await page.mouse.move(20, box.y + 20, { steps: 4 })
      await page.mouse.up()
    }
    await edit()
    await slip()
    const text = editing.getByRole('textbox', { name: 'Text', exact: true })
    await text.click()
    await page.keyboard.press('Control+End')
    await page.keyboard.type('by the river')
    await editing.getByLabel('Name', { exact: true }).focus()
    // Further Escapes without a key between are taken by the browser itself.
    for (const _ of [1, 2, 3]) {
      await page.keyboard.press('Escape')
      await asking.waitFor()
      await picture(page, 'template-leave')
      await expectAccessible(page)
      await page.keyboard.press('Escape')
      await asking.waitFor({ state: 'detached' })
      expect(await editing.isVisible()).toBe(true)
    }
    await page.mouse.click(20, 20)
    await asking.getByRole('button', { name: 'Keep editing' }).click()
    await text.getByText('by the river').waitFor()
    await page.keyboard.press('Escape')
    await asking.getByRole('button', { name: 'Discard', exact: true }).click()
    await editing.waitFor({ state: 'detached' })
    await edit()
    await text.waitFor()
    expect(await text.getByText('by the river').count()).toBe(0)
    await page.mouse.click(20, 20)
    await editing.waitFor({ state: 'detached' })
  })

  it('are asked for again where they could not be loaded, and have their place however many they are', async () => {
    const other = await screen.newPage(await screen.newContext())
    await other.route('**/v1/templates', (route) =>
      route.fulfill({ status: 500, json: { error: { code: 'internal', message: 'Broken.' } } }),
    )
    await openInbox(other, screen.base)
    await openBy(other, 'c')
    const open = () => composer(other).getByRole('button', { name: 'Templates', exact: true }).click()
    await open()
    const again = other.getByRole('menuitem', { name: 'The templates could not be loaded: try again' })
    await again.waitFor()
    await other.unroute('**/v1/templates')
    let answer = (): void => undefined
    const isAnswered = new Promise<void>((done) => {
      answer = done
    })
    const many = Array.from({ length: 60 }, (_, n) => ({
      id: crypto.randomUUID(),
      version: 1,
      name: `Number ${n}`,
      subject: '',
      preview: '',
      updatedAt: new Date().toISOString(),
    }))
    await other.route('**/v1/templates', async (route) => {
      await isAnswered
      await route.fulfill({ json: { templates: many } })
    })
    await again.click()
    await open()
    answer()
    await other.getByRole('menuitem', { name: 'Number 59', exact: true }).waitFor()
    const box = await other.locator('.menu-panel').boundingBox()
    expect((box?.y ?? 0) + (box?.height ?? 0)).toBeLessThan(900)
    expect(box?.y).toBeGreaterThan(0)
    await other.locator('.menu-panel input:focus').waitFor()
    await other.keyboard.type('nothing like it')
    await other.getByRole('menuitem', { name: 'Number 59', exact: true }).waitFor({ state: 'detached' })
    await other.keyboard.press('Enter')
    expect(await other.getByRole('dialog').count()).toBe(0)
    await other.close()
  })

  it('are found by what was typed before they were here', async () => {
    const other = await screen.newPage(await screen.newContext())
    const { promise: word, resolve: answer } = Promise.withResolvers<void>()
    await other.route('**/v1/templates', async (route) => {
      await word
      await route.continue()
    })
    await openInbox(other, screen.base)
    await openBy(other, 'c')
    await composer(other).getByRole('button', { name: 'Templates', exact: true }).click()
    await other.keyboard.type('directions by t')
    answer()
    const items = other.getByRole('menuitem')
    await items.filter({ hasText: 'Directions' }).waitFor()
    expect((await items.allTextContents())[0]).toBe('Directions by train')
    expect(await items.filter({ hasText: 'Thanks' }).count()).toBe(0)
    await other.close()
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
    const filled = await bodyOf(page).inputValue()
    await page.keyboard.type('roses')
    expect(await bodyOf(page).inputValue()).toContain(
      `Dear ${first},\nabout Garden plans for the back wall: roses\nRobin Moss`,
    )
    // Its own subject is kept.
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('Re: Garden plans for the back wall')
    await untype(() => bodyOf(page).inputValue(), filled)
    await page.keyboard.press('Control+z')
    expect(await bodyOf(page).inputValue()).toBe(before)
    await page.keyboard.press('Escape')
  })

  it('leave what is not known as chips, which are filled in later, as text, and warned of', async () => {
    await openBy(page, 'c')
    await toStart()
    const before = await bodyText()
    await use('thanks')
    await bodyOf(page).getByText('Robin Moss').waitFor()
    const filled = await bodyText()
    await page.keyboard.type('see you')
    expect(await chips().allInnerTexts()).toEqual(['Recipient’s first name', 'Subject of the mail answered'])
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('Your visit, {recipient.firstName}')
    await picture(page, 'template-open')
    await untype(bodyText, filled)
    // All that the template brought.
    await page.keyboard.press('Control+z')
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
    await composer(page).locator('textarea').waitFor()
    await toStart()
    await use('thanks')
    await until(async () => (await bodyOf(page).inputValue()).includes('Robin Moss'), { what: 'the template' })
    expect(await bodyOf(page).inputValue()).toContain('Dear {recipient.firstName},')
    await picture(page, 'template-plain')
    await addRecipient('Ada Lace <ada@example.org>')
    await until(async () => (await bodyOf(page).inputValue()).startsWith('Dear Ada,'), { what: 'the name' })
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('Your visit, Ada')
  })

  it('are made without waiting for files; of a lost answer and another name become two', async () => {
    const other = await screen.newPage(await screen.newContext())
    await openInbox(other, screen.base)
    await write(other, 'ada@example.org', 'With files', 'Look: ')
    await pick(composer(other), 'More for this draft', 'Write with formatting', other)
    await composer(other).locator('[contenteditable="true"]').waitFor()
    await bodyOf(other).click()
    await pastePicture(other)
    await saved(other)
    // The way of the picture back is cut, and the file never arrives.
    await other.route('**/v1/drafts/*/attachments/*', (route) => route.abort())
    await other.route('**/v1/drafts/*/attachments?*', () => undefined)
    await composer(other)
      .locator('input[type="file"]')
      .setInputFiles({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('notes') })
    await composer(other).getByText('notes.txt').waitFor()
    await pick(composer(other), 'Templates', 'Save as template…', other)
    const saving = other.getByRole('dialog', { name: 'Save as template' })
    await other.route('**/v1/templates/*', async (route) => {
      await route.fetch()
      await route.abort()
    })
    await saving.getByRole('button', { name: 'Save', exact: true }).click()
    await saving.getByRole('alert').waitFor()
    await other.unroute('**/v1/templates/*')
    await saving.getByLabel('Name', { exact: true }).fill('Without files')
    await saving.getByRole('button', { name: 'Save', exact: true }).click()
    await saving.getByRole('button', { name: 'Save as a copy' }).click()
    await other.getByText('Template “Without files” saved without some pictures, which could not be fetched.').waitFor()
    const { templates } = await (await screen.api('GET', '/v1/templates')).json()
    const names = templates.map(({ name }: { name: string }) => name) // by the contract
    expect(names).toEqual(expect.arrayContaining(['With files', 'Without files']))
    await other.close()
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
