import type { BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { deliver, expectAccessible, openInbox, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** What somebody meets who is new here: names without an end, many accounts, one that needs its person, paper, a tablet. */
const long = (letter: string): string => letter.repeat(100)

let screen: Screen
let page: Page
let robin: string
beforeAll(async () => {
  screen = await startScreen()
  page = await screen.newPage(await screen.newContext())
  await openInbox(page, screen.base)
  screen.dovecot.addUser('kit', 'mail password')
  screen.dovecot.deliver('kit', 'INBOX', 'From: Zed <zed@example.org>\r\nSubject: For Kit\r\n\r\nHello!\r\n')
  const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: { id: string }[] }
  robin = accounts[0]?.id ?? ''
  await screen.addAccount('kit')
})
afterAll(async () => screen?.stop())

const tree = (name: string) => page.getByRole('region', { name })

describe('a printed mail', () => {
  it('says from whom and to whom, when by which clock, what about, and with which files', async () => {
    const mixed = [
      'Cc: Pat Doe <pat@example.org>\r\nDate: Thu, 26 Nov 2026 03:46:00 +0100\r\nMIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nOn paper',
      '--b\r\nContent-Type: application/zip; name=tide.zip\r\nContent-Disposition: attachment; filename=tide.zip',
      '\r\nzip\r\n--b--\r\n',
    ].join('\r\n')
    deliver(screen.dovecot, 'For the wall', mixed, '')
    await openInbox(page, screen.base)
    await rowOf(page, 'For the wall').click()
    await page.locator('.text-body', { hasText: 'On paper' }).waitFor()
    await page.emulateMedia({ media: 'print' })
    const head = page.locator('.print-head')
    await head.waitFor()
    expect(await head.locator('dt, dd').allTextContents()).toEqual([
      ...['From', 'Zed <zed@example.org>', 'To', 'robin@example.org', 'Cc', 'Pat Doe <pat@example.org>', 'Date'],
      expect.stringMatching(/2026.*:46.*(UTC|GMT|[A-Z]{3,4})/),
      ...['Subject', 'For the wall', 'Attachments', expect.stringMatching(/^tide\.zip \(/)],
    ])
    expect(await page.locator('article .message-head').first().isVisible()).toBe(false)
    await picture(page, 'print')
    await page.emulateMedia({ media: null })
    await head.waitFor({ state: 'detached' })
  })
})

describe('a tablet', () => {
  let context: BrowserContext
  let tablet: Page
  beforeAll(async () => {
    context = await screen.newContext({ viewport: { width: 820, height: 1180 } })
    tablet = await screen.newPage(context)
    await openInbox(tablet, screen.base)
  })
  afterAll(async () => context?.close())

  it('leaves the names of senders whole, whatever a mail offers beside them', async () => {
    screen.dovecot.deliver(
      'robin',
      'INBOX',
      'From: The Northern Observatory <news@observatory.example>\r\nTo: robin@example.org\r\nSubject: Clear nights\r\nMessage-ID: <clear@observatory.example>\r\nList-Unsubscribe: <mailto:off@observatory.example>\r\n\r\nLook up!\r\n',
    )
    await rowOf(tablet, 'Clear nights').click()
    await tablet.getByRole('button', { name: 'Unsubscribe' }).waitFor()
    await picture(tablet, 'message-head')
    for (const width of [820, 390]) {
      await tablet.setViewportSize({ width, height: 1180 })
      const name = await tablet.locator('.message-head .from').boundingBox()
      expect(name?.height, `at ${width}`).toBeLessThan(30)
    }
    await tablet.setViewportSize({ width: 820, height: 1180 })
  })

  it('has all that can be done with a selection in one row, and the rest in its menu', async () => {
    for (const n of [0, 1]) await tablet.locator('[data-thread]').nth(n).getByRole('checkbox').click()
    const bar = tablet.getByRole('toolbar')
    await bar.getByText('2 selected').waitFor()
    await picture(tablet, 'selection')
    const middles = await bar
      .locator('> *:visible')
      .evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map(({ top, height }) => top + height / 2))
    expect(Math.max(...middles) - Math.min(...middles)).toBeLessThan(2)
    await bar.getByRole('button', { name: 'More for the selection' }).click()
    await tablet.getByRole('menuitem', { name: 'Select everything in this mailbox' }).click()
    await bar.getByText(/^All \d+ selected$/).waitFor()
    await bar.getByRole('button', { name: 'Clear selection' }).click()
  })

  it('has its settings named beside them, and a phone in one row with the chosen one in sight', async () => {
    await tablet.goto(`${screen.base}/settings/relay`)
    const tabs = tablet.getByRole('navigation', { name: 'Settings' })
    const chosen = tabs.getByRole('link', { name: 'Relay' })
    await chosen.waitFor()
    await picture(tablet, 'settings')
    expect((await tabs.boundingBox())?.width).toBeLessThan(200)
    await tablet.setViewportSize({ width: 390, height: 844 })
    await tablet.reload()
    await chosen.waitFor()
    expect((await tabs.boundingBox())?.height).toBeLessThan(45)
    await until(async () => ((await chosen.boundingBox())?.x ?? 390) < 330, { what: 'the chosen one in sight' })
    expect(await chosen.evaluate((one) => one.getBoundingClientRect().right)).toBeLessThanOrEqual(390)
    expect(await tablet.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await expectAccessible(tablet)
  })
})

describe('names that do not end', () => {
  const within = async (what: string, boxes: string[]) => {
    const widest = await page.evaluate(
      (selectors) =>
        ['html', ...selectors].flatMap((selector) =>
          [...document.querySelectorAll(selector)]
            .filter(
              (box) => box.scrollWidth > box.clientWidth + 1 || box.getBoundingClientRect().right > innerWidth + 1,
            )
            .map((box) => `${selector}: ${box.scrollWidth} in ${box.clientWidth}`),
        ),
      boxes,
    )
    expect(widest, what).toEqual([])
  }

  it('are cut or broken: nothing is wider than a phone', async () => {
    await screen.api('POST', `/v1/accounts/${robin}/mailboxes`, { name: long('w'), parentId: null })
    screen.dovecot.deliver(
      'robin',
      long('w'),
      `From: ${long('n')} <${long('a').slice(0, 60)}@${long('h').slice(0, 60)}.example>\r\nSubject: ${long('s')}\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n${long('t')}\r\n--b\r\nContent-Type: application/zip\r\nContent-Disposition: attachment; filename=${long('f')}.zip\r\n\r\nzip\r\n--b--\r\n`,
    )
    await screen.api('PATCH', `/v1/accounts/${robin}`, { name: long('N') })
    await page.setViewportSize({ width: 390, height: 844 })
    await page.goto(screen.base)
    await page.getByRole('button', { name: 'Mailboxes', exact: true }).click()
    const mailbox = page.locator(`.tree a[title="${long('w')}"]`)
    await mailbox.waitFor()
    await within('the tree', ['.tree'])
    await mailbox.click()
    await rowOf(page, 'sss').waitFor()
    await within('the list', ['.list', '.list-scroll', '.list-head'])
    const menu = await page.getByRole('button', { name: 'More for this mailbox' }).boundingBox()
    expect(menu?.x).toBeLessThan(390)
    await picture(page, 'long-list')
    await rowOf(page, 'sss').click()
    await page.locator('.text-body').waitFor()
    await within('the mail', ['.view', '.message', '.view-head'])
    await picture(page, 'long-mail')
    await page.getByRole('button', { name: 'Move' }).click()
    await page.locator('.menu-panel').waitFor()
    await within('the menu', ['.menu-panel', '.menu-items'])
    await page.getByRole('menuitem', { name: 'Archive' }).click()
    await page.locator('.toast').waitFor()
    await page.keyboard.press('z')
    await rowOf(page, 'sss').waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: 'Command palette' }).fill('www')
    await page.getByRole('option', { name: /^www/ }).first().waitFor()
    await within('the palette', ['dialog', '.palette', '.palette-item'])
    await page.keyboard.press('Escape')
    await page.goto(`${screen.base}/accounts/${robin}`)
    await page.getByRole('cell', { name: /^www/ }).waitFor()
    await within('the account', ['.page', '.card', '.mailbox-table'])
    await picture(page, 'long-account')
    await page.goto(`${screen.base}/search?q=${long('s')}`)
    await page.locator('.hit').first().waitFor()
    await within('what is found', ['.list', '.list-scroll', '.hit'])
    await page.goto(`${screen.base}/settings/accounts`)
    await page.getByText(/^NNN/).first().waitFor()
    await within('the settings', ['.page', '.card'])
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.goto(screen.base)
    await mailbox.click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Rename…' }).click()
    await page.getByRole('dialog').waitFor()
    await within('the dialog', ['dialog', '.dialog-body'])
    await page.keyboard.press('Escape')
    await screen.api('PATCH', `/v1/accounts/${robin}`, { name: '' })
  })
})

