import { join } from 'node:path'
import AxeBuilder from '@axe-core/playwright'
import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { expect } from 'vitest'
import { type Dovecot, startDovecot } from '../../apps/api/test/support/dovecot.ts'
import { until } from '../../apps/api/test/support/until.ts'
import { sampleMails } from '../../demo/sample-mails.ts'
import { openChromium, type RunningPostern, startPostern } from './postern.ts'
import { openPages } from './tell-failure.ts'

/** A whole Postern with a filled mailbox and somebody signed in, for tests of single parts of the screen. */
export type Screen = {
  base: string
  dovecot: Dovecot
  browser: Browser
  /** Errors of pages, breaches of the app's own policy, what the editor warns of; stays empty. */
  problems: string[]
  newContext: (options?: BrowserContextOptions) => Promise<BrowserContext>
  newPage: (context: BrowserContext) => Promise<Page>
  /** At another port when something stands between, such as a fault proxy. */
  addAccount: (user: string, port?: number) => Promise<string>
  /** Asks the API as the signed-in person. */
  api: (method: string, path: string, body?: unknown) => Promise<Response>
  /** Killed as a power cut would, and there again at the same address. `between` sees it away. */
  crash: (between: () => Promise<void>) => Promise<void>
  stop: () => Promise<void>
}

const owner = { name: 'Robin', address: 'robin@example.org', password: 'four unrelated words: lantern orbit' }
export const mailPassword = 'mail password'

/** What differs from a usual start: the environment of Postern, the switches of Chromium. */
export type ScreenOptions = { environment?: Record<string, string>; switches?: string[] }

