import type { BrowserContext, Locator, Page, Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import {
  countAt,
  deliver,
  expectAccessible,
  holdFrames,
  openInbox,
  picture,
  rowOf,
  type Screen,
  startScreen,
} from './support/screen.ts'

/** What the screen does when something comes in between: another mail, another answer, no connection, an odd address. */
let screen: Screen
let context: BrowserContext
let page: Page
const many = 150
beforeAll(async () => {
  screen = await startScreen()
  for (let n = 0; n < many; n++)
    screen.dovecot.deliver('robin', 'Pile', `From: Zed <zed@example.org>\r\nSubject: Leaf ${n}\r\n\r\nHello!\r\n`)
  context = await screen.newContext()
  page = await screen.newPage(context)
})
afterAll(async () => screen?.stop())

/** Apart from the other pages: a clock is that of a whole context. */
const tabWithClock = async (): Promise<Page> => {
  const tab = await screen.newPage(await screen.newContext())
  await tab.clock.install()
  await openInbox(tab, screen.base)
  return tab
}
/** No timer of the page comes to its end from now on. */
const stopClock = (tab: Page): Promise<void> => tab.clock.pauseAt(Date.now() + 1000)
const arrive = async (subject: string, extra = '') => {
  deliver(screen.dovecot, subject, extra)
  await rowOf(page, subject).waitFor()
}
const at = (mailbox: string, subject: string, n: number) =>
  until(async () => countAt(screen.dovecot, mailbox, 'subject', subject) === n, {
    what: `${subject} in ${mailbox}: ${n}`,
  })

describe('a key', () => {
  it('acts on the conversation it was aimed at, although new mail came above it', async () => {
    await openInbox(page, screen.base)
    await arrive('Aimed at')
    await arrive('Above it')
    // Nothing is marked yet: keys that act do nothing, the first step marks the first row.
    await page.keyboard.press('#')
    await page.keyboard.press('e')
    await page.keyboard.press('j')
    await page.locator('[data-thread].at-cursor', { hasText: 'Above it' }).waitFor()
    await page.keyboard.press('j')
    await page.locator('[data-thread]:focus', { hasText: 'Aimed at' }).waitFor()
    await arrive('Just now')
    await page.keyboard.press('e')
    await at('Archive', 'Aimed at', 1)
    expect(countAt(screen.dovecot, 'INBOX', 'subject', 'Above it')).toBe(1)
  })

  it('of a quick hand that goes on to search is not followed by the row it came from', async () => {
    await page.locator('[data-thread]').first().focus()
    const draw = await holdFrames(page)
    await page.keyboard.press('j')
    expect(await page.evaluate(() => document.activeElement?.matches('[data-thread].at-cursor'))).toBe(true)
    await page.keyboard.press('/')
    await draw()
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('search')
    await page.keyboard.press('Escape')
  })

  it('pressed right after a choice in the palette is for what was chosen', async () => {
    const tab = await tabWithClock()
    await tab.keyboard.press('Control+k')
    await tab.getByRole('combobox', { name: 'Command palette' }).fill('write a message')
    await stopClock(tab)
    await tab.keyboard.press('Enter')
    await tab.keyboard.type('eve@example.org')
    const to = tab.locator('[data-composer]').getByLabel('To', { exact: true })
    await until(async () => (await to.inputValue()) === 'eve@example.org', { what: 'whom it goes to' })
    await tab.context().close()
  })

  it('that sets flags leaves the selection, one that takes mail away takes it with it', async () => {
    const two = ['Select me', 'Me too']
    for (const name of two) await arrive(name)
    for (const name of two) await rowOf(page, name).getByRole('checkbox').check()
    await page.keyboard.press('s')
    for (const name of two)
      await until(async () => countAt(screen.dovecot, 'INBOX', 'flagged', 'subject', name) === 1, {
        what: `${name} starred`,
      })
    await page.getByRole('heading', { name: '2 selected' }).waitFor()
    await page.keyboard.press('e')
    for (const name of two) await at('Archive', name, 1)
    await page.getByRole('heading', { name: /^Inbox/ }).waitFor()
  })

  it('acts on the message a search found, not on another one of its conversation', async () => {
    screen.dovecot.deliver(
      'robin',
      'Travel',
      'From: Zed <zed@example.org>\r\nSubject: Ferry\r\nMessage-ID: <ferry@example.org>\r\n\r\nWhen?\r\n',
      { receivedAt: new Date(Date.now() - 86_400_000) },
    )
    await arrive('Re: Ferry', 'In-Reply-To: <ferry@example.org>\r\nReferences: <ferry@example.org>\r\n')
    await page.getByRole('link', { name: /^Travel/ }).click()
    await rowOf(page, 'Ferry').waitFor()
    await page.goto(`${screen.base}/search?q=ferry`)
    await page.locator('.hit', { hasText: 'Inbox' }).click()
    await page.locator('.view-head').getByRole('button', { name: 'Delete' }).click()
    await at('Trash', 'Ferry', 1)
    await at('Travel', 'Ferry', 1)
    expect(countAt(screen.dovecot, 'INBOX', 'subject', 'Ferry')).toBe(0)
  })
})

describe('a search', () => {
  it('does not come between a quick hand and the mail it opens instead', async () => {
    const tab = await tabWithClock()
    await stopClock(tab)
    await tab.getByRole('searchbox').fill('garden')
    await rowOf(tab, 'Tide and Timber').click()
    await tab.getByRole('heading', { name: /^Tide and Timber/ }).waitFor()
    await tab.clock.runFor(1000)
    expect(await tab.evaluate(() => location.pathname)).toMatch(/^\/mail\//)
    await tab.context().close()
  })

  it('finds what was read after it was asked for, although no mailbox changed', async () => {
    await openInbox(page, screen.base)
    await arrive('Quartz')
    let asked = 0
    await page.route('**/v1/search*', async (route) => {
      if (asked++ > 0) return route.continue()
      const none = { hits: [], count: { messages: 0, isExact: true }, notIndexed: 1 }
      await route.fulfill({ json: none })
    })
    await page.goto(`${screen.base}/search?q=quartz`)
    await page.getByText('still being read').waitFor()
    await page.locator('.hit', { hasText: 'Quartz' }).waitFor()
    await page.unroute('**/v1/search*')
  })
})

describe('a list', () => {
  it('goes on below what was taken out of it', async () => {
    await openInbox(page, screen.base)
    await page.getByRole('link', { name: /^Pile/ }).click()
    await page.getByRole('heading', { name: `Pile ${many}` }).waitFor()
    await rowOf(page, 'Leaf').focus()
    await page.keyboard.press('*')
    await page.keyboard.press('a')
    const selected = await page.getByRole('heading', { name: /selected$/ }).textContent()
    await page.keyboard.press('e')
    await page.getByRole('heading', { name: `Pile ${many - Number.parseInt(selected ?? '', 10)}` }).waitFor()
    await until(async () => (await page.locator('.list [data-thread]').count()) > 10, { what: 'the rows below' })
    await until(async () => (await page.locator('.list .hole').count()) === 0, { what: 'no row missing' })
    // There, and back: nothing of it is under way any more when the archive is opened later on.
    await at('Pile', 'Leaf', many - Number.parseInt(selected ?? '', 10))
    await page.keyboard.press('z')
    await at('Pile', 'Leaf', many)
    await page.getByRole('heading', { name: `Pile ${many}` }).waitFor()
  })

  it('keeps its menu, and what is done with a selection, beside its name where there is little room', async () => {
    await page.setViewportSize({ width: 820, height: 1180 })
    const middle = async (locator: Locator) => {
      const box = await locator.boundingBox()
      return box ? box.y + box.height / 2 : 0
    }
    const isBeside = async (one: Locator, other: Locator) => Math.abs((await middle(one)) - (await middle(other))) < 4
    const more = page.getByRole('button', { name: 'More for this mailbox' })
    await until(() => isBeside(page.locator('.list-head h1'), more), { what: 'the menu beside the name' })
    await picture(page, 'list')
    await page.locator('.list [data-thread] input[type=checkbox]').first().check()
    const heading = page.getByRole('heading', { name: '1 selected' })
    await heading.waitFor()
    const last = page.locator('.list-head[role=toolbar] button').last()
    await until(() => isBeside(heading, last), { what: 'all of it in one row' })
    await page.keyboard.press('Escape')
    await heading.waitFor({ state: 'detached' })
    await page.setViewportSize({ width: 1440, height: 900 })
  })

  it('lets one drag mail out of the archive, and forgets it once it is dropped', async () => {
    await page.getByRole('link', { name: /^Archive/ }).click()
    await rowOf(page, 'Aimed at').dragTo(page.getByRole('link', { name: /^Travel/ }))
    await at('Travel', 'Aimed at', 1)
    expect(await page.evaluate(() => document.documentElement.dataset.dragging)).toBeUndefined()
  })

  it('shows the conversation one went on to, whatever becomes of the one before', async () => {
    let held: Route | undefined
    await page.route('**/v1/threads/*', (route) => {
      if (held) return route.continue()
      held = route
      return undefined
    })
    await page.goto(`${screen.base}/mail/1/999999`)
    await until(async () => held !== undefined)
    await page.getByRole('link', { name: /^Inbox/ }).click()
    await rowOf(page, 'Just now').click()
    await page.getByRole('heading', { name: 'Just now' }).waitFor()
    await held?.fulfill({ status: 404, json: { error: { code: 'not_found', message: 'Gone.' } } })
    await page.unroute('**/v1/threads/*')
    await arrive('One more')
    expect(await page.getByText('This conversation is not here any more.').count()).toBe(0)
    await page.locator('article.message').waitFor()
  })
})

describe('without a secure address', () => {
  it('mail is acted on, and an invitation can be copied by hand', async () => {
    const plain = await screen.newContext()
    // What browsers keep from pages that came by plain http.
    await plain.addInitScript(() => {
      Reflect.deleteProperty(Crypto.prototype, 'randomUUID')
      Reflect.deleteProperty(Navigator.prototype, 'clipboard')
    })
    const other = await screen.newPage(plain)
    await openInbox(other, screen.base)
    await rowOf(other, 'Just now').focus()
    await other.keyboard.press('s')
    await other.getByText('Starred', { exact: true }).last().waitFor()
    await until(async () => countAt(screen.dovecot, 'INBOX', 'subject', 'Just now', 'flagged') === 1)
    await other.goto(`${screen.base}/settings/people`)
    await other.getByRole('button', { name: 'Make a link' }).click()
    await other.getByRole('button', { name: 'Copy the link' }).click()
    await other.getByText(/The link is selected/).waitFor()
    const field = other.getByRole('textbox', { name: 'Invitation link' })
    expect(await field.evaluate((input: HTMLInputElement) => input.value.slice(input.selectionStart ?? 0))).toMatch(
      /\/invitation#token=/,
    )
    await expectAccessible(other)
    await picture(other, 'invitation')
    await plain.close()
  })
})

describe('a page that is not here', () => {
  it('says so instead of leaving nothing, and the mail is one step back', async () => {
    await openInbox(page, screen.base)
    await page.route('**/_next/static/**', (route) => route.abort())
    await page.getByRole('link', { name: 'Settings', exact: true }).first().click()
    await page.getByRole('heading', { name: 'This cannot be shown right now' }).waitFor()
    await expectAccessible(page)
    await picture(page, 'broken')
    await page.getByRole('button', { name: 'Back' }).click()
    await rowOf(page, 'Tide and Timber').waitFor()
    await page.unroute('**/_next/static/**')
  })

  it('is only a dialog where that was asked for, and is asked for anew the next time', async () => {
    await openInbox(page, screen.base)
    const scripts = '**/_next/static/chunks/*.js'
    await page.route(scripts, (route) => route.abort())
    const missing = page.getByRole('dialog', { name: 'This cannot be shown right now' })
    for (const key of ['?', 'Control+k']) {
      await page.keyboard.press(key)
      await missing.waitFor()
      await expectAccessible(page)
      await picture(page, 'dialog-missing')
      await page.keyboard.press('Escape')
      await missing.waitFor({ state: 'detached' })
    }
    await page.unroute(scripts)
    await page.keyboard.press('?')
    await page.getByRole('dialog', { name: 'Keyboard shortcuts' }).waitFor()
    await page.keyboard.press('Escape')
  })

  it('is only the editor of a text, which comes as soon as it can, with what was typed beside it', async () => {
    let isAway = true
    const scripts = '**/_next/static/chunks/*.js'
    await page.route(scripts, async (route) => {
      const answer = await route.fetch()
      if (isAway && (await answer.text()).includes('ProseMirror')) await route.abort()
      else await route.fulfill({ response: answer })
    })
    await page.goto(`${screen.base}/settings/templates`)
    await page.getByRole('button', { name: 'Add a template' }).click()
    const dialog = page.getByRole('dialog', { name: 'Add a template' })
    await dialog.getByLabel('Name', { exact: true }).fill('By the river')
    await dialog.getByText('A part of Postern is missing').waitFor()
    await expectAccessible(page)
    isAway = false
    await dialog.getByRole('textbox', { name: 'Text', exact: true }).click()
    await page.keyboard.type('Past the mill')
    await dialog.getByRole('button', { name: 'Save', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Edit: By the river' }).waitFor()
    await page.unroute(scripts)
  })

  it('is not stored empty when it could not be loaded', async () => {
    await page.route('**/v1/owner/policy', (route) => route.abort())
    await page.goto(`${screen.base}/settings/hosts`)
    await page.getByText(/^No connection/).waitFor()
    expect(await page.getByRole('button', { name: 'Save' }).count()).toBe(0)
    await page.unroute('**/v1/owner/policy')
    await page.getByRole('button', { name: 'Save' }).waitFor()
    await expectAccessible(page)
  })
})

describe('a session', () => {
  const password = 'four unrelated words: lantern orbit'

  it('goes on when its person changes the password', async () => {
    await page.goto(`${screen.base}/settings/security`)
    await page.getByLabel('Current password').fill(password)
    await page.getByLabel('New password').fill(`${password} again`)
    await page.getByRole('button', { name: 'Change it' }).click()
    await page.getByText('The password is changed; all other devices are signed out.').waitFor()
    await page.getByRole('link', { name: 'Back to mail' }).click()
    await arrive('After the change')
    expect(await page.getByRole('dialog').count()).toBe(0)
  })

  it('is not said to be over when Postern could not be told', async () => {
    await page.goto(`${screen.base}/settings`)
    await page.route('**/v1/session', (route) => route.abort())
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.locator('.toast.problem', { hasText: 'Postern does not answer.' }).waitFor()
    await page.getByRole('heading', { name: 'Appearance' }).waitFor()
    await page.unroute('**/v1/session')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
  })
})

it('never met an error or a breach of its own policy on the way', () => {
  expect(screen.problems).toEqual([])
})
