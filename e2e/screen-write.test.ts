import { type ParsedMail, simpleParser } from 'mailparser'
import type { BrowserContext, Locator, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { deliveryReport } from '../apps/api/test/support/report-mails.ts'
import { until } from '../apps/api/test/support/until.ts'
import { bodyOf, composer, draftsAt, openBy, saved, write } from './support/compose.ts'
import { type Outgoing, sentMail, startOutgoing } from './support/outgoing.ts'
import { deliver, openInbox, rowOf, type Screen, startScreen } from './support/screen.ts'

/** What goes into a mail beside typing, and what is asked or decided about it: from the screen to the server. */
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
  await screen.api('PATCH', '/v1/settings', { undoSendSeconds: 0 })
})
afterAll(async () => {
  await screen?.stop()
  await smtp?.stop()
})

const send = () => page.keyboard.press('Control+Enter')
const arrived = async (subject: string): Promise<ParsedMail> => {
  await until(async () => sentMail(smtp, subject) !== undefined, { what: `${subject} at the server` })
  return simpleParser(Buffer.from(sentMail(smtp, subject) ?? '', 'latin1'), { keepCidLinks: true })
}
const choose = async (item: string) => {
  await composer(page).getByRole('button', { name: 'More for this draft' }).click()
  await page.getByRole('menuitem', { name: item }).click()
}

type Given = { name: string; type: string; base64: string }
const base64 = (text: string) => Buffer.from(text).toString('base64')
const notes: Given = { name: 'notes.txt', type: 'text/plain', base64: base64('the notes') }
const sheet: Given = { name: 'sheet.csv', type: 'text/csv', base64: base64('a,b') }
const dotBase64 = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const dot: Given = { name: 'dot.png', type: 'image/png', base64: dotBase64 }

/** A file that comes from outside the page, let go in the middle of a place. */
const dragOf = (place: Locator, file: Given, kind: 'dragover' | 'drop') =>
  place.evaluate(
    (element, { name, type, base64, kind }) => {
      const octets = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
      const dataTransfer = new DataTransfer()
      dataTransfer.items.add(new File([octets], name, { type }))
      const { left, top, width, height } = element.getBoundingClientRect()
      const at = { clientX: left + width / 2, clientY: top + height / 2 }
      element.dispatchEvent(new DragEvent(kind, { dataTransfer, ...at, bubbles: true, cancelable: true }))
    },
    { ...file, kind },
  )
const pasteFile = (place: Locator, file: Given) =>
  place.evaluate((element, { name, type, base64 }) => {
    const octets = Uint8Array.from(atob(base64), (one) => one.charCodeAt(0))
    const clipboardData = new DataTransfer()
    clipboardData.items.add(new File([octets], name, { type }))
    element.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }, file)
const attached = (name: string) => composer(page).getByRole('link', { name, exact: true }).waitFor()
const attachedTo = async (subject: string, count: number) => {
  await until(async () => (await draftsAt(screen, subject))[0]?.attachments.length === count, { what: 'the files' })
  await saved(page)
}
const filesOf = ({ attachments }: ParsedMail) =>
  attachments.map(({ filename, content, contentDisposition }) => [
    filename,
    content.toString('base64'),
    contentDisposition,
  ])
/** The content id of its picture, as the header of that part has it. */
const pictureIdOf = ({ attachments }: ParsedMail): string =>
  attachments.find(({ contentType }) => contentType === 'image/png')?.cid ?? 'no picture'

it('files are attached where they are dropped on the panel or pasted, pictures stand where they are dropped in the text', async () => {
  await write(page, 'bob@example.org', 'Dropped', 'Look: ')
  const subject = composer(page).getByLabel('Subject')
  await dragOf(subject, notes, 'dragover')
  await composer(page).getByText('Drop files here to attach them').waitFor()
  await dragOf(subject, notes, 'drop')
  await composer(page).getByText('Drop files here to attach them').waitFor({ state: 'detached' })
  await attached('notes.txt')
  await pasteFile(bodyOf(page), sheet)
  await attached('sheet.csv')
  await dragOf(bodyOf(page).getByText('Look:'), dot, 'drop')
  await bodyOf(page).locator('img[alt="dot.png"]').waitFor()
  await attachedTo('Dropped', 3)
  await bodyOf(page).focus()
  await send()
  const mail = await arrived('Dropped')
  expect(filesOf(mail).sort()).toEqual([
    ['dot.png', dotBase64, 'inline'],
    ['notes.txt', notes.base64, 'attachment'],
    ['sheet.csv', sheet.base64, 'attachment'],
  ])
  expect(mail.html).toMatch(/Look:.*<img[^>]* alt="dot\.png"/)
  expect(mail.html).toContain(`src="cid:${pictureIdOf(mail)}"`)
})

