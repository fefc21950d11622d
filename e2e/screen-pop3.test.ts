import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listing, startScriptedPop3 } from '../apps/api/test/support/scripted-pop3.ts'
import { until } from '../apps/api/test/support/until.ts'
import { enterServer, expectAccessible, picture, rowOf, type Screen, startScreen } from './support/screen.ts'

/** A POP3 account as a person chooses it, lives with it and changes it. The tests go in order. */
let screen: Screen
let context: BrowserContext
let page: Page
/** Another window of the same person, with the inbox of the account open. */
let other: Page
let accountId: string

beforeAll(async () => {
  screen = await startScreen()
  screen.dovecot.addUser('pat', 'mail password')
  for (const subject of ['The first', 'The second', 'The third']) arrive(subject)
  context = await screen.newContext()
  page = await screen.newPage(context)
  other = await screen.newPage(await screen.newContext())
})
afterAll(async () => screen?.stop())

const arrive = (subject: string, text = 'Hello!') =>
  screen.dovecot.deliver(
    'pat',
    'INBOX',
    `From: Zed <zed@example.org>\r\nTo: pat@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${crypto.randomUUID()}@example.org>\r\n\r\n${text}\r\n`,
  )
const atProvider = () => screen.dovecot.count('pat', 'INBOX')
const lookUp = async (address: string) => {
  await page.goto(`${screen.base}/accounts/new`)
  await page.getByLabel('Mail address').fill(address)
  await page.getByRole('button', { name: 'Continue' }).click()
  await page.getByRole('group', { name: 'How mail comes here' }).waitFor()
}
const chosen = async () => [
  (await page.getByRole('radio', { name: 'POP3' }).isChecked()) ? 'pop3' : 'imap',
  await page.getByLabel('Server').first().inputValue(),
  await page.getByLabel('Port').first().inputValue(),
]
const answer = (question: string, value: string) =>
  page.getByRole('group', { name: question }).getByRole('radio', { name: value }).check()
const policy = () => page.getByLabel('At the provider')
const toAccount = async () => {
  await page.goto(`${screen.base}/accounts/${accountId}`)
  await page.getByRole('form', { name: 'What stays where' }).waitFor()
}
const health = () => page.getByRole('region', { name: 'Health' })
const checkNow = () => health().getByRole('button', { name: 'Check now' }).click()
/** What goes at the provider goes with a look that comes after the one that found it. */
const lookUntil = (messages: number) =>
  until(
    async () => {
      await checkNow()
      return atProvider() === messages
    },
    { what: `${messages} messages at the provider` },
  )
const saveLook = () =>
  page.getByRole('form', { name: 'What stays where' }).getByRole('button', { name: 'Save' }).click()

