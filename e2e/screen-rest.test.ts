import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FaultProxy, startFaultProxy } from '../apps/api/test/support/fault-proxy.ts'
import { until } from '../apps/api/test/support/until.ts'
import { expectAccessible, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** Mails of which only the header came, and the rest of all of them later. The tests go in order. */
let screen: Screen
let proxy: FaultProxy
let page: Page
/** Other windows of the same person: one with such a mail open, one with the page of the account. */
let reading: Page
let phone: Page
let account = ''

beforeAll(async () => {
  screen = await startScreen()
  const { dovecot } = screen
  proxy = await startFaultProxy(dovecot.pop3sPort)
  dovecot.addUser('rex', 'mail password')
  for (const [subject, lines] of [
    ['The small one', 1],
    ['Heavy one', 20_000],
    ['Heavy two', 20_000],
    ['Heavier still', 40_000],
    ['Heavy three', 20_000],
  ] as const)
    deliver(subject, lines)
  page = await screen.newPage(await screen.newContext())
  reading = await screen.newPage(await screen.newContext())
  const added = await screen.api('POST', '/v1/accounts', {
    address: 'rex@mail.invalid',
    kind: 'pop3',
    password: 'mail password',
    incoming: { host: 'localhost', port: proxy.port, security: 'tls', username: 'rex' },
    retrieval: { maxBytes: 1_000_000 },
  })
  account = `${screen.base}/accounts/${((await added.json()) as { id: string }).id}`
  phone = await screen.newPage(await screen.newContext({ viewport: { width: 390, height: 844 } }))
})
afterAll(async () => {
  await screen?.stop()
  await proxy?.stop()
})

const deliver = (subject: string, lines: number) =>
  screen.dovecot.deliver(
    'rex',
    'INBOX',
    `From: Zed <zed@example.org>\r\nTo: rex@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${lines}.${subject.replaceAll(' ', '.')}@example.org>\r\n\r\n${`${'All of it. '.repeat(6)}\r\n`.repeat(lines)}`,
  )

const health = (on: Page) => on.getByRole('region', { name: 'Health' })
const counts = (on: Page, text: RegExp) => health(on).getByText(text).waitFor()

describe('mails above the limit', () => {
  it('are counted apart, and their rest comes by one click once it fits, on every window', async () => {
    await page.goto(account)
    await phone.goto(account)
    for (const on of [page, phone])
      await counts(
        on,
        /^On the server: 5 \(6\.\d MB\) · here: 5 · 4 of them only their headers \(6\.\d MB at the server\)$/,
      )
    await reading.goto(`${account.replace('/accounts/', '/?account=')}`)
    await rowOf(reading, 'Heavy two').click()
    const rest = reading.getByRole('button', { name: 'Get the rest' })
    await rest.waitFor()
    const all = (on: Page) => health(on).getByRole('button', { name: /^Get the rest/ })
    expect(await all(page).count()).toBe(0)
    await page.getByLabel('Whole mails up to').fill('2')
    await page.getByRole('button', { name: 'Save' }).first().click()
    const button = health(page).getByRole('button', { name: /^Get the rest of 3 mails \(4\.\d MB\)$/ })
    await button.waitFor()
    await expectAccessible(page)
    await picture(page, 'rest-fits')
    await all(phone).waitFor()
    proxy.throttle('toClient', 300_000)
    await button.click()
    for (const on of [page, phone]) {
      await health(on)
        .getByText(/^On its way: the rest of 3 mails \(4\.\d MB\)\.$/)
        .waitFor()
      expect(await all(on).count()).toBe(0)
    }
    await reading.getByText('The rest is on its way.').waitFor()
    expect(await rest.count()).toBe(0)
    await counts(page, /^[012] here so far, [\d.]+ M?B of 4\.\d MB\.$/)
    await picture(page, 'rest-coming')
    await picture(reading, 'rest-coming-mail')
    await expectAccessible(page)
    proxy.clear()
    for (const on of [page, phone]) {
      await health(on)
        .getByText(/^Here now: the rest of 3 mails \(4\.\d MB\)\.$/)
        .waitFor()
      await counts(on, /· here: 5 · 1 of them only its header \(2\.\d MB at the server\)$/)
      expect(await all(on).count()).toBe(0)
    }
    await reading.locator('.text-body', { hasText: 'All of it.' }).waitFor()
    expect(await reading.getByText('Only the header').count()).toBe(0)
    await picture(page, 'rest-ended')
    expect(screen.dovecot.count('rex', 'INBOX')).toBe(5)
  })

  it('lose their button on every window as soon as the rest of one of them is here', async () => {
    await rowOf(reading, 'Heavier still').click()
    await phone.goto(`${account.replace('/accounts/', '/?account=')}`)
    await rowOf(phone, 'Heavier still').click()
    for (const on of [reading, phone]) await on.getByRole('button', { name: 'Get the rest' }).waitFor()
    await picture(phone, 'rest-one')
    await phone.getByRole('button', { name: 'Get the rest' }).click()
    for (const on of [reading, phone]) {
      await on.locator('.text-body', { hasText: 'All of it.' }).waitFor()
      expect(await on.getByRole('button', { name: 'Get the rest' }).count()).toBe(0)
    }
    await until(
      async () =>
        (await health(page)
          .getByText(/(its|their) headers?/)
          .count()) === 0,
      { what: 'nothing left' },
    )
  })

  it('stay at the provider when they are deleted here alone, which the page of the account explains', async () => {
    await page.reload()
    await reading.keyboard.press('#')
    await reading.getByRole('region', { name: 'rex@mail.invalid' }).getByRole('link', { name: 'Trash' }).click()
    await rowOf(reading, 'Heavier still').click()
    await reading.keyboard.press('#')
    const question = reading.getByRole('dialog', { name: 'Delete at the provider too?' })
    await question.getByText('“Delete in both places” sets it to “Remove what I delete here”').waitFor()
    const link = question.getByRole('link', { name: 'Account settings' })
    expect(`${screen.base}${await link.getAttribute('href')}`).toBe(account)
    await question.locator('button:focus', { hasText: 'Cancel' }).waitFor()
    await link.click()
    await health(reading).waitFor()
    await reading.goBack()
    await rowOf(reading, 'Heavier still').click()
    await reading.keyboard.press('#')
    await picture(reading, 'pop3-delete-ask')
    await reading.getByRole('button', { name: 'Delete only here' }).click()
    await rowOf(reading, 'Heavier still').waitFor({ state: 'detached' })
    // Told by the first look after the deletion was carried out.
    const isTold = async () => {
      await health(page).getByRole('button', { name: 'Check now' }).click()
      return (
        (await health(page)
          .getByText(/deleted here, kept there: 1/)
          .count()) === 1
      )
    }
    await until(isTold, { what: 'what stays at the provider' })
    await counts(page, /^What was deleted here and is still there stays there/)
    await expectAccessible(page)
  })

  it('are named where all else goes from the provider, and come above the limit too by one click', async () => {
    deliver('Heaviest', 40_000)
    const stays = health(page).getByText(/^1 mail is larger than what may come whole: .+ stays at the provider until/)
    await health(page).getByRole('button', { name: 'Check now' }).click()
    await counts(page, /1 of them only its header/)
    expect(await stays.count()).toBe(0)
    const policy = { kind: 'afterDays', days: 30 }
    await screen.api('PATCH', account.replace(screen.base, '/v1'), { retrieval: { policy } })
    await stays.waitFor()
    await expectAccessible(page)
    await picture(page, 'rest-beyond')
    await health(page)
      .getByRole('button', { name: /^Get the rest of 1 mail \(2\.\d MB\)$/ })
      .click()
    await health(page)
      .getByText(/^Here now: the rest of 1 mail \(2\.\d MB\)\.$/)
      .waitFor()
    await stays.waitFor({ state: 'detached' })
    expect(screen.problems).toEqual([])
  })
})
