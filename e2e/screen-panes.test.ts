import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { draftsAt } from './support/compose.ts'
import {
  countAt,
  deliver,
  expectAccessible,
  openInbox,
  picture,
  rowOf,
  type Screen,
  startScreen,
  swipe,
} from './support/screen.ts'

const maxScriptBytes = 165 * 1024
let screen: Screen
beforeAll(async () => {
  screen = await startScreen()
})
afterAll(async () => screen?.stop())

const rectOf = (page: Page, selector: string) =>
  page.locator(selector).evaluate((element) => element.getBoundingClientRect().toJSON() as DOMRect)
const scrollTop = (page: Page) => page.locator('.list-scroll').evaluate((list) => list.scrollTop)

describe('a phone', () => {
  let context: BrowserContext
  let page: Page
  beforeAll(async () => {
    context = await screen.newContext({ viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true })
    page = await screen.newPage(context)
    await openInbox(page, screen.base)
  })
  afterAll(async () => context?.close())

  it('has a bar at the bottom whose drawer of mailboxes closes by the back gesture', async () => {
    const bar = page.getByRole('navigation', { name: 'Main' })
    expect(await bar.evaluate((element) => element.getBoundingClientRect().bottom)).toBe(844)
    await expectAccessible(page)
    await bar.getByRole('button', { name: 'Mailboxes' }).tap()
    const drawer = page.getByRole('navigation', { name: 'Mailboxes' })
    await drawer.waitFor()
    await expectAccessible(page)
    await page.goBack()
    await drawer.waitFor({ state: 'hidden' })
    await bar.getByRole('button', { name: 'Mailboxes' }).tap()
    await drawer.getByRole('link', { name: /^Travel/ }).tap()
    await drawer.waitFor({ state: 'hidden' })
    await page.getByRole('heading', { name: /^Travel/ }).waitFor()
    // The drawer is no step of its own on the way back.
    await page.goBack()
    await page.getByRole('heading', { name: /^Inbox/ }).waitFor()
    expect(await drawer.isVisible()).toBe(false)
    await bar.getByRole('button', { name: 'Search' }).tap()
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('search')
  })

  it('comes back from a mail to where the list was, by gesture and by button alike', async () => {
    await page.locator('.list-scroll').evaluate((list) => list.scrollTo(0, 700))
    const before = await scrollTop(page)
    const [open] = await page
      .locator('[data-thread]')
      .evaluateAll((rows) =>
        rows.filter((row) => row.getBoundingClientRect().top > 300).map((row) => row.getAttribute('data-thread')),
      )
    for (const back of [() => page.goBack(), () => page.getByRole('button', { name: 'Back' }).tap()]) {
      await page.locator(`[data-thread="${open}"]`).tap()
      await page.locator('article.message').first().waitFor()
      expect(await page.getByRole('navigation', { name: 'Main' }).isVisible()).toBe(false)
      await expectAccessible(page)
      await back()
      await page.locator(`[data-thread="${open}"]`).waitFor()
      expect(await scrollTop(page)).toBe(before)
    }
    await page.locator('.list-scroll').evaluate((list) => list.scrollTo(0, 0))
  })

  it('shrinks newsletters made for wide screens to its own, as far as one can read them', async () => {
    for (const width of [600, 1200])
      deliver(
        screen.dovecot,
        `Table of ${width}`,
        'MIME-Version: 1.0\r\nContent-Type: text/html\r\n',
        `<table width="${width}"><tr><td width="${width / 2}"><p>left</p></td><td><p id="right">right</p></td></tr></table>`,
      )
    const frame = page.locator('iframe.html-body')
    const measure = () =>
      frame.evaluate((element) => {
        const { contentDocument: inside, clientWidth } = element as HTMLIFrameElement
        const right = inside?.getElementById('right')?.getBoundingClientRect().x ?? 0
        return {
          zoom: Number(inside?.body.style.zoom),
          right,
          width: clientWidth,
          scrolls: inside?.documentElement.scrollWidth,
        }
      })
    // Until both are here, the rows move.
    await rowOf(page, 'Table of 1200').waitFor()
    await rowOf(page, 'Table of 600').tap()
    await until(async () => (await measure()).zoom < 1, { what: 'a smaller newsletter' })
    const small = await measure()
    expect(small.scrolls).toBe(small.width)
    expect(small.right).toBeGreaterThan(small.width / 3)
    expect(small.right).toBeLessThan(small.width)
    await page.goBack()
    await rowOf(page, 'Table of 1200').tap()
    await page.getByText('This mail is wider than the screen.').waitFor()
    expect((await measure()).zoom).toBe(0.5)
    expect((await measure()).scrolls).toBeGreaterThan(500)
    await expectAccessible(page)
    await page.goBack()
  })

  it('closes what is written by the back gesture, kept, with the mail below it still there', async () => {
    await rowOf(page, 'Tide and Timber').tap()
    // Until it is drawn, what is below it moves.
    await page.frameLocator('iframe.html-body').getByText('A boat shed that floats').first().waitFor()
    const at = page.url()
    const panel = page.locator('[data-composer]')
    await page
      .getByRole('button', { name: /^Reply: / })
      .last()
      .tap()
    await panel.getByLabel('Subject').fill('Half a thought')
    await panel.getByLabel('To', { exact: true }).fill('half@example.org')
    await page.goBack()
    await panel.waitFor({ state: 'detached' })
    expect(page.url()).toBe(at)
    await page.locator('article.message').first().waitFor()
    await until(async () => (await draftsAt(screen, 'Half a thought')).length === 1, { what: 'the draft' })
    const [kept] = await draftsAt(screen, 'Half a thought')
    expect(kept?.content.to.map(({ address }) => address)).toContain('half@example.org')
    // Closed by its own button it leaves no step behind.
    await page
      .getByRole('button', { name: /^Reply: / })
      .last()
      .tap()
    await panel.getByRole('button', { name: /^Save and close/ }).tap()
    await panel.waitFor({ state: 'detached' })
    await until(async () => page.url() === at, { what: 'the address of the mail' })
    await page.goBack()
    await rowOf(page, 'Tide and Timber').waitFor()
  })

  it('closes a previewed file by the back gesture, and the mail by the next one', async () => {
    await rowOf(page, 'Pictures and notes').tap()
    await page.getByRole('button', { name: 'Preview photo from the garden.png' }).tap()
    const viewer = page.getByRole('dialog', { name: /^Preview/ })
    await viewer.waitFor()
    const close = await viewer.getByRole('button', { name: 'Close' }).boundingBox()
    expect((close?.x ?? 0) + (close?.width ?? 0)).toBeLessThan(390 - 16)
    await page.goBack()
    await viewer.waitFor({ state: 'detached' })
    expect(await page.locator('article.message').first().isVisible()).toBe(true)
    await page.goBack()
    await rowOf(page, 'Pictures and notes').waitFor()
    expect(await page.locator('article.message').first().isVisible()).toBe(false)
  })

  it('archives by a swipe to the right and takes it back, and does nothing when the swipe is short', async () => {
    deliver(screen.dovecot, 'Swipe me')
    await rowOf(page, 'Swipe me').waitFor()
    await swipe(page, rowOf(page, 'Swipe me'), 60)
    await until(() => rowOf(page, 'Swipe me').evaluate((row) => row.getAttribute('data-swipe') === null), {
      what: 'the row back in its place',
    })
    expect(countAt(screen.dovecot, 'INBOX', 'subject', 'Swipe me')).toBe(1)
    await swipe(page, rowOf(page, 'Swipe me'), 200)
    await rowOf(page, 'Swipe me').waitFor({ state: 'detached' })
    await until(async () => countAt(screen.dovecot, 'Archive', 'subject', 'Swipe me') === 1, {
      what: 'the mail archived',
    })
    expect(new URL(page.url()).pathname.split('/')).toHaveLength(3)
    await page.getByRole('button', { name: 'Undo' }).click()
    await rowOf(page, 'Swipe me').waitFor()
    await until(async () => countAt(screen.dovecot, 'INBOX', 'subject', 'Swipe me') === 1, { what: 'the mail back' })
  })

  it('deletes by a swipe to the left, without motion for those who want none', async () => {
    await page.emulateMedia({ reducedMotion: 'reduce' })
    await rowOf(page, 'Swipe me').waitFor()
    await swipe(page, rowOf(page, 'Swipe me'), -200)
    await rowOf(page, 'Swipe me').waitFor({ state: 'detached' })
    expect(await page.evaluate(() => document.getAnimations().length)).toBe(0)
    await until(async () => countAt(screen.dovecot, 'Trash', 'subject', 'Swipe me') === 1, {
      what: 'the mail in Trash',
    })
  })
})

