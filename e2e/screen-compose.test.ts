import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, draftsAt, openBy, saved, write } from './support/compose.ts'
import { type Outgoing, startOutgoing } from './support/outgoing.ts'
import {
  countAt,
  expectAccessible,
  openInbox,
  picture,
  rowOf,
  type Screen,
  startScreen,
  withoutRest,
} from './support/screen.ts'

/** What one does to write a mail, and that nothing of it is lost. */
let screen: Screen
let smtp: Outgoing
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  context = await screen.newContext()
  page = await screen.newPage(context)
  await openInbox(page, screen.base)
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const close = async (subject: string) => {
  await bodyOf(page).click()
  await page.keyboard.press('Escape')
  await page.locator('[data-composer]', { hasText: subject }).waitFor({ state: 'detached' })
}
const holds = (subject: string, text: string) =>
  until(async () => (await draftsAt(screen, subject)).some(({ content }) => content.html.includes(text)), {
    what: `${text} in ${subject}`,
  })

describe('writing', () => {
  it('opens at a key, takes a pasted list, says how safe it is, and is there again after a reload', async () => {
    await page.keyboard.press('c')
    const to = composer(page).getByLabel('To', { exact: true })
    await to.waitFor()
    expect(await to.evaluate((input) => input === document.activeElement)).toBe(true)
    await page.keyboard.insertText('Ada <ada@example.org>, "Roe, Jane" <jane@example.org>; wrong@')
    await page.keyboard.press(',')
    expect(await composer(page).locator('.chip').allInnerTexts()).toEqual(['Ada', 'Roe, Jane', 'wrong@'])
    expect(await composer(page).locator('.chip.invalid').count()).toBe(1)
    await composer(page).getByLabel('Subject').fill('A first one')
    await bodyOf(page).click()
    await page.keyboard.type('Hello ')
    await page.keyboard.press('Control+b')
    await page.keyboard.type('Ada')
    await saved(page)
    await holds('A first one', '<strong>Ada</strong>')
    await expectAccessible(page)
    await picture(page, 'compose')
    await page.reload()
    await bodyOf(page).getByText('Hello Ada').waitFor()
    expect(await composer(page).locator('.chip').count()).toBe(3)
    expect(screen.problems).toEqual([])
  })

  it('keeps two beside each other, minimised and full, and goes with the last one back to the list', async () => {
    await page.locator('[data-thread]').first().focus()
    await write(page, 'bob@example.org', 'A second one', 'Hello Bob')
    expect(await page.locator('.composer.docked').count()).toBe(2)
    await saved(page)
    await page.reload()
    await bodyOf(page).getByText('Hello Bob').waitFor()
    expect(await page.locator('.composer.docked').count()).toBe(2)
    // A copy of the tab remembers the same panels, and leaves them where they are.
    const copied = context.waitForEvent('page')
    await page.evaluate(() => void open('/'))
    const copy = await copied
    await until(() => copy.evaluate(() => sessionStorage.getItem('composers') === '[]'), { what: 'none of its own' })
    expect(await copy.locator('[data-composer]').count()).toBe(0)
    await copy.close()
    await page.setViewportSize({ width: 900, height: 900 })
    await until(async () => (await page.locator('.composer.docked').count()) === 1)
    await page.setViewportSize({ width: 1440, height: 900 })
    await composer(page)
      .getByRole('button', { name: /^Full screen/ })
      .click()
    await page.locator('.composer.full').waitFor()
    await expectAccessible(page)
    await close('A second one')
    const window = context.waitForEvent('page')
    await composer(page)
      .getByRole('button', { name: /^Open in a window/ })
      .click()
    const popup = await window
    await bodyOf(popup).getByText('Hello Ada').waitFor()
    await page.locator('[data-composer]').waitFor({ state: 'detached' })
    await popup.close()
    await holds('A second one', 'Hello Bob')
  })

  it('has all that can be done with it in sight on the narrowest phones, too', async () => {
    await page.setViewportSize({ width: 320, height: 640 })
    await page.locator('.compose-round').click()
    const foot = composer(page).locator('.composer-foot')
    await foot.waitFor()
    const ends = await foot.evaluate((row) => {
      const box = (one: Element) => one.getBoundingClientRect()
      const buttons = [...row.querySelectorAll('button')].map(box)
      return {
        spare: row.clientWidth - row.scrollWidth,
        isInSight: buttons.every(({ left, right }) => left >= 0 && right <= innerWidth),
        narrowest: Math.min(...buttons.map(({ width }) => width)),
      }
    })
    await expectAccessible(page)
    expect(ends).toMatchObject({ spare: 0, isInSight: true })
    expect(ends.narrowest).toBeGreaterThanOrEqual(32)
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
    await page.locator('[data-composer]').waitFor({ state: 'detached' })
    await page.setViewportSize({ width: 1440, height: 900 })
  })

  it('opens what lies in Drafts, and goes on with it', async () => {
    await until(async () => countAt(screen.dovecot, 'Drafts', 'subject', 'A second one') === 1, { what: 'its copy' })
    await page.getByRole('link', { name: /^Drafts/ }).click()
    await rowOf(page, 'A second one').click()
    await bodyOf(page).getByText('Hello Bob').waitFor()
    expect(await draftsAt(screen, 'A second one')).toHaveLength(1)
    await close('A second one')
    await page.getByRole('link', { name: /^Inbox/ }).click()
  })

  it('leaves nothing behind of what nothing was written into, and takes a discarded one back', async () => {
    const before = (await (await screen.api('GET', '/v1/drafts')).json()).drafts.length
    await rowOf(page, 'Garden plans').click()
    await page.locator('article.message').first().waitFor()
    await openBy(page, 'r')
    await bodyOf(page).waitFor()
    await close('Re:')
    await until(async () => (await (await screen.api('GET', '/v1/drafts')).json()).drafts.length === before)
    await write(page, 'bob@example.org', 'Thrown away', 'Gone?')
    await saved(page)
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
    await until(async () => (await draftsAt(screen, 'Thrown away')).length === 0)
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    await bodyOf(page).getByText('Gone?').waitFor()
    await until(async () => (await draftsAt(screen, 'Thrown away')).length === 1)
    await close('Thrown away')
  })
})