describe('an account among several', () => {
  it('is folded away with its number of unread mail, and stays so', async () => {
    await page.setViewportSize({ width: 1440, height: 900 })
    await page.goto(screen.base)
    const kit = tree('Mailboxes of kit@example.org')
    await kit.getByRole('link', { name: /^Inbox/ }).waitFor()
    const fold = kit.getByRole('button', { name: 'Mailboxes of kit@example.org' })
    await picture(page, 'tree-open')
    await fold.click()
    await kit.getByRole('link', { name: /^Inbox/ }).waitFor({ state: 'detached' })
    await kit.locator('.tree-account .count', { hasText: /^1$/ }).waitFor()
    await expectAccessible(page)
    await picture(page, 'tree-folded')
    await page.reload()
    await kit.locator('.tree-account .count').waitFor()
    expect(await kit.getByRole('link', { name: /^Inbox/ }).count()).toBe(0)
    await fold.press('Enter')
    await kit.getByRole('link', { name: /^Inbox/ }).waitFor()
  })

  it('that needs its person says so above its mail, and is shown in the tree', async () => {
    await page.route(`${screen.base}/**`, async (route) => {
      if (route.request().resourceType() !== 'document') return route.continue()
      const response = await route.fetch()
      const account = /("address":"kit@example\.org"[^<]*?"state":)"\w+"/
      const isWell = '"isRelayRefused":false'
      const html = (await response.text()).replace(account, '$1"needs_person"').replace(isWell, '"isRelayRefused":true')
      await route.fulfill({ response, body: html })
    })
    const { accounts } = (await (await screen.api('GET', '/v1/accounts')).json()) as {
      accounts: { id: string; address: string }[]
    }
    const id = accounts.find(({ address }) => address === 'kit@example.org')?.id
    await page.setViewportSize({ width: 1440, height: 300 })
    await page.goto(`${screen.base}/?account=${id}`)
    const notice = page.locator('.list-notices > .notice', { hasText: 'This account needs you' })
    await notice.waitFor()
    const isSeen = () =>
      tree('Mailboxes of kit@example.org')
        .locator('.tree-account')
        .evaluate((head) => head.getBoundingClientRect().bottom <= innerHeight + 1)
    await until(isSeen, { what: 'the account in sight' })
    await page.setViewportSize({ width: 1440, height: 900 })
    await expectAccessible(page)
    await picture(page, 'needs-you')
    // Beside what is told above every list.
    const edgesOf = (told: Locator) => told.evaluate((element) => element.getBoundingClientRect().toJSON() as DOMRect)
    const relay = page.getByText('The relay lets nobody in')
    expect((await edgesOf(relay)).top).toBeGreaterThan((await edgesOf(notice)).bottom)
    await notice.getByRole('link', { name: 'Fix it' }).click()
    await page.waitForURL(`${screen.base}/accounts/${id}`)
    await page.unroute(`${screen.base}/**`)
  })

  it('has one word for spam, and says what deleting means in Trash', async () => {
    await openInbox(page, screen.base)
    const own = tree('Mailboxes of robin@example.org')
    await own.getByRole('link', { name: 'Spam' }).click({ button: 'right' })
    await page.getByRole('menuitem', { name: 'Empty Spam' }).click()
    await page.getByText(/^Everything in Spam: \d+ messages\. This cannot be undone/).waitFor()
    await page.keyboard.press('Escape')
    await own.getByRole('link', { name: 'Trash' }).click()
    await page.getByRole('heading', { name: /^Trash/ }).waitFor()
    await page.locator('[data-thread]').first().hover()
    await page.locator('.hover-actions [title="Delete for good"]').first().waitFor()
    await page.getByRole('button', { name: 'Empty Trash' }).click()
    await page.getByText(/^Everything in Trash: \d+ messages\./).waitFor()
    await expectAccessible(page)
    await picture(page, 'empty-trash')
    await page.keyboard.press('Escape')
  })

  it('is searched by words; that `from:` is none is said', async () => {
    await page.goto(`${screen.base}/search?${new URLSearchParams({ q: 'from:nobodyatall' })}`)
    await page.getByText('Operators such as “from:” are not known.').waitFor()
    await page.goto(`${screen.base}/search?${new URLSearchParams({ q: 'nobodyatall' })}`)
    await page.getByText('Nothing found for “nobodyatall”.', { exact: true }).waitFor()
    expect(screen.problems).toEqual([])
  })
})
