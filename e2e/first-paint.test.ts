import type { Account } from '@postern/shared/accounts.ts'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { deliver, openInbox, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** The page brings along what the first screen shows, and paints it before any script is here (ADR 17). */
let screen: Screen
beforeAll(async () => {
  screen = await startScreen()
  deliver(screen.dovecot, '</script><script>document.title = "broken out"</script>')
})
afterAll(() => screen?.stop())

const scripts = '**/_next/static/chunks/*.js'
const rows = (page: Page, within: string) =>
  page.locator(`${within} .thread`).evaluateAll((found) =>
    found.map((row) => {
      const { left, top, width, height } = row.getBoundingClientRect()
      const text = (part: string) => row.querySelector(part)?.textContent ?? ''
      const starts = ['.check', '.who', '.subject'].map((part) => row.querySelector(part)?.getBoundingClientRect().left)
      const isUnread = row.classList.contains('unread')
      return {
        place: [left, top, width, height, ...starts].map((px) => Math.round(px ?? -1)),
        said: [text('.who bdi'), text('.title'), text('.rest'), text('.preview'), text('time')],
        isUnread,
      }
    }),
  )

/** The page as it is before its scripts come, which they do when they are let go. */
const openHeld = async (options?: BrowserContextOptions) => {
  const context = await screen.newContext(options)
  const page = await screen.newPage(context)
  const { promise: held, resolve: letGo } = Promise.withResolvers<void>()
  await page.route(scripts, async (route) => {
    await held
    await route.continue()
  })
  await page.goto(`${screen.base}/`, { waitUntil: 'commit' })
  return { context, page, letGo }
}

/** Looks at the painted rows, lets the scripts go, looks at the drawn ones. */
const expectSame = async (options: BrowserContextOptions, name: string) => {
  const { context, page, letGo } = await openHeld(options)
  // The dates come last.
  await page.locator('#first-paint .thread time:not(:empty)').nth(8).waitFor()
  const painted = await rows(page, '#first-paint')
  const emptyPane = () =>
    page.locator('.view .empty').evaluate((text) => {
      const { left, top, width, height } = text.getBoundingClientRect()
      return [...[left, top, width, height].map(Math.round), text.textContent]
    })
  const paintedPane = await emptyPane()
  await picture(page, `first-paint-${name}`)
  letGo()
  await page.locator('[data-thread]').nth(8).waitFor()
  expect(await page.locator('#first-paint').count()).toBe(0)
  const drawn = await rows(page, '.list')
  expect(painted.length).toBeGreaterThan(8)
  expect(drawn.slice(0, painted.length)).toEqual(painted.slice(0, drawn.length))
  expect(await emptyPane()).toEqual(paintedPane)
  await context.close()
}

describe('the first paint', () => {
  it('comes with the page: nothing of it is asked for again', async () => {
    const context = await screen.newContext()
    const page = await screen.newPage(context)
    await openInbox(page, screen.base)
    await page.waitForURL(/\/mail\/\d+$/)
    await until(async () => {
      const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: Account[] }
      return accounts.every(({ state, progress }) => state === 'watching' && progress === null)
    })
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    // Listened for from the first frame on: it may come before the rows are seen here.
    const isFollowing = new Promise<void>((done) =>
      page.once('websocket', (socket) =>
        socket.on('framereceived', ({ payload }) => /"streams"/.test(`${payload}`) && done()),
      ),
    )
    await page.reload()
    await rowOf(page, 'Tide and Timber').waitFor()
    await isFollowing
    // What is for writing is no part of it, and is asked for when there is time: before this where the line was slow.
    const forWriting = ['/v1/identities', '/v1/submissions']
    expect(asked.filter((path) => path.startsWith('/v1/') && !forWriting.includes(path))).toEqual([])
    deliver(screen.dovecot, 'After the first paint')
    // With the beginnings of all texts: what is painted next holds what is drawn after it.
    for (const subject of ['broken out', 'After the first paint'])
      await rowOf(page, subject).getByText('Hello!').waitFor()
    await context.close()
  })

  it('stands where the app draws the same, wide', () => expectSame({ viewport: { width: 1440, height: 900 } }, 'wide'))
  it('stands where the app draws the same, on a phone', () =>
    expectSame({ viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true }, 'phone'))
  it('stands where the app draws the same, in another layout, density and theme', async () => {
    await screen.api('PATCH', '/v1/settings', { layout: 'bottom', density: 'compact', theme: 'dark' })
    await expectSame({ viewport: { width: 1440, height: 900 } }, 'bottom')
    await screen.api('PATCH', '/v1/settings', { layout: null, density: 'roomy', theme: null })
    await expectSame({ viewport: { width: 820, height: 1180 } }, 'roomy')
    await screen.api('PATCH', '/v1/settings', { density: null })
  })
  it('stands where the app draws the same, and says whose mail it is where there are several accounts', async () => {
    screen.dovecot.addUser('sam', 'mail password')
    const added = await screen.addAccount('sam')
    await expectSame({ viewport: { width: 1440, height: 900 } }, 'whose')
    const { page, context } = await openHeld()
    await page.locator('#first-paint h1', { hasText: 'robin@example.org' }).waitFor()
    await context.close()
    await screen.api('DELETE', `/v1/accounts/${added}?mode=erase`)
  })

  it('takes a click that comes before the app', async () => {
    const { context, page, letGo } = await openHeld()
    await page.locator('#first-paint .thread', { hasText: 'Tide and Timber' }).first().click()
    letGo()
    await page.locator('.view h1', { hasText: 'Tide and Timber' }).waitFor()
    await context.close()
  })

  it('keeps mail inert, and shows strangers nothing', async () => {
    const context = await screen.newContext()
    const page = await screen.newPage(context)
    await page.goto(`${screen.base}/`)
    await rowOf(page, 'broken out').waitFor()
    await until(async () => (await page.title()).includes('Postern'))
    const bare = await fetch(`${screen.base}/`, { headers: { accept: 'text/html' } })
    expect(await bare.text()).not.toContain('id="start"')
    expect(screen.problems).toEqual([])
    await context.close()
  })
})