export const startScreen = async ({ environment, switches }: ScreenOptions = {}): Promise<Screen> => {
  const dovecot = await startDovecot()
  dovecot.addUser('robin', mailPassword)
  for (const mail of sampleMails(new Date()))
    dovecot.deliver('robin', mail.mailbox, mail.raw, { flags: mail.flags, receivedAt: mail.receivedAt })
  let postern: RunningPostern = await startPostern(dovecot.certificate, undefined, environment)
  const browser = await openChromium(switches)
  const { base } = postern
  const problems: string[] = []
  let cookie = ''
  const api = async (method: string, path: string, body?: unknown): Promise<Response> => {
    const answer = await fetch(`${base}${path}`, {
      method,
      headers: { 'x-postern': '1', cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    return answer
  }
  const code = /code=(\S+)/.exec(postern.setupAddress ?? '')?.[1]
  const signedIn = await api('POST', '/v1/setup', { code, ...owner })
  cookie = (signedIn.headers.getSetCookie()[0] ?? '').split(';')[0] ?? ''
  const addAccount = async (user: string, port = dovecot.imapsPort): Promise<string> => {
    const answer = await api('POST', '/v1/accounts', {
      address: `${user}@example.org`,
      password: mailPassword,
      incoming: { host: 'localhost', port, security: 'tls', username: user },
    })
    const { id } = (await answer.json()) as { id: string }
    return id
  }
  await addAccount('robin')
  const [name = '', value = ''] = cookie.split('=')
  return {
    base,
    dovecot,
    browser,
    problems,
    api,
    addAccount,
    newContext: async (options = { viewport: { width: 1440, height: 900 } }) => {
      const context = await browser.newContext(options)
      await context.addCookies([{ name, value, url: base }])
      return context
    },
    newPage: async (context) => {
      const page = await context.newPage()
      openPages.add(page)
      page.on('close', () => openPages.delete(page))
      page.on('pageerror', (error) => problems.push(String(error)))
      page.on('console', (message) => {
        const looksFor = message.type() === 'error' ? /Content Security Policy|hydrat/i : /linkify|tiptap/i
        if (looksFor.test(message.text())) problems.push(message.text())
      })
      return page
    },
    crash: async (between) => {
      await postern.stop('SIGKILL')
      await between()
      postern = await startPostern(dovecot.certificate, postern.home, { ...environment, PORT: new URL(base).port })
    },
    stop: async () => {
      await browser.close()
      await postern.stop()
      await postern.remove()
      await dovecot.stop()
    },
  }
}

export const rowOf = (page: Page, text: string): Locator => page.locator('[data-thread]', { hasText: text }).first()

export const openInbox = async (page: Page, base: string): Promise<void> => {
  await page.goto(`${base}/`)
  await rowOf(page, 'Tide and Timber').waitFor()
}

/** The server of an account, typed into the wizard by hand, and the password of its mailbox. */
export const enterServer = async (page: Page, { user, port }: { user: string; port: number }): Promise<void> => {
  await page.getByLabel('Server').first().fill('localhost')
  await page.getByLabel('Port').first().fill(String(port))
  await page.getByLabel('User name').first().fill(user)
  await page.getByRole('radio', { name: 'Not at all' }).check()
  await page.getByLabel('Password').fill(mailPassword)
}

/** The mails in a mailbox, or those of them that a search finds, at the server itself. */
export const countAt = (dovecot: Dovecot, mailbox: string, ...query: string[]): number =>
  dovecot.count('robin', mailbox, ...query)

export const deliver = (dovecot: Dovecot, subject: string, extra = '', text = 'Hello!'): void =>
  dovecot.deliver(
    'robin',
    'INBOX',
    `From: Zed <zed@example.org>\r\nTo: robin@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${crypto.randomUUID()}@example.org>\r\n${extra}\r\n${text}\r\n`,
  )

/**
 * By axe: everything in the colours the page has now, and contrast in the other ones as well. Looked at once nothing moves
 * any more: half-faded colours are nobody's contrast.
 */
export const expectAccessible = async (page: Page): Promise<void> => {
  const isDark = await page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)
  const [own, other] = isDark ? (['dark', 'light'] as const) : (['light', 'dark'] as const)
  expect(await violations(page)).toEqual([])
  await page.emulateMedia({ colorScheme: other })
  const said = await violations(page, ['color-contrast', 'link-in-text-block'])
  await page.emulateMedia({ colorScheme: own })
  expect(said).toEqual([])
}

const violations = async (page: Page, rules?: string[]): Promise<string[]> => {
  await until(() => page.evaluate(() => document.getAnimations().length === 0), { what: 'the end of the animations' })
  const axe = new AxeBuilder({ page }).exclude('iframe')
  const { violations: found } = await (rules ? axe.withRules(rules) : axe).analyze()
  return found.map(
    ({ id, nodes }) =>
      `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 160)} ${failureSummary}`).join(' | ')}`,
  )
}

/** As when the line goes while a page starts: only the scripts that the page itself names come. Answers how the others come again. */
export const withoutRest = async (page: Page, base: string): Promise<() => Promise<void>> => {
  const start = await (await fetch(base)).text()
  const isRest = (url: URL) => url.pathname.endsWith('.js') && !start.includes(url.pathname)
  await page.route(isRest, (route) => route.abort())
  return () => page.unroute(isRest)
}

/** Nothing that waits for the next frame happens until what this gives is called: as on a machine that is slow to draw. */
export const holdFrames = async (page: Page): Promise<() => Promise<void>> => {
  const draw = await page.evaluateHandle(() => {
    const usual = window.requestAnimationFrame
    const held: FrameRequestCallback[] = []
    window.requestAnimationFrame = (work) => held.push(work)
    return () => {
      window.requestAnimationFrame = usual
      for (const work of held) work(performance.now())
    }
  })
  return () => draw.evaluate((letGo) => letGo())
}

/** A finger on the glass, by Chromium's own input. */
export const swipe = async (page: Page, target: Locator, dx: number): Promise<void> => {
  const box = await target.boundingBox()
  if (!box) throw new Error('there is nothing to swipe')
  const cdp = await page.context().newCDPSession(page)
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', at?: number) =>
    cdp.send('Input.dispatchTouchEvent', { type, touchPoints: at === undefined ? [] : [{ x: at, y }] })
  await touch('touchStart', x)
  for (let step = 1; step <= 8; step++) await touch('touchMove', x + (dx * step) / 8)
  await touch('touchEnd')
  await cdp.detach()
}

const sizes = [
  [1440, 900],
  [820, 1180],
  [390, 844],
] as const

/** Pictures to look at, in three sizes and both themes, when PICTURES names a folder for them. */
export const picture = async (page: Page, name: string): Promise<void> => {
  const folder = process.env.PICTURES
  const before = page.viewportSize()
  if (!folder || !before) return
  for (const [width, height] of sizes) {
    await page.setViewportSize({ width, height })
    for (const colorScheme of ['dark', 'light'] as const) {
      await page.emulateMedia({ colorScheme })
      await page.screenshot({ path: join(folder, `${name}-${width}-${colorScheme}.png`) })
    }
  }
  await page.setViewportSize(before)
}