describe('a composer whose script does not come', () => {
  it('is told of, and opens once it does', async () => {
    const tab = await screen.newPage(context)
    const comeAgain = await withoutRest(tab, screen.base)
    await openInbox(tab, screen.base)
    await tab.getByRole('button', { name: 'Compose' }).click()
    await tab.getByText('Postern does not answer.').waitFor()
    await expectAccessible(tab)
    await comeAgain()
    await openBy(tab, 'c')
    await tab.close()
  })
})

describe('recipients', () => {
  /** Written to, by mails that go out tomorrow. */
  const writeTo = async (recipients: { name: string; address: string }[]) => {
    const { id, version } = await (
      await screen.api('POST', '/v1/drafts', {
        id: crypto.randomUUID(),
        start: { kind: 'new', to: recipients, subject: 'Later', text: 'later' },
      })
    ).json()
    const wallTime = new Date(Date.now() + 86_400_000).toISOString().slice(0, 16)
    const sendAt = { wallTime, zone: 'UTC' }
    await screen.api('POST', '/v1/submissions', { id: crypto.randomUUID(), draftId: id, version, sendAt })
  }

  it('are suggested, taken and forgotten by keys and by mouse; what is already there is not', async () => {
    const long = `${'unbroken'.repeat(20)}`
    const people = [
      { name: 'Xena Hopper', address: 'xena@navy.example' },
      { name: long, address: `xeres.${'x'.repeat(50)}@${'y'.repeat(60)}.example` },
      { name: '', address: 'xerox@example.org' },
    ]
    for (const [at] of people.entries()) await writeTo(people.slice(0, people.length - at))
    await openBy(page, 'c')
    const to = composer(page).getByRole('combobox', { name: 'To', exact: true })
    const options = composer(page).getByRole('option')
    const chips = () => composer(page).locator('.chip').allInnerTexts()
    const marked = () => composer(page).locator('[role="option"][aria-selected="true"]')
    await to.pressSequentially('xe')
    await until(async () => (await options.count()) === 3, { what: 'three suggestions' })
    expect(await options.first().textContent()).toBe('Xena Hopperxena@navy.example')
    expect(await to.getAttribute('aria-activedescendant')).toBe(await marked().getAttribute('id'))
    const edges = await composer(page)
      .locator('.suggestions')
      .evaluate((list) => [list.scrollWidth, list.clientWidth])
    expect(edges[0]).toBe(edges[1])
    await expectAccessible(page)
    await picture(page, 'compose-suggestions')
    await page.setViewportSize({ width: 390, height: 844 })
    await picture(page, 'compose-suggestions-phone')
    const tops = await options.evaluateAll((all) =>
      all.map((one) => {
        const { left, right, height } = one.getBoundingClientRect()
        return left >= 0 && right <= innerWidth && height >= 44
      }),
    )
    expect(tops).toEqual([true, true, true])
    await page.setViewportSize({ width: 1440, height: 900 })
    // Escape closes the list alone, an arrow opens it again.
    await page.keyboard.press('Escape')
    await until(async () => (await options.count()) === 0)
    expect(await to.inputValue()).toBe('xe')
    await page.keyboard.press('ArrowDown')
    await until(async () => (await options.count()) === 3)
    await page.keyboard.press('Enter')
    expect(await chips()).toEqual(['Xena Hopper'])
    await to.pressSequentially('x')
    await until(async () => (await options.count()) === 2, { what: 'without who is there' })
    await page.keyboard.press('ArrowDown')
    await until(async () => (await marked().textContent()) === 'xerox@example.org')
    await page.keyboard.press('Delete')
    await until(async () => (await options.count()) === 1, { what: 'one forgotten' })
    await options.locator('.suggestion-forget').click()
    await until(async () => (await options.count()) === 0, { what: 'the other forgotten' })
    expect(await to.inputValue()).toBe('x')
    const known = async () => (await (await screen.api('GET', '/v1/correspondents?q=xe')).json()).correspondents
    await until(async () => (await known()).length === 1, { what: 'both forgotten there' })
    // An address that is whole is taken as it is, whoever begins like it.
    await writeTo([{ name: '', address: 'x@example.org.uk' }])
    await to.fill('x@example.org')
    await until(async () => (await options.count()) === 1)
    await page.keyboard.press('Enter')
    expect(await chips()).toEqual(['Xena Hopper', 'x@example.org'])
    await to.pressSequentially('x@')
    await options.first().click()
    expect(await chips()).toEqual(['Xena Hopper', 'x@example.org', 'x@example.org.uk'])
    expect(await to.evaluate((input) => input === document.activeElement)).toBe(true)
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
    expect(screen.problems).toEqual([])
  })
})

