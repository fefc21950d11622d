import type { BrowserContext, Locator, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, draftsAt, openBy, saved, type WrittenDraft, write } from './support/compose.ts'
import { type Outgoing, sentMail, startOutgoing } from './support/outgoing.ts'
import {
  countAt,
  deliver,
  expectAccessible,
  holdFrames,
  openInbox,
  picture,
  rowOf,
  type Screen,
  startScreen,
} from './support/screen.ts'

/** Quick hands, and windows that are behind: nothing is done that nobody meant. */
let screen: Screen
let smtp: Outgoing
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
  deliver(screen.dovecot, 'Where is it', 'Content-Type: text/html\r\n', '<p>Where is the <b>key</b>?</p>')
  context = await screen.newContext()
  page = await screen.newPage(context)
  await openInbox(page, screen.base)
  await rowOf(page, 'Where is it').click()
  // Until it is drawn, the buttons below it move.
  await page.frameLocator('article.message iframe').getByText('Where is the').waitFor()
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const isFocused = (place: Locator) => place.evaluate((one) => one === document.activeElement)
const arrived = (subject: string) =>
  until(async () => sentMail(smtp, subject) !== undefined, { what: `${subject} at the server` })

const draftOf = (subject: string): Promise<WrittenDraft> =>
  until(async () => (await draftsAt(screen, subject))[0] ?? false, { what: `${subject} saved` })
/** As from another device. */
const saveElsewhere = async ({ id, version, content }: WrittenDraft, html: string): Promise<void> => {
  const answer = await screen.api('PUT', `/v1/drafts/${id}`, { baseVersion: version, content: { ...content, html } })
  expect(answer.status).toBe(200)
}

/** No draft is answered until what this gives is called. */
const holdDrafts = async (): Promise<() => void> => {
  let open = (): void => undefined
  const isLetOpen = new Promise<void>((done) => {
    open = done
  })
  await page.route('**/v1/drafts', async (route) => {
    await isLetOpen
    await route.continue()
  })
  return () => open()
}

