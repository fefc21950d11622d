import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type ScriptedServer, startScriptedMailboxes } from '../apps/api/test/support/scripted-mailboxes.ts'
import { until } from '../apps/api/test/support/until.ts'
import { rowOf, type Screen, startScreen } from './support/screen.ts'

const mail = (n: number) =>
  `From: ann@example.org\r\nTo: bob@example.org\r\nSubject: Letter ${n}\r\nMessage-ID: <m${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello number ${n}.\r\n`

describe('an account of ten thousand mailboxes on the screen', () => {
  let screen: Screen
  let server: ScriptedServer
  let page: Page
  beforeAll(async () => {
    screen = await startScreen()
    const cases = Array.from({ length: 10_000 }, (_, n) => `Client ${n % 100}/Case ${n} Müller`)
    const parents = Array.from({ length: 100 }, (_, n) => `Client ${n}`)
    server = await startScriptedMailboxes('ENABLE UTF8=ACCEPT LIST-EXTENDED LIST-STATUS MOVE', {
      ...Object.fromEntries([...parents, ...cases].map((name) => [name, ''])),
      // As some servers name them: the child before its parent.
      ...{ 'Client 7/Letters': '', 'Letters/Old things': '', Letters: '' },
      INBOX: '',
    })
    for (const n of [1, 2, 3, 5]) server.put('INBOX', mail(n))
    server.put('Client 42/Case 4242 Müller', mail(4))
    const { port } = server
    await screen.api('PUT', '/v1/owner/policy', { plaintextHosts: [`localhost:${port}`], privateHosts: [] })
    const answer = await screen.api('POST', '/v1/accounts', {
      address: 'hoarder@example.org',
      password: 'secret',
      incoming: { host: 'localhost', port, security: 'plain', username: 'hoarder' },
    })
    const { id } = (await answer.json()) as { id: string }
    await until(async () => {
      const tree = (await (await screen.api('GET', `/v1/accounts/${id}/mailboxes`)).json()) as { mailboxes: unknown[] }
      return tree.mailboxes.length === 10_104
    })
    page = await screen.newPage(await screen.newContext())
  })
  afterAll(async () => {
    await screen?.stop()
    await server?.stop()
  })

  const elements = () => page.evaluate(() => document.querySelectorAll('*').length)

  it('draws only what is unfolded, and every mailbox is found by its name', async () => {
    await page.goto(`${screen.base}/`)
    await rowOf(page, 'Tide and Timber').waitFor()
    await page.getByRole('link', { name: 'Client 0', exact: true }).waitFor()
    expect(await elements()).toBeLessThan(3000)
    await page.getByRole('button', { name: 'Mailboxes below Client 42' }).click()
    await page.getByRole('link', { name: 'Case 4242 Müller' }).waitFor()
    expect(await elements()).toBeLessThan(4000)
    await page.keyboard.press('Control+k')
    const palette = page.getByRole('combobox', { name: 'Command palette' })
    await palette.waitFor()
    await palette.fill('muller 4242')
    await page.getByRole('option', { name: /Case 4242/ }).click()
    await rowOf(page, 'Letter 4').click()
    await page.locator('article.message').first().waitFor()
    await page.getByRole('button', { name: 'Move' }).last().click()
    await page.getByRole('textbox', { name: 'Move' }).fill('Case 99 M')
    await page.getByRole('menuitem', { name: 'Client 99/Case 99 Müller' }).click()
    await until(async () => server.mailboxes.get('Client 99/Case 99 Müller')?.mails.length === 1, {
      what: 'the mail in the other mailbox',
    })
  })

  it('has the button to write in sight, however far one looks down', async () => {
    await page.getByRole('link', { name: 'Letters', exact: true }).scrollIntoViewIfNeeded()
    const [button, tree] = await Promise.all(
      ['.compose-button', 'nav.tree'].map((one) => page.locator(one).boundingBox()),
    )
    expect(button?.y).toBeGreaterThanOrEqual(tree?.y ?? Number.NaN)
  })

  it('moves into the one whose name was typed, rather than below it', async () => {
    await page
      .getByRole('region', { name: 'hoarder@example.org' })
      .getByRole('link', { name: /^Inbox/ })
      .click()
    await rowOf(page, 'Letter 5').click()
    await page.locator('article.message').first().waitFor()
    await page.getByRole('button', { name: 'Move' }).last().click()
    await page.getByRole('textbox', { name: 'Move' }).fill('letter')
    const names = await page.getByRole('menuitem').allTextContents()
    expect(names.slice(0, 3)).toEqual(['Letters', 'Letters/Old things', 'Client 7/Letters'])
    await page.keyboard.press('Enter')
    await until(async () => server.mailboxes.get('Letters')?.mails.length === 1, { what: 'the mail in Letters' })
    expect(screen.problems).toEqual([])
  })
})
