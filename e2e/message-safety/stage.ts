import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire, stripTypeScriptTypes } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { until } from '../../apps/api/test/support/until.ts'
import type { SanitizedMail } from '../../apps/web/src/features/message-view/sanitize.ts'
import type { Paper, showRemote } from '../../apps/web/src/features/message-view/show-mail.ts'

/**
 * A web server that shows documents, each in a frame of its own on one page, and counts what browsers ask of it under
 * another name, as a sender's server would. Scripts in the documents tell the page that they ran.
 */
export type Stage = {
  base: string
  /** What a vector asks for. */
  vectorUrl: (name: string) => string
  /** Shows the documents side by side until nothing moves any more; `act` works on the page when all are loaded. */
  show: (documents: StageDocument[], act?: (page: Page) => Promise<unknown>) => Promise<Shown>
  /** The page with the documents on it, for a closer look. */
  open: (documents: StageDocument[]) => Promise<Page>
  /** One document as a whole page; answers what it asked for. */
  showWhole: (document: StageDocument) => Promise<Set<string>>
  /** Everything asked for since the last `show` or `forget`, and by whom. */
  asks: () => Ask[]
  forget: () => void
  /** Waits until nothing more is asked of this server. */
  settled: () => Promise<unknown>
  stop: () => Promise<void>
}
export type Ask = { name: string; agent: string }
/** What the stage's page has in its window. */
export type StageWindow = {
  ran: unknown[]
  showSanitized: (frame: HTMLIFrameElement, html: string, paper: Paper) => SanitizedMail
  showRemote: typeof showRemote
}
export type StageDocument = { html: string; headers?: Record<string, string>; sandbox?: string }
/** Names that were asked for, ids of scripts that ran, and each document as it was in the end, null where it went away. */
export type Shown = { asked: Set<string>; ran: Set<string>; left: (string | null)[] }

const folders: Record<string, URL> = {
  view: new URL('../../apps/web/src/features/message-view/', import.meta.url),
  lib: new URL('../../apps/web/src/lib/', import.meta.url),
}
const purifier = createRequire(new URL('../../apps/web/package.json', import.meta.url)).resolve('dompurify')
/** The view's own sanitiser is at hand on the page; `showSanitized` puts what it makes of a mail into a frame. */
const stagePage = `<!doctype html><html><head><script type="importmap">{"imports":{"dompurify":"/purify","#lib/":"/lib/"}}</script>
<style>iframe{position:fixed;inset:0;width:300px;height:200px}</style>
<script>window.ran=[];addEventListener('message',({data})=>ran.push(data))</script>
<script type="module">
import { sanitizeMail } from '/view/sanitize.ts'
import { showMail, showRemote } from '/view/show-mail.ts'
window.showRemote = showRemote
window.showSanitized = (frame, html, paper) => {
  const mail = sanitizeMail(html, new Map(), frame.contentWindow)
  showMail(frame.contentDocument, mail, paper)
  return mail
}
</script></head><body></body></html>`
const quietMs = 700
/** One green pixel. */
const picture = Buffer.from('R0lGODlhAQABAIAAAE2qd////ywAAAAAAQABAAACAkQBADs=', 'base64')

export const openStage = async (browser: Pick<Browser, 'newPage'>, senderName = 'localhost'): Promise<Stage> => {
  let asks: Ask[] = []
  const askedNames = () => new Set(asks.map(({ name }) => name))
  let lastRequestAt = 0
  const documents: StageDocument[] = []
  const server = createServer((request, response) => {
    lastRequestAt = performance.now()
    const path = request.url ?? ''
    const [, kind = '', name = ''] = path.split('/')
    const send = (type: string, body: string | Buffer, more: Record<string, string> = {}) =>
      response.writeHead(200, { 'content-type': type, ...more }).end(body)
    if (kind === 'vector') {
      asks.push({
        name: decodeURIComponent(name.split(/[?&#]/)[0] ?? ''),
        agent: request.headers['user-agent'] ?? '',
      })
      return send('image/gif', picture)
    }
    if (kind === 'stage') return send('text/html', stagePage)
    if (kind === 'purify') return send('text/javascript', readFileSync(purifier.replace(/cjs\.js$/, 'es.mjs')))
    const folder = folders[kind]
    if (folder) return send('text/javascript', stripTypeScriptTypes(readFileSync(new URL(name, folder), 'utf8')))
    const document = kind === 'document' ? documents[Number(name)] : undefined
    if (!document) return response.writeHead(404).end()
    return send('text/html; charset=utf-8', document.html, document.headers)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const base = `http://127.0.0.1:${port}`

  /** Nothing was asked of this server for a while from now on: what was going to load has. */
  const settled = () => {
    const from = performance.now()
    const isQuiet = async () => performance.now() - Math.max(from, lastRequestAt) > quietMs
    return until(isQuiet, { what: 'an end of the requests' })
  }
  const open: Stage['open'] = async (wanted) => {
    const from = documents.length
    documents.push(...wanted)
    asks = []
    const page = await browser.newPage()
    page.on('dialog', (dialog) => void dialog.dismiss())
    await page.goto(`${base}/stage`)
    await page.evaluate(
      (frames) =>
        Promise.all(
          frames.map(
            ({ src, sandbox }) =>
              new Promise((done) => {
                const frame = document.createElement('iframe')
                if (sandbox !== undefined) frame.setAttribute('sandbox', sandbox)
                frame.onload = done
                frame.src = src
                document.body.append(frame)
              }),
          ),
        ),
      wanted.map(({ sandbox }, index) => ({ src: `/document/${from + index}`, sandbox })),
    )
    return page
  }
  const show: Stage['show'] = async (wanted, act) => {
    const page = await open(wanted)
    await act?.(page)
    await settled()
    const end = await page.evaluate(() => ({
      ran: (window as unknown as StageWindow).ran.map((name) => String(name).replaceAll('_', ' ')), // by the page above
      left: [...document.querySelectorAll('iframe')].map(
        (frame) => frame.contentDocument?.documentElement?.outerHTML ?? null,
      ),
    }))
    await page.close()
    return { asked: askedNames(), ran: new Set(end.ran), left: end.left }
  }
  const showWhole: Stage['showWhole'] = async (document) => {
    documents.push(document)
    asks = []
    const page = await browser.newPage()
    await page.goto(`${base}/document/${documents.length - 1}`)
    await settled()
    await page.close()
    return askedNames()
  }
  return {
    base,
    // Another name for the same listener: another origin, as a sender's server is.
    vectorUrl: (name) => `http://${senderName}:${port}/vector/${encodeURIComponent(name).replaceAll("'", '%27')}`,
    show,
    open,
    showWhole,
    asks: () => asks,
    forget: () => {
      asks = []
    },
    settled,
    stop: () => {
      server.closeAllConnections()
      return new Promise((done) => server.close(() => done()))
    },
  }
}
