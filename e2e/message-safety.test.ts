import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { frameCsp } from '../apps/api/src/web-pages.ts'
import { until } from '../apps/api/test/support/until.ts'
import { openChromium } from './support/postern.ts'

/**
 * The frame's own policy has to hold alone: whatever reaches the frame, it loads nothing and runs nothing. Each way is
 * first shown to work with the policy off, so that none of these cases is empty.
 */
const loads: Record<string, (url: string) => string> = {
  img: (url) => `<img src="${url}">`,
  srcset: (url) => `<img srcset="${url} 1x">`,
  picture: (url) => `<picture><source srcset="${url}"><img></picture>`,
  poster: (url) => `<video poster="${url}"></video>`,
  video: (url) => `<video src="${url}" autoplay></video>`,
  audio: (url) => `<audio src="${url}" autoplay></audio>`,
  track: (url) => `<video src="data:video/mp4;base64,AAAA"><track default src="${url}"></video><img src="${url}">`,
  background: (url) => `<table background="${url}"><tr><td>x</td></tr></table>`,
  bodyBackground: (url) => `<body background="${url}">x</body>`,
  styleUrl: (url) => `<div style="background:url(${url})">x</div>`,
  styleImageSet: (url) => `<div style="background-image:image-set('${url}' 1x)">x</div>`,
  styleEscape: (url) => `<div style="background:\\75 rl(${url})">x</div>`,
  styleVar: (url) => `<div style="--x:url(${url});background:var(--x)">x</div>`,
  styleList: (url) => `<ul style="list-style-image:url(${url})"><li>x</li></ul>`,
  styleContent: (url) => `<style>.c::before{content:url(${url})}</style><p class="c">x</p>`,
  styleBorder: (url) => `<div style="border:9px solid;border-image:url(${url}) 9">x</div>`,
  styleMask: (url) => `<div style="-webkit-mask:url(${url});width:9px;height:9px">x</div>`,
  styleCursor: (url) => `<style>@import url(${url});</style>`,
  font: (url) => `<style>@font-face{font-family:f;src:url(${url})}p{font-family:f}</style><p>x</p>`,
  linkStyle: (url) => `<link rel="stylesheet" href="${url}">`,
  linkIcon: (url) => `<link rel="preload" as="image" href="${url}">`,
  iframe: (url) => `<iframe src="${url}"></iframe>`,
  object: (url) => `<object data="${url}"></object>`,
  embed: (url) => `<embed src="${url}">`,
  inputImage: (url) => `<input type="image" src="${url}">`,
  svgImage: (url) => `<svg><image href="${url}" width="9" height="9"/></svg>`,
  svgFeImage: (url) =>
    `<svg width="9" height="9"><filter id="f"><feImage href="${url}"/></filter><rect width="9" height="9" filter="url(#f)"/></svg>`,
  metaRefresh: (url) => `<meta http-equiv="refresh" content="0;url=${url}">`,
}
const scripts = [
  '<script>parent.ran=1;window.ran=1</script>',
  '<img src=x onerror="parent.ran=1;window.ran=1">',
  '<svg onload="parent.ran=1;window.ran=1"></svg>',
  '<svg><script>parent.ran=1;window.ran=1</script></svg>',
  '<body onload="parent.ran=1;window.ran=1">',
  '<iframe srcdoc="<script>top.ran=1;parent.ran=1</script>"></iframe>',
  '<iframe src="javascript:parent.ran=1;top.ran=1"></iframe>',
  '<details open ontoggle="parent.ran=1;window.ran=1">x</details>',
  '<input autofocus onfocus="parent.ran=1;window.ran=1">',
  '<video><source onerror="parent.ran=1;window.ran=1"></video>',
  '<svg><animate onbegin="parent.ran=1;window.ran=1" attributeName="x" dur="1s"/></svg>',
  '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror=parent.ran=1;window.ran=1&gt;">',
  '<noscript><p title="</noscript><img src=x onerror=parent.ran=1;window.ran=1>"></noscript>',
  '<style><img src="</style><img src=x onerror=parent.ran=1;window.ran=1>">',
  '<form><math><mtext></form><form><mglyph><style></math><img src onerror=parent.ran=1;window.ran=1>',
  '<template><script>parent.ran=1;window.ran=1</script></template><object data="data:text/html,<script>parent.ran=1</script>"></object>',
]

describe('the policy of the message frame, alone', () => {
  let sink: Server
  let sinkUrl = ''
  let browser: Browser
  const hits: string[] = []

  beforeAll(async () => {
    sink = createServer((request, response) => {
      const path = request.url ?? ''
      hits.push(path)
      const bare = /^\/(raw|csp)\//.exec(path)
      if (!bare) return response.writeHead(200, { 'content-type': 'image/png' }).end()
      const body = Buffer.from(path.split('/')[2] ?? '', 'base64url').toString()
      response
        .writeHead(200, {
          'content-type': 'text/html',
          ...(bare[1] === 'csp' ? { 'content-security-policy': frameCsp } : {}),
        })
        .end(body)
    })
    await new Promise<void>((done) => sink.listen(0, '127.0.0.1', done))
    const address = sink.address()
    sinkUrl = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
    browser = await openChromium()
  })
  afterAll(async () => {
    await browser?.close()
    await new Promise((done) => sink.close(done))
  })
  const show = (kind: 'raw' | 'csp', html: string) => `${sinkUrl}/${kind}/${Buffer.from(html).toString('base64url')}`
  // Another name for the same listener: another origin, as a sender's server is.
  const elsewhere = (name: string) => `${sinkUrl.replace('127.0.0.1', 'localhost')}/case/${name}`
  const caseHits = () => hits.filter((path) => path.startsWith('/case/'))

  it.each(Object.keys(loads))('%s would load if nothing stopped it, and does not under the policy', async (name) => {
    const html = `<!doctype html><html><head></head><body>${loads[name]?.(elsewhere(name))}</body></html>`
    hits.length = 0
    const open = await browser.newPage()
    await open.goto(show('raw', html), { waitUntil: 'commit' })
    await until(async () => caseHits().length > 0, { ms: 8000, what: `a request by ${name}` })
    await open.close()
    hits.length = 0
    const guarded = await browser.newPage()
    await guarded.goto(show('csp', html), { waitUntil: 'networkidle' })
    expect(caseHits()).toEqual([])
    await guarded.close()
  })

  it.each(scripts.map((html, n) => [n, html] as const))('runs no script: case %i', async (_n, html) => {
    const probe = await browser.newPage()
    await probe.goto(show('csp', `<!doctype html><body>${html}</body>`), { waitUntil: 'load' })
    expect(await probe.evaluate(() => 'ran' in window)).toBe(false)
    await probe.close()
  })

  it('has script cases that run when nothing stops them', async () => {
    let running = 0
    for (const html of scripts) {
      const probe = await browser.newPage()
      await probe.goto(show('raw', `<!doctype html><body>${html}</body>`), { waitUntil: 'networkidle' })
      if (await probe.evaluate(() => 'ran' in window)) running++
      await probe.close()
    }
    // The mutation cases need a sanitiser to go wrong; the plain ones must work.
    expect(running).toBeGreaterThanOrEqual(8)
  })

  it('keeps the sandbox exactly as it was decided', () => {
    const source = readFileSync('apps/web/src/features/message-view/message-frame.tsx', 'utf8')
    expect(source).toContain("'allow-same-origin allow-popups allow-popups-to-escape-sandbox'")
    expect(frameCsp).toMatch(
      /^default-src 'none';.*sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox$/,
    )
    expect(frameCsp).not.toMatch(/allow-scripts|script-src/)
  })
})
