import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, write } from './support/compose.ts'
import { type Outgoing, sentMail, startOutgoing } from './support/outgoing.ts'
import { deliver, openInbox, rowOf, type Screen, startScreen } from './support/screen.ts'

/** Quick hands, and windows that are behind: nothing is done that nobody meant. */
let screen: Screen
let smtp: Outgoing
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
  deliver(screen.dovecot, 'Where is it', 'Content-Type: text/html\r\n', '<p>Where is the <b>key</b>?</p>')
  context = await screen.newContext()
  page = await screen.newPage(context)
  await openInbox(page, screen.base)
  await rowOf(page, 'Where is it').click()
  await page.locator('article.message').first().waitFor()
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const arrived = (subject: string) =>
  until(async () => sentMail(smtp, subject) !== undefined, { what: `${subject} at the server` })

describe('a quick hand', () => {
  it('that types before an answer is open writes into it, and does nothing to the mail behind', async () => {
    let open = (): void => undefined
    const isLetOpen = new Promise<void>((done) => {
      open = done
    })
    await page.route('**/v1/drafts', async (route) => {
      await isLetOpen
      await route.continue()
    })
    await page.getByRole('button', { name: /^Reply: / }).click()
    await page.keyboard.type('Under the mxx')
    for (const key of ['Backspace', 'Backspace', 'a', 't', 'Enter', 'e']) await page.keyboard.press(key)
    open()
    await bodyOf(page).getByText('Under the mat').waitFor()
    await page.keyboard.type('nd')
    expect(await bodyOf(page).locator('p').allInnerTexts()).toEqual(['Under the mat', 'end'])
    await page.unroute('**/v1/drafts')
    expect(await rowOf(page, 'Where is it').count()).toBe(1)
    await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  })

  it('that presses Send twice sends one mail, and not the one that comes under the pointer', async () => {
    await write(page, 'bob@example.org', 'Not yet', 'Hello?')
    await write(page, 'bob@example.org', 'This one', 'Hello!')
    const send = composer(page).getByRole('button', { name: 'Send', exact: true })
    await send.dblclick()
    await arrived('This one')
    // The other one closed as soon as it was pressed.
    expect(await page.locator('[data-composer]').count()).toBe(1)
    await composer(page).getByRole('button', { name: 'Send', exact: true }).click()
    await arrived('Not yet')
    expect(smtp.mails).toHaveLength(2)
  })
})
