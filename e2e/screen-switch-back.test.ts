import { readFile } from 'node:fs/promises'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { expectAccessible, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** An IMAP account becomes a POP3 account, as a person does it. The tests go in order. */
let screen: Screen
let context: BrowserContext
let page: Page
let accountId: string

const mail = (n: number) =>
  `From: Zed <zed@example.org>\r\nTo: kim@example.org\r\nSubject: Number ${n}\r\nMessage-ID: <n${n}@example.org>\r\nDate: Mon, 23 Nov 2026 10:00:00 +0000\r\n\r\nHello!\r\n`

const withFile = (n: number) =>
  mail(n).replace(
    '\r\n\r\nHello!',
    '\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\nSee the map.\r\n--x\r\nContent-Disposition: attachment; filename="map.bin"\r\n\r\nthe way up\r\n--x--',
  )

beforeAll(async () => {
  screen = await startScreen()
  const { dovecot } = screen
  dovecot.addUser('kim', 'mail password')
  for (let n = 1; n <= 9; n++) dovecot.deliver('kim', 'INBOX', mail(n))
  dovecot.deliver('kim', 'INBOX', withFile(10))
  for (let n = 11; n <= 15; n++) dovecot.deliver('kim', 'Hiking', mail(n))
  dovecot.deliver('kim', 'Lists', mail(16))
  const answer = await screen.api('POST', '/v1/accounts', {
    address: 'kim@mail.invalid',
    password: 'mail password',
    incoming: { host: 'localhost', port: dovecot.imapsPort, security: 'tls', username: 'kim' },
  })
  accountId = ((await answer.json()) as { id: string }).id
  context = await screen.newContext()
  page = await screen.newPage(context)
})
afterAll(async () => screen?.stop())

const account = async () =>
  (await (await screen.api('GET', `/v1/accounts/${accountId}`)).json()) as { state: string; kind: string }
const dialog = () => page.getByRole('dialog')

describe('an IMAP account', () => {
  it('says what a change to POP3 means, and tries the login', async () => {
    await until(async () => (await account()).state === 'watching', { what: 'the first sync' })
    const list = (await (await screen.api('GET', `/v1/accounts/${accountId}/mailboxes`)).json()) as {
      mailboxes: { id: string; name: string }[]
    }
    const lists = list.mailboxes.find(({ name }) => name === 'Lists')?.id
    await screen.api('PATCH', `/v1/mailboxes/${lists}`, { isSynced: false })
    await page.goto(`${screen.base}/accounts/${accountId}`)
    await page.getByRole('button', { name: 'Switch to POP3…' }).click()
    await dialog().getByRole('heading', { name: 'Switch kim@mail.invalid to POP3' }).waitFor()
    await dialog().getByText('fetched whole first, as POP3 does not reach them: 5 (').waitFor()
    await dialog().getByText('If POP3 turns out to show less').waitFor()
    await dialog().getByText('Everything stays at the provider until you choose otherwise').waitFor()
    await dialog().getByText('are no longer followed').waitFor()
    await dialog().getByText('left out here: Lists').waitFor()
    await dialog().getByLabel('Server').fill('localhost')
    await dialog().getByLabel('Port').fill(String(screen.dovecot.pop3sPort))
    expect(await dialog().getByLabel('User name').inputValue()).toBe('kim')
    await dialog().getByLabel('Password').fill('wrong')
    await dialog().getByRole('button', { name: 'Switch to POP3' }).click()
    await dialog().getByText('Check the name and the password.').first().waitFor()
    expect((await account()).kind).toBe('imap')
    await expectAccessible(page)
    await picture(page, 'switch-back-dialog')
  })

  it('changes, shows everything as it was, and nothing twice', async () => {
    await dialog().getByLabel('Password').fill('mail password')
    await dialog().getByRole('button', { name: 'Switch to POP3' }).click()
    await dialog().getByText('Done. This account speaks POP3 now, with everything as it was.').waitFor()
    await dialog().getByRole('button', { name: 'Close' }).click()
    await page.getByText('On the server: 10').waitFor()
    await page.getByText('What happened').click()
    const sums = '10 mails found again at the provider, 5 mails brought here whole.'
    await page.locator('td', { hasText: sums }).waitFor()
    await page.getByLabel('Change of protocol').getByText(sums).waitFor()
    await page.getByRole('button', { name: 'Switch to IMAP…' }).click()
    await dialog().getByLabel('Server').waitFor()
    const proposed = await Promise.all(
      ['Server', 'Port', 'User name'].map((label) => dialog().getByLabel(label).inputValue()),
    )
    expect(proposed).toEqual(['localhost', String(screen.dovecot.imapsPort), 'kim'])
    await dialog().getByText('to be brought unless it is found: 5 (').waitFor()
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    await expectAccessible(page)
    await page.getByRole('button', { name: 'Remove …' }).click()
    await dialog()
      .getByText(/^5 mails \(.+\) were not at the provider .+: they are only here, and lost once erased\.$/)
      .waitFor()
    await expectAccessible(page)
    await picture(page, 'remove-pop3')
    await dialog().getByRole('button', { name: 'Cancel' }).click()
    await page.goto(`${screen.base}/?account=${accountId}`)
    await rowOf(page, 'Number').first().waitFor()
    const { mailboxes } = (await (await screen.api('GET', `/v1/accounts/${accountId}/mailboxes`)).json()) as {
      mailboxes: { path: string; messages: number }[]
    }
    const counts = Object.fromEntries(mailboxes.map(({ path, messages }) => [path, messages]))
    expect(counts).toMatchObject({ INBOX: 10, Hiking: 5, Archive: 0, Trash: 0 })
    expect(counts).not.toHaveProperty('Lists')
    await page.getByRole('link', { name: 'Hiking' }).click()
    await rowOf(page, 'Number 11').first().waitFor()
    expect(screen.problems).toEqual([])
  })

  it('says of which mail the attachments are still at the provider, and gets them', async () => {
    await page.goto(`${screen.base}/?account=${accountId}`)
    await rowOf(page, 'Number 10').click()
    await page.locator('.text-body', { hasText: 'See the map.' }).waitFor()
    await page.getByText(/^The attachments of this mail are not here; the whole is/).waitFor()
    const file = page.getByRole('link', { name: 'Download: map.bin' })
    const saved: string[] = []
    page.on('download', (download) => saved.push(download.suggestedFilename()))
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    await file.click()
    await page.getByText('Not all of this mail is here. Get the rest of it first.').waitFor()
    expect(saved).toEqual([])
    expect(asked.filter((path) => path.includes('/parts/'))).toHaveLength(1)
    await picture(page, 'switch-back-attachment')
    const text = await page.locator('.text-body').elementHandle()
    await page.getByRole('button', { name: 'Get the rest' }).click()
    await page.getByText('The attachments of this mail are not here').waitFor({ state: 'detached' })
    const [download] = await Promise.all([page.waitForEvent('download'), file.click()])
    expect(await readFile(await download.path(), 'utf8')).toBe('the way up')
    // What one reads stayed while the whole came.
    expect(await text?.evaluate((element) => element.isConnected)).toBe(true)
    // Chromium tells of every answer that is not a success.
    screen.problems.splice(0)
  })
})
