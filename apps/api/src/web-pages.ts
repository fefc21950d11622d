import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import type { Start } from '@postern/shared/start.ts'
import { startPath } from '@postern/shared/start-path.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

/**
 * The static web app and the document that message frames load. The app's CSP allows its own scripts by hash and styles
 * by a nonce that is written into the page; the frame's document allows no script at all.
 */
export const frameCsp = (hosts: string[]): string =>
  [
    "default-src 'none'",
    "style-src 'unsafe-inline'",
    `img-src data: ${hosts.flatMap(pictureSources).join(' ')}`,
    'font-src data:',
    "form-action 'none'",
    "base-uri 'none'",
    "frame-ancestors 'self'",
    'sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox',
  ].join('; ')
/** Only what shows pictures: mail can ask nothing else of us. A policy cannot name an IPv6 address by its path. */
const pictureSources = (host: string): string[] =>
  host.startsWith('[') ? ["'self'"] : [`${host}/v1/remote-image`, `${host}/v1/messages/`]
const frameDocument =
  '<!doctype html><html><head><meta charset="utf-8"><meta name="referrer" content="no-referrer"><meta http-equiv="x-dns-prefetch-control" content="off"><base target="_blank"></head><body></body></html>'

/** What stands in the page itself and may run or style. */
type Inline = { scripts: string[]; styles: string[] }
const hashesOf = (html: string, element: RegExp): string[] =>
  [...html.matchAll(element)].map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}'`,
  )
const inlineOf = (html: string): Inline => ({
  scripts: hashesOf(html, /<script(?![^>]*\b(?:src|type)=)[^>]*>([\s\S]*?)<\/script>/g),
  styles: hashesOf(html, /<style>([\s\S]*?)<\/style>/g),
})

export const appCsp = ({ scripts, styles }: Inline, nonce: string): string =>
  [
    "default-src 'self'",
    `script-src 'self' ${scripts.join(' ')}`,
    `style-src 'self' ${styles.join(' ')} 'nonce-${nonce}'`,
    "img-src 'self' data: blob:",
    "font-src 'self'",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "frame-src 'self'",
    "frame-ancestors 'none'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
  ].join('; ')

/** Headers of every answer; routes may tighten them. */
export const commonHeaders: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'x-dns-prefetch-control': 'off',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), browsing-topics=()',
}

export type WebPages = {
  webDir: string
  publicUrl: URL | null
  /** What the first screen of the person behind a request shows; null for a stranger. */
  readStart: (request: FastifyRequest, mailboxId: string | undefined) => Promise<Start | null>
}

export const registerWebPages = async (
  app: FastifyInstance,
  { webDir, publicUrl, readStart }: WebPages,
): Promise<void> => {
  app.get('/message-frame.html', { schema: { hide: true } }, (request, reply) =>
    reply
      .headers({
        'content-security-policy': frameCsp([...new Set([request.host, ...(publicUrl ? [publicUrl.host] : [])])]),
        'cache-control': 'no-cache',
        'x-frame-options': 'SAMEORIGIN',
      })
      .type('text/html; charset=utf-8')
      .send(frameDocument),
  )
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ error: { code: 'not_found', message: 'There is nothing at this address.' } }),
  )
  const indexFile = join(webDir, 'index.html')
  if (!existsSync(indexFile)) return
  const page = readFileSync(indexFile, 'utf8')
  const inline = inlineOf(page)
  await app.register(fastifyStatic, {
    root: webDir,
    index: false,
    wildcard: false,
    // Compressed once, when the web app is built.
    preCompressed: true,
    globIgnore: ['**/index.html', '**/404.html', '**/_not-found/**', '**/*.br', '**/*.gz'],
    setHeaders: (reply, path) =>
      reply.header(
        'cache-control',
        path.includes('/_next/static/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ),
  })
  // Browsers ask for it by themselves, on pages that name no icon.
  app.get('/favicon.ico', { schema: { hide: true } }, (_request, reply) => reply.sendFile('icon.svg'))
  // One page for every address; the path is read in the browser.
  app.get('/*', { schema: { hide: true } }, async (request, reply) => {
    const isPage = !/^\/(v1|docs|socket\.io|_next)(\/|$)/.test(request.url)
    // Monitors and command lines take anything; elsewhere a page in place of a missing file would only mislead them.
    const wantsPage = /^\/(\?|$)/.test(request.url) || (request.headers.accept ?? '').includes('text/html')
    if (!isPage || !wantsPage) return reply.callNotFound()
    const mailboxId = /^\/mail\/([1-9]\d{0,17})(?:[/?]|$)/.exec(request.url)?.[1]
    // Without an answer the page goes out bare: the app asks by itself, and says what is wrong.
    const start = await readStart(request, mailboxId).catch(() => null)
    return sendPage(reply, start ? withStart(page, start, mailboxId) : page, inline)
  })
}

/** Trees of thousands of mailboxes come beside the scripts, not before them. */
const maxInPage = 256 * 1024

/** The first screen's content in the page itself, so that it can be painted before any script is here (ADR 17). */
const withStart = (page: string, start: Start, mailboxId: string | undefined): string => {
  const json = JSON.stringify(start).replaceAll('<', '\\u003c')
  return json.length > maxInPage
    ? page.replace('<head>', `<head><link rel="preload" as="fetch" crossorigin href="${startPath(mailboxId)}">`)
    : page.replace('<body>', () => `<body><script type="application/json" id="start">${json}</script>`)
}

const sendPage = (reply: FastifyReply, page: string, inline: Inline): FastifyReply => {
  const nonce = randomBytes(16).toString('base64')
  const withNonce = page.replace('<head>', `<head><meta name="style-nonce" content="${nonce}">`)
  return reply
    .headers({ 'content-security-policy': appCsp(inline, nonce), 'cache-control': 'private, no-store' })
    .type('text/html; charset=utf-8')
    .send(withNonce)
}
