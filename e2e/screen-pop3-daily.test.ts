import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore, type Store } from '../apps/api/src/store/open-store.ts'
import { freshDatabase } from '../apps/api/test/support/fresh-database.ts'
import { listing, refuse, startScriptedPop3 } from '../apps/api/test/support/scripted-pop3.ts'
import { until } from '../apps/api/test/support/until.ts'
import { expectAccessible, mailPassword, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** Days with a POP3 account: an ordinary one, and the one after a backup was restored. The tests go in order. */
let screen: Screen
let database: Awaited<ReturnType<typeof freshDatabase>>
let store: Store
let page: Page
/** Another window of the same person, on the inbox all the time. */
let other: Page
let accountId: string

beforeAll(async () => {
  database = await freshDatabase()
  screen = await startScreen({ environment: { DATABASE_URL: database.databaseUrl } })
  store = await openStore({ databaseUrl: database.databaseUrl, poolSize: 2 })
  screen.dovecot.addUser('dan', mailPassword)
  for (const subject of ['The lamp', 'The ledger', 'The kettle']) deliver(subject)
  const { dovecot } = screen
  accountId = await addAccount('dan', { host: 'localhost', port: dovecot.pop3sPort, security: 'tls', username: 'dan' })
  page = await screen.newPage(await screen.newContext())
  other = await screen.newPage(await screen.newContext())
  for (const window of [page, other]) {
    await window.goto(`${screen.base}/?account=${accountId}`)
    await rows(window).nth(2).waitFor()
  }
})
afterAll(async () => {
  await store?.close()
  await screen?.stop()
  await database?.drop()
})

const deliver = (subject: string, extra = '', text = 'Hello!') =>
  screen.dovecot.deliver(
    'dan',
    'INBOX',
    `From: Zed <zed@example.org>\r\nTo: dan@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replace(/\W/g, '.')}@example.org>\r\n${extra}\r\n${text}\r\n`,
  )
const addAccount = async (user: string, incoming: object): Promise<string> => {
  const account = { address: `${user}@example.org`, kind: 'pop3', password: mailPassword, incoming }
  const { id } = (await (await screen.api('POST', '/v1/accounts', account)).json()) as { id: string }
  return id
}
const atProvider = () => screen.dovecot.count('dan', 'INBOX')
const rows = (window: Page) => window.locator('[data-thread]')
const unread = (window: Page) => window.locator('[data-thread].unread')
const countIs = (locator: () => ReturnType<typeof rows>, n: number, what: string) =>
  until(async () => (await locator().count()) === n, { what })
const open = (mailbox: string) =>
  page
    .getByRole('region', { name: 'dan@example.org' })
    .getByRole('link', { name: new RegExp(`^${mailbox}`) })
    .click()
/** Beyond what is shown: one is marked, and then the whole mailbox. */
const selectEverything = async (n: number) => {
  await rows(page).first().getByRole('checkbox').click()
  await page.getByTitle('Select everything in this mailbox').click()
  await page.getByRole('heading', { name: `All ${n} selected` }).waitFor()
}
const onSelection = (name: string) =>
  page.getByRole('toolbar', { name: 'Conversations' }).getByRole('button', { name, exact: true }).click()
const health = () => page.getByRole('region', { name: 'Health' })
const checkNow = () => health().getByRole('button', { name: 'Check now' }).click()
const enginesAtWork = async (): Promise<number> => {
  const found = await store.prisma.$queryRaw<unknown[]>`
    SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'postern-engine-%'`
  return found.length
}

describe('mail that came by POP3', () => {
  it('joins the mail it answers, and is found by the words of its text', async () => {
    deliver('Re: The lamp', 'In-Reply-To: <The.lamp@example.org>\r\n', 'Look behind the wainscot.')
    await screen.api('POST', `/v1/accounts/${accountId}/sync`)
    await rowOf(page, 'The lamp').locator('.who', { hasText: /2$/ }).waitFor()
    expect(await rows(page).count()).toBe(3)
    await page.getByRole('searchbox').fill('wainscot')
    const hit = page.locator('.hit', { hasText: 'Re: The lamp' })
    await hit.locator('.preview mark', { hasText: 'wainscot' }).waitFor()
    await hit.locator('.place', { hasText: 'Inbox · dan@example.org' }).waitFor()
    expect(await page.locator('.hit').count()).toBe(1)
  })

  it('is marked read, and put into Spam and back, all at once', async () => {
    await open('Inbox')
    await countIs(() => unread(other), 3, 'all unread')
    await selectEverything(3)
    await onSelection('Mark read')
    for (const window of [page, other]) await countIs(() => unread(window), 0, 'nothing unread')
    await page.keyboard.press('z')
    for (const window of [page, other]) await countIs(() => unread(window), 3, 'all unread again')
    await onSelection('Spam')
    for (const window of [page, other]) await countIs(() => rows(window), 0, 'an empty inbox')
    await open('Spam')
    await selectEverything(3)
    await onSelection('Not spam')
    await countIs(() => rows(other), 3, 'all in the inbox again')
    await page.getByText('Nothing here.').waitFor()
  })

  it('goes with Trash emptied, and it is asked once what becomes of it at the provider', async () => {
    const remove = async (subject: string) => {
      await open('Inbox')
      await rowOf(page, subject).hover()
      await rowOf(page, subject).locator('[title="Delete"]').click()
      await rowOf(other, subject).waitFor({ state: 'detached' })
      await open('Trash')
      await rowOf(page, subject).waitFor()
      await page.getByRole('button', { name: 'Empty Trash' }).click()
    }
    await remove('The ledger')
    const asksOnce = page.getByRole('dialog', { name: 'Delete at the provider too?' })
    await asksOnce.getByRole('button', { name: 'Delete only here' }).click()
    await page.getByText('Nothing here.').waitFor()
    await remove('The kettle')
    await page
      .getByRole('dialog', { name: 'Delete for good?' })
      .getByRole('button', { name: 'Delete for good' })
      .click()
    await page.getByText('Nothing here.').waitFor()
    await page.goto(`${screen.base}/accounts/${accountId}`)
    const counts = health().getByText(/^On the server: 4 \(.+\) · here: 2 · deleted here, kept there: 2$/)
    // Told by the first look after the deletion was carried out.
    const isTold = async () => {
      await checkNow()
      return (await counts.count()) === 1
    }
    await until(isTold, { what: 'what stays at the provider' })
    expect([await page.getByLabel('At the provider').inputValue(), atProvider()]).toEqual(['keep', 4])
  })
})

it('after a backup was restored every list of the account says what waits, until its person goes on', async () => {
  const notice = (window: Page) =>
    window.locator('.list .notice', { hasText: 'Postern seems to have been restored from a backup' })
  expect(await notice(other).count()).toBe(0)
  await screen.crash(async () => {
    // Its engine ends by itself, and leaves a last mark.
    await until(async () => (await enginesAtWork()) === 0, { what: 'the end of the engine' })
    // A dump of an earlier day has another one.
    const where = { key: { startsWith: 'mark:' } }
    await store.prisma.installationSetting.updateMany({ where, data: { value: crypto.randomUUID() } })
  })
  await notice(other).waitFor()
  await expectAccessible(other)
  await picture(other, 'hold-list')
  await page.goto(`${screen.base}/?account=${accountId}`)
  await open('Trash')
  await notice(page).getByRole('link', { name: 'Check and go on' }).click()
  await page.getByLabel('At the provider').selectOption('Remove mail once it is here')
  await page.getByRole('form', { name: 'What stays where' }).getByRole('button', { name: 'Save' }).click()
  const question = page.getByRole('dialog', { name: 'Remove mail at the provider?' })
  await question.getByText(/2 mails .+ once you say above that everything is right\./).waitFor()
  await question.getByRole('button', { name: 'Yes, do so' }).click()
  await page.getByText('Saved').waitFor()
  await checkNow()
  await health()
    .getByText(/ · waiting to be removed: 2$/)
    .waitFor()
  await expectAccessible(page)
  await picture(page, 'hold-waiting')
  expect(atProvider()).toBe(4)
  await page.getByLabel('Whole mails up to').fill('2')
  await page.getByRole('button', { name: 'Everything is right, go on' }).click()
  for (const told of [notice(other), page.getByText('Nothing is removed at the provider,')])
    await told.waitFor({ state: 'detached' })
  // What was typed and not saved yet stays.
  expect(await page.getByLabel('Whole mails up to').inputValue()).toBe('2')
  await checkNow()
  await until(async () => atProvider() === 2, { what: 'only what was deleted here alone at the provider' })
})

it('a server that gives its mails no lasting names is told as such, and gives nothing twice', async () => {
  const server = await startScriptedPop3({
    mails: ['Subject: One\r\n\r\nHello!\r\n', 'Subject: Two\r\n\r\nHello!\r\n'],
    on: { CAPA: (socket) => socket.write(listing('USER', 'TOP', 'SASL PLAIN')), UIDL: refuse('what?') },
  })
  await screen.api('PUT', '/v1/owner/policy', { plaintextHosts: [`127.0.0.1:${server.port}`], privateHosts: [] })
  const id = await addAccount('una', { host: '127.0.0.1', port: server.port, security: 'plain', username: 'una' })
  await page.goto(`${screen.base}/accounts/${id}`)
  const counts = health().getByText(/^On the server: 2 \(.+\) · here: 2$/)
  await counts.waitFor()
  await health()
    .getByText(/\(no UIDL\): each look has to read them again/)
    .waitFor()
  expect(await health().getByText('(no TOP)').count()).toBe(0)
  await checkNow()
  await health().getByRole('status').getByText('Nothing new', { exact: true }).waitFor()
  await counts.waitFor()
  await expectAccessible(page)
  await picture(page, 'no-uidl')
  await server.stop()
  expect(screen.problems).toEqual([])
})
