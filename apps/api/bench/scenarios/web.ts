import type { Browser, CDPSession, Page } from 'playwright-core'
import { openChromium } from '../../../../e2e/support/postern.ts'
import type { Gateway } from '../gateway.ts'
import type { Scenario } from '../world.ts'

/** Chromium's own "Fast 4G". */
const fast4g = { offline: false, downloadThroughput: 1_125_000, uploadThroughput: 168_750, latency: 165 }
const rounds = 5

/** The mailbox page with an empty cache in a real browser: weight on the wire, largest paint, and a click until the body is painted. */
export const web: Scenario = {
  name: 'web',
  figures: ['web.script', 'web.total', 'web.lcp', 'web.lcp-slow', 'web.click'],
  run: async ({ filled, tell }) => {
    const { gateway, inbox } = await filled()
    const address = `${gateway.base}/mail/${inbox.id}`
    const browser = await openChromium()
    try {
      const plain = await visits(browser, gateway, address, false)
      tell(
        'web.script',
        plain.map(({ script }) => script),
        'KiB',
        { goal: { target: 180 } },
      )
      tell(
        'web.total',
        plain.map(({ total }) => total),
        'KiB',
        { goal: { target: 315 } },
      )
      tell(
        'web.lcp',
        plain.map(({ lcp }) => lcp),
        'ms',
        { goal: { target: 400 } },
      )
      const slow = await visits(browser, gateway, address, true)
      tell(
        'web.lcp-slow',
        slow.map(({ lcp }) => lcp),
        'ms',
        { goal: { target: 790 } },
      )
      tell('web.click', await clicks(browser, gateway, address), 'ms', { goal: { target: 60 } })
    } finally {
      await browser.close()
    }
  },
}

type Visit = { script: number; total: number; lcp: number }

const visits = async (browser: Browser, gateway: Gateway, address: string, isSlow: boolean): Promise<Visit[]> => {
  const seen: Visit[] = []
  for (let n = 0; n < rounds; n++) seen.push(await visit(browser, gateway, address, isSlow))
  return seen
}

const openPage = async (browser: Browser, gateway: Gateway): Promise<{ page: Page; cdp: CDPSession }> => {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } })
  const [name = '', value = ''] = gateway.cookie.split('=')
  await context.addCookies([{ name, value, url: gateway.base }])
  const page = await context.newPage()
  const cdp = await context.newCDPSession(page)
  await cdp.send('Network.enable')
  return { page, cdp }
}

const visit = async (browser: Browser, gateway: Gateway, address: string, isSlow: boolean): Promise<Visit> => {
  const { page, cdp } = await openPage(browser, gateway)
  const kinds = new Map<string, string>()
  let script = 0
  let total = 0
  cdp.on('Network.responseReceived', ({ requestId, type }) => kinds.set(requestId, type))
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    total += encodedDataLength / 1024
    if (kinds.get(requestId) === 'Script') script += encodedDataLength / 1024
  })
  if (isSlow) {
    await cdp.send('Emulation.setCPUThrottlingRate', { rate: 4 })
    await cdp.send('Network.emulateNetworkConditions', fast4g)
  }
  await page.goto(address)
  await page.locator('[data-thread]').nth(10).waitFor()
  // What is fetched once the rows are there (the socket, the first bodies) is part of the page's weight too.
  await page.waitForTimeout(isSlow ? 3000 : 1500)
  const lcp = await page.evaluate(
    () =>
      new Promise<number>((done) =>
        new PerformanceObserver((list) => done(list.getEntries().at(-1)?.startTime ?? Number.NaN)).observe({
          type: 'largest-contentful-paint',
          buffered: true,
        }),
      ),
  )
  await page.context().close()
  return { script, total, lcp }
}

/** The pointer comes to a row, rests there a moment as a hand does, and clicks. Timed inside the page, to the frame that shows the text. */
const clicks = async (browser: Browser, gateway: Gateway, address: string): Promise<number[]> => {
  const { page } = await openPage(browser, gateway)
  await page.goto(address)
  const rows = page.locator('[data-thread]')
  await rows.nth(10).waitFor()
  const samples: number[] = []
  for (let n = 0; n < 12; n++) {
    await rows.nth(n).hover()
    await page.waitForTimeout(150)
    const painted = page.evaluate(paintedAfterClick)
    await rows.nth(n).click()
    samples.push(await painted)
  }
  await page.context().close()
  // The first one loads code that later ones have.
  return samples.slice(2)
}

const paintedAfterClick = (): Promise<number> =>
  new Promise((done, fail) => {
    const old = new Set(document.querySelectorAll('article.message'))
    const hasBody = (article: Element): boolean => {
      const frame = article.querySelector('iframe')
      return Boolean(article.querySelector('.text-body')?.textContent || frame?.contentDocument?.body?.textContent)
    }
    addEventListener(
      'click',
      ({ timeStamp }) => {
        const look = () => {
          const isThere = [...document.querySelectorAll('article.message')].some(
            (article) => !old.has(article) && hasBody(article),
          )
          if (performance.now() - timeStamp > 10_000) fail(new Error('the body was not painted'))
          else if (!isThere) requestAnimationFrame(look)
          // The next frame begins when this one is on the screen.
          else requestAnimationFrame(() => done(performance.now() - timeStamp))
        }
        requestAnimationFrame(look)
      },
      { capture: true, once: true },
    )
  })