it('a quote with a picture goes out as it was edited, with the picture', async () => {
  const html = '<p>The <b>old</b> fence</p><p><img src="cid:fence@example.org" alt="fence"></p>'
  deliver(
    screen.dovecot,
    'Fence',
    'MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=b\r\n',
    `--b\r\nContent-Type: text/html\r\n\r\n${html}\r\n--b\r\nContent-Type: image/png\r\nContent-ID: <fence@example.org>\r\nContent-Disposition: inline; filename=fence.png\r\nContent-Transfer-Encoding: base64\r\n\r\n${dotBase64}\r\n--b--`,
  )
  await rowOf(page, 'Fence').click()
  await page.frameLocator('article.message iframe').getByText('fence').waitFor()
  await openBy(page, 'r')
  await composer(page).getByRole('button', { name: 'Edit quote' }).click()
  const image = bodyOf(page).locator('blockquote img[alt="fence"]')
  await until(() => image.evaluate((one: HTMLImageElement) => one.naturalWidth === 1), { what: 'the picture' })
  await bodyOf(page).locator('blockquote strong', { hasText: 'old' }).dblclick()
  await page.keyboard.type('new')
  await until(async () => (await draftsAt(screen, 'Re: Fence'))[0]?.content.html.includes('new'), { what: 'the text' })
  await saved(page)
  await send()
  const mail = await arrived('Re: Fence')
  const [, quote = ''] = /<blockquote>(.*)<\/blockquote>/s.exec(mail.html || '') ?? []
  expect(quote.replace(/<[^>]*>/g, '')).toBe('The new fence')
  expect(quote).toContain(`src="cid:${pictureIdOf(mail)}"`)
  expect(filesOf(mail)).toEqual([['fence.png', dotBase64, 'inline']])
})

it('an answer that also goes to a domain nobody of the conversation has is asked about, one within it is not', async () => {
  await rowOf(page, 'Garden plans').click()
  await page.locator('article.message').first().waitFor()
  await openBy(page, 'a')
  await composer(page).getByLabel('Subject').fill('Fence posts')
  const to = composer(page).getByLabel('To', { exact: true })
  for (const address of ['eve@example.org', 'mallory@elsewhere.test']) {
    await to.fill(address)
    await page.keyboard.press('Enter')
  }
  await bodyOf(page).click()
  await page.keyboard.press('Control+Home')
  await page.keyboard.type('Roses.')
  await send()
  const dialog = page.getByRole('dialog', { name: 'Send it like this?' })
  await dialog.getByText('Nobody in this conversation has an address at elsewhere.test.').waitFor()
  expect(await dialog.getByRole('listitem').count()).toBe(1)
  await dialog.getByRole('button', { name: 'Go on writing' }).click()
  await composer(page).getByRole('button', { name: 'Remove mallory@elsewhere.test' }).click()
  await bodyOf(page).click()
  await send()
  await arrived('Fence posts')
  expect(smtp.mails.at(-1)?.to).toContain('eve@example.org')
  expect(smtp.mails.at(-1)?.to).not.toContain('mallory@elsewhere.test')
})

it('a mail asks whether it was read when that was chosen', async () => {
  await write(page, 'bob@example.org', 'Not asked', 'Hello')
  await send()
  expect((await arrived('Not asked')).headers.has('disposition-notification-to')).toBe(false)
  await write(page, 'bob@example.org', 'Asked', 'Hello')
  await choose('Ask whether it was read')
  await bodyOf(page).click()
  await send()
  await arrived('Asked')
  expect(sentMail(smtp, 'Asked')).toMatch(/^Disposition-Notification-To: .*robin@example\.org/m)
})

it('a list is left by a mail that is shown first and sent once it is wanted', async () => {
  deliver(
    screen.dovecot,
    'Fortnightly list',
    'List-Id: <fortnightly.example.org>\r\nList-Unsubscribe: <mailto:off@lists.example.org?subject=Take%20me%20off>\r\n',
  )
  await rowOf(page, 'Fortnightly list').click()
  await page.getByRole('button', { name: 'Unsubscribe' }).click()
  const dialog = page.getByRole('dialog', { name: 'Leave this list?' })
  await dialog
    .getByText('A mail goes from robin@example.org to off@lists.example.org, which asks to take you off this list.')
    .waitFor()
  expect(sentMail(smtp, 'Take me off')).toBeUndefined()
  await dialog.getByRole('button', { name: 'Unsubscribe' }).click()
  await arrived('Take me off')
  expect(smtp.mails.at(-1)).toMatchObject({ from: 'robin@example.org', to: ['off@lists.example.org'] })
  await page.getByText(/^You asked to be taken off this list/).waitFor()
})

