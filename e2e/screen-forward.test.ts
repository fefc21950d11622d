import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, draftsAt, openBy, saved, write } from './support/compose.ts'
import { type Outgoing, sentMail, startOutgoing } from './support/outgoing.ts'
import { deliver, openInbox, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** What goes on to somebody else, what goes along with a mail, and connections that break on the way. */
let screen: Screen
let smtp: Outgoing
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
  deliver(
    screen.dovecot,
    'To pass on',
    'X-Kept: yes\r\n',
    'Write to mailto:desk@example.org?subject=From%20a%20link today.',
  )
  const file = 'Content-Type: text/csv\r\nContent-Disposition: attachment; filename=beds.csv\r\n\r\na,b\r\n'
  deliver(
    screen.dovecot,
    'To send on',
    'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\nX-Kept: yes\r\n',
    `--b\r\nContent-Type: text/plain\r\n\r\nThe beds.\r\n--b\r\n${file}--b--`,
  )
  context = await screen.newContext()
  page = await screen.newPage(context)
  await openInbox(page, screen.base)
  // Until the last of them is here, the rows move.
  await rowOf(page, 'To send on').waitFor()
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const arrived = async (subject: string): Promise<string> => {
  await until(async () => sentMail(smtp, subject) !== undefined, { what: `${subject} at the server` })
  return sentMail(smtp, subject) ?? ''
}
const send = () => page.keyboard.press('Control+Enter')
const addressed = async (to: string) => {
  await composer(page).getByLabel('To', { exact: true }).fill(to)
  await page.keyboard.press('Enter')
}
const openMail = async (subject = 'To pass on') => {
  await rowOf(page, subject).click()
  await page.getByRole('heading', { name: subject, exact: true }).waitFor()
  await page.locator('article.message').first().waitFor()
}
const chooseOf = async (name: string) => {
  const open = await page.locator('[data-composer]').count()
  await page
    .getByRole('button', { name: /^More for the message from Zed/ })
    .first()
    .click()
  await page.getByRole('menuitem', { name, exact: true }).click()
  await page.locator('[data-composer]').nth(open).waitFor()
}
const isMarked = (keyword: string) =>
  until(async () => screen.dovecot.count('robin', 'INBOX', 'subject', 'To pass on', 'keyword', keyword) === 1, {
    what: `${keyword} at the mail server`,
  })

describe('a mail that is passed on', () => {
  it('goes in the text, with who wrote it to whom, and is marked as that', async () => {
    await openMail()
    await openBy(page, 'f')
    await addressed('bob@example.org')
    await bodyOf(page).click()
    await page.keyboard.press('Control+Home')
    await page.keyboard.type('For you.')
    await picture(page, 'forward')
    await send()
    const mail = await arrived('Fwd: To pass on')
    expect(mail).toMatch(/For you\.[\s\S]*Forwarded message[\s\S]*From: Zed <zed@example\.org>[\s\S]*desk@example\.org/)
    await isMarked('$Forwarded')
  })

  it('goes along whole, as it came', async () => {
    await chooseOf('Forward as attachment')
    await addressed('ann@example.org')
    await composer(page).getByLabel('Subject').fill('Whole')
    await bodyOf(page).click()
    await page.keyboard.type('See there.')
    await send()
    const mail = await arrived('Whole')
    expect(mail).toMatch(/^Content-Type: message\/rfc822/im)
    expect(mail).toMatch(/^X-Kept: yes\r$/m)
  })

  it('goes on unchanged to another, in the name of who sent it', async () => {
    await openMail('To send on')
    await chooseOf('Redirect')
    const shown = composer(page).getByRole('region', { name: 'Quoted original' })
    await shown.getByText(/beds\.csv \(\d+ B\)/).waitFor()
    const named = (await shown.locator('dt, dd').allInnerTexts()).join(' ')
    expect(named).toMatch(/^From Zed <zed@example\.org> Date .*20\d\d.* Subject To send on Files beds\.csv/)
    // Nothing is offered that would not go along.
    expect(await composer(page).locator('input[type="file"]').count()).toBe(0)
    await composer(page).getByRole('button', { name: 'More for this draft' }).click()
    expect(await page.getByRole('menuitem').allInnerTexts()).toEqual(['Ask for a report of its delivery'])
    await page.keyboard.press('Escape')
    await addressed('carol@example.org')
    await picture(page, 'redirect')
    await send()
    await until(async () => smtp.mails.some(({ to }) => to.includes('carol@example.org')), {
      what: 'the redirected mail',
    })
    const mail = sentMail(smtp, 'To send on') ?? ''
    expect(mail).toMatch(/^Resent-From: .*robin@example\.org/m)
    expect(mail).toMatch(/^From: Zed <zed@example\.org>\r$/m)
    expect(mail).toMatch(/^X-Kept: yes\r$/m)
  })

  it('begins a new one, written like it, which stays when it is closed as it is', async () => {
    await openMail()
    await chooseOf('Edit as new')
    await saved(page)
    await composer(page)
      .getByRole('button', { name: /^Save and close/ })
      .click()
    await page.locator('[data-composer]').waitFor({ state: 'detached' })
    expect(await draftsAt(screen, 'To pass on')).toHaveLength(1)
    await chooseOf('Edit as new')
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('To pass on')
    await bodyOf(page).click()
    await page.keyboard.press('Control+Home')
    await page.keyboard.type('Once more: ')
    await composer(page).getByLabel('Subject').fill('Like it')
    await send()
    const mail = await arrived('Like it')
    expect(mail).toMatch(/Once more: Write to/)
    expect(mail).not.toMatch(/^(?:In-Reply-To|References|X-Kept):/m)
  })
})

describe('an address of a mail', () => {
  it('opens a panel with what the link asks for', async () => {
    await page
      .locator('article.message')
      .getByRole('link', { name: /desk@example\.org/ })
      .first()
      .click()
    await composer(page).waitFor()
    expect(await composer(page).locator('.chip').allInnerTexts()).toEqual(['desk@example.org'])
    expect(await composer(page).getByLabel('Subject').inputValue()).toBe('From a link')
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  })
})

describe('what goes along', () => {
  it('is found among all mails, and attached whole', async () => {
    await write(page, 'bob@example.org', 'With a mail', 'See below.')
    await composer(page).getByRole('button', { name: 'Attach a message from my mailboxes' }).click()
    const dialog = page.getByRole('dialog', { name: 'Attach a message' })
    await dialog.getByRole('searchbox').fill('pass on')
    const wanted = dialog.getByRole('button', { name: /^To pass on.*Inbox/ }).first()
    await wanted.waitFor()
    // What was passed on before lies in Sent, and may come above it.
    for (let n = 0; n < 5 && !(await wanted.evaluate((one) => one === document.activeElement)); n++)
      await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await dialog.waitFor({ state: 'detached' })
    await composer(page).getByRole('link', { name: 'To pass on.eml', exact: true }).waitFor()
    await saved(page)
    await bodyOf(page).click()
    await send()
    expect(await arrived('With a mail')).toMatch(/^X-Kept: yes\r$/m)
  })

  it('is tried again where its way was cut, and is there once', async () => {
    await write(page, 'bob@example.org', 'Cut on the way', 'A file.')
    await saved(page)
    // Once before it arrives, once after: the answer is lost.
    let times = 0
    await page.route('**/attachments?**', async (route) => {
      times++
      if (times === 2) await route.fetch()
      await (times < 3 ? route.abort('connectionreset') : route.continue())
    })
    await composer(page)
      .locator('input[type="file"]')
      .setInputFiles({ name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('the plan') })
    const again = composer(page).getByRole('button', { name: 'Try plan.txt again' })
    await again.waitFor()
    await picture(page, 'attach-cut')
    // After some seconds the page tries by itself, and takes the button away: whoever comes first.
    const press = () => again.click({ timeout: 1000 }).catch(() => undefined)
    const isThird = async () => {
      if (times < 3 && (await again.isVisible())) await press()
      return times >= 3
    }
    await until(isThird, { what: 'the third attempt' })
    await composer(page).getByRole('link', { name: 'plan.txt', exact: true }).waitFor()
    await page.unroute('**/attachments?**')
    expect((await draftsAt(screen, 'Cut on the way'))[0]?.attachments).toHaveLength(1)
    await bodyOf(page).click()
    await send()
    expect((await arrived('Cut on the way')).match(/filename=/g)).toHaveLength(1)
  })

  it('is waited for when its mail is sent before it has arrived', async () => {
    await write(page, 'bob@example.org', 'Sent early', 'A file.')
    await saved(page)
    let release = () => {}
    const held = new Promise<void>((done) => {
      release = done
    })
    await page.route('**/attachments?**', async (route) => {
      await held
      await route.continue()
    })
    await composer(page)
      .locator('input[type="file"]')
      .setInputFiles({ name: 'late.txt', mimeType: 'text/plain', buffer: Buffer.from('late') })
    await composer(page).getByRole('progressbar', { name: 'Sending late.txt' }).waitFor()
    await bodyOf(page).click()
    await send()
    expect(sentMail(smtp, 'Sent early')).toBeUndefined()
    release()
    expect(await arrived('Sent early')).toContain('filename=late.txt')
    await page.unroute('**/attachments?**')
  })
})

describe('a mail whose acceptance was not heard', () => {
  it('is asked for again under its own name, and goes out once', async () => {
    await write(page, 'bob@example.org', 'Once', 'Only once.')
    await saved(page)
    let times = 0
    await page.route('**/v1/submissions', async (route) => {
      if (route.request().method() !== 'POST' || times++ > 0) return route.continue()
      await route.fetch()
      await route.abort('connectionreset')
    })
    await send()
    await page.locator('[data-composer]', { hasText: 'Once' }).waitFor({ state: 'detached' })
    await until(async () => times === 2, { what: 'the second request' })
    await page.locator('.toast', { hasText: /^Sent/ }).waitFor()
    await arrived('Once')
    expect(await draftsAt(screen, 'Once')).toEqual([])
    // Another one after it: nothing else was on its way.
    await write(page, 'bob@example.org', 'After it', 'The next.')
    await send()
    await arrived('After it')
    expect(smtp.mails.filter(({ octets }) => octets.includes('Subject: Once'))).toHaveLength(1)
    expect(screen.problems).toEqual([])
  })
})