describe('the wizard', () => {
  it('recommends what suits, says why, and leaves the choice', async () => {
    await lookUp('somebody@gmail.com')
    expect(await chosen()).toEqual(['imap', 'imap.gmail.com', '993'])
    await page.getByText('With IMAP mail stays at the provider, and all devices show the same').waitFor()
    expect(await policy().count()).toBe(0)
    await expectAccessible(page)
    // By keyboard: the questions, and an answer to the second.
    await page.getByText('Three questions to find out what suits you').focus()
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('ArrowRight')
    await page.getByText('your other devices still find the last 30 days').waitFor()
    expect([await chosen(), await policy().inputValue()]).toEqual([['pop3', 'pop.gmail.com', '995'], 'afterDays'])
    await answer('How many other devices', 'One or none')
    expect(await policy().inputValue()).toBe('afterDownload')
    await page.getByText('from then on this is the only place that has it').waitFor()
    await expectAccessible(page)
    await picture(page, 'wizard-pop3')
    await page.getByRole('radio', { name: 'IMAP' }).check()
    expect(await chosen()).toEqual(['imap', 'imap.gmail.com', '993'])
  })

  it('names what was not found for an address', async () => {
    await lookUp('somebody@126.com')
    await page.getByText('POP3 was not found for this address.').waitFor()
    expect((await chosen())[0]).toBe('imap')
    await lookUp('somebody@centurytel.net')
    await page.getByText('IMAP was not found for this address.').waitFor()
    expect((await chosen())[0]).toBe('pop3')
  })

  it('keeps what was typed by hand, apart from a port of the other kind', async () => {
    await lookUp('pat@mail.invalid')
    await page.getByText('Nothing was found for this address.').waitFor()
    await page.getByLabel('Server').first().fill('mail.home.example')
    await page.getByRole('radio', { name: 'POP3' }).check()
    expect(await chosen()).toEqual(['pop3', 'mail.home.example', '995'])
    await page.getByText('POP3 it is, then').waitFor()
    await page.getByLabel('Encryption').first().selectOption('STARTTLS')
    expect((await chosen())[2]).toBe('110')
    await page.getByLabel('Encryption').first().selectOption('TLS')
    await page.getByLabel('Port').first().fill(String(screen.dovecot.pop3sPort))
    await page.getByRole('radio', { name: 'IMAP' }).check()
    await page.getByRole('radio', { name: 'POP3' }).check()
    expect((await chosen())[2]).toBe(String(screen.dovecot.pop3sPort))
  })

  it('asks before an account is added that takes mail away at the provider, beside another one too', async () => {
    screen.dovecot.addUser('pam', 'mail password')
    const incoming = { host: 'localhost', port: screen.dovecot.imapsPort, security: 'tls', username: 'pam' }
    const pam = { address: 'pam@mail.invalid', password: 'mail password', incoming }
    expect((await screen.api('POST', '/v1/accounts', pam)).status).toBe(200)
    type Stored = { id: string; address: string }
    const accounts = async () => {
      const all = (await (await screen.api('GET', '/v1/accounts')).json()) as { accounts: Stored[] }
      return all.accounts.filter(({ address }) => address === pam.address)
    }
    const [byImap] = await accounts()
    await lookUp(pam.address)
    await page.getByRole('radio', { name: 'POP3' }).check()
    await enterServer(page, { user: 'pam', port: screen.dovecot.pop3sPort })
    await policy().selectOption('Remove what I delete here')
    const submit = () => page.getByRole('button', { name: 'Test and add' }).click()
    const question = page.getByRole('dialog', { name: 'Remove mail at the provider?' })
    await submit()
    await question.getByText('what was deleted by then is gone in both places').waitFor()
    await expectAccessible(page)
    await question.getByRole('button', { name: 'Cancel' }).click()
    expect(await page.getByLabel('Password').inputValue()).toBe(pam.password)
    expect(await policy().inputValue()).toBe('whenDeletedHere')
    await policy().selectOption('Remove mail some days later')
    await picture(page, 'wizard-policy')
    await submit()
    await question.getByText(/30 days after it came here.* \d+ messages? (is|are) there\./).waitFor()
    await question.getByRole('button', { name: 'Yes, do so' }).click()
    await page.getByRole('button', { name: 'Add it all the same' }).click()
    await question.waitFor()
    expect(await accounts()).toHaveLength(1)
    await question.getByRole('button', { name: 'Yes, do so' }).click()
    await page.waitForURL(/\?account=\d+$/)
    const [, byPop3] = await accounts()
    expect(byPop3).toMatchObject({ kind: 'pop3', retrieval: { policy: { kind: 'afterDays', days: 30 } } })
    await page.goto(`${screen.base}/settings/accounts`)
    const list = page.getByRole('region', { name: 'Accounts' })
    for (const kind of ['IMAP', 'POP3']) await list.getByText(kind, { exact: true }).first().waitFor()
    for (const account of [byImap, byPop3]) await screen.api('DELETE', `/v1/accounts/${account?.id}?mode=erase`)
  })

  it('tests the account and opens its inbox, which was fetched', async () => {
    await lookUp('pat@mail.invalid')
    await page.getByRole('radio', { name: 'POP3' }).check()
    await enterServer(page, { user: 'pat', port: screen.dovecot.pop3sPort })
    await page.getByLabel('Password').fill('wrong')
    await policy().selectOption('Keep only the newest')
    await page.getByLabel('How many', { exact: true }).fill('none')
    await page.getByText(/^The number must be from 1 to [\d,]+, without decimals$/).waitFor()
    await expectAccessible(page)
    await policy().selectOption('Keep everything')
    await page.getByRole('button', { name: 'Test and add' }).click()
    await page.getByText('does not accept this name and password').waitFor()
    await page.getByLabel('Password').fill('mail password')
    const [created] = await Promise.all([
      page.waitForResponse((response) => response.request().method() === 'POST' && /accounts$/.test(response.url())),
      page.getByRole('button', { name: 'Test and add' }).click(),
    ])
    accountId = ((await created.json()) as { id: string }).id
    for (const subject of ['The first', 'The second', 'The third']) await rowOf(page, subject).waitFor()
    await other.goto(page.url())
    await rowOf(other, 'The third').waitFor()
  })
})