describe('what is written', () => {
  it('survives the death of the server while somebody types, and of the tab before the server is back', async () => {
    await write(page, 'bob@example.org', 'Power cut', 'before ')
    await saved(page)
    await screen.crash(async () => {
      await page.keyboard.type('during ')
      await composer(page).getByText('Not saved: offline, it is kept in this browser.').waitFor()
      await picture(page, 'compose-offline')
    })
    await page.keyboard.type('after')
    await holds('Power cut', 'before during after')
    // The tab dies with words that the server has not.
    await page.route('**/v1/drafts/**', (route) => route.abort())
    await page.keyboard.type(' and on')
    await composer(page)
      .getByText(/^Not saved/)
      .waitFor()
    await page.close()
    page = await screen.newPage(context)
    await openInbox(page, screen.base)
    await bodyOf(page).getByText('before during after and on').waitFor()
    await holds('Power cut', 'before during after and on')
    await close('Power cut')
  })

  it('is live in two windows, and both texts stay when both wrote', async () => {
    await write(page, 'bob@example.org', 'Two windows', 'first')
    await holds('Two windows', 'first')
    const [draft] = await draftsAt(screen, 'Two windows')
    const other = await screen.newPage(await screen.newContext())
    await other.goto(`${screen.base}/compose?draft=${draft?.id}`)
    await bodyOf(other).getByText('first').waitFor()
    await expectAccessible(other)
    await picture(other, 'compose-window')
    await page.getByRole('heading', { name: /^Inbox/ }).click()
    await composer(page).getByLabel('Subject').blur()
    await bodyOf(other).click()
    await other.keyboard.press('Control+End')
    await other.keyboard.type(' and second')
    await bodyOf(page).getByText('first and second').waitFor()
    // Now both at once: neither hears of the other's words before it saves its own.
    await bodyOf(page).click()
    await page.keyboard.press('Control+End')
    await page.route('**/v1/drafts/**', (route) => route.abort())
    await page.keyboard.type(' here')
    await composer(page)
      .getByText(/^Not saved/)
      .waitFor()
    await other.keyboard.type(' there')
    await holds('Two windows', 'first and second there')
    await page.unroute('**/v1/drafts/**')
    await page.keyboard.type('!')
    await composer(page).getByText('Both texts are kept.').waitFor()
    await picture(page, 'compose-conflict')
    const texts = (await draftsAt(screen, 'Two windows')).map(({ content }) => content.html)
    expect(texts.toSorted()).toEqual(['<div>first and second here!</div>', '<div>first and second there</div>'])
    await composer(page).getByRole('button', { name: 'Open the other' }).click()
    await bodyOf(page).getByText('first and second there').waitFor()
    await other.close()
    expect(screen.problems).toEqual([])
  })
})
