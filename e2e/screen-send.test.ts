import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Locator, Page, Request } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, draftsAt, openBy, saved, write } from './support/compose.ts'
import { type Outgoing, sentMail, startOutgoing } from './support/outgoing.ts'
import {
  countAt,
  deliver,
  expectAccessible,
  openInbox,
  picture,
  rowOf,
  type Screen,
  startScreen,
} from './support/screen.ts'

/** From the button to the server: what is warned of, taken back, sent later, refused, and in doubt. */
let screen: Screen
let smtp: Outgoing
let context: BrowserContext
let page: Page
beforeAll(async () => {
  screen = await startScreen()
  smtp = await startOutgoing(screen)
  context = await screen.newContext()
  page = await screen.newPage(context)
  await openInbox(page, screen.base)
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
/** Not a year away yet. */
const nextYear = new Date(Date.now() + 200 * 86_400_000).getFullYear()
const undoSeconds = (seconds: number) => screen.api('PATCH', '/v1/settings', { undoSendSeconds: seconds })
const focusInText = () =>
  until(() => bodyOf(page).evaluate((element) => element === document.activeElement), { what: 'the focus' })
const closed = (subject: string) => page.locator('[data-composer]', { hasText: subject }).waitFor({ state: 'detached' })

const pasteDot = () =>
  bodyOf(page).evaluate(async (editor) => {
    const canvas = document.createElement('canvas')
    canvas.width = canvas.height = 24
    const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done))
    const clipboardData = new DataTransfer()
    if (blob) clipboardData.items.add(new File([blob], 'dot.png', { type: 'image/png' }))
    editor.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  })