describe('a quick hand', () => {
  it('that types before an answer is open writes into it, and does nothing to the mail behind', async () => {
    const open = await holdDrafts()
    await page.getByRole('button', { name: /^Reply: / }).click()
    await page.keyboard.type('Under the mxx')
    for (const key of ['Backspace', 'Backspace', 'a', 't', 'Enter', 'e']) await page.keyboard.press(key)
    open()
    await bodyOf(page).getByText('Under the mat').waitFor()
    await page.keyboard.type('nd')
    expect(await bodyOf(page).locator('> div').allInnerTexts()).toEqual(['Under the mat', 'end'])
    await page.unroute('**/v1/drafts')
    expect(await rowOf(page, 'Where is it').count()).toBe(1)
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  })

  it('that types on while the text takes the focus keeps its letters in their order', async () => {
    const open = await holdDrafts()
    await page.getByRole('button', { name: /^Reply: / }).click()
    await page.keyboard.type('Under the m')
    const draw = await holdFrames(page)
    open()
    await until(() => isFocused(bodyOf(page)), { what: 'the focus in the text' })
    await page.keyboard.type('at')
    await draw()
    await bodyOf(page).getByText('Under the mat', { exact: true }).waitFor()
    await page.unroute('**/v1/drafts')
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  })

  it('that goes on to another field, or types on, before the next frame is drawn stays where it is', async () => {
    await openBy(page, 'c')
    const subject = composer(page).getByLabel('Subject')
    await subject.fill('Quick')
    await composer(page)
      .getByRole('button', { name: /^Minimise/ })
      .click()
    let draw = await holdFrames(page)
    await composer(page).getByRole('button', { name: 'Quick', exact: true }).click()
    await until(() => isFocused(bodyOf(page)), { what: 'the focus in the text' })
    await subject.focus()
    await draw()
    expect(await isFocused(subject)).toBe(true)
    // Out of the field of a link, where a letter would be a key of the page.
    await bodyOf(page).click()
    await composer(page).getByRole('button', { name: 'Link', exact: true }).click()
    await page.keyboard.type('example.org')
    draw = await holdFrames(page)
    await page.keyboard.press('Enter')
    await page.keyboard.type(' there')
    await draw()
    expect(await bodyOf(page).locator('> *').first().textContent()).toBe('example.org there')
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  })

  it('that goes on by Tab before a forward is open writes into its fields, one after the other', async () => {
    const open = await holdDrafts()
    await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur())
    await page.keyboard.press('f')
    await page.keyboard.type('ann@example.org')
    for (const key of ['ArrowLeft', 'End', 'Tab']) await page.keyboard.press(key)
    await page.keyboard.type('See below')
    await page.keyboard.press('Tab')
    await page.keyboard.type('eh?')
    open()
    await bodyOf(page).getByText('eh?').waitFor()
    expect(await composer(page).locator('.chip').allInnerTexts()).toEqual(['ann@example.org'])
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('See below')
    await page.unroute('**/v1/drafts')
    expect(await rowOf(page, 'Where is it').count()).toBe(1)
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  })

  it('that presses Send twice sends one mail, and not the one that comes under the pointer', async () => {
    await write(page, 'bob@example.org', 'Not yet', 'Hello?')
    await write(page, 'bob@example.org', 'This one', 'Hello!')
    const send = composer(page).getByRole('button', { name: 'Send', exact: true })
    await send.dblclick()
    await arrived('This one')
    // The other one closed as soon as it was pressed.
    expect(await page.locator('[data-composer]').count()).toBe(1)
    // A key is meant for what it is pressed on.
    await composer(page).getByRole('button', { name: 'Send', exact: true }).press('Enter')
    await arrived('Not yet')
    expect(smtp.mails).toHaveLength(2)
  })

  it('that pasted many addresses is led to the one that is none', async () => {
    const people = Array.from({ length: 50 }, (_, n) =>
      n === 7 ? 'not an address' : `Person ${n} <p${n}@example.org>`,
    )
    await write(page, people.join('; '), 'To many', 'Hello all')
    await page.keyboard.press('Control+Enter')
    const said = composer(page).getByRole('alert').filter({ hasText: 'not an address is not a complete address.' })
    expect(await said.textContent()).toContain('Not complete: 1 of 50.')
    const chip = composer(page).getByRole('button', { name: 'not an address is not a complete address.', exact: true })
    expect(await chip.evaluate((one) => one === document.activeElement)).toBe(true)
    const isInSight = (place: Locator, box: string) =>
      place.evaluate((one, box) => {
        const outer = one.closest(box)?.getBoundingClientRect()
        const { top, bottom } = one.getBoundingClientRect()
        return outer !== undefined && top >= outer.top && bottom <= outer.bottom
      }, box)
    expect([await isInSight(chip, '.chips'), await isInSight(said, '.composer-body')]).toEqual([true, true])
    await expectAccessible(page)
    await picture(page, 'broken-address')
    await page.keyboard.press('Delete')
    await said.waitFor({ state: 'detached' })
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  })

  it('that types before the palette is open chooses in it, and does nothing to the mail behind', async () => {
    const tab = await screen.newPage(context)
    await openInbox(tab, screen.base)
    await rowOf(tab, 'Where is it').click()
    await tab.frameLocator('article.message iframe').getByText('Where is the').waitFor()
    let open = (): void => undefined
    const isLetOpen = new Promise<void>((done) => {
      open = done
    })
    await tab.route('**/_next/static/chunks/*.js', async (route) => {
      await isLetOpen
      await route.continue()
    })
    await tab.keyboard.press('Control+k')
    // Each a key of the list: to star, to archive, to answer.
    await tab.keyboard.type('serTrav')
    for (let n = 0; n < 'serTrav'.length; n++) await tab.keyboard.press('Backspace')
    await tab.keyboard.type('trav')
    await tab.keyboard.press('Enter')
    expect(await tab.getByRole('dialog').count()).toBe(0)
    open()
    await tab.getByRole('heading', { name: /^Travel/ }).waitFor()
    await openInbox(tab, screen.base)
    await rowOf(tab, 'Where is it').waitFor()
    expect(countAt(screen.dovecot, 'INBOX', 'flagged', 'subject', 'Where is it')).toBe(0)
    expect(await tab.locator('[data-composer]').count()).toBe(0)
    await tab.close()
  })

  it.each([
    ['an answer, in its text', 'Reply', '[contenteditable="true"]'],
    ['a forward, in whom it goes to', 'Forward', 'input'],
  ])('finds the focus in %s, as soon as that is on the screen', async (_what, button, field) => {
    // Taken a frame later, it would be taken from the field that somebody is in by then.
    const focused = page.evaluate(
      (inside) =>
        new Promise<boolean>((done) => {
          const watch = new MutationObserver(() => {
            const panel = document.querySelector('[data-composer]')
            if (!panel) return
            watch.disconnect()
            done(document.activeElement?.closest('[data-composer]') === panel && document.activeElement.matches(inside))
          })
          watch.observe(document.body, { childList: true, subtree: true })
        }),
      field,
    )
    await page.getByRole('button', { name: new RegExp(`^${button}: `) }).click()
    expect(await focused).toBe(true)
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
    await composer(page).waitFor({ state: 'detached' })
  })

  it('goes on from where it was after a chip is taken out, and after the mail is sent', async () => {
    const chip = (name: string) => composer(page).getByRole('button', { name, exact: true })
    await write(page, 'ann@example.org, bob@example.org', 'Only Bob', 'Hello Bob')
    await chip('Remove ann@example.org').click()
    await until(() => isFocused(chip('bob@example.org')), { what: 'the focus on the next one' })
    await chip('Remove bob@example.org').click()
    await until(() => isFocused(composer(page).getByLabel('To', { exact: true })), { what: 'the focus in the field' })
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
    const reply = page.getByRole('button', { name: /^Reply: / })
    for (const isAsked of [false, true]) {
      await reply.focus()
      await page.keyboard.press('c')
      await composer(page).getByLabel('To', { exact: true }).fill('bob@example.org')
      await composer(page)
        .getByLabel('Subject')
        .fill(isAsked ? 'Asked' : 'Unasked')
      await bodyOf(page).click()
      await page.keyboard.type(isAsked ? 'It is attached.' : 'Hello Bob')
      await page.keyboard.press('Control+Enter')
      if (isAsked) await page.getByRole('button', { name: 'Send anyway' }).click()
      await until(() => isFocused(reply), { what: 'the focus where it was' })
      await arrived(isAsked ? 'Asked' : 'Unasked')
    }
  })

  it('finds the keys of a draft in the list of all of them', async () => {
    await page.evaluate(() => document.activeElement instanceof HTMLElement && document.activeElement.blur())
    await page.keyboard.press('?')
    const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
    await sheet.getByText('Command palette').waitFor()
    const rows = await sheet.locator('.keys > div').allInnerTexts()
    const listed = rows.map((row) => row.replace(/\s+/g, ' '))
    expect(listed).toContainEqual(expect.stringMatching(/Ctrl Enter.*In a draft: send/))
    expect(listed).toContainEqual(expect.stringMatching(/Esc.*In a draft: save and close/))
    expect(listed).toContainEqual(expect.stringMatching(/Alt T, C, B.*On a recipient: move/))
    await picture(page, 'keys')
    await page.keyboard.press('Escape')
    await sheet.waitFor({ state: 'detached' })
  })
})

