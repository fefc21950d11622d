import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import { firstRequests } from '@postern/shared/first-requests.ts'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { cookieName } from '#auth/session-tokens.ts'

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

const inlineScript = /<script(?![^>]*\bsrc=)[^>]*>([\s\S]*?)<\/script>/g
const hashesOf = (html: string): string[] =>
  [...html.matchAll(inlineScript)].map(
    ([, script = '']) => `'sha256-${createHash('sha256').update(script, 'utf8').digest('base64')}'`,
  )

export const appCsp = (scriptHashes: string[], nonce: string): string =>
  [
    "default-src 'self'",
    `script-src 'self' ${scriptHashes.join(' ')}`,
    `style-src 'self' 'nonce-${nonce}'`,
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

export const registerWebPages = async (
  app: FastifyInstance,
  { webDir, publicUrl }: { webDir: string; publicUrl: URL | null },
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
  const indexFile = join(webDir, 'index.html')
  if (!existsSync(indexFile)) return
  const page = readFileSync(indexFile, 'utf8')
  const hashes = hashesOf(page)
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
  app.setNotFoundHandler((request, reply) => {
    const wantsPage =
      (request.method === 'GET' || request.method === 'HEAD') &&
      !/^\/(v1|docs|socket\.io|_next)(\/|$)/.test(request.url) &&
      // Monitors and command lines take anything; elsewhere a page in place of a missing file would only mislead them.
      (/^\/(\?|$)/.test(request.url) || (request.headers.accept ?? '').includes('text/html'))
    if (!wantsPage)
      return reply.code(404).send({ error: { code: 'not_found', message: 'There is nothing at this address.' } })
    return sendPage(reply, page.replace('<head>', `<head>${hints(request)}`), hashes)
  })
}

/** For somebody who is signed in: what the app will ask for, on its way while the scripts still are. */
const hints = ({ url, headers }: FastifyRequest): string => {
  if (!headers.cookie?.includes(cookieName(false))) return ''
  const mailboxId = /^\/mail\/(\d{1,19})(?:[/?]|$)/.exec(url)?.[1]
  return firstRequests(mailboxId)
    .map((path) => `<link rel="preload" as="fetch" crossorigin href="${path.replaceAll('&', '&amp;')}">`)
    .join('')
}

const sendPage = (reply: FastifyReply, page: string, hashes: string[]): FastifyReply => {
  const nonce = randomBytes(16).toString('base64')
  const withNonce = page.replace('<head>', `<head><meta name="style-nonce" content="${nonce}">`)
  return reply
    .headers({ 'content-security-policy': appCsp(hashes, nonce), 'cache-control': 'no-cache' })
    .type('text/html; charset=utf-8')
    .send(withNonce)
}