describe('sending', () => {
  it('says what is missing, warns once of everything, and can be taken back', async () => {
    await write(page, 'wrong@', '', 'The plan is attached.')
    await send()
    await composer(page).getByText('wrong@ is not a complete address.').first().waitFor()
    await page.keyboard.press('Backspace')
    await page.keyboard.press('Backspace')
    await composer(page).getByLabel('To', { exact: true }).fill('bob@example.org')
    await send()
    const dialog = page.getByRole('dialog', { name: 'Send it like this?' })
    await dialog.getByText('The text says “attached”, but nothing is attached.').waitFor()
    await dialog.getByText('There is no subject.').waitFor()
    await expectAccessible(page)
    await picture(page, 'send-warnings')
    await page.keyboard.press('Escape')
    await composer(page).getByLabel('Subject').fill('Taken back')
    await send()
    await dialog.getByRole('button', { name: 'Send anyway' }).click()
    await closed('Taken back')
    await page.getByText('Sent', { exact: true }).last().waitFor()
    await page.getByRole('button', { name: 'Undo', exact: true }).waitFor()
    await page.keyboard.press('z')
    await bodyOf(page).getByText('The plan is attached.').waitFor()
    await focusInText()
    // Where one had written, above the signature.
    await page.keyboard.type(' Really.')
    expect(sentMail(smtp, 'Taken back')).toBeUndefined()
    await undoSeconds(0)
    await composer(page).getByLabel('Subject').fill('Sent after all')
    await saved(page)
    await send()
    await dialog.getByRole('button', { name: 'Send anyway' }).click()
    const mail = await arrived('Sent after all')
    expect(mail).toContain('The plan is attached. Really.')
    expect(await draftsAt(screen, 'Sent after all')).toEqual([])
    expect(smtp.mails).toHaveLength(1)
  })

  it('answers all with the original sealed below, or taken in to be edited', async () => {
    await rowOf(page, 'Garden plans').click()
    await page.locator('article.message').first().waitFor()
    await openBy(page, 'a')
    await focusInText()
    expect(await composer(page).locator('.chip').count()).toBeGreaterThan(0)
    await page.keyboard.type('Yes, roses.')
    await composer(page).getByRole('button', { name: 'Show the quoted original' }).click()
    await composer(page).locator('.quoted-original :is(.text-body, iframe)').first().waitFor()
    await expectAccessible(page)
    await picture(page, 'send-reply')
    await composer(page).getByRole('button', { name: 'Edit quote' }).click()
    await composer(page).locator('.quoted-original').waitFor({ state: 'detached' })
    expect(await bodyOf(page).inputValue()).toMatch(/^Yes, roses\.\n\nOn .* wrote:\n> /)
    await until(() => bodyOf(page).evaluate((element) => element === document.activeElement), { what: 'the focus' })
    await send()
    const mail = await arrived('Re: Garden plans')
    expect(mail).toContain('Yes, roses.')
    expect(mail).toMatch(/^In-Reply-To: </m)
    expect(mail).toMatch(/^> /m)
  })

  it('attaches files, shows pictures where they were pasted, and takes one out again', async () => {
    await write(page, 'bob@example.org', 'With files', 'Look: ')
    await composer(page)
      .locator('input[type="file"]')
      .setInputFiles([
        { name: 'plan.txt', mimeType: 'text/plain', buffer: Buffer.from('the plan') },
        { name: 'old.txt', mimeType: 'text/plain', buffer: Buffer.from('the old plan') },
      ])
    await composer(page).getByRole('link', { name: 'plan.txt', exact: true }).waitFor()
    await composer(page).getByRole('button', { name: 'Remove old.txt' }).click()
    await composer(page)
      .getByText(/of 683 KB that the mail server takes/)
      .waitFor()
    await pasteDot()
    await bodyOf(page).locator('img[alt="dot.png"]').waitFor()
    await until(async () => (await draftsAt(screen, 'With files'))[0]?.attachments.length === 2)
    await saved(page)
    // A film of fifty megabytes, of which not one octet is sent.
    const uploads: string[] = []
    const onRequest = (request: Request) => void (request.url().includes('/attachments') && uploads.push(request.url()))
    page.on('request', onRequest)
    const folder = mkdtempSync(join(tmpdir(), 'postern-film-'))
    const film = join(folder, 'film.bin')
    writeFileSync(film, '')
    truncateSync(film, 50_000_000)
    await composer(page).locator('input[type="file"]').setInputFiles(film)
    await composer(page).getByText('Larger than the mail server takes.').waitFor()
    await expectAccessible(page)
    await picture(page, 'send-files')
    page.off('request', onRequest)
    rmSync(folder, { recursive: true })
    expect(uploads).toEqual([])
    await page.reload()
    const image = bodyOf(page).locator('img[alt="dot.png"]')
    await until(() => image.evaluate((one: HTMLImageElement) => one.naturalWidth === 24), { what: 'the picture' })
    await bodyOf(page).click()
    await send()
    const mail = await arrived('With files')
    expect(mail).toContain('filename=plan.txt')
    expect(mail).not.toContain('old.txt')
    expect(mail).toMatch(/Content-Id: <[\w-]+@postern>/i)
  })

  it('becomes plain with its pictures as files, and what it was when that is taken back', async () => {
    await write(page, 'bob@example.org', 'Made plain', 'Look: ')
    await page.keyboard.press('Control+b')
    await page.keyboard.type('bold ')
    await pasteDot()
    const image = bodyOf(page).locator('img[alt="dot.png"]')
    const file = composer(page).getByRole('link', { name: 'dot.png', exact: true })
    await image.waitFor()
    await until(async () => (await draftsAt(screen, 'Made plain'))[0]?.attachments.length === 1)
    const makePlain = async () => {
      await composer(page).getByRole('button', { name: 'More for this draft' }).click()
      await page.getByRole('menuitem', { name: 'Write plain text' }).click()
    }
    await makePlain()
    await page.getByText('Plain text shows no pictures.').waitFor()
    await expectAccessible(page)
    await picture(page, 'send-plain')
    await page.getByRole('button', { name: 'Leave them out' }).click()
    await until(async () => (await draftsAt(screen, 'Made plain'))[0]?.attachments.length === 0)
    await page.getByRole('button', { name: 'Undo', exact: true }).click()
    await image.waitFor()
    await bodyOf(page).locator('strong', { hasText: 'bold' }).waitFor()
    await until(async () => (await draftsAt(screen, 'Made plain'))[0]?.attachments.length === 1)
    await makePlain()
    await page.getByRole('button', { name: 'Attach them' }).click()
    await file.waitFor()
    await bodyOf(page).click()
    await page.keyboard.type('and more')
    await page.getByRole('button', { name: 'Undo', exact: true }).waitFor({ state: 'detached' })
    await send()
    const mail = await arrived('Made plain')
    expect(mail).toMatch(/Content-Disposition: attachment; filename=dot\.png/)
    expect(mail).not.toContain('text/html')
    await screen.api('PATCH', '/v1/settings', { writesPlain: false })
    await page.reload()
    await openInbox(page, screen.base)
  })

  it('waits for a time that was chosen, in the outbox, and comes back to be written on', async () => {
    await write(page, 'bob@example.org', 'On Monday', 'Good morning')
    await composer(page).getByRole('button', { name: 'Send later' }).click()
    // Over its own panel, not over the mail beside it.
    const leftOf = (place: Locator) => place.evaluate((element) => element.getBoundingClientRect().left)
    expect(await leftOf(page.getByRole('menu'))).toBeGreaterThan(await leftOf(composer(page)))
    await page.getByRole('menuitem', { name: /^Tomorrow morning/ }).click()
    await page.getByText(/^Goes out on/).waitFor()
    await page.getByRole('link', { name: /^Outbox/ }).click()
    const item = page.getByRole('listitem', { name: 'On Monday' })
    await item.getByText(/^Goes out on/).waitFor()
    await item.getByRole('button', { name: 'Other time…' }).click()
    await page.getByLabel('Date', { exact: true }).fill(`${nextYear}-01-02`)
    await page.getByRole('button', { name: 'Change time' }).click()
    await item.getByText(/Jan 2/).waitFor()
    await expectAccessible(page)
    await picture(page, 'outbox')
    await item.getByRole('button', { name: /^Back to draft/ }).click()
    await bodyOf(page).getByText('Good morning').waitFor()
    await page.getByText('Nothing is waiting to be sent.').waitFor()
    await bodyOf(page).click()
    await send()
    await arrived('On Monday')
  })

  it('tells what was refused, and of a doubt what speaks for it, and lets the person decide', async () => {
    smtp.script = (step) => (step === 'rcpt' ? { reply: '550 5.1.1 nobody here' } : undefined)
    await write(page, 'bob@example.org', 'Refused', 'Hello?')
    await send()
    await page.getByText('“Refused” could not be sent.').waitFor()
    await page.getByRole('button', { name: 'Open outbox' }).click()
    const refused = page.getByRole('listitem', { name: 'Refused' })
    await refused
      .locator('.outbox-recipients')
      .getByText(/nobody here/)
      .waitFor()
    smtp.script = (step) => (step === 'end' ? 'cut' : undefined)
    await write(page, 'bob@example.org', 'Perhaps', 'Hello?')
    await send()
    const doubtful = page.getByRole('listitem', { name: 'Perhaps' })
    await doubtful.getByText('Not certain whether it was sent.').waitFor()
    await expectAccessible(page)
    await picture(page, 'outbox-doubt')
    await write(page, 'bob@example.org', 'Or not', 'Hello?')
    await send()
    const other = page.getByRole('listitem', { name: 'Or not' })
    await other.getByText('Not certain whether it was sent.').waitFor()
    smtp.script = () => undefined
    // What speaks for it is told as it comes, to whoever has the page open.
    const mail = sentMail(smtp, 'Or not') ?? ''
    deliver(screen.dovecot, 'Re: Or not', `In-Reply-To: ${/^Message-ID: (.*)\r$/im.exec(mail)?.[1]}\r\n`)
    await other.getByText(/^It was answered on .*: it arrived\.$/).waitFor()
    screen.dovecot.deliver('robin', 'Sent', mail)
    await screen.api('POST', `/v1/accounts/${smtp.accountId}/sync`)
    await page.getByText('“Or not” was sent: the mail server has put a copy into Sent.').waitFor()
    await other.waitFor({ state: 'detached' })
    expect(countAt(screen.dovecot, 'Sent', 'header', 'subject', 'Or not')).toBe(1)
    await doubtful.getByRole('button', { name: /^It arrived/ }).click()
    await doubtful.waitFor({ state: 'detached' })
    await refused.getByRole('button', { name: /^Send now/ }).click()
    await arrived('Refused')
    expect(screen.problems).toEqual([])
  })
})

