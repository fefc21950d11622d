import { readFile } from 'node:fs/promises'
import type { BrowserContext, Download, Page, WebSocketRoute } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import {
  countAt,
  deliver,
  expectAccessible,
  openInbox,
  rowOf,
  type Screen,
  startScreen,
  withoutRest,
} from './support/screen.ts'

/** Reading: files, pictures from outside, saving and printing, and what a tab tells that is left alone. */
let screen: Screen
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  context = await screen.newContext()
  page = await screen.newPage(context)
})
afterAll(async () => screen?.stop())

const saved = async (work: () => Promise<unknown>): Promise<Download> => {
  const [download] = await Promise.all([page.waitForEvent('download'), work()])
  return download
}
const menu = async (item: string) => {
  await page
    .getByRole('button', { name: /^More for the message from/ })
    .last()
    .click()
  await page.getByRole('menuitem', { name: item }).click()
}

/** As they are on the screen. */
const coloursAt = async (xs: number[], y: number): Promise<number[][]> => {
  const picture = (await page.screenshot()).toString('base64')
  // Where no policy keeps it from being drawn.
  const blank = await context.newPage()
  const found = await blank.evaluate(
    async ({ picture, xs, y }) => {
      const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0))
      const bitmap = await createImageBitmap(new Blob([bytes]))
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d')
      canvas?.drawImage(bitmap, 0, 0)
      return xs.map((x) => [...(canvas?.getImageData(x, y, 1, 1).data ?? [])])
    },
    { picture, xs, y },
  )
  await blank.close()
  return found
}

describe('pictures that do not come', () => {
  it('are counted in words, leave no broken boxes behind, and are tried again', async () => {
    await openInbox(page, screen.base)
    await rowOf(page, 'Tide and Timber').click()
    await page.getByRole('button', { name: 'Load once' }).click()
    const notice = page.locator('.notice', { hasText: '2 pictures could not be loaded.' })
    await notice.waitFor()
    const broken = page.frameLocator('iframe.html-body').locator('img[src]')
    expect(await broken.count()).toBe(0)
    await expectAccessible(page)
    const again = page.waitForResponse((response) => response.url().includes('/v1/remote-image?'))
    await notice.getByRole('button', { name: 'Try again' }).click()
    expect((await again).status()).toBe(502)
    await notice.waitFor()
  })
})

describe('files', () => {
  it('are looked at one after the other: pictures, texts', async () => {
    await openInbox(page, screen.base)
    await rowOf(page, 'Pictures and notes').click()
    await page.getByRole('button', { name: 'Preview photo from the garden.png' }).click()
    const viewer = page.getByRole('dialog', { name: /^Preview/ })
    await until(() => viewer.locator('img').evaluate((image) => (image as HTMLImageElement).naturalWidth > 0))
    await expectAccessible(page)
    await page.keyboard.press('ArrowRight')
    await viewer.getByText('Bring the ladder.').waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await viewer.waitFor({ state: 'detached' })
  })

  it('are saved all at once as one archive, and a mail as its source', async () => {
    const zip = await readFile(
      await (await saved(() => page.getByRole('button', { name: /^Save all/ }).click())).path(),
    )
    expect(zip.subarray(0, 4).toString('latin1')).toBe('PK\x03\x04')
    expect(zip.includes('photo from the garden.png') && zip.includes('Bring the ladder.')).toBe(true)
    const eml = await saved(() => menu('Save as .eml'))
    expect(eml.suggestedFilename()).toMatch(/\.eml$/)
    const [source] = screen.dovecot
      .doveadm('fetch', '-u', 'robin', 'text', 'mailbox', 'INBOX', 'subject', 'Pictures and notes')
      .split('\f')
    const plain = (await readFile(await eml.path(), 'latin1')).replaceAll('\r\n', '\n')
    expect(source?.replaceAll('\r\n', '\n')).toContain(plain.slice(0, 300))
  })

  it('are drawn by pdf.js when they are PDFs', async () => {
    await rowOf(page, 'Invoice attached').click()
    const name = page.locator('.attachments bdi', { hasText: 'Invoice' })
    expect(await name.evaluate((shown) => shown.scrollWidth <= shown.clientWidth)).toBe(true)
    await name.click()
    await page.locator('canvas[data-drawn]').waitFor()
    const ink = await page.locator('canvas[data-drawn]').evaluate((canvas) => {
      const { width, height } = canvas as HTMLCanvasElement
      const { data } = (canvas as HTMLCanvasElement).getContext('2d')?.getImageData(0, 0, width, height) ?? { data: [] }
      return data.some((value, index) => index % 4 !== 3 && value < 128)
    })
    expect(ink).toBe(true)
    await expectAccessible(page)
    await page.keyboard.press('Escape')
  })
})

