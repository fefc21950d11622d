import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { write } from './support/compose.ts'
import { type Outgoing, startOutgoing } from './support/outgoing.ts'
import { expectAccessible, openInbox, picture, type Screen, startScreen } from './support/screen.ts'

/** A mail that went out, and whose copy the server does not take. */
let screen: Screen
let smtp: Outgoing
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
  page = await screen.newPage(await screen.newContext())
  await openInbox(page, screen.base)
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const allow = (...rights: string[]) =>
  screen.dovecot.doveadm('acl', 'set', '-u', 'robin', 'Sent', 'owner', 'lookup', 'read', ...rights)

it('a copy that Sent does not take is told of until it is there, or put away', async () => {
  allow()
  await write(page, 'bob@example.org', 'Without a copy', 'Hello Bob')
  await page.keyboard.press('Control+Enter')
  await page.getByText('“Without a copy” was sent, but the mail server did not take its copy for Sent.').waitFor()
  const outbox = page.getByRole('link', { name: /^Outbox/ })
  await outbox.getByRole('img', { name: 'Something there waits for you' }).waitFor()
  await outbox.click()
  const row = page.getByRole('listitem', { name: 'Without a copy' })
  await row.getByText('Sent. The mail server did not take its copy for Sent.').waitFor()
  await expectAccessible(page)
  await picture(page, 'outbox-no-copy')
  // It is still so after the page was loaded anew.
  await page.reload()
  allow('write', 'write-seen', 'insert')
  await row.getByRole('button', { name: 'Try the copy again' }).click()
  await row.waitFor({ state: 'detached' })
  await until(async () => screen.dovecot.count('robin', 'Sent', 'subject', 'Without a copy') === 1, {
    what: 'the copy',
  })
  expect(smtp.mails).toHaveLength(1)

  allow()
  await write(page, 'bob@example.org', 'Never mind', 'Hello again')
  await page.keyboard.press('Control+Enter')
  const other = page.getByRole('listitem', { name: 'Never mind' })
  await other.getByRole('button', { name: 'Put away' }).click()
  await other.waitFor({ state: 'detached' })
  await page.reload()
  await page.getByText('Nothing is waiting to be sent.').waitFor()
  expect(screen.problems).toEqual([])
})
