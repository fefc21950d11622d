import { afterAll, beforeAll, expect, it } from 'vitest'
import { openInbox, rowOf, type Screen, startScreen } from './screen-fixture.ts'

/** The page tells the browser what the app will ask for. A hint that the app does not use would fetch everything twice. */
let screen: Screen
beforeAll(async () => {
  screen = await startScreen()
})
afterAll(() => screen?.stop())

it('asks for everything the first screen needs once', async () => {
  const context = await screen.newContext()
  const page = await screen.newPage(context)
  await openInbox(page, screen.base)
  await page.waitForURL(/\/mail\/\d+$/)
  const asked: string[] = []
  page.on('request', (request) => asked.push(new URL(request.url()).pathname.replace(/\/\d+/g, '/N')))
  // The socket's first word makes the app look once more; until then nothing may be asked twice.
  await page.routeWebSocket(/socket\.io/, () => undefined)
  await page.reload()
  await rowOf(page, 'Tide and Timber').waitFor()
  const first = ['/v1/session', '/v1/accounts', '/v1/mailboxes/N/threads']
  expect(asked.filter((path) => first.includes(path)).sort()).toEqual([...first].sort())
  await context.close()
})