describe('a mail', () => {
  it('keeps its room and shows its address below the longest subject and name', async () => {
    screen.dovecot.deliver(
      'robin',
      'INBOX',
      `From: "${'Anything at all '.repeat(12)}" <somebody@elsewhere.example>\r\nSubject: ${'On and on '.repeat(90)}\r\nMessage-ID: <long@example.org>\r\n\r\nShort.\r\n`,
    )
    await rowOf(page, 'On and on').click()
    await page.locator('.text-body', { hasText: 'Short.' }).waitFor()
    const heightOf = async (selector: string) => (await page.locator(selector).boundingBox())?.height ?? 0
    expect(await heightOf('.view-head')).toBeLessThan((page.viewportSize()?.height ?? 0) / 3)
    const address = page.locator('.message-head .grow', { hasText: 'somebody@elsewhere.example' })
    expect(await address.evaluate((shown) => shown.scrollWidth <= shown.clientWidth)).toBe(true)
    // It has no date of its own; the time it came stands in.
    expect(await page.locator('.message-head time').textContent()).toMatch(/\d:\d\d/)
  })

  it('shows mail at night on the paper that all else lies on', async () => {
    await page.emulateMedia({ colorScheme: 'dark' })
    deliver(screen.dovecot, 'At night', 'MIME-Version: 1.0\r\nContent-Type: text/html\r\n', '<p>Stars</p>')
    await rowOf(page, 'At night').click()
    await page.locator('iframe.html-body.turned').waitFor()
    await page.frameLocator('iframe.html-body').getByText('Stars').waitFor()
    const { x = 0, y = 0 } = (await page.locator('iframe.html-body').boundingBox()) ?? {}
    const [inside, outside] = await coloursAt([Math.round(x) + 200, Math.round(x) - 6], Math.round(y) + 4)
    expect(inside).toEqual(outside)
    await page.emulateMedia({ colorScheme: 'light' })
  })

  it('shows the pictures it brings along, without asking anybody', async () => {
    const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    deliver(
      screen.dovecot,
      'With a drawing',
      'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n',
      `--b\r\nContent-Type: text/html\r\n\r\n<p>Look: <img alt="drawn" src="cid:drawing@example.org"></p>\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <drawing@example.org>\r\nContent-Disposition: inline\r\nContent-Transfer-Encoding: base64\r\n\r\n${pixel}\r\n--b--`,
    )
    await rowOf(page, 'With a drawing').click()
    const drawing = page.frameLocator('iframe.html-body').getByAltText('drawn')
    await until(() => drawing.evaluate((image) => (image as HTMLImageElement).naturalWidth === 1), {
      what: 'the drawing',
    })
    expect(await page.getByText('Remote images are not loaded').count()).toBe(0)
  })

  it('stays open where it is when a new one joins its conversation with another', async () => {
    const arrive = (name: string, more = '') =>
      screen.dovecot.deliver(
        'robin',
        'INBOX',
        `From: Zed <zed@example.org>\r\nSubject: ${name}\r\nMessage-ID: <${name}@example.org>\r\n${more}\r\nAbout ${name}\r\n`,
      )
    arrive('Sailing')
    await rowOf(page, 'Sailing').waitFor()
    arrive('Rowing')
    await rowOf(page, 'Rowing').click()
    const open = page.locator('article.message')
    await open.filter({ hasText: 'About Rowing' }).waitFor()
    const before = page.url()
    await open.evaluate((shown) => shown.setAttribute('data-same', ''))
    arrive('Boats', 'References: <Sailing@example.org> <Rowing@example.org>\r\n')
    await open.filter({ hasText: 'About Boats' }).waitFor()
    await page.waitForURL(({ href }) => href !== before)
    await open.nth(2).waitFor()
    expect(await open.count()).toBe(3)
    expect(await page.locator('article[data-same]').count()).toBe(1)
    // The address that somebody kept leads there too.
    const now = page.url()
    await page.goto(before)
    await open.filter({ hasText: 'About Boats' }).waitFor()
    await page.waitForURL(now)
  })

  it('stays open as it is while an answer to it comes', async () => {
    const arrive = (text: string, more = '') =>
      screen.dovecot.deliver(
        'robin',
        'INBOX',
        `From: Zed <zed@example.org>\r\nSubject: Regatta\r\nMessage-ID: <${text}@regatta.example>\r\n${more}\r\nWords: ${text}\r\n`,
      )
    const answers = 'References: <first@regatta.example>\r\n'
    arrive('first')
    await rowOf(page, 'Regatta').waitFor()
    arrive('second', answers)
    await rowOf(page, 'Regatta').click()
    const open = page.locator('article.message')
    const heads = open.locator('.message-head:not(.addresses)')
    // Each text comes by an answer of its own.
    for (const text of ['first', 'second']) await open.filter({ hasText: `Words: ${text}` }).waitFor()
    expect(await open.count()).toBe(2)
    await heads.last().click()
    await open.evaluateAll((all) => all.map((shown) => shown.setAttribute('data-same', '')))
    arrive('third', answers)
    await open.filter({ hasText: 'Words: third' }).waitFor()
    expect(await page.locator('article[data-same]').count()).toBe(2)
    expect(await heads.evaluateAll((all) => all.map((one) => one.ariaExpanded))).toEqual(['true', 'false', 'true'])
  })

  it('shows as soon as the part of the program that draws it has come', async () => {
    const tab = await screen.newPage(context)
    const comeAgain = await withoutRest(tab, screen.base)
    const refused = tab.waitForEvent('requestfailed', (request) => request.url().endsWith('.js'))
    await openInbox(tab, screen.base)
    await rowOf(tab, 'Tide and Timber').click()
    await refused
    await tab.getByText(/^No connection/).waitFor()
    await comeAgain()
    await tab.frameLocator('iframe.html-body').locator('img').first().waitFor({ state: 'attached' })
    await tab.getByText(/^No connection/).waitFor({ state: 'detached' })
    await tab.close()
  })

  it('loads pictures from outside for senders one trusts, until one wants to be asked again', async () => {
    const notice = page.getByText('Remote images are not loaded')
    await rowOf(page, 'Tide and Timber').click()
    await notice.waitFor()
    await page.getByRole('button', { name: /^Always for/ }).click()
    await notice.waitFor({ state: 'detached' })
    await page.reload()
    await page.locator('iframe.html-body').waitFor()
    await menu('Ask again before loading')
    await notice.waitFor()
    await page.reload()
    await notice.waitFor()
  })

  it('is printed alone', async () => {
    await rowOf(page, 'Re: Garden plans').click()
    await page.locator('article.message').nth(1).waitFor()
    await page.evaluate(() => {
      window.print = () => undefined
    })
    await menu('Print')
    await page.locator('article[data-printing]').waitFor()
    await page.emulateMedia({ media: 'print' })
    const shown = await page.locator('article.message').evaluateAll((all) => all.filter((one) => one.clientHeight > 0))
    expect(shown).toHaveLength(1)
    expect(await page.locator('.list').isVisible()).toBe(false)
    await page.emulateMedia({ media: 'screen' })
    await page.evaluate(() => dispatchEvent(new Event('afterprint')))
    expect(await page.locator('article[data-printing]').count()).toBe(0)
  })
})

