import { fileURLToPath } from 'node:url'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { type LoadingVector, loadingVectors } from './message-safety/loading-vectors.ts'
import { scriptVectors } from './message-safety/script-vectors.ts'
import { openStage, type Stage } from './message-safety/stage.ts'
import { rowOf, type Screen, startScreen } from './support/screen.ts'

/** Every way to load and to run, delivered by a real server and opened in the whole application. */
describe('hostile mail in the real view', () => {
  let screen: Screen
  let stage: Stage
  let context: BrowserContext
  let page: Page
  /** What the browser asks of anybody but us. */
  const strayed: string[] = []

  /** These change how the rest of a document is read; they come in a mail of their own. */
  const isWhole = ({ name }: LoadingVector) =>
    /never|^(base|frameset|html manifest|head profile|body background|meta .*)$/.test(name)
  const together = loadingVectors.filter((vector) => !isWhole(vector))
  const alone = loadingVectors.filter(isWhole)
  const write = (vectors: LoadingVector[]) =>
    vectors.map((vector) => vector.html(stage.vectorUrl(vector.name))).join('\n')
  const deliver = (subject: string, html: string) =>
    screen.dovecot.deliver(
      'robin',
      'INBOX',
      `From: Mallory <mallory@sender.example>\r\nTo: robin@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${crypto.randomUUID()}@sender.example>\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(`<!doctype html>${html}<p>the end of ${subject}</p>`).toString('base64').replace(/.{76}/g, '$&\r\n')}\r\n`,
    )

  beforeAll(async () => {
    screen = await startScreen({
      environment: {
        NODE_OPTIONS: `--import=${fileURLToPath(new URL('../apps/api/test/support/sender-network.ts', import.meta.url))}`,
      },
      switches: ['--host-resolver-rules=MAP sender.example 127.0.0.1'],
    })
    stage = await openStage(screen.browser, 'sender.example')
    context = await screen.newContext()
    page = await screen.newPage(context)
    context.on('request', (request) => {
      if (!request.url().startsWith(`${screen.base}/`) && !/^(data|blob):/.test(request.url()))
        strayed.push(request.url())
    })
    await page.goto(`${screen.base}/`)
  })
  afterAll(async () => {
    await stage?.stop()
    await screen?.stop()
  })

  const open = async (subject: string) => {
    await rowOf(page, subject).click()
    await page.getByRole('heading', { name: subject }).waitFor()
    // A frameset takes every word after it away; our own style is always there.
    await page.waitForFunction(() => {
      const inside = document.querySelector<HTMLIFrameElement>('iframe.html-body')?.contentDocument
      return inside?.querySelector('head > style') && inside.body
    })
    await page.evaluate(() => {
      const inside = document.querySelector<HTMLIFrameElement>('iframe.html-body')?.contentDocument
      for (const target of inside?.querySelectorAll('[data-click], summary, area') ?? [])
        target.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }))
    })
  }

  it('asks nobody for anything when it is opened', async () => {
    stage.forget()
    deliver('Everything at once', write(together))
    for (const [index, vector] of alone.entries()) deliver(`Alone ${index}.`, write([vector]))
    // Until the last of them is here, the rows move.
    await rowOf(page, `Alone ${alone.length - 1}.`).waitFor()
    await open('Everything at once')
    for (const index of alone.keys()) await open(`Alone ${index}.`)
    await stage.settled()
    expect([stage.asks(), strayed]).toEqual([[], []])
    // The same mail would have asked for nearly everything on a page without protection.
    expect((await stage.show([{ html: write(together) }])).asked.size).toBeGreaterThan(100)
  })

  it('after consent only our proxy asks, and for pictures only', async () => {
    strayed.length = 0
    await open('Everything at once')
    stage.forget()
    await page.getByRole('button', { name: 'Load once' }).click()
    const askedFor = () => [...new Set(stage.asks().map(({ name }) => name))].sort()
    await until(async () => askedFor().length >= picturesAfterConsent.length, { what: 'all the pictures' })
    await stage.settled()
    expect(strayed).toEqual([])
    expect([...new Set(stage.asks().map(({ agent }) => agent))]).toEqual(['Postern'])
    expect(askedFor()).toEqual(picturesAfterConsent)
    const shown = await page.evaluate(() => {
      const inside = document.querySelector<HTMLIFrameElement>('iframe.html-body')?.contentDocument
      return [...(inside?.querySelectorAll('img') ?? [])].filter((image) => image.naturalWidth > 0).length
    })
    expect(shown).toBeGreaterThan(5)
  })

  it('opens links outside, in a page that knows nothing of us', async () => {
    deliver('A link', `<a href="${stage.vectorUrl('link')}">follow me</a>`)
    await open('A link')
    const opened = context.waitForEvent('page')
    await page.frameLocator('iframe.html-body').getByText('follow me').click()
    const outside = await opened
    await outside.waitForURL(stage.vectorUrl('link'))
    expect(await outside.evaluate(() => [document.referrer, window.opener])).toEqual(['', null])
    await outside.close()
  })

  it('says beside a link and above the mail where a link really leads', async () => {
    deliver(
      'Your bank',
      '<style>span, span * { display: none !important; font-size: 0 !important }</style><a href="https://login.evil.example/x">https://bank.example/login</a> <a href="https://bank.example/">bank.example</a>',
    )
    await open('Your bank')
    const mark = page.frameLocator('iframe.html-body').locator('[data-postern-leads-to]')
    expect(await mark.allTextContents()).toEqual([' (leads to login.evil.example) '])
    expect((await mark.boundingBox())?.width).toBeGreaterThan(100)
    await page.getByText('bank.example leads to login.evil.example').waitFor()
    const link = page.frameLocator('iframe.html-body').locator('a').first()
    expect([await link.getAttribute('rel'), await link.getAttribute('target')]).toEqual([
      'noopener noreferrer nofollow',
      '_blank',
    ])
  })

  it('gives each mail a frame of its own, as sealed when it has waited for the mail', async () => {
    const spare = page.locator('iframe[hidden]')
    const read = (frame: Element) => {
      const inside = (frame as HTMLIFrameElement).contentDocument // by the selectors here
      return {
        at: inside?.location.pathname,
        body: inside?.body.innerHTML,
        sandbox: frame.getAttribute('sandbox'),
        isConnected: frame.isConnected,
      }
    }
    const sealed = {
      at: '/message-frame.html',
      sandbox: 'allow-same-origin allow-popups allow-popups-to-escape-sandbox',
      isConnected: true,
    }
    await until(async () => (await spare.count()) === 1 && (await spare.evaluate(read)).at === sealed.at)
    expect(await spare.evaluate(read)).toEqual({ ...sealed, body: '' })
    const waited = await spare.elementHandle()
    const former = await page.locator('iframe.html-body').elementHandle()
    deliver('Next in line', '<p>mine alone</p>')
    await open('Next in line')
    expect(await waited?.evaluate(read)).toMatchObject({ ...sealed, body: expect.stringContaining('mine alone') })
    expect((await former?.evaluate(read))?.isConnected).toBe(false)
    // What got past the sanitiser would still load nothing and run nothing.
    stage.forget()
    await waited?.evaluate((frame, url) => {
      const inside = (frame as HTMLIFrameElement).contentDocument // by the selector above
      if (inside)
        inside.body.innerHTML = `<img src="${url}"><div style="background:url(${url})">x</div><img src="data:," onerror="top.ran=['waited']">`
    }, stage.vectorUrl('waited'))
    await stage.settled()
    expect(stage.asks()).toEqual([])
    expect(await page.evaluate(() => 'ran' in window)).toBe(false)
  })

  it('runs no script', async () => {
    const running = (name: string) => `(top.ran=top.ran||[]).push('${name}')`
    // What swallows the rest of a document comes last.
    const isGreedy = (html: string) =>
      /<(?:plaintext|frameset|base|noscript|style|xmp|iframe|noembed|noframes|textarea|title|template|select|math|svg|listing|[?!])/i.test(
        html,
      )
    const all = scriptVectors.map(({ name, html }) => html(running(name)))
    deliver('Scripts at once', [...all.filter((html) => !isGreedy(html)), ...all.filter(isGreedy)].join('\n'))
    await open('Scripts at once')
    // What would run when a picture fails to load has had its time.
    await page.waitForFunction(() => {
      const inside = document.querySelector<HTMLIFrameElement>('iframe.html-body')?.contentDocument
      return [...(inside?.images ?? [])].every(({ complete }) => complete)
    })
    await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))))
    expect(await page.frameLocator('iframe.html-body').locator('a').count()).toBeGreaterThan(3)
    expect(await page.evaluate(() => 'ran' in window)).toBe(false)
  })
})

/** Images and backgrounds; rules for the same element overrule each other, so not every style sheet is among them. */
const picturesAfterConsent = [
  'details',
  'details that opens',
  'image element',
  'img behind an entity',
  'img loading lazily',
  'img src',
  'img without quotes',
  'marquee',
  'style attribute: background',
  'style attribute: background behind a comment',
  'style attribute: background in capitals',
  'style attribute: background, second of two',
  'style attribute: background-image',
  'style attribute: escaped address',
  'style attribute: escaped url',
  'style attribute: escaped url, all of it',
  'style attribute: list-style',
  'style attribute: list-style-image',
  'style sheet: ::first-letter',
  'style sheet: ::first-line',
  'style sheet: :has',
  'style sheet: @keyframes',
  'style sheet: nested rule',
  'table background',
  'tbody background',
  'td background',
  'th background',
  'tr background',
]