describe('a POP3 account', () => {
  it('shows what is there and here, and only what it has', async () => {
    await toAccount()
    await health()
      .getByText(/^On the server: 3 \(\d+ B\) · here: 3$/)
      .waitFor()
    await health()
      .getByText(/^Last look: .+ Next look.+/)
      .waitFor()
    expect(await page.getByRole('button', { name: 'Resync from scratch' }).count()).toBe(0)
    for (const heading of ['Mailboxes', 'Colour and limits'])
      expect(await page.getByRole('heading', { name: heading }).count()).toBe(0)
    await expectAccessible(page)
    await picture(page, 'pop3-account')
  })

  it('brings new mail into an open list when it is asked to look', async () => {
    const said = (text: string) => health().getByRole('status').getByText(text, { exact: true }).waitFor()
    await checkNow()
    await said('Nothing new')
    arrive('Just now')
    await checkNow()
    await said('1 new mail')
    await rowOf(other, 'Just now').waitFor()
    await other.getByRole('button', { name: 'Sync now: pat@mail.invalid' }).click()
    await other.getByText('Nothing new', { exact: true }).waitFor()
    await health().getByText('On the server: 4 (').waitFor()
    await health()
      .getByText(/· here: 4$/)
      .waitFor()
  })

  it('has mailboxes like any other, in two windows at once', async () => {
    await rowOf(other, 'The first').click()
    await other.keyboard.press('e')
    await page.goto(`${screen.base}/?account=${accountId}`)
    await rowOf(page, 'The second').waitFor()
    await until(async () => (await rowOf(page, 'The first').count()) === 0, { what: 'the archived mail gone' })
    const mine = page.getByRole('region', { name: 'pat@mail.invalid' })
    await mine.getByRole('link', { name: 'Archive' }).click()
    await rowOf(page, 'The first').waitFor()
    // No other program marks anything in a mailbox that is kept here.
    await page.getByRole('button', { name: 'More for this mailbox' }).click()
    await page.getByRole('menuitem', { name: 'Select' }).first().waitFor()
    expect(await page.getByRole('menuitem', { name: 'Deleted by other programs' }).count()).toBe(0)
    await page.keyboard.press('Escape')
    await rowOf(page, 'The first').click()
    // Taken before the other window moves it: a star for what is no longer in the archive has nothing to act on.
    await Promise.all([
      page.waitForResponse((response) => response.request().postData()?.includes('flagged') === true),
      page.keyboard.press('s'),
    ])
    await other.keyboard.press('z')
    await rowOf(other, 'The first').locator('.meta .starred').waitFor()
    await until(async () => (await rowOf(page, 'The first').count()) === 0, { what: 'the archive empty again' })
    expect(atProvider()).toBe(4)
  })

  it('asks once whether what is deleted for good goes at the provider too', async () => {
    await page.goto(`${screen.base}/?account=${accountId}`)
    await rowOf(page, 'The second').click()
    await page.keyboard.press('#')
    await page.getByRole('region', { name: 'pat@mail.invalid' }).getByRole('link', { name: 'Trash' }).click()
    await rowOf(page, 'The second').click()
    // The line goes before the question is here, and again before its answer: that is said, and nothing is deleted.
    const scripts = '**/_next/static/chunks/*.js'
    await page.route(scripts, (route) => route.abort())
    await page.keyboard.press('#')
    const unanswered = page.getByRole('dialog', { name: 'This cannot be shown right now' })
    await unanswered.waitFor()
    await expectAccessible(page)
    await page.keyboard.press('Escape')
    await unanswered.waitFor({ state: 'detached' })
    await page.unroute(scripts)
    await page.keyboard.press('#')
    const question = page.getByRole('dialog', { name: 'Delete at the provider too?' })
    await question.waitFor()
    await page.route(scripts, (route) => route.abort())
    await question.getByRole('button', { name: 'Delete in both places' }).click()
    await page.locator('.toast', { hasText: 'Postern does not answer.' }).waitFor()
    expect(await rowOf(page, 'The second').count()).toBe(1)
    await page.unroute(scripts)
    await page.keyboard.press('#')
    await question.waitFor()
    await expectAccessible(page)
    await picture(page, 'pop3-delete')
    await question.getByRole('button', { name: 'Delete in both places' }).click()
    await page.getByText('Deleted for good here; what is still at the provider goes with the next look').waitFor()
    await rowOf(page, 'The second').waitFor({ state: 'detached' })
    await toAccount()
    await lookUntil(3)
    expect(await policy().inputValue()).toBe('whenDeletedHere')
    expect((await screen.api('GET', `/v1/accounts/${accountId}`).then((a) => a.json())) as object).toMatchObject({
      retrieval: { isDeletionDecided: true },
    })
  })

  it('removes mail at the provider once that is confirmed, and stops when it is changed back', async () => {
    await policy().selectOption('Remove mail once it is here')
    await saveLook()
    const question = page.getByRole('dialog', { name: 'Remove mail at the provider?' })
    await question.getByText('A mail is removed there as soon as it is safely stored here').waitFor()
    await question.getByText(/3 mails \(\d+ B\) are removed from the provider at the next look/).waitFor()
    await expectAccessible(page)
    const { y = 0, height = 0 } = (await question.boundingBox()) ?? {}
    expect(Math.abs(2 * y + height - (page.viewportSize()?.height ?? 0)), 'in the middle').toBeLessThan(4)
    await question.getByRole('button', { name: 'Cancel' }).click()
    expect([atProvider(), await policy().inputValue()]).toEqual([3, 'whenDeletedHere'])
    await policy().selectOption('Remove mail once it is here')
    await saveLook()
    await question.getByRole('button', { name: 'Yes, do so' }).click()
    await lookUntil(0)
    await health()
      .getByText(/^On the server: 0 \(0 B\) · here: 3$/)
      .waitFor()
    await policy().selectOption('Keep everything')
    // The word that it is saved may be that of the time before.
    await Promise.all([
      page.waitForResponse((answer) => answer.request().method() === 'PATCH' && answer.ok()),
      saveLook(),
    ])
    await page.getByText('Saved').waitFor()
    await toAccount()
    expect(await policy().inputValue()).toBe('keep')
    for (const subject of ['The first', 'The third', 'Just now']) await rowOf(other, subject).waitFor()
  })

  it('fetches only the header of what is larger than its limit, and the rest when asked', async () => {
    await page.getByLabel('Whole mails up to').fill('1')
    await page.getByLabel('Look for new mail every').selectOption('1 hour')
    await saveLook()
    await page.getByText('Saved').waitFor()
    await page.getByText('What happened').click()
    arrive('A heavy one', `${'All of it. '.repeat(6)}\r\n`.repeat(20_000))
    await checkNow()
    const mark = rowOf(other, 'A heavy one').getByRole('img', { name: 'Not all of it is here' })
    await mark.waitFor()
    await rowOf(other, 'A heavy one').click()
    await other.getByText(/^Only the header of this mail is here, .+ 1\.[34] MB\./).waitFor()
    await expectAccessible(other)
    await picture(other, 'pop3-header-only')
    await other.getByRole('button', { name: /^More for the message from/ }).click()
    await other.getByRole('menuitem', { name: 'All headers' }).waitFor()
    expect(await other.getByRole('menuitem', { name: 'Save as .eml' }).count()).toBe(0)
    await other.keyboard.press('Escape')
    await other.getByRole('button', { name: 'Get the rest' }).click()
    await other.locator('.text-body', { hasText: 'All of it.' }).waitFor()
    expect(await other.getByText('Only the header').count()).toBe(0)
    await mark.waitFor({ state: 'detached' })
    await other.locator('.addresses').last().click()
    await other.getByText(/ · 1\.[34] MB$/).waitFor()
    // What is open on the other page follows.
    await page.getByRole('cell', { name: 'The rest of 1 mail came.' }).waitFor()
  })
})

