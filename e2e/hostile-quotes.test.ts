import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { htmlPage, type Original, quotedHtml } from '../apps/api/src/mail/quote-original.ts'
import { hostileQuotes, scrambledQuotes } from '../apps/api/test/support/hostile-quotes.ts'
import { openChromium } from './support/postern.ts'

/** Whatever a mail holds that is answered: in a browser it stays within its quote, and says nothing of the looks of what is around. */
describe('a quote keeps to itself', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await openChromium()
  })
  afterAll(() => browser?.close())

  const written = '<p id="above">hi</p>'
  const below = '<p id="below">mine</p>'
  const paint = '<style>p, #above, #below, .postern-written { color: rgb(1, 2, 3) }</style>'
  const original: Original = {
    kind: 'reply',
    from: [{ name: 'Eve', address: 'eve@example.org' }],
    to: [],
    cc: [],
    subject: 'x',
    date: new Date(0),
    text: '',
    html: null,
  }
  /** As it goes out, with something that a list server or another program wrote below. */
  const sent = (html: string, kind: Original['kind']): string => {
    const { head, content } = quotedHtml({ ...original, kind, html }, null)
    return htmlPage(written, { head, content: content + below })
  }
  /** The rest of each page, with dots for what stands in the element of the quote. */
  const lookAround = (bodies: HTMLElement[]): string[] =>
    bodies.map((body) => {
      for (const quote of body.querySelectorAll('[class^="postern-quote-"]')) {
        quote.className = ''
        quote.firstElementChild?.replaceWith('…')
      }
      return body.innerHTML
    })
  const outside = (kind: Original['kind']): string =>
    sent('', kind)
      .replace(/^.*<body>|<\/body>.*$/g, '')
      .replace(/ class="postern-quote-\w+"/, ' class=""')
      .replace(/<div><\/div>(?=<\/(?:blockquote|div)><\/div><p)/, '…')

  it.each(['reply', 'forward'] as const)(
    'that means to leave it, read as a page that runs scripts (%s)',
    async (kind) => {
      const page = await browser.newPage()
      for (const [what, html] of [...hostileQuotes, ['go on', '<b><p><table><a><td><u>', ''] as const]) {
        await page.setContent(sent(`${paint}${html}${paint}`, kind))
        const colors = await page.evaluate(() =>
          [...document.querySelectorAll('#above, #below')].map((one) => getComputedStyle(one).color),
        )
        const [rest] = await (await page.evaluateHandle(() => [document.body])).evaluate(lookAround)
        expect({ what, rest, colors }).toEqual({ what, rest: outside(kind), colors: Array(2).fill('rgb(0, 0, 0)') })
      }
      await page.close()
    },
  )

  it('that nobody would write, read as a mail', async () => {
    const page = await browser.newPage()
    const mails = scrambledQuotes(3_000)
    const bodies = await page.evaluateHandle(
      (pages) => pages.map((html) => new DOMParser().parseFromString(html, 'text/html').body),
      mails.map((html) => sent(html, 'reply')),
    )
    const rests = await bodies.evaluate(lookAround)
    expect(mails.filter((_, at) => rests[at] !== outside('reply'))).toEqual([])
    await page.close()
  })
})