it('of a doubt a bounce is shown; it is sent again, or is a draft again, when its person says so', async () => {
  smtp.script = (step) => (step === 'end' ? 'cut' : undefined)
  const doubtful = (subject: string) => page.getByRole('listitem', { name: subject })
  for (const subject of ['Bounced', 'Taken up']) {
    await write(page, 'bob@example.org', subject, `It is ${subject}.`)
    await send()
    await arrived(subject)
  }
  await page.getByRole('link', { name: /^Outbox/ }).click()
  for (const subject of ['Bounced', 'Taken up'])
    await doubtful(subject).getByText('Not certain whether it was sent.').waitFor()
  smtp.script = () => undefined
  const about = (await arrived('Bounced')).messageId?.slice(1, -1) ?? ''
  screen.dovecot.deliver('robin', 'INBOX', deliveryReport({ about, to: 'bob@example.org' }))
  await doubtful('Bounced')
    .getByText(/^A report of .* says that it could not be delivered\.$/)
    .waitFor()
  expect(await doubtful('Bounced').getByText('It was answered on', { exact: false }).count()).toBe(0)
  await doubtful('Taken up').getByText('There is no sign yet of what became of it.', { exact: false }).waitFor()
  const before = smtp.mails.length
  await doubtful('Bounced')
    .getByRole('button', { name: /^Send again/ })
    .click()
  await doubtful('Bounced').waitFor({ state: 'detached' })
  expect(smtp.mails).toHaveLength(before + 1)
  expect((await simpleParser(smtp.mails.at(-1)?.octets ?? '')).messageId).toBe(`<${about}>`)
  await doubtful('Taken up')
    .getByRole('button', { name: /^Back to draft/ })
    .click()
  await bodyOf(page).getByText('It is Taken up.').waitFor()
  await doubtful('Taken up').waitFor({ state: 'detached' })
  expect(smtp.mails).toHaveLength(before + 1)
  expect(await draftsAt(screen, 'Taken up')).toHaveLength(1)
  await composer(page).getByRole('button', { name: 'Discard draft' }).click()
})

it('a picture pasted into a signature goes along with what is signed', async () => {
  await page.goto(`${screen.base}/accounts/${smtp.accountId}`)
  await page.getByRole('button', { name: 'Edit: robin@example.org' }).click()
  const signature = page.getByRole('textbox', { name: 'Signature' })
  await signature.click()
  await page.keyboard.type('Robin ')
  await pasteFile(signature, dot)
  await signature.locator('img[alt="dot.png"]').waitFor()
  const dialog = page.getByRole('dialog')
  await dialog.getByRole('button', { name: 'Save', exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
  await openInbox(page, screen.base)
  await write(page, 'bob@example.org', 'Signed', 'Hello')
  const image = bodyOf(page).locator('[data-signature] img[alt="dot.png"]')
  await until(() => image.evaluate((one: HTMLImageElement) => one.naturalWidth === 1), { what: 'the picture' })
  await send()
  const mail = await arrived('Signed')
  expect(mail.html).toMatch(/data-signature.*Robin.*<img/s)
  expect(mail.html).toContain(`src="cid:${pictureIdOf(mail)}"`)
  expect(mail.html).not.toContain('src="data:')
  expect(mail.attachments.map(({ content }) => content.toString('base64'))).toEqual([dotBase64])
})

it('what is written is spelled by the browser in the language of its person or of what is answered, rich or plain', async () => {
  const italian = await screen.newContext({ viewport: { width: 1440, height: 900 }, locale: 'it-IT' })
  await italian.addInitScript(() =>
    Object.defineProperty(navigator, 'languages', { get: () => ['it-IT', 'de-CH'], configurable: true }),
  )
  const usual = page
  page = await screen.newPage(italian)
  await openInbox(page, screen.base)
  const speltBy = () =>
    bodyOf(page).evaluate((element) => [
      element.localName,
      ...['lang', 'spellcheck'].map((one) => element.getAttribute(one)),
    ])
  await openBy(page, 'c')
  expect(await speltBy()).toEqual(['div', 'it-IT', 'true'])
  await choose('Write plain text')
  await until(async () => (await speltBy())[0] === 'textarea', { what: 'the plain text' })
  expect(await speltBy()).toEqual(['textarea', 'it-IT', 'true'])
  await pasteFile(bodyOf(page), notes)
  await attached('notes.txt')
  await choose('Write with formatting')
  await until(async () => (await speltBy())[0] === 'div', { what: 'the rich text' })
  await composer(page).getByRole('button', { name: 'Discard draft' }).click()
  deliver(
    screen.dovecot,
    'Zaun',
    'MIME-Version: 1.0\r\nContent-Type: text/html\r\n',
    '<html lang="de"><body><p>Der Zaun</p></body></html>',
  )
  await rowOf(page, 'Zaun').click()
  await page.frameLocator('article.message iframe').getByText('Der Zaun').waitFor()
  await openBy(page, 'r')
  expect(await speltBy()).toEqual(['div', 'de-CH', 'true'])
  page = usual
  await italian.close()
  expect(screen.problems).toEqual([])
})