describe('the panes', () => {
  let context: BrowserContext
  let page: Page
  beforeAll(async () => {
    context = await screen.newContext()
    page = await screen.newPage(context)
  })
  afterAll(async () => context?.close())
  const choose = async (layout: string) => {
    await page.goto(`${screen.base}/settings/general`)
    await page.getByLabel('Layout').selectOption({ label: layout })
    await until(async () => {
      const { settings } = (await (await screen.api('GET', '/v1/session')).json()) as { settings: { layout?: string } }
      return settings.layout === (await page.getByLabel('Layout').inputValue())
    })
    await openInbox(page, screen.base)
  }

  it('come with little script: what is rarely used is not loaded', async () => {
    const cdp = await context.newCDPSession(page)
    await cdp.send('Network.enable')
    const scripts = new Set<string>()
    let bytes = 0
    cdp.on('Network.responseReceived', ({ requestId, type }) => {
      if (type === 'Script') scripts.add(requestId)
    })
    cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
      if (scripts.has(requestId)) bytes += encodedDataLength
    })
    const line = page.waitForEvent('websocket')
    await openInbox(page, screen.base)
    await line
    expect(bytes).toBeGreaterThan(50 * 1024)
    expect(bytes).toBeLessThanOrEqual(maxScriptBytes)
    await cdp.detach()
  })

  it('are three columns whose widths are drawn by pointer or by key, and remembered', async () => {
    const line = page.getByRole('separator', { name: 'Width of the list' })
    const width = async () => (await rectOf(page, 'section.list')).width
    const before = await width()
    await line.focus()
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    expect(await width()).toBe(before + 32)
    expect(await line.getAttribute('aria-valuenow')).toBe(String(before + 32))
    const box = await line.boundingBox()
    if (!box) throw new Error('the line has no place')
    await page.mouse.move(box.x + box.width / 2, 500)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width / 2 + 40, 500, { steps: 4 })
    await page.mouse.up()
    const after = await width()
    expect(Math.abs(after - (before + 72))).toBeLessThanOrEqual(5)
    await page.reload()
    await rowOf(page, 'Tide and Timber').waitFor()
    expect(await width()).toBe(after)
    await page.getByRole('separator', { name: 'Width of the mailboxes' }).focus()
    await page.keyboard.press('Home')
    expect((await rectOf(page, '.tree')).width).toBe(150)
    await expectAccessible(page)
  })

  it('can lie below the list, with a height of its own', async () => {
    await choose('Reading pane below the list')
    await rowOf(page, 'Fråga om båten').click()
    await page.locator('.text-body', { hasText: 'isen har gått' }).waitFor()
    const [list, view] = [await rectOf(page, 'section.list'), await rectOf(page, '.view')]
    expect(view.top).toBeGreaterThanOrEqual(list.bottom - 1)
    expect(view.width).toBe(list.width)
    await page.getByRole('separator', { name: 'Height of the list' }).focus()
    await page.keyboard.press('ArrowDown')
    expect((await rectOf(page, 'section.list')).height).toBe(list.height + 16)
    await expectAccessible(page)
  })

  it('can be the list alone; mail opens over it and closes to where it was', async () => {
    await choose('List only; mail opens over it')
    const list = await rectOf(page, 'section.list')
    expect(list.right).toBe(1440)
    await rowOf(page, 'Fråga om båten').click()
    await page.locator('.text-body', { hasText: 'isen har gått' }).waitFor()
    expect(await rectOf(page, '.view')).toMatchObject({ left: list.left, top: list.top, width: list.width })
    expect(await page.locator('section.list').isVisible()).toBe(false)
    await expectAccessible(page)
    await page.keyboard.press('u')
    await rowOf(page, 'Fråga om båten').waitFor()
    await expectAccessible(page)
    await choose('Three columns')
  })

  it('never move under the reader: new mail above shows as a pill', async () => {
    await page.locator('.list-scroll').evaluate((list) => list.scrollTo(0, 1000))
    const firstRow = () =>
      page.locator('[data-thread]').evaluateAll((rows) => {
        const top = document.querySelector('.list-scroll')?.getBoundingClientRect().top ?? 0
        const shown = rows.map((row) => ({
          id: row.getAttribute('data-thread'),
          y: row.getBoundingClientRect().top - top,
        }))
        return shown.filter(({ y }) => y >= 0).sort((a, b) => a.y - b.y)[0]
      })
    await until(async () => (await scrollTop(page)) === 1000 && (await firstRow()) !== undefined)
    const before = await firstRow()
    deliver(screen.dovecot, 'Above your head')
    await page.getByRole('button', { name: '1 new' }).waitFor()
    await until(async () => (await scrollTop(page)) === 1050, { what: 'the list making room above' })
    expect(await firstRow()).toEqual(before)
    const pill = page.getByRole('button', { name: '1 new' })
    const isInSight = await pill.evaluate((button) => {
      const { x, y, width, height } = button.getBoundingClientRect()
      return document.elementFromPoint(x + width / 2, y + height / 2) === button
    })
    expect(isInSight).toBe(true)
    await pill.click()
    await rowOf(page, 'Above your head').waitFor()
    await page.getByRole('button', { name: '1 new' }).waitFor({ state: 'detached' })
  })

  it('tell how many mails a conversation has, however long the names of those who wrote them', async () => {
    for (const [n, references] of [
      [1, ''],
      [2, 'In-Reply-To: <many.1@example.org>\r\n'],
    ] as const)
      screen.dovecot.deliver(
        'robin',
        'INBOX',
        `From: Somebody with quite a long name and more, number ${n} <n${n}@example.org>\r\nSubject: Many hands\r\nMessage-ID: <many.${n}@example.org>\r\n${references}\r\nHello!\r\n`,
      )
    await openInbox(page, screen.base)
    const who = rowOf(page, 'Many hands').locator('.who')
    const number = who.locator('.muted', { hasText: /^ 2$/ })
    await number.waitFor()
    await picture(page, 'conversation-count')
    for (const [width, height] of [
      [390, 844],
      [820, 1180],
      [1440, 900],
    ] as const) {
      await page.setViewportSize({ width, height })
      await number.waitFor()
      const ends = (place: typeof who) => place.evaluate((element) => element.getBoundingClientRect().right)
      expect(await ends(number)).toBeLessThanOrEqual(await ends(who))
    }
  })

  it('cover the end of a row whole with what can be done to it', async () => {
    await page.locator('.list-scroll').evaluate((list) => list.scrollTo(0, 0))
    const row = page.locator('[data-thread]:has(.meta svg)').first()
    await row.hover()
    await picture(page, 'hover')
    const isCovered = await row.evaluate((element) => {
      const inside = element.getBoundingClientRect()
      const { left } = element.querySelector('.hover-actions')?.getBoundingClientRect() ?? inside
      const ys = [inside.top + 1, inside.top + inside.height / 2, inside.bottom - 3]
      // Not under the line that moves the edge.
      const xs = [left + 1, inside.right - 8]
      return xs.every((x) => ys.every((y) => document.elementFromPoint(x, y)?.closest('.hover-actions')))
    })
    expect(isCovered).toBe(true)
    expect(await row.locator('.meta').evaluate((meta) => getComputedStyle(meta).opacity)).toBe('0')
  })

  it('stand the other way round in scripts that run from right to left', async () => {
    await page.evaluate(() => {
      document.documentElement.dir = 'rtl'
    })
    await rowOf(page, 'Fråga om båten').click()
    await page.locator('.text-body', { hasText: 'isen har gått' }).waitFor()
    const [tree, list, view] = [
      await rectOf(page, '.tree'),
      await rectOf(page, 'section.list'),
      await rectOf(page, '.view'),
    ]
    expect([tree.right, tree.left]).toEqual([1440, list.right])
    expect(view.right).toBe(list.left)
    const line = await page.getByRole('separator', { name: 'Width of the list' }).boundingBox()
    expect(Math.abs((line?.x ?? 0) + (line?.width ?? 0) / 2 - list.left)).toBeLessThanOrEqual(1)
    await page.getByRole('separator', { name: 'Width of the list' }).focus()
    await page.keyboard.press('ArrowLeft')
    expect((await rectOf(page, 'section.list')).width).toBe(list.width + 16)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(1440)
    // A subject keeps the direction of its own script.
    expect(
      await rowOf(page, 'Fråga om båten')
        .locator('.subject')
        .evaluate((subject) => getComputedStyle(subject).direction),
    ).toBe('ltr')
    await expectAccessible(page)
  })

  it('never met an error or a breach of its own policy on the way', () => {
    expect(screen.problems).toEqual([])
  })
})