describe('a tab that is left alone', () => {
  it('counts in its title, and tells of new mail when asked to', async () => {
    const own = await screen.newContext()
    await own.grantPermissions(['notifications'])
    const tab = await screen.newPage(own)
    await tab.addInitScript(() => {
      const told: string[] = []
      const Fake = class {
        static permission = 'granted'
        static requestPermission = async () => 'granted'
        onclick: (() => void) | null = null
        constructor(title: string) {
          told.push(title)
        }
      }
      Object.assign(globalThis, { Notification: Fake, told })
      document.hasFocus = () => false
    })
    await tab.goto(`${screen.base}/settings/general`)
    await tab.getByLabel(/^Tell me on this device/).check()
    await openInbox(tab, screen.base)
    await tab.waitForFunction(() => /^\(\d+\) Inbox – Postern$/.test(document.title))
    const before = Number(/\d+/.exec(await tab.title())?.[0])
    deliver(screen.dovecot, 'Knock knock')
    await tab.waitForFunction(() => (globalThis as unknown as { told: string[] }).told.includes('Zed'))
    await tab.waitForFunction((title) => document.title === title, `(${before + 1}) Inbox – Postern`)
    expect(countAt(screen.dovecot, 'INBOX', 'subject', 'Knock knock')).toBe(1)
    await rowOf(tab, 'Knock knock').click()
    await tab.waitForFunction((title) => document.title === title, `(${before}) Knock knock – Postern`)
    await tab.getByRole('link', { name: 'Settings', exact: true }).click()
    await tab.waitForFunction((title) => document.title === title, `(${before}) Settings – Postern`)
    await own.close()
  })

  it('says that the line is cut, catches up, and offers a newer version', async () => {
    const own = await screen.newContext()
    const tab = await screen.newPage(own)
    let line: WebSocketRoute | undefined
    let isCut = false
    await tab.routeWebSocket(/socket\.io/, (socket) => {
      line = socket
      if (isCut) void socket.close()
      else socket.connectToServer()
    })
    await openInbox(tab, screen.base)
    await until(async () => line !== undefined)
    // A push has come: the line stands.
    deliver(screen.dovecot, 'Before the cut')
    await rowOf(tab, 'Before the cut').waitFor()
    isCut = true
    await line?.close()
    await tab.getByText(/^No connection/).waitFor()
    await expectAccessible(tab)
    deliver(screen.dovecot, 'During the cut')
    await tab.route(`${screen.base}/`, async (route) => {
      const answer = await route.fetch()
      await route.fulfill({ response: answer, body: (await answer.text()).replaceAll('/chunks/', '/chunks/new-') })
    })
    isCut = false
    await tab.evaluate(() => dispatchEvent(new Event('online')))
    await rowOf(tab, 'During the cut').waitFor()
    await tab.getByText('A new version of Postern is here.').waitFor()
    expect(await tab.getByText(/^No connection/).count()).toBe(0)
    await expectAccessible(tab)
    await tab.unroute(`${screen.base}/`)
    await tab.getByRole('button', { name: 'Reload' }).click()
    await rowOf(tab, 'During the cut').waitFor()
    await own.close()
  })

  it('never met an error or a breach of its own policy on the way', () => {
    expect(screen.problems).toEqual([])
  })
})