describe('identities', () => {
  it('sign what is written, and exchange their signatures with the sender', async () => {
    await page.goto(`${screen.base}/accounts/${smtp.accountId}`)
    await page.getByRole('button', { name: 'Edit: robin@example.org' }).click()
    await page.getByRole('textbox', { name: 'Signature' }).click()
    await page.keyboard.type('Robin at home')
    await picture(page, 'identity')
    await expectAccessible(page)
    await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Add an identity…' }).click()
    await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('Robin')
    await page.getByRole('dialog').getByLabel('Address', { exact: true }).fill('robin@work.example')
    await page.getByRole('textbox', { name: 'Signature' }).click()
    await page.keyboard.type('Robin at work')
    await page.getByRole('dialog').getByRole('button', { name: 'Save', exact: true }).click()
    await page.getByRole('button', { name: 'Edit: robin@work.example' }).waitFor()
    await openInbox(page, screen.base)
    await write(page, 'bob@example.org', 'Signed', 'Hello')
    await bodyOf(page).getByText('Robin at home').waitFor()
    await composer(page).getByLabel('From', { exact: true }).selectOption({ label: 'Robin <robin@work.example>' })
    await bodyOf(page).getByText('Robin at work').waitFor()
    expect(await bodyOf(page).getByText('Robin at home').count()).toBe(0)
    await picture(page, 'signed')
    await bodyOf(page).getByText('Robin at work').click()
    await page.keyboard.press('End')
    await page.keyboard.type(' (today)')
    await composer(page).getByLabel('From', { exact: true }).selectOption({ index: 0 })
    await bodyOf(page).getByText('Robin at work (today)').waitFor()
    expect(screen.problems).toEqual([])
  })
})