describe('what is written here', () => {
  it('leaves the mail in sight that it answers, and says that it is saved when nothing is left to be', async () => {
    await page.getByRole('button', { name: /^Reply: / }).click()
    await bodyOf(page).click()
    await page.keyboard.type('Behind the door')
    await page.locator('article.message', { hasText: 'Draft' }).waitFor()
    await page.locator('article.message', { hasText: 'zed@example.org' }).locator('iframe').waitFor()
    expect(await page.getByRole('button', { name: 'Go on writing' }).count()).toBe(0)
    await saved(page)
    await page.keyboard.press('x')
    await page.keyboard.press('Backspace')
    await saved(page)
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  })

  it('follows other devices while nothing is typed, and says that it was discarded there', async () => {
    await write(page, 'bob@example.org', 'Followed', 'here')
    await saved(page)
    const draft = await draftOf('Followed')
    await saveElsewhere(draft, '<p>there</p>')
    await bodyOf(page).getByText('there').waitFor()
    // What was written elsewhere is not taken back here.
    await bodyOf(page).press('Control+z')
    expect(await bodyOf(page).textContent()).toBe('there')
    await screen.api('DELETE', `/v1/drafts/${draft.id}`)
    await page.getByText('The draft was sent or discarded elsewhere.').waitFor()
    expect(await page.locator('[data-composer]').count()).toBe(0)
  })

  it('is not sent as it was before another device wrote on, but shown and then sent', async () => {
    await write(page, 'bob@example.org', 'Behind', 'old')
    await saved(page)
    const behind = async (route: Route) => {
      await saveElsewhere(await draftOf('Behind'), '<p>new</p>')
      await route.continue()
    }
    await page.route('**/v1/submissions', behind, { times: 1 })
    await page.keyboard.press('Control+Enter')
    await composer(page).getByText('This draft was changed elsewhere just now.').waitFor()
    await bodyOf(page).getByText('new').waitFor()
    // Nor where it comes between the press and the release.
    await composer(page).getByRole('button', { name: 'Send', exact: true }).hover()
    await page.mouse.down()
    await saveElsewhere(await draftOf('Behind'), '<p>newest</p>')
    await bodyOf(page).getByText('newest').waitFor()
    await page.mouse.up()
    await composer(page).getByText('This draft was changed elsewhere just now.').waitFor()
    await composer(page).getByRole('button', { name: 'Send', exact: true }).click()
    await arrived('Behind')
    expect(sentMail(smtp, 'Behind')).toContain('newest')
  })

  it('gets its files by itself when the line is back, and takes back that one was missing', async () => {
    await write(page, 'bob@example.org', 'Cut off', 'See there.')
    await saved(page)
    await page.route('**/attachments?*', (route) => route.abort())
    const buffer = Buffer.from('the map')
    await composer(page)
      .locator('input[type="file"]')
      .setInputFiles({ name: 'map.txt', mimeType: 'text/plain', buffer })
    await composer(page).getByText('It is tried again by itself.').waitFor()
    await composer(page).getByRole('button', { name: 'Send', exact: true }).click()
    const missing = composer(page).getByText('map.txt is not attached.')
    await missing.waitFor()
    await page.unroute('**/attachments?*')
    await composer(page).getByRole('link', { name: 'map.txt', exact: true }).waitFor()
    await missing.waitFor({ state: 'detached' })
    const tooMuch = ['one.bin', 'two.bin'].map((name) => {
      const half = Buffer.alloc(400_000)
      return { name, mimeType: 'application/octet-stream', buffer: half }
    })
    await composer(page).locator('input[type="file"]').setInputFiles(tooMuch)
    await composer(page)
      .getByText(/^Together 800 KB; the mail server takes 683 KB\./)
      .waitFor()
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
    expect(screen.problems.filter((one) => !one.includes('ERR_FAILED'))).toEqual([])
  })
})