it('says what a server lacks, and removes copies only when told', async () => {
  const mails = [`Subject: Twice\r\n\r\n${'One. '.repeat(400)}\r\n`, 'Subject: Again\r\n\r\nTwo.\r\n']
  let name = 'old'
  const server = await startScriptedPop3({
    mails,
    on: {
      CAPA: (socket) => socket.write(listing('USER', 'SASL PLAIN', 'UIDL')),
      TOP: (socket) => socket.write('-ERR what?\r\n'),
      UIDL: (socket) => socket.write(listing(...mails.map((_mail, i) => `${i + 1} ${name}-${i}`), '3 vast')),
      LIST: (socket) => socket.write(listing('1 2419', '2 24', '3 300000000')),
    },
  })
  await screen.api('PUT', '/v1/owner/policy', { plaintextHosts: [`127.0.0.1:${server.port}`], privateHosts: [] })
  const answer = await screen.api('POST', '/v1/accounts', {
    address: 'old@example.org',
    kind: 'pop3',
    password: 'secret',
    incoming: { host: '127.0.0.1', port: server.port, security: 'plain', username: 'old' },
    retrieval: { maxBytes: 1024 },
  })
  accountId = ((await answer.json()) as { id: string }).id
  await toAccount()
  await health()
    .getByText(/· here: 2$/)
    .waitFor()
  await health()
    .getByText(/\(no TOP\): a size limit cannot be kept/)
    .waitFor()
  await health().getByText('One mail at the provider is not shown here (300 MB).').waitFor()
  name = 'new'
  await checkNow()
  await health().getByText('2 copies already here.').waitFor()
  await expectAccessible(page)
  await picture(page, 'pop3-copies')
  expect(server.said.filter((line) => line.startsWith('DELE'))).toEqual([])
  await health().getByRole('button', { name: 'Remove these at the provider' }).click()
  await until(async () => server.said.filter((line) => line.startsWith('DELE')).length === 2, { what: 'both removed' })
  await server.stop()
  await checkNow()
  // The first time beside the button only; what lasts the card says itself.
  await health()
    .getByRole('status')
    .getByText(/^(Nothing answers at this server and port\.|That did not work; why stands above\.)/)
    .waitFor()
  await health().getByText('Nothing answers at this server and port.').first().waitFor()
  await health().getByText('Next try').waitFor()
  await expectAccessible(page)
  await picture(page, 'pop3-check-failed')
  expect(
    await health()
      .getByText(/Next look/)
      .count(),
  ).toBe(0)
  await screen.api('DELETE', `/v1/accounts/${accountId}?mode=erase`)
})

it('never met an error or a breach of its own policy on the way', () => {
  expect(screen.problems).toEqual([])
})
