import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { write } from './support/compose.ts'
import { type Outgoing, startOutgoing } from './support/outgoing.ts'
import { expectAccessible, mailPassword, picture, type Screen, startScreen } from './support/screen.ts'

/** A mail that went out, and whose copy the server does not take. */
let screen: Screen
let smtp: Outgoing
let page: Page
let accountId: string
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  screen.dovecot.addUser('liv', mailPassword)
  screen.dovecot.doveadm('mailbox', 'create', '-u', 'liv', 'Sent')
  allow()
  accountId = await screen.addAccount('liv')
  await reconnect()
  await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
  page = await screen.newPage(await screen.newContext())
  await page.goto(`${screen.base}/?account=${accountId}`)
  await page.getByRole('heading', { name: /liv@example\.org$/ }).waitFor()
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const allow = (...rights: string[]) =>
  screen.dovecot.doveadm('acl', 'set', '-u', 'liv', 'Sent', 'owner', 'lookup', 'read', ...rights)
/** A session that is open goes by the rights it found. */
const reconnect = () => {
  const outgoing = { host: 'localhost', port: smtp.port, security: 'plain', username: 'liv' }
  return screen.api('PATCH', `/v1/accounts/${accountId}`, { outgoing, password: mailPassword })
}

it('a copy that Sent does not take is told of until it is there, or put away', async () => {
  await write(page, 'bob@example.org', 'Without a copy', 'Hello Bob')
  await page.keyboard.press('Control+Enter')
  await page.getByText('“Without a copy” was sent, but no copy could be put into the Sent mailbox.').waitFor()
  const outbox = page.getByRole('link', { name: /^Outbox/ })
  await outbox.getByRole('img', { name: 'Something there waits for you' }).waitFor()
  await outbox.click()
  const row = page.getByRole('listitem', { name: 'Without a copy' })
  await row.getByText('Sent, but no copy could be put into the Sent mailbox.').waitFor()
  await expectAccessible(page)
  await picture(page, 'outbox-no-copy')
  await write(page, 'bob@example.org', 'Never mind', 'Hello again')
  await page.keyboard.press('Control+Enter')
  const other = page.getByRole('listitem', { name: 'Never mind' })
  // It is out of sight before that is stored.
  await Promise.all([
    page.waitForResponse((answer) => answer.url().endsWith('/dismiss') && answer.ok()),
    other.getByRole('button', { name: 'Put away' }).click(),
  ])
  await other.waitFor({ state: 'detached' })
  // Both are so after the page was loaded anew.
  await page.reload()
  await row.waitFor()
  expect(await other.count()).toBe(0)
  allow('write', 'write-seen', 'insert')
  await reconnect()
  await row.getByRole('button', { name: 'Try the copy again' }).click()
  await row.waitFor({ state: 'detached' })
  await until(async () => screen.dovecot.count('liv', 'Sent', 'subject', 'Without a copy') === 1, { what: 'the copy' })
  expect([smtp.mails.length, screen.dovecot.count('liv', 'Sent')]).toEqual([2, 1])
  expect(screen.problems).toEqual([])
})
